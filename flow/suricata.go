package flow

import (
	"bytes"
	"fmt"
	"time"
)

// suricataEVE decodes flow, netflow, alert and drop records of Suricata, bare or in the wrapper of AWS Network
// Firewall ({"firewall_name":...,"event":{...}}). A flow is a session whose source is the client; a netflow is a
// half that ingest pairs by its flow_id; an alert or a drop is an event of the THREAT kind, without bytes, since
// the flow record will count them, at the time of its packet: it has no end, and flow.start would put the alert of
// a long connection into a slice that has long been closed.
type suricataEVE struct {
	unpacker
	picker *jsonPicker
	first  int // slot of the first field: 0, or eveSlots within a wrapper
	have   Have
	fault  string // the first value that could not be read
}

func newSuricata(cfg Config) *suricataEVE {
	d := &suricataEVE{unpacker: newUnpacker(cfg.Limits, true), picker: newJSONPicker(evePaths())}
	d.one = d.object
	return d
}

// State returns nil: every record explains itself.
func (d *suricataEVE) State() []byte { return nil }

// Restore has nothing to restore.
func (d *suricataEVE) Restore([]byte) error { return nil }

func (d *suricataEVE) object(text []byte, emit func(*Item)) {
	d.item.begin(text)
	if err := d.picker.pick(text); err != nil {
		d.item.reject(ReasonMalformed, err.Error())
		emit(&d.item)
		return
	}
	d.first = 0
	if d.picker.kind(eveEvent) == jsonObject && d.picker.kind(eveType) == jsonNone {
		d.first = eveSlots
	}
	kind := d.text(eveType)
	if kind == nil && !d.inside && (d.picker.kind(eveMessage) == jsonString ||
		d.picker.kind(eveLogEvents) == jsonArray || d.picker.kind(eveAWSLogs) == jsonObject) {
		d.nested(text, emit)
		return
	}
	d.record(kind)
	emit(&d.item)
}

func (d *suricataEVE) record(kind []byte) {
	r := &d.item.Record
	d.have, d.fault = Have{}, ""
	r.TimeRes, r.ObserverType = ResMicros, observerSuricata
	switch string(kind) {
	case "":
		d.item.reject(ReasonMalformed, "no event_type")
		return
	case "flow":
		d.common(r, eveSource)
		d.flow(r)
	case "netflow":
		d.common(r, eveSource)
		d.netflow(r)
	case "alert", "drop":
		d.alert(r, string(kind) == "drop")
	default:
		d.item.filter(FilterUnselected)
		return
	}
	if d.fault != "" {
		d.item.reject(ReasonMalformed, d.fault)
		return
	}
	d.item.finish(d.have)
}

// common reads what all kinds have; the four slots of addresses and ports begin at endpoints.
func (d *suricataEVE) common(r *Record, endpoints int) {
	source, dest := endpoints, endpoints+2
	r.SourceIP, d.have.Source = ParseAddr(d.text(source))
	r.DestinationIP, d.have.Dest = ParseAddr(d.text(dest))
	r.SourcePort, r.DestPort = d.port(source+1), d.port(dest+1)
	if v := d.text(eveProto); v != nil {
		var ok bool
		if r.Transport, r.IPProto, ok = ParseProtocol(v); !ok {
			d.bad(eveProto, v)
		}
	}
	if r.Transport == ICMP {
		d.icmp(r)
	}
	if v := d.text(eveTimestamp); v != nil {
		r.Observed, r.ObservedKnown = d.time(eveTimestamp)
	}
	r.SessionID, r.App = d.text(eveFlowID), d.text(eveApp)
	if string(r.App) == "failed" { // Suricata's word for: not recognised
		r.App = nil
	}
	r.VLAN = innerList(d.text(eveVLAN))
	r.ObserverID = d.observer()
}

func (d *suricataEVE) observer() []byte {
	if d.first != 0 {
		if name := d.picker.text(eveFirewall); len(name) > 0 {
			return name
		}
	}
	if host := d.text(eveHost); host != nil {
		return host
	}
	return d.text(eveInterface)
}

func (d *suricataEVE) icmp(r *Record) {
	r.SourcePort, r.DestPort = 0, 0
	if r.IPProto == protoICMP && d.have.Source && !r.SourceIP.is4() {
		r.IPProto = protoICMPv6
	}
	kind, code := d.text(eveICMPType), d.text(eveICMPCode)
	if kind == nil {
		return
	}
	d.have.Ports = true
	t, ok := ParseUint(kind)
	if !ok || t > 255 {
		d.bad(eveICMPType, kind)
		return
	}
	var c uint64
	if code != nil {
		if c, ok = ParseUint(code); !ok || c > 255 {
			d.bad(eveICMPCode, code)
			return
		}
	}
	r.ICMPType, r.ICMPCode, r.ICMPKnown = uint8(t), uint8(c), true
}

// text returns a value that is present and not null, else nil.
func (d *suricataEVE) text(slot int) []byte {
	switch d.picker.kind(d.first + slot) {
	case jsonNone, jsonNull:
		return nil
	}
	v := d.picker.text(d.first + slot)
	if absent(v) {
		return nil
	}
	return v
}

// bad remembers the first value that cannot be read.
func (d *suricataEVE) bad(slot int, v []byte) {
	if d.fault == "" {
		d.fault = fmt.Sprintf("field %s: bad value %.40q", evePaths()[slot], v)
	}
}

func (d *suricataEVE) port(slot int) uint16 {
	v := d.text(slot)
	if v == nil {
		return 0
	}
	d.have.Ports = true
	p, ok := ParsePort(v)
	if !ok {
		d.bad(slot, v)
	}
	return p
}

func (d *suricataEVE) count(slot int) Count {
	v := d.text(slot)
	if v == nil {
		return Count{}
	}
	c, ok := ParseCount(v)
	if !ok {
		d.bad(slot, v)
	}
	return c
}

func (d *suricataEVE) time(slot int) (int64, bool) {
	v := d.text(slot)
	if v == nil {
		return 0, false
	}
	t, ok := ParseTime(v, time.UTC)
	if !ok {
		d.bad(slot, v)
	}
	return t, ok
}

func (d *suricataEVE) flags(slot int) uint16 {
	v := d.text(slot)
	if v == nil {
		return 0
	}
	f, ok := parseHex(v)
	if !ok {
		d.bad(slot, v)
	}
	return f
}

// innerList returns the first element of a JSON array of numbers, or a plain value as it is.
func innerList(v []byte) []byte {
	if len(v) == 0 || v[0] != '[' {
		return v
	}
	v = v[1 : len(v)-1]
	if i := bytes.IndexByte(v, ','); i >= 0 {
		v = v[:i]
	}
	if v = bytes.TrimSpace(v); len(v) == 0 {
		return nil
	}
	return v
}
