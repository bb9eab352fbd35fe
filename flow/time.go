package flow

import (
	"math"
	"time"
)

// Times outside the int64 range of nanoseconds (1677 to 2262): a later one saturates to MaxInt64, so that ingest
// rejects it as future_time like any other far-future event; an earlier one is unreadable and reports false.

// nanos puts the sign to a magnitude of nanoseconds that scaled has read.
func nanos(mag uint64, neg bool) (int64, bool) {
	switch {
	case neg && mag > math.MaxInt64:
		return 0, false
	case neg:
		return -int64(mag), true
	case mag > math.MaxInt64:
		return math.MaxInt64, true
	}
	return int64(mag), true
}

// ParseDecimalSeconds reads decimal seconds (1545403816.962094, -0.5, 1.5e9) to nanoseconds. Digits beyond the
// nanosecond are cut, towards zero; nothing passes through a float.
func ParseDecimalSeconds(b []byte) (int64, bool) {
	mag, neg, _, ok := scaled(b, 9)
	if !ok {
		return 0, false
	}
	return nanos(mag, neg)
}

// ParseEpoch reads a time since the Unix epoch to nanoseconds, its unit told by its magnitude: below 1e11 seconds,
// below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds. Fractions of each unit count, further digits
// are cut.
func ParseEpoch(b []byte) (int64, bool) {
	b = unquote(b)
	whole, _, _, ok := scaled(b, 0)
	if !ok {
		return 0, false
	}
	shift := 0
	switch {
	case whole < 1e11:
		shift = 9
	case whole < 1e14:
		shift = 6
	case whole < 1e17:
		shift = 3
	}
	mag, neg, _, _ := scaled(b, shift)
	return nanos(mag, neg)
}

// ParseTime reads a time in any form that logs use without a layout: what ParseTimestamp or ParseEpoch reads.
func ParseTime(b []byte, zone *time.Location) (int64, bool) {
	if len(b) >= 19 && (b[4] == '-' || b[4] == '/') {
		return ParseTimestamp(b, zone)
	}
	return ParseEpoch(b)
}

// ParseTimestamp reads YYYY-MM-DDThh:mm:ss[.fraction][zone] to nanoseconds since the Unix epoch: with a space for
// the T, slashes in the date, a comma before the fraction; zones Z, +hh:mm, +hhmm, +hh. A time without a zone is
// local to the given one; nil refuses it. Digits of the fraction beyond the nanosecond are cut.
func ParseTimestamp(b []byte, zone *time.Location) (int64, bool) {
	if len(b) < 19 || b[4] != b[7] || b[4] != '-' && b[4] != '/' || b[10] != 'T' && b[10] != 't' && b[10] != ' ' ||
		b[13] != ':' || b[16] != ':' {
		return 0, false
	}
	c := civil{
		year: number(b[0:4]), month: number(b[5:7]), day: number(b[8:10]),
		hour: number(b[11:13]), minute: number(b[14:16]), second: number(b[17:19]),
	}
	rest := b[19:]
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		var n int
		c.nanos, n = fraction(rest[1:])
		if n == 0 {
			return 0, false
		}
		rest = rest[1+n:]
	}
	if !c.valid() {
		return 0, false
	}
	if len(rest) == 0 {
		return c.in(zone)
	}
	offset, ok := zoneOffset(rest)
	if !ok {
		return 0, false
	}
	return c.at(offset)
}

// civil is a date and a time of day without a zone. A part of -1 was not a number.
type civil struct{ year, month, day, hour, minute, second, nanos int }

// valid accepts second 60, which becomes the first second of the next minute.
func (c *civil) valid() bool {
	return c.year >= 0 && c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= daysIn(c.year, c.month) &&
		c.hour >= 0 && c.hour <= 23 && c.minute >= 0 && c.minute <= 59 && c.second >= 0 && c.second <= 60
}

// at is the instant of c at an offset in seconds east of UTC.
func (c *civil) at(offset int) (int64, bool) {
	days := daysFromCivil(c.year, c.month, c.day)
	return unixNanos(days*86400+int64(c.hour*3600+c.minute*60+c.second-offset), c.nanos)
}

// in is the instant of c in a location; nil is none.
func (c *civil) in(zone *time.Location) (int64, bool) {
	switch zone {
	case nil:
		return 0, false
	case time.UTC:
		return c.at(0)
	}
	t := time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second, 0, zone)
	return unixNanos(t.Unix(), c.nanos)
}

// unixNanos joins seconds and nanoseconds within a second, with the rule for times out of range.
func unixNanos(seconds int64, nanosOfSecond int) (int64, bool) {
	const limit = math.MaxInt64 / 1_000_000_000
	switch {
	case seconds >= limit:
		return math.MaxInt64, true
	case seconds <= -limit:
		return 0, false
	}
	return seconds*1e9 + int64(nanosOfSecond), true
}

// addNanos is a + b, kept within int64.
func addNanos(a, b int64) int64 {
	s := a + b
	switch {
	case b > 0 && s < a:
		return math.MaxInt64
	case b < 0 && s > a:
		return math.MinInt64
	}
	return s
}

// daysFromCivil counts days since 1970-01-01 in the proleptic Gregorian calendar
// (https://howardhinnant.github.io/date_algorithms.html#days_from_civil, years from 0 on).
func daysFromCivil(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	// Year -1 would be the only negative one; moving the era by 400 years keeps the divisions positive.
	y := int64(year) + 400
	era := y / 400
	yearOfEra := y - era*400
	dayOfYear := int64((153*(month-3)+2)/5 + day - 1)
	return (era-1)*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// number reads a few digits, -1 if one of them is none.
func number(b []byte) (v int) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		v = v*10 + int(c-'0')
	}
	return v
}

// fraction reads the digits after the point as nanoseconds and returns how many there were.
func fraction(b []byte) (nanosOfSecond, n int) {
	scale := 100_000_000
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		nanosOfSecond += int(b[n]-'0') * scale
		scale /= 10
		n++
	}
	return nanosOfSecond, n
}

// zoneOffset reads Z, +hh:mm, +hhmm or +hh to seconds east of UTC.
func zoneOffset(b []byte) (int, bool) {
	if len(b) == 1 && (b[0] == 'Z' || b[0] == 'z') {
		return 0, true
	}
	if b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	hours, minutes := -1, 0
	switch {
	case len(b) == 3:
		hours = number(b[1:3])
	case len(b) == 5:
		hours, minutes = number(b[1:3]), number(b[3:5])
	case len(b) == 6 && b[3] == ':':
		hours, minutes = number(b[1:3]), number(b[4:6])
	}
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset := hours*3600 + minutes*60
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}
