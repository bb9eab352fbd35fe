package flow

import (
	"regexp"
	"strings"
	"time"
)

// mapped is the value of an expression: nothing, a text, nanoseconds (of an instant or a duration), or a text that
// cannot be read as it should.
type mapped struct {
	kind mappedKind
	text []byte
	ns   int64
}

type mappedKind uint8

const (
	mappedNone mappedKind = iota
	mappedText
	mappedNanos
	mappedBad
)

// expression is what a mapping says about one field. Compiled expressions keep no state.
type expression interface{ eval(m *mapping) mapped }

type (
	pathExpr  struct{ path pathRef }
	constExpr struct{ text []byte }
	firstExpr []expression // the first that is there
	caseExpr  []caseRow
	caseRow   struct {
		when predicate
		then expression
	}
	concatExpr struct {
		parts     []expression
		separator string
	}
	enumExpr struct {
		in    expression
		table map[string][]byte
		other []byte // for what the table lacks; nil is nothing
	}
	regexExpr struct {
		in expression
		re *regexp.Regexp
	}
	timeExpr struct {
		in     expression
		shift  int    // decimal places to nanoseconds, with unit
		layout string // of package time, instead of a unit
		auto   bool
		zone   *time.Location
	}
	durationExpr struct {
		in    expression
		shift int
	}
	sumExpr struct {
		a, b expression
		sign int64
	}
	scaleExpr struct {
		in, by expression
	}
)

func (e pathExpr) eval(m *mapping) mapped {
	v := m.value(e.path)
	if v.kind == jsonNone {
		return mapped{}
	}
	if text := m.text(v); !m.plan.isNull(text) {
		return mapped{kind: mappedText, text: text}
	}
	return mapped{}
}

func (e constExpr) eval(*mapping) mapped { return mapped{kind: mappedText, text: e.text} }

func (e firstExpr) eval(m *mapping) mapped {
	for _, x := range e {
		if v := x.eval(m); v.kind != mappedNone {
			return v
		}
	}
	return mapped{}
}

func (e caseExpr) eval(m *mapping) mapped {
	for _, row := range e {
		if row.when.holds(m) {
			return row.then.eval(m)
		}
	}
	return mapped{}
}

// eval joins the parts that are there; nothing if none is.
func (e concatExpr) eval(m *mapping) mapped {
	var buf [8][]byte // usually enough
	found := buf[:0]
	for _, p := range e.parts {
		if v := p.eval(m); v.kind == mappedText {
			found = append(found, v.text)
		}
	}
	if len(found) == 0 {
		return mapped{}
	}
	start := len(m.arena)
	for i, text := range found {
		if i > 0 {
			m.arena = append(m.arena, e.separator...)
		}
		m.arena = append(m.arena, text...)
	}
	return mapped{kind: mappedText, text: m.arena[start:len(m.arena):len(m.arena)]}
}

func (e enumExpr) eval(m *mapping) mapped {
	v := e.in.eval(m)
	if v.kind != mappedText {
		return v
	}
	to, ok := e.table[string(v.text)]
	if n, isNumber := ParseInt(v.text); !ok && isNumber {
		to, ok = e.table[formatInt(n)] // 6.0 is 6
	}
	if !ok {
		to = e.other
	}
	if to == nil {
		return mapped{}
	}
	return mapped{kind: mappedText, text: to}
}

// eval is the first group of the expression, or all that it matches if it has none.
func (e regexExpr) eval(m *mapping) mapped {
	v := e.in.eval(m)
	if v.kind != mappedText {
		return v
	}
	groups := e.re.FindSubmatch(v.text)
	if groups == nil {
		return mapped{}
	}
	text := groups[min(1, len(groups)-1)]
	if m.plan.isNull(text) {
		return mapped{}
	}
	return mapped{kind: mappedText, text: text}
}

func (e timeExpr) eval(m *mapping) mapped {
	v := e.in.eval(m)
	if v.kind != mappedText {
		return v
	}
	var ns int64
	var ok bool
	switch {
	case e.auto:
		ns, ok = m.draft.dates.parse(v.text, e.zone)
	case e.layout != "":
		t, err := time.ParseInLocation(e.layout, string(v.text), e.zone)
		if ok = err == nil; ok {
			ns, ok = unixNanos(t.Unix(), t.Nanosecond())
		}
	default:
		ns, ok = scaledNanos(v.text, e.shift)
	}
	if !ok {
		return mapped{kind: mappedBad, text: v.text}
	}
	return mapped{kind: mappedNanos, ns: ns}
}

func (e durationExpr) eval(m *mapping) mapped {
	v := e.in.eval(m)
	if v.kind != mappedText {
		return v
	}
	ns, ok := scaledNanos(v.text, e.shift)
	if !ok {
		return mapped{kind: mappedBad, text: v.text}
	}
	return mapped{kind: mappedNanos, ns: ns}
}

// scaledNanos reads a decimal number times 10^shift nanoseconds.
func scaledNanos(text []byte, shift int) (int64, bool) {
	mag, neg, _, ok := scaled(text, shift)
	if !ok {
		return 0, false
	}
	return nanos(mag, neg)
}

// eval is nothing if either side is: a session of unknown length has no known end.
func (e sumExpr) eval(m *mapping) mapped {
	a := e.a.eval(m)
	if a.kind != mappedNanos {
		return a
	}
	b := e.b.eval(m)
	if b.kind != mappedNanos {
		return b
	}
	return mapped{kind: mappedNanos, ns: addNanos(a.ns, e.sign*b.ns)}
}

// eval multiplies a counter. A missing factor and a factor of 0 count as 1, as a sampling rate that is not known.
func (e scaleExpr) eval(m *mapping) mapped {
	v := e.in.eval(m)
	if v.kind != mappedText {
		return v
	}
	by := e.by.eval(m)
	if by.kind != mappedText {
		return v
	}
	factor, ok := ParseUint(by.text)
	n, readable := ParseUint(v.text)
	switch {
	case !ok:
		return mapped{kind: mappedBad, text: by.text}
	case !readable || factor <= 1:
		return v // negative counters and bad ones are judged with the field
	case n > (1<<63-1)/factor:
		return mapped{kind: mappedBad, text: v.text}
	}
	start := len(m.arena)
	m.arena = appendUint(m.arena, n*factor)
	return mapped{kind: mappedText, text: m.arena[start:len(m.arena):len(m.arena)]}
}

// nullTexts are the texts that stand for an absent value, some for addresses of NAT only.
type nullTexts struct{ all, nat []string }

func newNullTexts(texts []string) (n nullTexts) {
	for _, t := range texts {
		if address, ok := strings.CutSuffix(t, "@nat"); ok {
			n.nat = append(n.nat, address)
		} else {
			n.all = append(n.all, t)
		}
	}
	return n
}

func (p *mappingPlan) isNull(text []byte) bool { return contains(p.nulls.all, text) }

func contains(list []string, text []byte) bool {
	for _, t := range list {
		if t == string(text) {
			return true
		}
	}
	return false
}
