package configs

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scalar is a type of single values: how it is read, shown and described.
type scalar[T any] struct {
	name   string // with its article: "a duration"
	tags   []string
	parse  func(text string) (T, error) // the error continues the sentence `"x" ...`
	show   func(T) any
	schema schema
}

// The YAML types that a value may have in the file.
const (
	tagText  = "!!str"
	tagInt   = "!!int"
	tagFloat = "!!float"
	tagBool  = "!!bool"
)

func text() scalar[string] {
	return scalar[string]{
		name:   "text",
		tags:   []string{tagText},
		parse:  func(s string) (string, error) { return s, nil },
		show:   func(s string) any { return s },
		schema: schema{"type": "string"},
	}
}

// matching is text of one form; want says which.
func matching(pattern, want string) scalar[string] {
	re := regexp.MustCompile("^(?:" + pattern + ")$")
	s := text()
	s.name = want
	s.parse = func(t string) (string, error) {
		if !re.MatchString(t) {
			return "", fmt.Errorf("is not %s", want)
		}
		return t, nil
	}
	s.schema = schema{"type": "string", "pattern": re.String() + orVariable}
	return s
}

// oneOf is text of a short closed list.
func oneOf(words ...string) scalar[string] {
	return choice("one of "+strings.Join(words, ", "), words)
}

// choice is text of a closed list that has a name.
func choice(name string, words []string) scalar[string] {
	s := text()
	s.name = name
	s.parse = func(t string) (string, error) {
		if slices.Contains(words, t) {
			return t, nil
		}
		hint := ""
		if near := nearest(t, words); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return "", fmt.Errorf("is not %s%s", name, hint)
	}
	s.schema = schema{"anyOf": []any{schema{"enum": words}, variable()}}
	return s
}

// metric is the name of one of the 48 metrics of FG-A.
func metric() scalar[string] { return choice("the name of a metric", metricNames(nil)) }

func boolean() scalar[bool] {
	return scalar[bool]{
		name: "true or false",
		tags: []string{tagBool},
		parse: func(t string) (bool, error) {
			if t != "true" && t != "false" {
				return false, fmt.Errorf("is not true or false")
			}
			return t == "true", nil
		},
		show:   func(b bool) any { return b },
		schema: schema{"anyOf": []any{schema{"type": "boolean"}, variable()}},
	}
}

// whole is a whole number within [lo, hi].
func whole[T int | int64 | uint16](lo, hi int64) scalar[T] {
	bounds := fmt.Sprintf("%d to %d", lo, hi)
	number := schema{"type": "integer", "minimum": lo, "maximum": hi}
	switch hi {
	case lo:
		bounds = fmt.Sprint(lo)
	case math.MaxInt64:
		bounds = fmt.Sprintf("%d or more", lo)
		delete(number, "maximum")
	}
	return scalar[T]{
		name: "a whole number, " + bounds,
		tags: []string{tagInt},
		parse: func(t string) (T, error) {
			n, err := strconv.ParseInt(t, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("is not a whole number, %s", bounds)
			}
			if n < lo || n > hi {
				return 0, fmt.Errorf("is out of range: want %s", bounds)
			}
			return T(n), nil
		},
		show:   func(n T) any { return int64(n) },
		schema: schema{"anyOf": []any{number, variable()}},
	}
}

// number is a decimal number within [lo, hi].
func number(lo, hi float64) scalar[float64] {
	bounds := fmt.Sprintf("%v to %v", lo, hi)
	limits := schema{"type": "number", "minimum": lo, "maximum": hi}
	if hi == math.MaxFloat64 {
		bounds = fmt.Sprintf("%v or more", lo)
		delete(limits, "maximum")
	}
	return scalar[float64]{
		name: "a number, " + bounds,
		tags: []string{tagInt, tagFloat},
		parse: func(t string) (float64, error) {
			x, err := strconv.ParseFloat(t, 64)
			if err != nil || math.IsNaN(x) {
				return 0, fmt.Errorf("is not a number, %s", bounds)
			}
			if x < lo || x > hi {
				return 0, fmt.Errorf("is out of range: want %s", bounds)
			}
			return x, nil
		},
		show:   func(x float64) any { return x },
		schema: schema{"anyOf": []any{limits, variable()}},
	}
}

// cidr is a network; its address is masked, so that equal networks are equal values.
func cidr() scalar[netip.Prefix] {
	return scalar[netip.Prefix]{
		name: "a network",
		tags: []string{tagText},
		parse: func(t string) (netip.Prefix, error) {
			p, err := netip.ParsePrefix(t)
			if err != nil {
				return p, fmt.Errorf("is not a network such as 10.0.0.0/8 or fc00::/7")
			}
			if p.Addr().Is4In6() {
				return p, fmt.Errorf("is an IPv4-mapped network; write it as IPv4")
			}
			if p != p.Masked() {
				return p, fmt.Errorf("has address bits after its length; did you mean %q?", p.Masked())
			}
			return p, nil
		},
		show:   func(p netip.Prefix) any { return p.String() },
		schema: schema{"type": "string", "pattern": `^[0-9A-Fa-f:.]+/[0-9]+$` + orVariable},
	}
}

// zone is a time zone of the IANA database.
func zone() scalar[*time.Location] {
	return scalar[*time.Location]{
		name: "a time zone",
		tags: []string{tagText},
		parse: func(t string) (*time.Location, error) {
			z, err := time.LoadLocation(t)
			if err != nil || t == "" || t == "Local" {
				return nil, fmt.Errorf("is not a time zone such as UTC or Europe/Berlin")
			}
			return z, nil
		},
		show:   func(z *time.Location) any { return z.String() },
		schema: schema{"type": "string"},
	}
}

func weekday() scalar[time.Weekday] {
	names := []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
	s := oneOf(names...)
	return scalar[time.Weekday]{
		name: s.name,
		tags: s.tags,
		parse: func(t string) (time.Weekday, error) {
			_, err := s.parse(t)
			return time.Weekday(slices.Index(names, t)), err
		},
		show:   func(d time.Weekday) any { return names[d] },
		schema: s.schema,
	}
}
