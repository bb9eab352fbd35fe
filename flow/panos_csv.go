package flow

import (
	"bytes"
	"fmt"
	"time"
)

// panosCSV decodes the TRAFFIC and THREAT logs of PAN-OS as the firewall writes them: one line of comma separated
// columns, in syslog or bare. Columns are read by position; what newer releases append is ignored.
type panosCSV struct {
	unpacker
	draft draft
	zone  *time.Location
	line  []byte
	cells [panosMaxColumns]csvCell
	n     int
	arena []byte // cells with doubled quotes, joined texts
}

func newPANOSCSV(cfg Config) *panosCSV {
	d := &panosCSV{unpacker: newUnpacker(cfg.Limits, false), zone: cfg.Timezone}
	d.one = d.decode
	return d
}

// State implements Decoder: a line depends on itself alone.
func (d *panosCSV) State() []byte { return nil }

// Restore implements Decoder.
func (d *panosCSV) Restore([]byte) error { return nil }

func (d *panosCSV) decode(text []byte, emit func(*Item)) {
	d.item.begin(text)
	d.draft.begin(&d.item.Record)
	d.arena = d.arena[:0]
	d.read(text)
	emit(&d.item)
}

// read fills the item from a line.
func (d *panosCSV) read(text []byte) {
	it := &d.item
	begin := panosBegin(text)
	if begin < 0 {
		it.reject(ReasonMalformed, "no PAN-OS log: 1, is missing")
		return
	}
	d.line = text[begin:]
	unclosed := -1
	if d.n, unclosed = splitCSV(d.line, d.cells[:]); unclosed >= 0 {
		it.reject(ReasonMalformed, fmt.Sprintf("quote in column %d, offset %d, is not closed", d.n, begin+unclosed))
		return
	}
	kind := d.cell(panosType)
	it.Record.TimeRes, it.Record.ObserverType = ResSeconds, observerPANOS
	var bad int
	switch string(kind) {
	case "TRAFFIC", "THREAT":
		if d.n < panosMinColumns {
			it.reject(ReasonMalformed, fmt.Sprintf("%s log has %d columns, at least %d expected", kind, d.n, panosMinColumns))
			return
		}
		if kind[1] == 'R' {
			bad = d.traffic()
		} else {
			bad = d.threat()
		}
	default:
		if !isLogType(kind) {
			it.reject(ReasonMalformed, fmt.Sprintf("column %d: %.40q is no log type", panosType, kind))
			return
		}
		it.filter(FilterUnselected)
		return
	}
	if bad >= 0 {
		it.reject(ReasonMalformed, fmt.Sprintf("column %d: %.40q cannot be read", bad, d.cell(bad)))
		return
	}
	d.draft.settlePANOS()
	d.draft.finish(it)
}

// panosBegin finds where the columns begin, behind whatever syslog puts before them; -1 if there are none. The
// first column is always 1, the second a time.
func panosBegin(text []byte) int {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte("1,"))
		if i < 0 {
			return -1
		}
		i += at
		before := i == 0 || bytes.IndexByte([]byte(" ]:>"), text[i-1]) >= 0
		if before && i+2 < len(text) && text[i+2]-'0' <= 9 {
			return i
		}
		at = i + 2
	}
}

