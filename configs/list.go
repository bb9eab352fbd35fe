package configs

import (
	"fmt"
	"maps"
	"slices"
)

// one is a single value.
type one[T any] struct {
	to *T
	of scalar[T]
}

func (v one[T]) decode(l *loader, path string, n *node) {
	if x, ok := read(l, path, n, v.of); ok {
		*v.to = x
	}
}

func (v one[T]) show() any      { return v.of.show(*v.to) }
func (v one[T]) word() string   { return v.of.name }
func (v one[T]) schema() schema { return v.of.schema }

// read reads a scalar, or reports why it cannot.
func read[T any](l *loader, path string, n *node, of scalar[T]) (x T, ok bool) {
	switch {
	case n.unknown:
		l.bad[path] = true
		return x, false
	case n.kind != kindScalar || !n.loose && !slices.Contains(of.tags, n.tag):
		l.fault(path, n, "want %s, got %s", of.name, n.describe())
		return x, false
	}
	x, err := of.parse(n.text)
	if err != nil {
		l.fault(path, n, "%s %v", quoted(n.text), err)
	}
	return x, err == nil
}

// many is a list. If all is set, the word "all" stands for its values.
type many[T any] struct {
	to  *[]T
	of  scalar[T]
	all []T
}

func (v many[T]) decode(l *loader, path string, n *node) {
	if v.all != nil && n.kind == kindScalar && n.text == "all" {
		*v.to = slices.Clone(v.all)
		return
	}
	items, ok := l.items(path, n)
	if !ok {
		return
	}
	list := make([]T, 0, len(items))
	for _, item := range items {
		if x, ok := read(l, path, item, v.of); ok {
			list = append(list, x)
		}
	}
	*v.to = list
}

func (v many[T]) show() any {
	list := make([]any, 0, len(*v.to))
	for _, x := range *v.to {
		list = append(list, v.of.show(x))
	}
	return list
}

func (v many[T]) word() string {
	if v.all != nil {
		return "all, or a list: " + v.of.name
	}
	return "a list: " + v.of.name
}

func (v many[T]) schema() schema {
	list := schema{"type": "array", "items": v.of.schema}
	if v.all == nil {
		return list
	}
	return schema{"anyOf": []any{list, schema{"const": "all"}}}
}

// named is a mapping of free keys to values.
type named[T any] struct {
	to  *map[string]T
	key scalar[string]
	of  scalar[T]
}

func (v named[T]) decode(l *loader, path string, n *node) {
	m := map[string]T{}
	for _, e := range l.entries(path, n, v.key) {
		if x, ok := read(l, join(path, e.key), e.value, v.of); ok {
			m[e.key] = x
		}
		l.note(join(path, e.key), e.value)
	}
	*v.to = m
}

func (v named[T]) show() any {
	list := members{}
	for _, k := range slices.Sorted(maps.Keys(*v.to)) {
		list = append(list, member{k, v.of.show((*v.to)[k])})
	}
	return list
}

func (v named[T]) word() string { return "a mapping: " + v.key.name + " to " + v.of.name }

func (v named[T]) schema() schema {
	return schema{"type": "object", "propertyNames": v.key.schema, "additionalProperties": v.of.schema}
}

// records is a list of small sections.
type records[T any] struct {
	to     *[]T
	fields func(*T) []field
}

func (v records[T]) decode(l *loader, path string, n *node) {
	items, ok := l.items(path, n)
	if !ok {
		return
	}
	list := make([]T, len(items))
	for i, item := range items {
		l.section(fmt.Sprintf("%s[%d]", path, i), item, v.fields(&list[i]))
	}
	*v.to = list
}

func (v records[T]) show() any {
	list := make([]any, 0, len(*v.to))
	for i := range *v.to {
		list = append(list, showFields(v.fields(&(*v.to)[i])))
	}
	return list
}

func (v records[T]) word() string { return "a list of {" + keys(v.fields(new(T))) + "}" }

func (v records[T]) schema() schema {
	return schema{"type": "array", "items": objectSchema(v.fields(new(T)))}
}

// namedRecords is a mapping of free keys to small sections.
type namedRecords[T any] struct {
	to     *map[string]T
	key    scalar[string]
	fields func(*T) []field
}

func (v namedRecords[T]) decode(l *loader, path string, n *node) {
	m := map[string]T{}
	for _, e := range l.entries(path, n, v.key) {
		var x T
		l.section(join(path, e.key), e.value, v.fields(&x))
		m[e.key] = x
	}
	*v.to = m
}

func (v namedRecords[T]) show() any {
	list := members{}
	for _, k := range slices.Sorted(maps.Keys(*v.to)) {
		x := (*v.to)[k]
		list = append(list, member{k, showFields(v.fields(&x))})
	}
	return list
}

func (v namedRecords[T]) word() string {
	return "a mapping: " + v.key.name + " to {" + keys(v.fields(new(T))) + "}"
}

func (v namedRecords[T]) schema() schema {
	return schema{"type": "object", "propertyNames": v.key.schema, "additionalProperties": objectSchema(v.fields(new(T)))}
}

func showFields(fields []field) members {
	list := members{}
	for _, f := range fields {
		list = append(list, member{f.key, f.value.show()})
	}
	return list
}

func keys(fields []field) (s string) {
	for i, f := range fields {
		if i > 0 {
			s += ", "
		}
		s += f.key
	}
	return s
}
