package flow

import "math"

// scaled reads a decimal number (123, -1.5, 1.5e3; a sign may be '-' only) and returns its magnitude times
// 10^shift with the digits beyond it cut. exact is false if a cut digit was not 0. A magnitude over the uint64
// range is MaxUint64. It never goes through a float, so 64-bit integers and nanoseconds keep every digit.
func scaled(b []byte, shift int) (mag uint64, neg, exact, ok bool) {
	if len(b) > 0 && b[0] == '-' {
		neg, b = true, b[1:]
	}
	digits, whole, exp, ok := dissect(b)
	if !ok {
		return 0, false, false, false
	}
	keep := whole + exp + shift // digits of the result, before leading zeros go
	exact = true
	for _, c := range digits {
		if c == '.' {
			continue
		}
		if keep > 0 {
			mag = timesTen(mag, uint64(c-'0'))
			keep--
		} else if c != '0' {
			exact = false
		}
	}
	for ; keep > 0 && mag > 0 && mag < math.MaxUint64; keep-- {
		mag = timesTen(mag, 0)
	}
	return mag, neg, exact, true
}

// dissect splits an unsigned decimal number into its digits (with the point among them), the number of digits
// before the point, and the exponent, which stops at +-9999: far beyond what any result can hold.
func dissect(b []byte) (digits []byte, whole, exp int, ok bool) {
	point, n := -1, 0
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n++
		case c == '.' && point < 0:
			point = n
		case (c == 'e' || c == 'E') && n > 0:
			if exp, ok = exponent(b[i+1:]); !ok {
				return nil, 0, 0, false
			}
			if point < 0 {
				point = n
			}
			return b[:i], point, exp, true
		default:
			return nil, 0, 0, false
		}
	}
	if point < 0 {
		point = n
	}
	return b, point, 0, n > 0
}

func exponent(b []byte) (exp int, ok bool) {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg, b = b[0] == '-', b[1:]
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		exp = min(exp*10+int(c-'0'), 9999)
	}
	if neg {
		exp = -exp
	}
	return exp, len(b) > 0
}

// timesTen returns v*10+digit, or MaxUint64 if that is too large.
func timesTen(v, digit uint64) uint64 {
	const most = math.MaxUint64 / 10
	if v < most || v == most && digit <= math.MaxUint64%10 {
		return v*10 + digit
	}
	return math.MaxUint64
}

// unquote drops the double quotes around a number that a log writes as a string.
func unquote(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}

// ParseInt reads an integer in the forms that logs use: 123, "123", 123.0, 1.23e2, each with or without '-'. It
// reports false for a fraction that is not zero, for anything else that is no integer, and outside int64.
func ParseInt(b []byte) (int64, bool) {
	mag, neg, exact, ok := scaled(unquote(b), 0)
	switch {
	case !ok || !exact:
		return 0, false
	case neg && mag <= 1<<63:
		return -int64(mag), true
	case neg || mag > math.MaxInt64:
		return 0, false
	}
	return int64(mag), true
}

// ParseUint reads a non-negative integer in the forms of ParseInt. Negative numbers and MaxUint64 and above
// report false.
func ParseUint(b []byte) (uint64, bool) {
	mag, neg, exact, ok := scaled(unquote(b), 0)
	if !ok || !exact || neg && mag > 0 || mag == math.MaxUint64 {
		return 0, false
	}
	return mag, true
}

// ParseCount reads a counter of bytes or packets. A negative one is known to be wrong and becomes null. Above
// MaxInt64 it is refused, because sums of counters are int64.
func ParseCount(b []byte) (Count, bool) {
	mag, neg, exact, ok := scaled(unquote(b), 0)
	switch {
	case !ok || !exact:
		return Count{}, false
	case neg && mag > 0:
		return Count{}, true
	case mag > math.MaxInt64:
		return Count{}, false
	}
	return Count{N: mag, Known: true}, true
}

// ParsePort reads a port, 0 to 65535, in the forms of ParseInt.
func ParsePort(b []byte) (uint16, bool) {
	v, ok := ParseUint(b)
	return uint16(v), ok && v <= math.MaxUint16
}

// parseHex reads a hexadecimal number without prefix, as Suricata writes TCP flags.
func parseHex(b []byte) (v uint16, ok bool) {
	if len(b) == 0 || len(b) > 4 {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint16(c)
	}
	return v, true
}
