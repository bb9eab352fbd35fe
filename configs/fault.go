package configs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Fault is one thing that is wrong with a configuration, and where.
type Fault struct {
	Path    string // of the value, e.g. "slices.offset"; empty for the whole file
	Message string
	File    string // empty for what no file says
	Line    int    // from 1; 0 is the whole file
	Column  int
	Warning bool // the configuration may be used all the same
	place   place
}

// String is the fault with its place and the excerpt of the file, without a line feed at the end.
func (f Fault) String() string {
	var where string
	switch {
	case f.Line > 0:
		where = fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Column)
	case f.place.origin.Kind == FromEnvironment:
		where = "environment " + f.place.origin.Name + ": "
	case f.place.origin.Kind == FromCommandLine:
		where = "command line: "
	case f.File != "":
		where = f.File + ": "
	}
	if f.Warning {
		where += "warning: "
	}
	if f.Path != "" {
		where += f.Path + ": "
	}
	return strings.TrimRight(where+f.Message+"\n"+f.place.src.excerpt(f.Line, f.Column), "\n")
}

// Faults are all that is wrong with a configuration: an error of what the user wrote.
type Faults []Fault

// Error lists the faults, each with its excerpt.
func (f Faults) Error() string {
	var lines []string
	for _, one := range f {
		lines = append(lines, one.String())
	}
	return strings.Join(lines, "\n")
}

func (f Faults) sort() {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// fault reports what is wrong with the value at a path.
func (l *loader) fault(path string, n *node, format string, args ...any) {
	l.faultAt(n.at, path, format, args...)
}

func (l *loader) faultAt(at place, path, format string, args ...any) {
	if l.bad != nil {
		l.bad[path] = true
	}
	l.faults = append(l.faults, l.newFault(at, path, fmt.Sprintf(format, args...)))
}

func (l *loader) warn(path string, n *node, format string, args ...any) {
	f := l.newFault(n.at, path, fmt.Sprintf(format, args...))
	f.Warning = true
	l.warnings = append(l.warnings, f)
}

// newFault makes a fault; one without a place belongs to the whole configuration file.
func (l *loader) newFault(at place, path, message string) Fault {
	f := Fault{Path: path, Message: message, place: at, File: at.origin.File, Line: at.origin.Line, Column: at.column}
	if at.origin.Kind == FromDefault {
		f.File = l.file
	}
	return f
}

// syntax reports a file that is no YAML. The words of the parser may quote the file, so that they are left out
// after something that looks like a secret.
func (l *loader) syntax(src *sourceText, err error) {
	at := place{origin: Origin{Kind: FromFile, File: src.name}, src: src}
	message := err.Error()
	if one := (*yaml.LoadError)(nil); errors.As(err, &one) {
		message = strings.TrimPrefix(one.Message, "yaml: ")
		at.origin.Line, at.column = one.Mark.Line, one.Mark.Column
		if one.ContextMsg != "" {
			message += " (" + one.ContextMsg + ")"
		}
	}
	if src.hideAll() && src.isHidden(position{at.origin.Line, at.column}) {
		message = "the text cannot be read from here on; it is not shown since it may hold a secret"
	}
	l.faultAt(at, "", "not valid YAML: %s", message)
}
