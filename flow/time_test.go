package flow

import (
	"math"
	"testing"
	"time"
)

func TestParseDecimalSeconds(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int64
		ok   bool
	}{
		{"1545403816.962094", 1545403816962094000, true},
		{"0", 0, true},
		{"-0", 0, true},
		{"0.000000001", 1, true},
		{"0.0000000019", 1, true}, // further digits are cut
		{"1.9999999999", 1999999999, true},
		{"-0.5", -500000000, true},
		{"-0.0000000019", -1, true},
		{"1681583295.157626001", 1681583295157626001, true}, // a float64 would lose the last digits
		{"1.5e3", 1500000000000, true},
		{"15000e-1", 1500000000000, true},
		{"1E-10", 0, true},
		{"1e+2", 100000000000, true},
		{"5.", 5000000000, true},
		{".5", 500000000, true},
		{"0007", 7000000000, true},
		{"9223372036.854775807", math.MaxInt64, true},
		{"9223372036.854775808", math.MaxInt64, true}, // too high saturates
		{"99999999999999999999", math.MaxInt64, true},
		{"1e400", math.MaxInt64, true},
		{"1e99999999999999999999", math.MaxInt64, true},
		{"0e99999999", 0, true},
		{"-9223372036.854775807", -math.MaxInt64, true},
		{"-9223372036.854775808", 0, false}, // too low is unreadable
		{"-1e400", 0, false},
		{"", 0, false}, {"-", 0, false}, {".", 0, false}, {"+1", 0, false}, {"1.2.3", 0, false}, {"1e", 0, false},
		{"e5", 0, false}, {"1e+", 0, false}, {"1_0", 0, false}, {"NaN", 0, false}, {"Inf", 0, false}, {"0x1", 0, false},
		{" 1", 0, false}, {"--1", 0, false},
	} {
		if got, ok := ParseDecimalSeconds([]byte(c.in)); got != c.want || ok != c.ok {
			t.Errorf("ParseDecimalSeconds(%q) = %d, %v; want %d, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestParseEpoch(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int64
		ok   bool
	}{
		{"1700000000", 1700000000000000000, true},
		{"1700000000.25", 1700000000250000000, true},
		{"1700000000123", 1700000000123000000, true},
		{"1700000000123.5", 1700000000123500000, true},
		{"1700000000123456", 1700000000123456000, true},
		{"1681583295157626000", 1681583295157626000, true},
		{`"1700000000"`, 1700000000000000000, true},
		{"1.7e9", 1700000000000000000, true},
		{"99999999999", math.MaxInt64, true}, // the largest seconds, year 5138
		{"100000000000", 100000000000 * 1e6, true},
		{"99999999999999", math.MaxInt64, true},
		{"100000000000000", 100000000000000 * 1e3, true},
		{"100000000000000000", 100000000000000000, true},
		{"0", 0, true},
		{"-1", -1e9, true},
		{"-1700000000123", -1700000000123000000, true},
		{"soon", 0, false}, {"", 0, false},
	} {
		if got, ok := ParseEpoch([]byte(c.in)); got != c.want || ok != c.ok {
			t.Errorf("ParseEpoch(%q) = %d, %v; want %d, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestParseTimestamp(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		berlin = time.FixedZone("CET", 3600)
	}
	for _, c := range []struct {
		in   string
		zone *time.Location
		want string // RFC 3339, or "" if it is refused
	}{
		{"2021-06-06T15:59:46.457984+0200", nil, "2021-06-06T13:59:46.457984Z"},
		{"2021-06-06T15:59:46.457984+02:00", nil, "2021-06-06T13:59:46.457984Z"},
		{"2021-06-06T15:59:46+02", nil, "2021-06-06T13:59:46Z"},
		{"2021-06-06 15:59:46-0930", nil, "2021-06-07T01:29:46Z"},
		{"2021-06-06T15:59:46Z", nil, "2021-06-06T15:59:46Z"},
		{"2021-06-06T15:59:46.1234567899Z", nil, "2021-06-06T15:59:46.123456789Z"},
		{"2021-06-06T15:59:46,5Z", nil, "2021-06-06T15:59:46.5Z"},
		{"2024-02-29T00:00:00Z", nil, "2024-02-29T00:00:00Z"},
		{"2016-12-31T23:59:60Z", nil, "2017-01-01T00:00:00Z"},
		{"1969-12-31T23:59:59.5Z", nil, "1969-12-31T23:59:59.5Z"},
		{"2023/01/15 12:00:00", berlin, "2023-01-15T11:00:00Z"},
		{"2023/01/15 12:00:00.75", time.UTC, "2023-01-15T12:00:00.75Z"},
		{"9999-12-31T23:59:59Z", nil, "2262-04-11T23:47:16.854775807Z"}, // too high saturates
		{"0001-01-01T00:00:00Z", nil, ""},                               // too low is unreadable
		{"0000-01-01T00:00:00Z", nil, ""},
		{"2023-01-15T12:00:00", nil, ""},
		{"2023-02-29T00:00:00Z", nil, ""}, {"2023-13-01T00:00:00Z", nil, ""}, {"2023-01-32T00:00:00Z", nil, ""},
		{"2023-01-15T24:00:00Z", nil, ""}, {"2023-01-15T23:60:00Z", nil, ""}, {"2023-01-15T23:00:61Z", nil, ""},
		{"2023-01-15T12:00:00.Z", nil, ""}, {"2023-01-15T12:00:00+2", nil, ""}, {"2023-01-15T12:00:00+25:00", nil, ""},
		{"2023-01-15T12:00:00Zulu", nil, ""}, {"2023-01-15", nil, ""}, {"2023-01/15T12:00:00Z", nil, ""},
		{"2x23-01-15T12:00:00Z", nil, ""}, {"2023-01-15X12:00:00Z", nil, ""},
	} {
		got, ok := ParseTimestamp([]byte(c.in), c.zone)
		text := ""
		if ok {
			text = time.Unix(0, got).UTC().Format(time.RFC3339Nano)
		}
		if text != c.want {
			t.Errorf("ParseTimestamp(%q) = %q; want %q", c.in, text, c.want)
		}
	}
}

// TestCivil compares the calendar with the standard library's, over all days that nanoseconds can express.
func TestCivil(t *testing.T) {
	day := time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)
	for day.Year() < 2262 {
		c := civil{year: day.Year(), month: int(day.Month()), day: day.Day(), hour: 1, minute: 2, second: 3, nanos: 4}
		got, ok := c.at(0)
		if want := day.UnixNano() + 3723*1e9 + 4; got != want || !ok || !c.valid() {
			t.Fatalf("%v: got %d, %v; want %d", day, got, ok, want)
		}
		day = day.AddDate(0, 0, 1)
	}
}

func TestParseTime(t *testing.T) {
	for in, want := range map[string]int64{
		"1700000000.5":             1700000000500000000,
		"1681583295157626000":      1681583295157626000,
		"2023-11-14T22:13:20Z":     1700000000000000000,
		"2023-11-14 22:13:20":      1700000000000000000,
		"2023-11-14T23:13:20+0100": 1700000000000000000,
	} {
		if got, ok := ParseTime([]byte(in), time.UTC); got != want || !ok {
			t.Errorf("ParseTime(%q) = %d, %v; want %d", in, got, ok, want)
		}
	}
}

func TestAddNanos(t *testing.T) {
	for _, c := range [][3]int64{
		{1, 2, 3}, {math.MaxInt64, 1, math.MaxInt64}, {math.MinInt64, -1, math.MinInt64}, {5, -7, -2},
		{math.MaxInt64 - 1, 1, math.MaxInt64},
	} {
		if got := addNanos(c[0], c[1]); got != c[2] {
			t.Errorf("addNanos(%d, %d) = %d; want %d", c[0], c[1], got, c[2])
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"1700000000.5", "2023-11-14T22:13:20.5+01:00", "-1e-9", "1e9999", "9999-99-99 99:99:99"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := ParseTimestamp(b, time.UTC)
		if want, err := time.Parse(time.RFC3339Nano, string(b)); err == nil && want.Year() > 1677 && want.Year() < 2262 &&
			(!ok || got != want.UnixNano()) {
			t.Errorf("ParseTimestamp(%q) = %d, %v; time.Parse says %d", b, got, ok, want.UnixNano())
		}
		ParseTime(b, time.UTC)
	})
}
