package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"ndr/feature"
)

func catalogCheckCommand(io stdio) *cobra.Command {
	var root rootFlags
	var out output
	c := &cobra.Command{
		Use:   "check FILE.md",
		Short: "Compare a written feature catalog with the code",
		Long: `Check compares a catalog that ndr catalog build has written with the features of this build and prints the
differences, one line each. The exit code is 1 if there are any. Project and version, which are part of ids and paths,
are those of the flags or the configuration.`,
		Example: `  ndr catalog check docs/catalog/feature_catalog.md
  ndr catalog check --config ndr.yaml feature_catalog.md --output json`,
		Args: wantArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			return catalogCheck(io, &root, args[0], out)
		},
	}
	root.flags(c)
	out.flag(c)
	return c
}

func catalogCheck(std stdio, root *rootFlags, name string, out output) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read catalog: %w", err)
	}
	v, err := root.view()
	if err != nil {
		return err
	}
	differences := feature.CatalogCheck(text, feature.Catalog(v.cfg.FeatureSpecVersion, v.layout))
	type line struct {
		Schema     int    `json:"schema"`
		Difference string `json:"difference"`
	}
	lines := []any{}
	for _, d := range differences {
		lines = append(lines, line{outputSchema, d})
	}
	err = out.print(std.out, report{
		document: struct {
			Schema      int      `json:"schema"`
			File        string   `json:"file"`
			Differences []string `json:"differences"`
		}{outputSchema, name, append([]string{}, differences...)},
		lines: lines, plain: true,
		table: func(w io.Writer) {
			for _, d := range differences {
				fmt.Fprintln(w, d)
			}
			if len(differences) == 0 {
				fmt.Fprintf(w, "%s: ok\n", name)
			}
		},
	})
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("check catalog %s: %s", name, plural(len(differences), "difference"))
	}
	return err
}
