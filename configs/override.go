package configs

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// envPrefix begins the names of environment variables that set a value: NDR__SLICES__OFFSET sets slices.offset.
const envPrefix = "NDR__"

// List writes a list as the text of an override, whatever is in its items.
func List(items []string) string {
	b, err := json.Marshal(items)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// override puts the values of the environment and then of the command line into the tree.
func (l *loader) override(root *node, fields []field) {
	environ := slices.Clone(l.o.Environ)
	slices.Sort(environ)
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		if key, ok := strings.CutPrefix(name, envPrefix); ok {
			path := strings.ToLower(strings.ReplaceAll(key, "__", "."))
			l.set(root, fields, path, text, Origin{Kind: FromEnvironment, Name: name})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(l.o.Flags)) {
		l.set(root, fields, path, l.o.Flags[path], Origin{Kind: FromCommandLine})
	}
}

// set puts one value at a path, over what is there. Keys that do not exist are found when the tree is decoded.
func (l *loader) set(n *node, fields []field, path, text string, from Origin) {
	at, parts := place{origin: from}, strings.Split(path, ".")
	for i, key := range parts {
		if key == "" {
			l.faultAt(at, path, "a part of the path is empty")
			return
		}
		f := find(fields, key)
		fields = nil
		if f != nil {
			fields = f.fields
		}
		last := i == len(parts)-1
		if last && f != nil && f.value == nil {
			l.faultAt(at, path, "is a section; set one of its keys: %s", keys(f.fields))
			return
		}
		e := n.entry(key, at)
		if last {
			e.value = &node{kind: kindScalar, text: text, loose: true, at: at}
			return
		}
		_, isSecret := fieldValue(f).(secretValue)
		if isSecret || e.value == nil {
			e.value = &node{kind: kindMapping, at: at}
		}
		if e.value.kind != kindMapping {
			l.faultAt(at, path, "%s is no section, but a value that is set as a whole", strings.Join(parts[:i+1], "."))
			return
		}
		n = e.value
	}
}

func fieldValue(f *field) value {
	if f == nil {
		return nil
	}
	return f.value
}

// entry returns the entry of a key, a new one if there is none.
func (n *node) entry(key string, at place) *entry {
	for i := range n.entries {
		if n.entries[i].key == key {
			return &n.entries[i]
		}
	}
	n.entries = append(n.entries, entry{key: key, at: at})
	return &n.entries[len(n.entries)-1]
}

// items returns the items of a list. An override may write one as YAML in brackets, or separate its items by
// commas.
func (l *loader) items(path string, n *node) ([]*node, bool) {
	n, ok := l.opened(path, n, "[")
	switch {
	case !ok:
		return nil, false
	case n.kind == kindList:
		return n.items, true
	case n.kind == kindScalar && n.loose:
		var items []*node
		for part := range strings.SplitSeq(n.text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				items = append(items, &node{kind: kindScalar, text: part, loose: true, at: n.at})
			}
		}
		return items, true
	}
	l.fault(path, n, "want a list, got %s", n.describe())
	return nil, false
}

// opened returns what an override wrote in YAML's brackets or braces; any other node is itself. It reports false
// for a node that has no value.
func (l *loader) opened(path string, n *node, bracket string) (*node, bool) {
	if n.unknown {
		l.bad[path] = true
		return n, false
	}
	if n.kind != kindScalar || !n.loose || n.at.origin.Kind < FromEnvironment ||
		!strings.HasPrefix(strings.TrimSpace(n.text), bracket) {
		return n, true
	}
	m, err := literal(n.text, n.at)
	if err != nil {
		l.fault(path, n, "%v", err)
		return n, false
	}
	return m, true
}
