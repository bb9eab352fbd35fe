package flow

import (
	"fmt"
	"strconv"
	"strings"
)

// pathRef is a compiled path of a mapping: $.a.b, a.b or a[0] in the record; ^a.b in the objects around an
// exploded element, the nearest first; tuple[3] in an element that is a list.
type pathRef struct {
	from  pathOrigin
	slot  int    // of the record, or the number in the tuple
	path  string // below a parent
	index int    // element of the array that was found; -1 for the array itself
}

type pathOrigin uint8

const (
	fromRecord pathOrigin = iota
	fromParent
	fromTuple
	fromField // a field of the record being made, in the conditions of swap
)

// parsePath reads a path. slot gives the slot of a path of the record. A trailing ? is allowed and means
// nothing: every path may be missing.
func parsePath(text string, slot func(string) int) (pathRef, error) {
	p := strings.TrimSuffix(text, "?")
	ref := pathRef{index: -1}
	if open := strings.IndexByte(p, '['); open >= 0 {
		n, err := strconv.ParseUint(strings.TrimSuffix(p[open+1:], "]"), 10, 16)
		if err != nil || !strings.HasSuffix(p, "]") {
			return ref, fmt.Errorf("path %q: only one index, at its end, is known here", text)
		}
		if p[:open] == "tuple" {
			return pathRef{from: fromTuple, slot: int(n), index: -1}, nil
		}
		p, ref.index = p[:open], int(n)
	}
	switch {
	case strings.HasPrefix(p, "$."):
		p = p[2:]
	case strings.HasPrefix(p, "^"):
		ref.from, p = fromParent, p[1:]
	}
	for key := range strings.SplitSeq(p, ".") {
		if key == "" || strings.ContainsAny(key, " \t$^*[]{}()'\"=!") {
			return ref, fmt.Errorf("path %q: %q is no key", text, key)
		}
	}
	if ref.from == fromParent {
		ref.path = p
	} else {
		ref.slot = slot(p)
	}
	return ref, nil
}

// value finds what a path refers to; jsonNone if there is nothing or null.
func (m *mapping) value(ref pathRef) (v jsonValue) {
	switch {
	case ref.from == fromTuple:
		return m.source.column(ref.slot)
	case ref.from == fromField:
		return jsonValue{kind: jsonString, raw: m.made[ref.slot]}
	case ref.from == fromParent:
		for i := len(m.parents) - 1; i >= 0 && v.kind == jsonNone; i-- {
			v = m.scan.lookup(m.parents[i], ref.path)
		}
	case m.plan.decode == decodeJSON:
		v = m.picker.raw(ref.slot)
	default:
		v = m.source.column(m.plan.columns[ref.slot])
	}
	if ref.index >= 0 {
		v = m.elementAt(v, ref.index)
	}
	if v.kind == jsonNull {
		return jsonValue{}
	}
	return v
}

func (m *mapping) elementAt(array jsonValue, index int) jsonValue {
	if array.kind != jsonArray {
		return jsonValue{}
	}
	at := m.scan.enter(array)
	defer m.scan.leave(at)
	for ; ; index-- {
		v, ok, err := m.scan.element()
		switch {
		case err != nil || !ok:
			return jsonValue{}
		case index == 0:
			return v
		}
	}
}

// text is what a value says: a string without its escapes, the literal of anything else.
func (m *mapping) text(v jsonValue) []byte {
	if !v.escaped {
		return v.raw
	}
	start := len(m.arena)
	m.arena = appendUnescaped(m.arena, v.raw)
	return m.arena[start:len(m.arena):len(m.arena)]
}
