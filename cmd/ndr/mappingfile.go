package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"ndr/flow"
)

// mappingPlace is how the compiler of mappings begins what it says of a place.
var mappingPlace = regexp.MustCompile(`^line (\d+), column (\d+): `)

// compileMapping makes a decoder of the mapping and drops it.
func compileMapping(text []byte) error {
	_, err := flow.New(flow.Config{Format: flow.FormatMapping, Mapping: text})
	return err
}

// mappingFaults compiles a mapping file and returns what is wrong with it.
func mappingFaults(name string, text []byte) (faults []checkedFault) {
	for _, err := range singleErrors(compileMapping(text)) {
		f := checkedFault{Message: strings.TrimPrefix(err.Error(), "read mapping: "), File: name}
		var syntax *yaml.LoadError
		if errors.As(err, &syntax) {
			f.Message, f.Line, f.Column = "not valid YAML: "+syntax.Message, syntax.Mark.Line, syntax.Mark.Column
		}
		if m := mappingPlace.FindStringSubmatch(f.Message); m != nil {
			f.Message = f.Message[len(m[0]):]
			f.Line, _ = strconv.Atoi(m[1]) // digits
			f.Column, _ = strconv.Atoi(m[2])
		}
		f.text = name + ": " + f.Message
		if f.Line > 0 {
			f.text = fmt.Sprintf("%s:%d:%d: %s%s", name, f.Line, f.Column, f.Message, excerpt(string(text), f.Line, f.Column))
		}
		faults = append(faults, f)
	}
	slices.SortStableFunc(faults, func(a, b checkedFault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return faults
}

// singleErrors takes apart what errors.Join joined, however it is wrapped.
func singleErrors(err error) []error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if joined, ok := e.(interface{ Unwrap() []error }); ok {
			return joined.Unwrap()
		}
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// excerpt is a line of a text with a caret below the column, as the faults of configurations show it.
func excerpt(text string, line, column int) string {
	lines := strings.Split(text, "\n")
	if line > len(lines) {
		return ""
	}
	shown := strings.TrimRight(lines[line-1], " \t\r")
	pad := make([]rune, 0, column)
	for _, r := range shown {
		if len(pad) == column-1 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		pad = append(pad, r)
	}
	if !utf8.ValidString(shown) {
		shown = strings.ToValidUTF8(shown, "?")
	}
	return fmt.Sprintf("\n%5d | %s\n      | %s^", line, shown, string(pad))
}
