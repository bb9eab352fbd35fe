package flow

import (
	"fmt"
	"slices"
	"strings"
)

// panosJSON decodes PAN-OS records that a pipeline has parsed: one JSON object each, its keys the names of the
// canonical fields or what the field mapping says.
type panosJSON struct {
	unpacker
	picker *jsonPicker
	draft  draft
	fields []pickedField
	bySlot [][]field // the fields that read a slot
	// message and logEvents are the slots that tell an envelope when a record has no address.
	message, logEvents int
}

// pickedField is a canonical field and the slot of its path.
type pickedField struct {
	field field
	slot  int
	path  string
}

func newPANOSJSON(cfg Config) (*panosJSON, error) {
	d := &panosJSON{unpacker: newUnpacker(cfg.Limits, true), draft: draft{zone: cfg.Timezone}}
	paths := []string{}
	slot := func(path string) int {
		if i := slices.Index(paths, path); i >= 0 {
			return i
		}
		paths = append(paths, path)
		return len(paths) - 1
	}
	for name, path := range cfg.FieldMapping {
		if _, ok := fieldOf(name); !ok {
			return nil, fmt.Errorf("read field_mapping: unknown canonical field %q (known: %s)", name, knownFields())
		}
		if strings.TrimSpace(path) == "" {
			return nil, fmt.Errorf("read field_mapping: %s has no input name", name)
		}
	}
	for f := range fieldCount {
		path, ok := cfg.FieldMapping[fieldNames[f]]
		if !ok {
			path = fieldNames[f]
		}
		d.fields = append(d.fields, pickedField{f, slot(path), path})
	}
	d.message, d.logEvents = slot("message"), slot("logEvents")
	d.bySlot = make([][]field, len(paths))
	for _, f := range d.fields {
		d.bySlot[f.slot] = append(d.bySlot[f.slot], f.field)
	}
	d.picker = newJSONPicker(paths)
	d.one = d.decode
	return d, nil
}

// Decode implements Decoder. A record that is one object, as nearly all are, needs no unpacking.
func (d *panosJSON) Decode(raw []byte, emit func(*Item)) error {
	if len(raw) <= d.env.limits.MaxInput {
		d.begin(raw)
		if d.direct(raw) && (d.draft.have.Source || d.draft.have.Dest) {
			d.judge(nil)
			emit(&d.item)
			return nil
		}
	}
	return d.unpacker.Decode(raw, emit)
}

func (d *panosJSON) begin(raw []byte) {
	d.item.begin(raw)
	d.draft.begin(&d.item.Record)
	d.item.Record.TimeRes = ResSeconds
}

// decode decodes one object, slowly: what is rare and what is wrong comes here.
func (d *panosJSON) decode(text []byte, emit func(*Item)) {
	d.begin(text)
	it := &d.item
	if err := d.picker.pick(text); err != nil {
		it.reject(ReasonMalformed, err.Error())
		emit(it)
		return
	}
	bad := d.fill()
	if have := &d.draft.have; !have.Source && !have.Dest && !d.inside && d.isEnvelope() {
		d.nested(text, emit)
		return
	}
	d.judge(bad)
	emit(it)
}

// judge gives the item its verdict; bad is the first value that cannot be read.
func (d *panosJSON) judge(bad *pickedField) {
	if filter := d.draft.settlePANOS(); filter != "" {
		d.item.filter(filter)
	} else if bad != nil {
		d.item.reject(ReasonMalformed, fmt.Sprintf("%s: %.40q is no %s", bad.path, d.picker.text(bad.slot), fieldNames[bad.field]))
	} else {
		d.draft.finish(&d.item)
	}
}

// fill hands all values to their fields and returns the first that cannot be read.
func (d *panosJSON) fill() (bad *pickedField) {
	for i := range d.fields {
		f := &d.fields[i]
		kind := d.picker.kind(f.slot)
		if kind == jsonNone || kind == jsonNull {
			continue
		}
		v := d.picker.text(f.slot)
		if isNull(v) && (f.field != fieldReason && f.field != fieldReasonRaw || len(v) < 2) { // N/A is a reason
			continue
		}
		if !d.draft.set(f.field, v) && bad == nil {
			bad = f
		}
	}
	return bad
}

func (d *panosJSON) isEnvelope() bool {
	return d.picker.kind(d.message) == jsonString || d.picker.kind(d.logEvents) == jsonArray
}

// State implements Decoder: a record depends on itself alone.
func (d *panosJSON) State() []byte { return nil }

// Restore implements Decoder.
func (d *panosJSON) Restore([]byte) error { return nil }
