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
	bySlot [][]int32 // the fields that read a slot, as indices
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
	d.bySlot = make([][]int32, len(paths))
	for i, f := range d.fields {
		d.bySlot[f.slot] = append(d.bySlot[f.slot], int32(i))
	}
	d.picker = newJSONPicker(paths)
	d.one = d.decode
	return d, nil
}

// Decode implements Decoder. A record that is one object, as nearly all are, needs no unpacking.
func (d *panosJSON) Decode(raw []byte, emit func(*Item)) error {
	if len(raw) > 0 && raw[0] == '{' && raw[len(raw)-1] == '}' && len(raw) <= d.env.limits.MaxInput && d.picker.pick(raw) == nil {
		d.item.begin(raw)
		d.picked(raw, emit)
		return nil
	}
	return d.unpacker.Decode(raw, emit)
}

// decode decodes one object.
func (d *panosJSON) decode(text []byte, emit func(*Item)) {
	d.item.begin(text)
	if err := d.picker.pick(text); err != nil {
		d.item.reject(ReasonMalformed, err.Error())
		emit(&d.item)
		return
	}
	d.picked(text, emit)
}

// picked makes the item of an object that has been read.
func (d *panosJSON) picked(text []byte, emit func(*Item)) {
	it := &d.item
	d.draft.begin(&it.Record)
	it.Record.TimeRes = ResSeconds
	bad := d.fill()
	if have := &d.draft.have; !have.Source && !have.Dest && !d.inside && d.isEnvelope() {
		d.nested(text, emit)
		return
	}
	if filter := d.draft.settlePANOS(); filter != "" {
		it.filter(filter)
	} else if bad != nil {
		it.reject(ReasonMalformed, fmt.Sprintf("%s: %.40q is no %s", bad.path, d.picker.text(bad.slot), fieldNames[bad.field]))
	} else {
		d.draft.finish(it)
	}
	emit(it)
}

// fill reads all fields and returns the first that cannot be read.
func (d *panosJSON) fill() (bad *pickedField) {
	for _, slot := range d.picker.found {
		kind := d.picker.values[slot].kind
		if kind == jsonNone || kind == jsonNull {
			continue
		}
		v := d.picker.text(int(slot))
		for _, i := range d.bySlot[slot] {
			f := &d.fields[i]
			if isNull(v) && (f.field != fieldReason && f.field != fieldReasonRaw || len(v) < 2) { // N/A is a reason
				continue
			}
			if !d.draft.set(f.field, v) && bad == nil {
				bad = f
			}
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
