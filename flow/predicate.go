package flow

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A predicate is a condition of a mapping on a record:
//
//	reporter == "DEST" and not ($.bytes == 0 or event.type has "denied")
//
// Left stands a path, right a text in quotes, a number, true, false, null or a bare word. == and != compare
// numbers as numbers and everything else as text; =~ and !~ search a regular expression; has finds an element of
// an array. Of an array, ==, =~ and has want one element that fits. A missing value is null: it equals nothing but
// null. A path alone asks whether it is there. '*' is always true. Precedence: not, and, or.
type predicate interface{ holds(m *mapping) bool }

type (
	always    struct{}
	present   struct{ path pathRef }
	negation  struct{ inner predicate }
	both      struct{ a, b predicate }
	either    struct{ a, b predicate }
	condition struct {
		path   pathRef
		accept func(text []byte) bool
	}
)

func (always) holds(*mapping) bool      { return true }
func (p present) holds(m *mapping) bool { return m.value(p.path).kind != jsonNone }
func (p negation) holds(m *mapping) bool {
	return !p.inner.holds(m)
}
func (p both) holds(m *mapping) bool   { return p.a.holds(m) && p.b.holds(m) }
func (p either) holds(m *mapping) bool { return p.a.holds(m) || p.b.holds(m) }

func (p condition) holds(m *mapping) bool {
	v := m.value(p.path)
	switch v.kind {
	case jsonNone:
		return false
	case jsonArray:
		at := m.scan.enter(v)
		defer m.scan.leave(at)
		for {
			e, ok, err := m.scan.element()
			if err != nil || !ok {
				return false
			}
			if p.accept(m.text(e)) {
				return true
			}
		}
	}
	return p.accept(m.text(v))
}

// predicateParser reads a predicate by recursive descent.
type predicateParser struct {
	tokens []string // quoted texts keep their quotes
	slot   func(string) int
	// fields, if set, says which names on the left are fields of the record that has been made.
	fields func(name string) (pathRef, bool)
}

var predicateToken = regexp.MustCompile(`^(?:"(?:[^"\\]|\\.)*"|'[^']*'|==|!=|=~|!~|[()]|[A-Za-z0-9_$.^@\[\]/*?-]+)`)

// parsePredicate compiles the text of a predicate; slot gives the slots of its paths, and fields may be nil.
func parsePredicate(text string, slot func(string) int, fields func(string) (pathRef, bool)) (predicate, error) {
	p := &predicateParser{slot: slot, fields: fields}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		token := predicateToken.FindString(rest)
		if token == "" {
			return nil, fmt.Errorf("predicate %q: cannot read %q", text, rest)
		}
		p.tokens = append(p.tokens, token)
		rest = rest[len(token):]
	}
	result, err := p.alternatives()
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("%q is too much", p.tokens[0])
	}
	if err != nil {
		return nil, fmt.Errorf("predicate %q: %w", text, err)
	}
	return result, nil
}

func (p *predicateParser) take() (token string) {
	if len(p.tokens) > 0 {
		token, p.tokens = p.tokens[0], p.tokens[1:]
	}
	return token
}

func (p *predicateParser) next(token string) bool {
	if len(p.tokens) == 0 || p.tokens[0] != token {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *predicateParser) alternatives() (predicate, error) {
	a, err := p.conjunction()
	for err == nil && p.next("or") {
		var b predicate
		b, err = p.conjunction()
		a = either{a, b}
	}
	return a, err
}

func (p *predicateParser) conjunction() (predicate, error) {
	a, err := p.term()
	for err == nil && p.next("and") {
		var b predicate
		b, err = p.term()
		a = both{a, b}
	}
	return a, err
}

func (p *predicateParser) term() (predicate, error) {
	switch token := p.take(); token {
	case "":
		return nil, fmt.Errorf("a condition is missing")
	case "*":
		return always{}, nil
	case "not":
		inner, err := p.term()
		return negation{inner}, err
	case "(":
		inner, err := p.alternatives()
		if err == nil && !p.next(")") {
			err = fmt.Errorf("a closing parenthesis is missing")
		}
		return inner, err
	default:
		if p.fields != nil {
			if path, ok := p.fields(token); ok {
				return p.comparison(path)
			}
		}
		path, err := parsePath(token, p.slot)
		if err != nil {
			return nil, err
		}
		return p.comparison(path)
	}
}

func (p *predicateParser) comparison(path pathRef) (predicate, error) {
	var op string
	if len(p.tokens) > 0 {
		op = p.tokens[0]
	}
	switch op {
	case "==", "!=", "=~", "!~", "has":
		p.take()
	default:
		return present{path}, nil
	}
	right := p.take()
	if right == "" || right == ")" || right == "(" {
		return nil, fmt.Errorf("a value is missing after %s", op)
	}
	var c predicate
	switch {
	case op == "=~" || op == "!~":
		re, err := regexp.Compile(literal(right))
		if err != nil {
			return nil, err
		}
		c = condition{path, re.Match}
	case right == "null":
		c = negation{present{path}}
	default:
		c = condition{path, equals(literal(right))}
	}
	if op[0] == '!' {
		return negation{c}, nil
	}
	return c, nil
}

// literal takes the quotes from a text.
func literal(token string) string {
	switch token[0] {
	case '"':
		if text, err := strconv.Unquote(token); err == nil {
			return text
		}
		return token[1 : len(token)-1] // escapes of a regular expression, as \d
	case '\'':
		return token[1 : len(token)-1]
	}
	return token
}

// equals compares with a literal, as a number if both are one.
func equals(want string) func([]byte) bool {
	text := []byte(want)
	number, isNumber := ParseInt(text)
	return func(v []byte) bool {
		if bytes.Equal(v, text) {
			return true
		}
		n, ok := ParseInt(v)
		return isNumber && ok && n == number
	}
}
