package flow

import (
	"encoding/binary"
	"time"
)

// dateMemo reads times of the form 2006-01-02T15:04:05Z faster than ParseTime by remembering the last date, and
// leaves all other forms to it. The zero value is ready.
type dateMemo struct {
	yearMonth uint64 // the eight bytes 2006-01-
	day       uint16 // the two bytes 02
	midnight  int64  // seconds of that day since the Unix epoch
	known     bool
}

// parse reads a time in any form that ParseTime reads.
func (m *dateMemo) parse(v []byte, zone *time.Location) (int64, bool) {
	switch {
	case len(v) == 19 && zone == time.UTC, len(v) == 20 && v[19] == 'Z':
		if seconds, ok := m.civil(v[:19]); ok {
			return unixNanos(seconds, 0)
		}
	case len(v) >= 20 && v[len(v)-1] == 'Z':
		if ns, _, ok := m.zoned(v); ok {
			return ns, true
		}
	}
	return ParseTime(v, zone)
}

// zoned reads a time that carries its zone, and returns that in seconds east of UTC too. It reports false for
// some times that ParseTime reads.
func (m *dateMemo) zoned(v []byte) (ns int64, offset int, ok bool) {
	if len(v) < 20 {
		return 0, 0, false
	}
	seconds, ok := m.civil(v[:19])
	rest, nanos := v[19:], 0
	if ok && rest[0] == '.' {
		digits := 0
		nanos, digits = fraction(rest[1:])
		rest, ok = rest[1+digits:], digits > 0 && len(rest) > 1+digits
	}
	if !ok {
		return 0, 0, false
	}
	if offset, ok = zoneOffset(rest); !ok {
		return 0, 0, false
	}
	ns, ok = unixNanos(seconds-int64(offset), nanos)
	return ns, offset, ok
}

// civil reads the 19 bytes 2006-01-02T15:04:05, with slashes in the date and a space for the T if need be, to
// the seconds since the Unix epoch that they would stand for in UTC.
func (m *dateMemo) civil(v []byte) (seconds int64, ok bool) {
	if v[10] != 'T' && v[10] != ' ' {
		return 0, false
	}
	if !m.known || binary.LittleEndian.Uint64(v) != m.yearMonth || binary.LittleEndian.Uint16(v[8:]) != m.day {
		m.learn(v)
	}
	seconds, ok = secondOfDay(binary.LittleEndian.Uint64(v[11:]))
	return m.midnight + seconds, ok && m.known
}

// learn remembers the date that v begins with, if it is one.
func (m *dateMemo) learn(v []byte) {
	var midnight [20]byte
	copy(midnight[:], v[:10])
	copy(midnight[10:], "T00:00:00Z")
	ns, ok := ParseTimestamp(midnight[:], nil)
	const day = 24 * int64(time.Hour)
	m.known = ok && ns%day == 0 // a date out of the range of nanoseconds is not remembered
	m.midnight = ns / int64(time.Second)
	m.yearMonth, m.day = binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint16(v[8:])
}

// secondOfDay reads the eight bytes hh:mm:ss, loaded little-endian. The hour is at most 23, minute and second at
// most 59; a leap second is left to ParseTime.
func secondOfDay(w uint64) (int64, bool) {
	const (
		zeros  = 0x30303a30303a3030 // "00:00:00"
		digits = 0xffff00ffff00ffff // where digits stand
	)
	w ^= zeros // digits become 0 to 9, colons 0
	if w&^uint64(digits) != 0 || (w|(w+0x0606060606060606))&0xf0f0f0f0f0f0f0f0 != 0 {
		return 0, false
	}
	hour := int64(w&15)*10 + int64(w>>8&15)
	minute := int64(w>>24&15)*10 + int64(w>>32&15)
	second := int64(w>>48&15)*10 + int64(w>>56&15)
	return hour*3600 + minute*60 + second, hour <= 23 && minute <= 59 && second <= 59
}
