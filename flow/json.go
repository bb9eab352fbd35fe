package flow

import "fmt"

// jsonMaxDepth bounds how deep objects and arrays may nest, the outermost object counting as one. Log records
// nest three or four levels; an unbounded depth would let one record eat the stack.
const jsonMaxDepth = 64

// jsonKind is the type of a JSON value; jsonNone stands for "there is none".
type jsonKind uint8

const (
	jsonNone jsonKind = iota
	jsonString
	jsonNumber
	jsonTrue
	jsonFalse
	jsonNull
	jsonObject
	jsonArray
)

// jsonValue is one value. raw points into the input: the text between the quotes of a string, the literal of a
// number, true, false or null, and an object or array with its brackets. When escaped is set, raw of a string is
// still in its escaped form; jsonScanner.text resolves it.
type jsonValue struct {
	kind    jsonKind
	escaped bool
	raw     []byte
}

// jsonError tells where an input stops being JSON.
type jsonError struct {
	offset int
	what   string
}

func (e *jsonError) Error() string { return fmt.Sprintf("json: %s at offset %d", e.what, e.offset) }

// jsonScanner walks the members of one JSON object without allocating. It accepts exactly what encoding/json
// accepts, up to jsonMaxDepth, except that bytes of strings which are no UTF-8 are handed on as they are. Usage:
//
//	if err := s.open(raw); err != nil { ... }
//	for {
//		key, v, ok, err := s.next()
//		if err != nil || !ok { ... }
//	}
//
// Only a walk to the end (ok == false, err == nil) has checked the whole input. A key that occurs twice is handed
// out twice: callers let the last one win, as encoding/json does. Slices stay valid until the next open.
type jsonScanner struct {
	buf   []byte
	pos   int
	depth int    // of the container being walked
	close byte   // its closing bracket
	first bool   // no member has been handed out yet
	arena []byte // resolved escapes; only ever appended to, so that earlier texts stay valid
}

// jsonCursor is where a scanner was before it entered a nested value.
type jsonCursor struct {
	buf   []byte
	pos   int
	depth int
	close byte
	first bool
}

// open starts a record: one object with nothing but white space around it.
func (s *jsonScanner) open(raw []byte) error {
	s.buf, s.arena, s.depth, s.close, s.first = raw, s.arena[:0], 1, '}', true
	s.pos = skipJSONSpace(raw, 0)
	if s.pos == len(raw) || raw[s.pos] != '{' {
		return &jsonError{s.pos, "no object"}
	}
	s.pos++
	return nil
}

// enter starts to walk an object or array that the scanner has handed out; leave(cursor) returns to where it
// was. The nested value is known to be sound, so a walk of it may be given up at any member.
func (s *jsonScanner) enter(v jsonValue) jsonCursor {
	c := jsonCursor{s.buf, s.pos, s.depth, s.close, s.first}
	s.buf, s.pos, s.depth, s.close, s.first = v.raw, 1, s.depth+1, '}', true
	if v.kind == jsonArray {
		s.close = ']'
	}
	return c
}

func (s *jsonScanner) leave(c jsonCursor) {
	s.buf, s.pos, s.depth, s.close, s.first = c.buf, c.pos, c.depth, c.close, c.first
}

// next hands out the next member of the object; ok is false at its end. The key has its escapes resolved.
func (s *jsonScanner) next() (key []byte, v jsonValue, ok bool, err error) {
	more, err := s.more()
	if err != nil || !more {
		return nil, jsonValue{}, false, err
	}
	k, i, err := scanJSONKey(s.buf, s.pos)
	if err != nil {
		return nil, jsonValue{}, false, err
	}
	v, s.pos, err = scanJSONValue(s.buf, i, s.depth)
	if err != nil {
		return nil, jsonValue{}, false, err
	}
	return s.text(k), v, true, nil
}

// element hands out the next element of the array that was entered; ok is false at its end.
func (s *jsonScanner) element() (v jsonValue, ok bool, err error) {
	more, err := s.more()
	if err != nil || !more {
		return jsonValue{}, false, err
	}
	v, s.pos, err = scanJSONValue(s.buf, s.pos, s.depth)
	return v, err == nil, err
}

// more moves to the next member or element and reports whether there is one. At the end of the outermost object
// it checks that nothing follows.
func (s *jsonScanner) more() (bool, error) {
	i := skipJSONSpace(s.buf, s.pos)
	switch {
	case i == len(s.buf):
		return false, &jsonError{i, "input ends inside a container"}
	case s.buf[i] == s.close:
		s.pos = i // stays on the bracket: asking again gives the same answer
		if end := skipJSONSpace(s.buf, i+1); end != len(s.buf) {
			return false, &jsonError{end, "text after the object"}
		}
		return false, nil
	case s.first:
		s.pos, s.first = i, false
		return true, nil
	case s.buf[i] != ',':
		return false, &jsonError{i, "no comma"}
	}
	s.pos = skipJSONSpace(s.buf, i+1)
	return true, nil
}

// text returns what a string says, and the literal of any other value.
func (s *jsonScanner) text(v jsonValue) []byte {
	if !v.escaped {
		return v.raw
	}
	start := len(s.arena)
	s.arena = appendUnescaped(s.arena, v.raw)
	return s.arena[start:len(s.arena):len(s.arena)]
}

// lookup finds the value at a path of keys parted by dots below an object, where each dot may be a step into a
// nested object or part of a key: a.b finds {"a":{"b":1}} and {"a.b":1}. Of several the last one wins. The
// object is one that a scanner handed out.
func (s *jsonScanner) lookup(object jsonValue, path string) (found jsonValue) {
	if object.kind != jsonObject {
		return jsonValue{}
	}
	at := s.enter(object)
	defer s.leave(at)
	for {
		key, v, ok, err := s.next()
		switch {
		case err != nil || !ok:
			return found
		case string(key) == path:
			found = v
		case len(path) > len(key) && path[len(key)] == '.' && path[:len(key)] == string(key):
			// A member that replaces the first part of the path replaces what was found below it.
			found = s.lookup(v, path[len(key)+1:])
		}
	}
}
