package flow

import "fmt"

// zeekJSONField is a path in a JSON conn record. Dots are steps into nested objects or parts of a key, so that
// "id.orig_h" finds both {"id.orig_h":...} and {"id":{"orig_h":...}}.
type zeekJSONField struct {
	path  string
	field zeekField
}

// zeekJSONFields lists the paths of a conn record.
func zeekJSONFields() (fields []zeekJSONField) {
	for _, path := range []string{
		"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "id_orig_h", "id_orig_p", "id_resp_h",
		"id_resp_p", "proto", "service", "duration", "orig_bytes", "resp_bytes", "conn_state", "local_orig",
		"local_resp", "history", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes", "ip_proto", "vlan",
	} {
		fields = append(fields, zeekJSONField{path, zeekFieldOf([]byte(path))})
	}
	return fields
}

// zeekJSON decodes conn records as JSON: flat with dotted or underscored names, with a nested id, or wrapped in
// {"conn":{...}} as the Kafka writer of Zeek does with tag_json. Each record is one line.
type zeekJSON struct {
	unpacker
	picker *jsonPicker
	fields []zeekJSONField
	base   zeekJSONSlots
}

// zeekJSONSlots are the slots of the picker beside those of the fields, which come first, bare and then in "conn".
type zeekJSONSlots struct{ conn, path, stream, message, logEvents, awslogs int }

func newZeekJSON(cfg Config) *zeekJSON {
	d := &zeekJSON{unpacker: newUnpacker(cfg.Limits, true), fields: zeekJSONFields()}
	var paths []string
	for _, prefix := range []string{"", "conn."} {
		for _, f := range d.fields {
			paths = append(paths, prefix+f.path)
		}
	}
	n := len(paths)
	d.base = zeekJSONSlots{conn: n, path: n + 1, stream: n + 2, message: n + 3, logEvents: n + 4, awslogs: n + 5}
	d.picker = newJSONPicker(append(paths, "conn", "_path", "@stream", "message", "logEvents", "awslogs"))
	d.one = d.object
	return d
}

// State returns nil: every record explains itself.
func (d *zeekJSON) State() []byte { return nil }

// Restore has nothing to restore.
func (d *zeekJSON) Restore([]byte) error { return nil }

func (d *zeekJSON) object(text []byte, emit func(*Item)) {
	d.item.begin(text)
	if err := d.picker.pick(text); err != nil {
		d.item.reject(ReasonMalformed, err.Error())
		emit(&d.item)
		return
	}
	first := 0
	if d.picker.kind(d.base.conn) == jsonObject {
		first = len(d.fields)
	}
	switch {
	case d.otherLog():
		d.item.filter(FilterUnselected)
	case d.present(first):
		d.record(first)
	case !d.inside && (d.picker.kind(d.base.message) == jsonString || d.picker.kind(d.base.logEvents) == jsonArray ||
		d.picker.kind(d.base.awslogs) == jsonObject):
		d.nested(text, emit)
		return
	case d.wrapped(text):
		d.item.filter(FilterUnselected)
	default:
		d.item.reject(ReasonMissingAddress, "JSON object without any field of a conn record")
	}
	emit(&d.item)
}

// otherLog reports that the record names another log than conn: dns, http, but also open_conn and conn_long, which
// would count connections again.
func (d *zeekJSON) otherLog() bool {
	for _, slot := range [...]int{d.base.path, d.base.stream} {
		if name := d.picker.text(slot); d.picker.kind(slot) == jsonString && len(name) > 0 && string(name) != "conn" {
			return true
		}
	}
	return false
}

// wrapped reports whether the record is another log than conn in the wrapper of the Kafka writer: one member that
// is an object.
func (d *zeekJSON) wrapped(text []byte) bool {
	if d.env.scan.open(text) != nil {
		return false
	}
	_, v, ok, _ := d.env.scan.next()
	if !ok || v.kind != jsonObject {
		return false
	}
	_, _, more, err := d.env.scan.next()
	return err == nil && !more
}

func (d *zeekJSON) present(first int) bool {
	for i := range d.fields {
		if d.picker.kind(first+i) != jsonNone {
			return true
		}
	}
	return false
}

func (d *zeekJSON) record(first int) {
	conn := zeekConn{millis: true}
	for i := range d.fields {
		f := &d.fields[i]
		switch d.picker.kind(first + i) {
		case jsonNone, jsonNull:
			continue
		case jsonObject, jsonArray:
			if f.field == zeekVLAN {
				continue
			}
			d.item.reject(ReasonMalformed, fmt.Sprintf("field %s: no plain value", f.path))
			return
		}
		v := d.picker.text(first + i)
		if absent(v) {
			continue
		}
		if !conn.set(&d.item.Record, f.field, v) {
			d.item.reject(ReasonMalformed, fmt.Sprintf("field %s: bad value %.40q", f.path, v))
			return
		}
	}
	conn.finish(&d.item)
}

// absent reports that a text says that there is no value.
func absent(v []byte) bool { return isNull(v) || string(v) == "(empty)" }
