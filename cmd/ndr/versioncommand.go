package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"ndr/feature"
	"ndr/sinks"
	"ndr/state"
	"ndr/stream"
)

// versionDocument is what version prints.
type versionDocument struct {
	Schema       int            `json:"schema"`
	Version      string         `json:"version"`
	Revision     string         `json:"revision,omitempty"` // commit of the build
	LogicVersion string         `json:"logic_version"`      // two builds that agree on it publish the same rows
	Go           string         `json:"go"`
	Platform     string         `json:"platform"`
	Formats      map[string]int `json:"formats"` // newest that this build writes, by stored thing
}

func versionCommand(io stdio) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the logic version and the formats that this build writes",
		Long: `Version tells what this build is. Two builds with the same logic version publish the same rows for the same input.
The formats are those of the stored things: a build reads what it writes and everything older.`,
		Example: `  ndr version
  ndr version --output json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := out.check(); err != nil {
				return err
			}
			d := newVersionDocument()
			return out.print(io.out, report{document: d, table: d.table})
		},
	}
	out.flag(c)
	return c
}

func newVersionDocument() *versionDocument {
	return &versionDocument{
		Schema: outputSchema, Version: version, Revision: revision(), LogicVersion: feature.LogicVersion,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Formats: map[string]int{"configuration": 1, "cut": stream.CutFormat, "checkpoint": state.CheckpointFormat,
			"state": state.FormatVersion, "manifest": sinks.ManifestVersion, "tables": feature.TablesVersion},
	}
}

func (d *versionDocument) table(w io.Writer) {
	fmt.Fprintf(w, "ndr\t%s\n", d.Version)
	if d.Revision != "" {
		fmt.Fprintf(w, "revision\t%s\n", d.Revision)
	}
	fmt.Fprintf(w, "logic version\t%s\ngo\t%s\nplatform\t%s\n", d.LogicVersion, d.Go, d.Platform)
	for _, name := range []string{"configuration", "cut", "checkpoint", "state", "manifest", "tables"} {
		fmt.Fprintf(w, "format of %s\t%d\n", name, d.Formats[name])
	}
}
