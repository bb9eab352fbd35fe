package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"ndr/configs"
)

// validateDocument is what validate found out.
type validateDocument struct {
	Schema int            `json:"schema"`
	Files  []checkedFile  `json:"files"`
	faults configs.Faults // of all files
}

// checkedFile is the result of one file.
type checkedFile struct {
	Schema   int            `json:"schema,omitempty"` // in JSONL
	File     string         `json:"file"`
	Kind     string         `json:"kind"` // configuration or mapping
	OK       bool           `json:"ok"`
	Faults   []checkedFault `json:"faults"`
	Warnings []checkedFault `json:"warnings"`
}

type checkedFault struct {
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	text    string // with the excerpt
}

// invalidError is the error of files with faults, which are printed already.
type invalidError struct {
	text   string
	faults configs.Faults
}

func (e invalidError) Error() string { return e.text }
func (e invalidError) Unwrap() error { return e.faults }

func validateCommand(io stdio) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check configuration and mapping files offline",
		Long: `Validate reads configuration files, and the mapping file that source.mapping names, and reports everything that is
wrong with them at once, with line, column and excerpt. It needs neither network nor secrets; variables that are not
set give a warning. Mapping files can be given themselves. The exit code is 78 if a file has a fault.`,
		Example: `  ndr validate ndr.yaml
  ndr validate configs/examples/*.yaml mappings/*.yaml
  ndr validate ndr.yaml --output json | jq '.files[].faults'`,
		Args: wantArgs(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			return validate(io, args, out)
		},
	}
	out.flag(c)
	return c
}

// validate checks the files and prints the results. The error has the faults of all.
func validate(io stdio, names []string, out output) error {
	d := &validateDocument{Schema: outputSchema}
	for _, name := range names {
		if d.has(name) {
			continue
		}
		if err := d.check(name, false); err != nil {
			return err
		}
	}
	var lines []any
	for _, f := range d.Files {
		f.Schema = outputSchema
		lines = append(lines, f)
	}
	if err := out.print(io.out, report{document: d, lines: lines, table: d.table, plain: true}); err != nil {
		return err
	}
	if len(d.faults) > 0 {
		return invalidError{fmt.Sprintf("%s in %s", plural(len(d.faults), "fault"), plural(len(d.Files), "file")), d.faults}
	}
	return nil
}

// check checks one file, and the mapping that it names. The error is a file that cannot be read.
func (d *validateDocument) check(name string, mapping bool) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	f := checkedFile{File: name, Kind: "configuration", Faults: []checkedFault{}, Warnings: []checkedFault{}}
	var named string // the mapping of a configuration
	if mapping || looksLikeMapping(text) {
		f.Kind = "mapping"
		f.Faults = append(f.Faults, mappingFaults(name, text)...)
		for _, one := range f.Faults {
			d.faults = append(d.faults, configs.Fault{Message: one.Message, File: name, Line: one.Line, Column: one.Column})
		}
	} else {
		var faults configs.Faults
		found := func(path string) error {
			named = path
			_, err := os.Stat(path)
			return err
		}
		warnings, err := configs.Check(configs.Options{Environ: os.Environ(), CheckMapping: found}, name)
		if err != nil && !errors.As(err, &faults) {
			return err
		}
		f.Faults, f.Warnings = append(f.Faults, checked(faults)...), append(f.Warnings, checked(warnings)...)
		d.faults = append(d.faults, faults...)
	}
	f.OK = len(f.Faults) == 0
	d.Files = append(d.Files, f)
	if named == "" || !fileExists(named) || d.has(named) {
		return nil
	}
	return d.check(named, true)
}

// has reports whether a file is checked already.
func (d *validateDocument) has(name string) bool {
	return slices.ContainsFunc(d.Files, func(f checkedFile) bool { return f.File == name })
}

func checked(faults []configs.Fault) (list []checkedFault) {
	for _, f := range faults {
		list = append(list, checkedFault{f.Path, f.Message, f.File, f.Line, f.Column, f.String()})
	}
	return list
}

// table prints the faults where compilers print theirs, and a line for each file without any.
func (d *validateDocument) table(w io.Writer) {
	for _, f := range d.Files {
		for _, one := range slices.Concat(f.Warnings, f.Faults) {
			fmt.Fprintln(w, one.text)
		}
		if f.OK {
			fmt.Fprintf(w, "%s: ok\n", f.File)
		}
	}
}

// looksLikeMapping tells mapping files from configurations: their top level has fields, or builds on a format.
func looksLikeMapping(text []byte) bool {
	var doc yaml.Node
	if err := yaml.Load(text, &doc); err != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return false
	}
	has := make(map[string]bool)
	for i := 0; i < len(doc.Content[0].Content); i += 2 {
		has[doc.Content[0].Content[i].Value] = true
	}
	return (has["fields"] || has["format"]) && !has["source"] && !has["root"] && !has["version"]
}
