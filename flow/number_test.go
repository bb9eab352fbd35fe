package flow

import (
	"math"
	"math/big"
	"testing"
)

func TestParseNumbers(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  int64
		ok    bool
		count Count
		valid bool // as a counter
	}{
		{"123", 123, true, Count{123, true}, true},
		{`"123"`, 123, true, Count{123, true}, true},
		{"123.0", 123, true, Count{123, true}, true},
		{"1.23e2", 123, true, Count{123, true}, true},
		{"1e3", 1000, true, Count{1000, true}, true},
		{"0", 0, true, Count{0, true}, true},
		{"-0", 0, true, Count{0, true}, true},
		{"7195838274152187101", 7195838274152187101, true, Count{7195838274152187101, true}, true},
		{"9007199254740993.0", 9007199254740993, true, Count{9007199254740993, true}, true},
		{"9223372036854775807", math.MaxInt64, true, Count{math.MaxInt64, true}, true},
		{"9223372036854775808", 0, false, Count{}, false},
		{"18446744073709551616", 0, false, Count{}, false},
		{"-9223372036854775808", math.MinInt64, true, Count{}, true},
		{"-5", -5, true, Count{}, true}, // a negative counter is null
		{"-5.0", -5, true, Count{}, true},
		{"123.5", 0, false, Count{}, false},
		{"1e-1", 0, false, Count{}, false},
		{"", 0, false, Count{}, false},
		{`""`, 0, false, Count{}, false},
		{`"`, 0, false, Count{}, false},
		{"12a", 0, false, Count{}, false},
	} {
		if got, ok := ParseInt([]byte(c.in)); got != c.want || ok != c.ok {
			t.Errorf("ParseInt(%q) = %d, %v; want %d, %v", c.in, got, ok, c.want, c.ok)
		}
		if got, ok := ParseCount([]byte(c.in)); got != c.count || ok != c.valid {
			t.Errorf("ParseCount(%q) = %v, %v; want %v, %v", c.in, got, ok, c.count, c.valid)
		}
		got, ok := ParseUint([]byte(c.in))
		if want := c.ok && c.want >= 0 || c.in == "9223372036854775808"; ok != want {
			t.Errorf("ParseUint(%q) = %d, %v; want %v", c.in, got, ok, want)
		}
	}
}

func TestParsePort(t *testing.T) {
	for in, want := range map[string]int{"0": 0, "65535": 65535, "25238.0": 25238, `"53"`: 53, "65536": -1, "-1": -1, "": -1, "http": -1} {
		got, ok := ParsePort([]byte(in))
		if ok != (want >= 0) || ok && int(got) != want {
			t.Errorf("ParsePort(%q) = %d, %v; want %d", in, got, ok, want)
		}
	}
}

func TestParseHex(t *testing.T) {
	for in, want := range map[string]int{"1b": 0x1b, "1B": 0x1b, "00": 0, "ffff": 0xffff, "10000": -1, "": -1, "xy": -1} {
		got, ok := parseHex([]byte(in))
		if ok != (want >= 0) || ok && int(got) != want {
			t.Errorf("parseHex(%q) = %d, %v; want %d", in, got, ok, want)
		}
	}
}

func TestParseProtocol(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  Transport
		proto uint8
		ok    bool
	}{
		{"tcp", TCP, 6, true}, {"TCP", TCP, 6, true}, {"6", TCP, 6, true}, {"006", TCP, 6, true}, {"6.0", TCP, 6, true},
		{"udp", UDP, 17, true}, {"icmp", ICMP, 1, true}, {"IPv6-ICMP", ICMP, 58, true}, {"58", ICMP, 58, true},
		{"GRE", TransportOther, 47, true}, {"unknown_transport", TransportOther, 0, true}, {"", TransportOther, 0, true},
		{"a-protocol-with-a-very-long-name", TransportOther, 0, true}, {"256", TransportOther, 0, false},
	} {
		got, proto, ok := ParseProtocol([]byte(c.in))
		if got != c.want || proto != c.proto || ok != c.ok {
			t.Errorf("ParseProtocol(%q) = %d, %d, %v; want %d, %d, %v", c.in, got, proto, ok, c.want, c.proto, c.ok)
		}
	}
}

// FuzzScaled compares the parser of numbers with big.Rat.
func FuzzScaled(f *testing.F) {
	for _, s := range []string{"1", "-1.5e-3", "123456789.987654321e5", "0.0000000009", "1e30"} {
		f.Add([]byte(s), 9)
	}
	f.Fuzz(func(t *testing.T, b []byte, shift int) {
		shift = min(max(shift, 0), 9)
		mag, neg, exact, ok := scaled(b, shift)
		if !ok || len(b) > 60 {
			return
		}
		digits, _, exp, _ := dissect(trimSign(b))
		if exp > 300 || exp < -300 || len(digits) == 0 {
			return
		}
		want, good := new(big.Rat).SetString(string(b))
		if !good {
			return // "1." and ".5" are ours alone
		}
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(shift)), nil)
		want.Abs(want.Mul(want, new(big.Rat).SetInt(scale)))
		whole := new(big.Int).Quo(want.Num(), want.Denom())
		if !whole.IsUint64() {
			whole.SetUint64(math.MaxUint64)
		} else if exact != want.IsInt() {
			t.Errorf("scaled(%q, %d): exact = %v", b, shift, exact)
		}
		if mag != whole.Uint64() || neg != (b[0] == '-') {
			t.Errorf("scaled(%q, %d) = %d, neg %v; want %d", b, shift, mag, neg, whole)
		}
	})
}

func trimSign(b []byte) []byte {
	if len(b) > 0 && b[0] == '-' {
		return b[1:]
	}
	return b
}
