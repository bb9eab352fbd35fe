package configs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// duration is a length of time of at least lo: Go's syntax, with days in front.
func duration(lo time.Duration) scalar[time.Duration] {
	return scalar[time.Duration]{
		name: "a duration",
		tags: []string{tagText, tagInt},
		parse: func(t string) (time.Duration, error) {
			d, err := ParseDuration(t)
			if err != nil {
				return 0, fmt.Errorf("is not a duration such as 90s, 15m, 1h30m or 7d")
			}
			if d < lo {
				return 0, fmt.Errorf("is less than %s", FormatDuration(lo))
			}
			return d, nil
		},
		show: func(d time.Duration) any { return FormatDuration(d) },
		schema: schema{"anyOf": []any{
			schema{"type": "string", "pattern": `^([0-9]+d)?([0-9.]+(ns|us|µs|ms|s|m|h))*$` + orVariable},
			schema{"const": 0},
		}},
	}
}

// ParseDuration reads Go's syntax, with whole days in front if any: "7d", "1d12h", "90s".
func ParseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("parse duration %q: days are a whole number", s)
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || d+more < d {
		return 0, fmt.Errorf("parse duration %q: want days and then hours, minutes, seconds", s)
	}
	return d + more, nil
}

// FormatDuration writes a duration without units that are zero: "15m", not "15m0s".
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// size is a number of bytes of at least lo.
func size(lo int64) scalar[int64] {
	return scalar[int64]{
		name: "a size",
		tags: []string{tagText, tagInt},
		parse: func(t string) (int64, error) {
			n, err := ParseSize(t)
			if err != nil {
				return 0, fmt.Errorf("is not a size such as 512KiB, 64MiB or 1GiB, or a number of bytes")
			}
			if n < lo {
				return 0, fmt.Errorf("is less than %s", FormatSize(lo))
			}
			return n, nil
		},
		show: func(n int64) any { return FormatSize(n) },
		schema: schema{"anyOf": []any{
			schema{"type": "string", "pattern": `^[0-9]+(B|KiB|MiB|GiB|TiB)?$` + orVariable},
			schema{"type": "integer", "minimum": lo},
		}},
	}
}

var units = [...]struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// ParseSize reads a number of bytes: "1GiB", "64MiB", "1024". The units are powers of 1024.
func ParseSize(s string) (int64, error) {
	digits, unit := s, int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			digits, unit = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("parse size %q: want a number of bytes, or of KiB, MiB, GiB, TiB", s)
	}
	return n * unit, nil
}

// FormatSize writes a size in the largest unit that divides it.
func FormatSize(n int64) string {
	for _, u := range units {
		if n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return "0B"
}
