package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ndr/configs"
)

func configCommand(io stdio) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the effective configuration, or the schema of the file",
		Example: `  ndr config print --config ndr.yaml
  ndr config schema > ndr.schema.json`,
	}
	makeGroup(c)
	c.AddCommand(configPrintCommand(io), configSchemaCommand(io))
	return c
}

func configPrintCommand(io stdio) *cobra.Command {
	var file string
	var out output
	c := &cobra.Command{
		Use:   "print",
		Short: "Print every value that is in force, with where it comes from",
		Long: `Print writes the configuration as ndr run would use it: the file with its variables resolved, the environment
(NDR__PATH__TO__KEY) and the defaults, each value with its origin. Secrets are redacted. As a table it is YAML that
loads again to the same configuration.`,
		Example: `  ndr config print --config ndr.yaml
  NDR__SLICES__OFFSET=8m ndr config print --config ndr.yaml | grep offset
  ndr config print --config ndr.yaml --output json | jq .origins`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := out.check(); err != nil {
				return err
			}
			return printConfig(io, file, out)
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration file (default: the environment and the defaults alone)")
	out.flag(c)
	return c
}

func printConfig(io stdio, file string, out output) error {
	cfg, origins, err := configs.Load(file, configs.Options{Environ: os.Environ()})
	if err != nil {
		return err
	}
	for _, w := range origins.Warnings {
		fmt.Fprintln(io.err, w)
	}
	if out.form == outputTable {
		_, err = fmt.Fprint(io.out, configs.Print(cfg, origins))
		return err
	}
	return out.printEncoded(io.out, configs.PrintJSON(cfg, origins))
}

func configSchemaCommand(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file, for editors",
		Example: `  ndr config schema > ndr.schema.json
  # then, at the top of ndr.yaml, for editors with yaml-language-server:
  #   # yaml-language-server: $schema=ndr.schema.json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.out.Write(configs.Schema())
			return err
		},
	}
}
