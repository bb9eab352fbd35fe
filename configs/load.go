package configs

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Options is what a configuration is loaded with, besides its file.
type Options struct {
	// Env looks up a variable of the environment, for ${NAME} and for secrets. Default: from Environ.
	Env func(name string) (string, bool)
	// Environ holds NAME=value; the names that begin with NDR__ set values.
	Environ []string
	// Flags are the values of the command line by path, e.g. "source.type". Lists are written a,b or as List
	// writes them.
	Flags map[string]string
	// ReadFile reads a local file. Default: os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// ReadObject reads an object by its s3:// URL. Default: none, and such a location is an error.
	ReadObject func(url string) ([]byte, error)
	// SecretFromAWS returns a secret of AWS Secrets Manager. Default: none, and such a secret is an error.
	SecretFromAWS func(name string) (string, error)
	// CheckMapping looks at the file that source.mapping names; its error becomes a fault. Default: none.
	CheckMapping func(path string) error
}

func (o Options) withDefaults() Options {
	if o.Env == nil {
		o.Env = func(name string) (string, bool) {
			for _, pair := range o.Environ {
				if key, value, ok := strings.Cut(pair, "="); ok && key == name {
					return value, true
				}
			}
			return "", false
		}
	}
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	return o
}

// Load reads the configuration: the command line wins over the environment, that over the file, that over the
// defaults. Path "" is no file. What is wrong with the configuration comes back all at once as Faults; any other
// error is a file that could not be read.
func Load(path string, o Options) (*Config, *Origins, error) {
	l := newLoader(path, o)
	c, err := l.load()
	if err != nil {
		return nil, nil, err
	}
	if len(l.faults) > 0 {
		l.faults.sort()
		return nil, nil, l.faults
	}
	return c, &Origins{Warnings: l.warnings, of: l.origins}, nil
}

// Check looks at configuration files without running anything: neither secrets nor s3:// objects are read, and
// variables that are not set give a warning. The error is Faults, or a file that could not be read.
func Check(o Options, paths ...string) (warnings []Fault, err error) {
	var faults Faults
	o = o.withDefaults()          // variables come from the environment here too,
	o.Environ, o.Flags = nil, nil // overrides do not
	for _, path := range paths {
		l := newLoader(path, o)
		l.check = true
		if _, err := l.load(); err != nil {
			return warnings, err
		}
		l.faults.sort()
		faults, warnings = append(faults, l.faults...), append(warnings, l.warnings...)
	}
	if len(faults) > 0 {
		return warnings, faults
	}
	return warnings, nil
}

// loader is the work on one configuration.
type loader struct {
	o        Options
	file     string
	check    bool // look only, run nothing
	all      []field
	faults   Faults
	warnings Faults
	bad      map[string]bool // paths whose value is not known, so that nothing is concluded from it
	origins  map[string]Origin
	places   map[string]place
}

func newLoader(path string, o Options) *loader {
	return &loader{o: o.withDefaults(), file: path, bad: map[string]bool{}, origins: map[string]Origin{},
		places: map[string]place{}}
}

func (l *loader) load() (*Config, error) {
	c := new(Config)
	l.all = c.fields()
	var root *node
	if l.file != "" {
		data, err := l.o.ReadFile(l.file)
		if err != nil {
			return nil, fmt.Errorf("read configuration %s: %w", l.file, err)
		}
		root = l.parse(newSourceText(l.file, data), data, true)
		if root == nil && len(l.faults) > 0 {
			return c, nil
		}
	}
	if root == nil {
		root = &node{kind: kindMapping}
	}
	if root.kind != kindMapping {
		l.fault("", root, "want the sections of a configuration, got %s", root.describe())
		return c, nil
	}
	if l.file == "" {
		root.entry("version", place{}).value = &node{kind: kindScalar, text: "1", loose: true}
	}
	l.defaults(root, l.all)
	l.override(root, l.all)
	l.section("", root, l.all)
	l.readPortSets(c)
	l.complete(c)
	l.validate(c)
	return c, nil
}

// defaults puts the defaults into the tree, where the file says nothing.
func (l *loader) defaults(n *node, fields []field) {
	for i := range fields {
		f := &fields[i]
		below := n.get(f.key)
		switch {
		case f.value == nil && below == nil:
			below = &node{kind: kindMapping}
			n.entry(f.key, place{}).value = below
			l.defaults(below, f.fields)
		case f.value == nil && below.kind == kindMapping:
			l.defaults(below, f.fields)
		case f.value != nil && below == nil && f.def != "":
			d, err := literal(f.def, place{})
			if err != nil {
				panic(fmt.Sprintf("default of %s: %v", f.key, err)) // a mistake in this package, found by its tests
			}
			n.entry(f.key, place{}).value = d
		}
	}
}

// section decodes a mapping whose keys are the fields.
func (l *loader) section(path string, n *node, fields []field) {
	n, ok := l.opened(path, n, "{")
	if !ok {
		return
	}
	if n.kind != kindMapping {
		l.fault(path, n, "want a section with %s; got %s", keys(fields), n.describe())
		return
	}
	for _, f := range fields {
		if f.required && n.get(f.key) == nil {
			at := n.at
			if path == "" {
				at = place{}
			}
			l.faultAt(at, join(path, f.key), "missing. %s Want %s.", f.doc, f.value.word())
		}
	}
	for _, e := range n.entries {
		at := join(path, e.key)
		f := find(fields, e.key)
		switch {
		case f == nil:
			l.unknownKey(path, e, fields)
		case e.value.kind == kindScalar && e.value.tag == "!!null" && !e.value.loose && !e.value.unknown:
			l.faultAt(e.at, at, "has no value; give it one, or remove the key")
		case f.value == nil:
			l.section(at, e.value, f.fields)
		default:
			l.note(at, e.value)
			f.value.decode(l, at, e.value)
		}
	}
}

// unknownKey reports a key that does not exist, with what was probably meant.
func (l *loader) unknownKey(path string, e entry, fields []field) {
	var names, elsewhere []string
	for _, f := range fields {
		names = append(names, f.key)
	}
	secrets := slices.ContainsFunc(fields, func(f field) bool { _, ok := f.value.(secretValue); return ok })
	if secrets && e.value.yaml != nil {
		e.at.src.hide(e.value.yaml) // it may be a secret under a misspelt key
	}
	walk(l.all, "", func(p string, f *field) {
		if f.key == e.key {
			elsewhere = append(elsewhere, p)
		}
	})
	hint := ""
	if near := nearest(e.key, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	} else if len(elsewhere) == 1 {
		hint = fmt.Sprintf("; did you mean %s?", elsewhere[0])
	}
	l.faultAt(e.at, join(path, e.key), "unknown key%s", hint)
}

// entries returns the entries of a mapping with free keys.
func (l *loader) entries(path string, n *node, key scalar[string]) (list []entry) {
	n, ok := l.opened(path, n, "{")
	if !ok {
		return nil
	}
	if n.kind != kindMapping {
		l.fault(path, n, "want a mapping, got %s", n.describe())
		return nil
	}
	for _, e := range n.entries {
		if _, err := key.parse(e.key); err != nil {
			l.faultAt(e.at, path, "%s %v", quoted(e.key), err)
			continue
		}
		list = append(list, e)
	}
	return list
}

// note records where a value comes from.
func (l *loader) note(path string, n *node) {
	l.origins[path], l.places[path] = n.at.origin, n.at
}
