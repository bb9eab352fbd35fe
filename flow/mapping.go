package flow

import (
	"encoding/base64"
	"fmt"
	"strconv"
)

// mapping decodes by a compiled declarative mapping (docs/formats.md): it finds the records, picks those that are
// flows, and makes each field by its expression.
type mapping struct {
	unpacker
	plan    *mappingPlan
	picker  *jsonPicker
	draft   draft
	scan    jsonScanner
	source  columnSource
	parents []jsonValue        // the objects around an exploded element, outermost first
	made    [fieldCount][]byte // what the fields that conditions of swap ask for were set to
	arena   []byte             // texts that are made; valid until the next item
	base64  []byte
}

type decodeKind uint8

const (
	decodeJSON decodeKind = iota
	decodeCSV
	decodeKV
	decodeText
)

// mappingPlan is a mapping after compilation; it never changes.
type mappingPlan struct {
	observer []byte // observer_type if the fields do not say it: the name of the format
	decode   decodeKind
	base64   bool
	paths    []string // of the record, by slot
	columns  []int    // by slot, for decodes with columns
	unwrap   []string // paths of the object to start from, the first that exists; "" is the record itself
	explode  []string // paths of arrays, each below the elements of the one before
	tuple    bool     // exploded elements are texts of comma separated values
	selected predicate
	filters  []mappingFilter
	fields   []mappingField
	nulls    nullTexts
	// swapBytes and swapEnds say when counters and both ends are the wrong way round; nil is never.
	swapBytes, swapEnds predicate
	// message and logEvents are the slots that tell an envelope, -1 if there can be none.
	message, logEvents int
}

type mappingFilter struct {
	reason string
	when   predicate
}

type mappingField struct {
	field field
	value expression
}

func newMapping(cfg Config, plan *mappingPlan) *mapping {
	m := &mapping{
		unpacker: newUnpacker(cfg.Limits, plan.decode == decodeJSON),
		plan:     plan,
		picker:   newJSONPicker(plan.paths),
		draft:    draft{zone: cfg.Timezone},
	}
	m.one = m.decode
	return m
}

// State implements Decoder: a record depends on itself alone.
func (m *mapping) State() []byte { return nil }

// Restore implements Decoder.
func (m *mapping) Restore([]byte) error { return nil }

// decode decodes one line or object.
func (m *mapping) decode(text []byte, emit func(*Item)) {
	if m.plan.base64 {
		text = m.unbase64(text)
	}
	switch {
	case m.plan.unwrap == nil && m.plan.explode == nil:
		m.record(text, emit)
	default:
		m.inner(text, emit)
	}
}

// unbase64 decodes a record that is base64 through and through; any other is handed on as it is.
func (m *mapping) unbase64(text []byte) []byte {
	if need := base64.StdEncoding.DecodedLen(len(text)); cap(m.base64) < need {
		m.base64 = make([]byte, need)
	}
	n, err := base64.StdEncoding.Decode(m.base64[:cap(m.base64)], text)
	if err != nil {
		return text
	}
	return m.base64[:n]
}

// inner finds the records inside an object. An object without any is one unselected item.
func (m *mapping) inner(text []byte, emit func(*Item)) {
	begin := skipJSONSpace(text, 0)
	root, end, err := scanJSONValue(text, begin, 0)
	if err == nil && (root.kind != jsonObject || skipJSONSpace(text, end) != len(text)) {
		err = &jsonError{end, "no object, or text after it"}
	}
	if err != nil {
		m.item.begin(text)
		m.item.reject(ReasonMalformed, err.Error())
		emit(&m.item)
		return
	}
	for _, path := range m.plan.unwrap {
		if path == "" {
			break
		}
		if v := m.scan.lookup(root, path); v.kind == jsonObject {
			root = v
			break
		}
	}
	if m.plan.explode == nil {
		m.record(root.raw, emit)
	} else if m.elements(root, m.plan.explode, emit) == 0 {
		m.item.begin(text)
		m.item.filter(FilterUnselected)
		emit(&m.item)
	}
	m.parents = m.parents[:0]
}

// elements walks the arrays at paths[0] below an object and decodes the elements of the last ones. It returns how
// many there were.
func (m *mapping) elements(object jsonValue, paths []string, emit func(*Item)) (n int) {
	array := m.scan.lookup(object, paths[0])
	if array.kind != jsonArray {
		return 0
	}
	m.parents = append(m.parents, object)
	at := m.scan.enter(array)
	for {
		e, ok, err := m.scan.element()
		if err != nil || !ok {
			break
		}
		switch {
		case len(paths) == 1:
			m.element(e, emit)
			n++
		case e.kind == jsonObject:
			n += m.elements(e, paths[1:], emit)
		}
	}
	m.scan.leave(at)
	m.parents = m.parents[:len(m.parents)-1]
	return n
}