func isLogType(v []byte) bool {
	for _, c := range v {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(v) > 0
}

// cell returns a column, empty if the line has fewer.
func (d *panosCSV) cell(column int) []byte {
	if column >= d.n {
		return nil
	}
	c := d.cells[column]
	v := d.line[c.start:c.end:c.end]
	if !c.doubled {
		return v
	}
	start := len(d.arena)
	for i := 0; i < len(v); i++ {
		d.arena = append(d.arena, v[i])
		if v[i] == '"' {
			i++
		}
	}
	return d.arena[start:len(d.arena):len(d.arena)]
}

// fill reads columns into fields and returns the first that cannot be read, or -1.
func (d *panosCSV) fill(columns []panosColumn) (bad int) {
	for _, c := range columns {
		v := d.cell(c.column)
		if !isNull(v) && !d.draft.set(c.field, v) {
			return c.column
		}
	}
	return -1
}

// traffic reads a TRAFFIC log: the session from its start, for the elapsed seconds. The time of the log trails
// the end of the traffic by the timers of the session.
func (d *panosCSV) traffic() (bad int) {
	if bad = d.fill(panosCommonColumns[:]); bad >= 0 {
		return bad
	}
	if bad = d.fill(panosTrafficColumns[:]); bad >= 0 {
		return bad
	}
	offset, known := d.observe(panosTrafficHighRes)
	if v := d.cell(panosStart); !isNull(v) {
		start, ok := d.local(v, offset, known)
		if !ok {
			return panosStart
		}
		d.draft.setTime(fieldStart, start)
		if v := d.cell(panosElapsed); !isNull(v) {
			elapsed, ok := ParseUint(v)
			if !ok || elapsed > 1<<32 {
				return panosElapsed
			}
			d.draft.setTime(fieldEnd, addNanos(start, int64(elapsed)*int64(time.Second)))
		}
	}
	d.describe()
	return -1
}

// threat reads a THREAT log: one attempt at the time it was seen, without bytes.
func (d *panosCSV) threat() (bad int) {
	d.item.Record.Name = Threat
	if bad = d.fill(panosCommonColumns[:]); bad >= 0 {
		return bad
	}
	if bad = d.fill(panosThreatColumns[:]); bad >= 0 {
		return bad
	}
	offset, known := d.observe(panosThreatHighRes)
	if v := d.cell(panosTimeGenerated); !isNull(v) {
		at, ok := d.local(v, offset, known)
		if !ok {
			return panosTimeGenerated
		}
		d.draft.setTime(fieldStart, at)
		d.draft.setTime(fieldEnd, at)
	}
	d.describe()
	return -1
}

// observe sets the time of the log from the high resolution column, which since PAN-OS 10 carries the offset that
// the other times of the line lack, or from time_generated.
func (d *panosCSV) observe(highRes int) (offset int, known bool) {
	ns, offset, known := d.draft.dates.zoned(d.cell(highRes))
	if !known {
		var ok bool
		if ns, ok = d.local(d.cell(panosTimeGenerated), 0, false); !ok {
			return 0, false
		}
	}
	d.draft.setTime(fieldObserved, ns)
	return offset, known
}

// local reads a time of the device, at a known offset in seconds east of UTC or in the configured zone.
func (d *panosCSV) local(v []byte, offset int, known bool) (int64, bool) {
	if known && len(v) == 19 {
		seconds, ok := d.draft.dates.civil(v)
		if ok {
			return unixNanos(seconds-int64(offset), 0)
		}
		ns, ok := ParseTimestamp(v, time.UTC)
		return addNanos(ns, -int64(offset)*int64(time.Second)), ok
	}
	return d.draft.dates.parse(v, d.zone)
}

// describe sets what is joined from several columns.
func (d *panosCSV) describe() {
	r := &d.item.Record
	r.NATSource = d.nat(panosNATSource, panosNATSourcePort)
	r.NATDest = d.nat(panosNATDest, panosNATDestPort)
	start := panosStart
	if r.Name == Threat {
		start = panosTimeGenerated
	}
	// Session ids are reused, so the start belongs to the key.
	parts := [...][]byte{d.cell(panosSerial), d.cell(panosVsys), d.cell(panosSession), d.cell(start)}
	begin := len(d.arena)
	for i, part := range parts {
		if i > 0 {
			d.arena = append(d.arena, '/')
		}
		d.arena = append(d.arena, part...)
	}
	r.DedupKey = d.arena[begin:len(d.arena):len(d.arena)]
}

// nat joins a translated address and port; nil if there was no translation.
func (d *panosCSV) nat(address, port int) []byte {
	ip := d.cell(address)
	if isNull(ip) {
		return nil
	}
	if ip = natAddress(ip); ip == nil {
		return nil
	}
	p := d.cell(port)
	if isNull(p) || string(p) == "0" {
		return ip
	}
	begin := len(d.arena)
	if bytes.IndexByte(ip, ':') >= 0 {
		d.arena = append(append(append(d.arena, '['), ip...), ']')
	} else {
		d.arena = append(d.arena, ip...)
	}
	d.arena = append(append(d.arena, ':'), p...)
	return d.arena[begin:len(d.arena):len(d.arena)]
}
