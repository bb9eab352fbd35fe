package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind tells where a value comes from, from weak to strong.
type Kind uint8

const (
	FromDefault Kind = iota
	FromFile
	FromEnvironment
	FromCommandLine
)

// Origin is where a value comes from.
type Origin struct {
	Kind Kind
	File string // FromFile
	Line int    // FromFile, from 1
	Name string // FromEnvironment: the variable
}

// String is the origin as config print shows it.
func (o Origin) String() string {
	switch o.Kind {
	case FromFile:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	case FromEnvironment:
		return o.Name
	case FromCommandLine:
		return "command line"
	}
	return "default"
}

// Origins tells where every value of a Config comes from, by its path, e.g. "slices.offset".
type Origins struct {
	Warnings []Fault // what may be meant otherwise
	of       map[string]Origin
}

// Of returns the origin of the value at a path, and false for one that is not set at all.
func (o *Origins) Of(path string) (Origin, bool) {
	at, ok := o.of[path]
	return at, ok
}

// Paths lists the paths of all values that are set, sorted.
func (o *Origins) Paths() []string { return slices.Sorted(maps.Keys(o.of)) }

// describe names the origin of a value, and those of the parts of it that overrides replaced.
func (o *Origins) describe(path string) string {
	own := o.of[path]
	parts := []string{own.String()}
	for _, p := range o.Paths() {
		if at := o.of[p]; strings.HasPrefix(p, path+".") && at != own && at.Kind >= FromEnvironment {
			parts = append(parts, p[len(path)+1:]+" from "+at.String())
		}
	}
	return strings.Join(parts, ", ")
}