func (m *mapping) element(e jsonValue, emit func(*Item)) {
	if !m.plan.tuple {
		m.record(e.raw, emit)
		return
	}
	m.arena = m.arena[:0]
	m.item.begin(e.raw)
	err := m.picker.pick([]byte("{}")) // the record itself has no values
	switch {
	case err != nil:
	case e.kind == jsonString:
		err = m.source.splitComma(m.text(e))
	default:
		err = fmt.Errorf("element is no text: %.40q", e.raw)
	}
	m.settle(err, emit)
}

// record decodes the bytes of one record.
func (m *mapping) record(raw []byte, emit func(*Item)) {
	m.arena = m.arena[:0]
	m.item.begin(raw)
	var err error
	switch m.plan.decode {
	case decodeJSON:
		err = m.picker.pick(raw)
	case decodeCSV:
		err = m.source.splitComma(raw)
	case decodeKV:
		err = m.source.splitKeys(raw, m.plan.paths)
	case decodeText:
		m.source.splitSpace(raw)
	}
	m.settle(err, emit)
}

// settle makes the item of a record that has been cut into its values, or could not be.
func (m *mapping) settle(err error, emit func(*Item)) {
	it := &m.item
	if err != nil {
		it.reject(ReasonMalformed, err.Error())
		emit(it)
		return
	}
	m.draft.begin(&it.Record)
	it.Record.TimeRes = ResMillis
	m.fill(it)
	if found := m.draft.have.Source || m.draft.have.Dest; !found && it.Verdict != Accepted && !m.inside && m.isEnvelope() {
		m.nested(it.Raw, emit)
		return
	}
	emit(it)
}

// isEnvelope tells an object around log messages. The message of an ECS document is for people.
func (m *mapping) isEnvelope() bool {
	if m.plan.message < 0 || len(m.parents) > 0 {
		return false
	}
	message := m.picker.raw(m.plan.message)
	return m.picker.kind(m.plan.logEvents) == jsonArray ||
		message.kind == jsonString && len(message.raw) > 0 && message.raw[0] == '{'
}

// fill gives the item its record and its verdict.
func (m *mapping) fill(it *Item) {
	if m.plan.selected != nil && !m.plan.selected.holds(m) {
		it.filter(FilterUnselected)
		return
	}
	for _, f := range m.plan.filters {
		if f.when.holds(m) {
			it.filter(f.reason)
			return
		}
	}
	for i := range m.plan.fields {
		f := &m.plan.fields[i]
		v := f.value.eval(m)
		m.made[f.field] = v.text
		if !m.set(f.field, v) {
			it.reject(ReasonMalformed, fmt.Sprintf("%.40q is no %s", v.text, fieldNames[f.field]))
			return
		}
	}
	if m.draft.other {
		it.filter(FilterUnselected)
		return
	}
	r := &it.Record
	if r.ObserverType == nil {
		r.ObserverType = m.plan.observer
	}
	if m.plan.swapBytes != nil && m.plan.swapBytes.holds(m) {
		r.swapCounters()
	}
	if m.plan.swapEnds != nil && m.plan.swapEnds.holds(m) {
		r.swapEnds()
		m.draft.have.Source, m.draft.have.Dest = m.draft.have.Dest, m.draft.have.Source
	}
	m.draft.finish(it)
}

// set takes over the value of one field; false if it cannot be read.
func (m *mapping) set(f field, v mapped) bool {
	switch v.kind {
	case mappedBad:
		return false
	case mappedNanos:
		m.draft.setTime(f, v.ns)
	case mappedText:
		if (f == fieldNATSource || f == fieldNATDest) && contains(m.plan.nulls.nat, v.text) {
			return true
		}
		return m.draft.set(f, v.text)
	}
	return true
}

func (r *Record) swapCounters() {
	r.SourceBytes, r.DestBytes = r.DestBytes, r.SourceBytes
	r.SourcePackets, r.DestPackets = r.DestPackets, r.SourcePackets
}

// swapEnds makes the source the destination, with all that belongs to it.
func (r *Record) swapEnds() {
	r.swapCounters()
	r.SourceIP, r.DestinationIP = r.DestinationIP, r.SourceIP
	r.SourcePort, r.DestPort = r.DestPort, r.SourcePort
	r.SourceZone, r.DestZone = r.DestZone, r.SourceZone
	r.SourceIf, r.DestIf = r.DestIf, r.SourceIf
	r.NATSource, r.NATDest = r.NATDest, r.NATSource
	r.TCPFlagsSource, r.TCPFlagsDest = r.TCPFlagsDest, r.TCPFlagsSource
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }
