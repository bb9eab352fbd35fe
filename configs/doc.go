// Package configs reads the configuration of ndr: one strict YAML file, variables in its values, overrides by
// environment and command line, secrets by reference. It states every setting once, with its default and its
// meaning, and derives the loader, the printed configuration, the JSON Schema and docs/configuration.md from that.
//
// It knows neither the environment nor the network: cmd passes in what may be looked at, and maps the Config onto
// the Config structs of the other packages. Nothing here keeps state; a loaded Config is read-only and may be used
// from any goroutine.
package configs
