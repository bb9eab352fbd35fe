package flow

import (
	"bytes"
	"fmt"
	"strconv"
)

// maxColumns bounds the #fields line of a header.
const maxColumns = 1024

// zeekHeader is what the lines that begin with '#' say of the rows below them.
type zeekHeader struct {
	separator []byte
	unset     []byte
	empty     []byte
	path      []byte
	names     [][]byte     // all columns
	plan      []zeekColumn // the columns that are read
	lines     [5][]byte    // the header lines that matter, in the order of zeekHeaderKeys
}

type zeekColumn struct {
	index int
	field zeekField
}

// zeekHeaderKey returns the place of a header key in zeekHeader.lines, -1 for one that does not matter: #types and
// #set_separator, because the types of conn.log are fixed and none of its sets is read; #open and #close.
func zeekHeaderKey(key []byte) int {
	switch string(key) {
	case "separator":
		return 0
	case "empty_field":
		return 1
	case "unset_field":
		return 2
	case "path":
		return 3
	case "fields":
		return 4
	}
	return -1
}

func (h *zeekHeader) reset() {
	*h = zeekHeader{separator: []byte{'\t'}, unset: []byte("-"), empty: []byte("(empty)")}
}

// line takes over a header line. A #separator line begins a new header.
func (h *zeekHeader) line(line []byte) error {
	end := bytes.IndexByte(line, ' ')
	if i := bytes.Index(line, h.separator); i >= 0 && (end < 0 || i < end) {
		end = i
	}
	if end < 0 {
		end = len(line)
	}
	key := zeekHeaderKey(line[1:end])
	if key < 0 {
		return nil
	}
	if key == 0 {
		h.reset()
	}
	line = bytes.Clone(line)
	var value []byte
	if rest := line[end:]; bytes.HasPrefix(rest, h.separator) {
		value = rest[len(h.separator):]
	} else if len(rest) > 0 {
		value = rest[1:]
	}
	if err := h.set(key, value); err != nil {
		return err
	}
	h.lines[key] = line
	return nil
}

func (h *zeekHeader) set(key int, value []byte) error {
	switch key {
	case 0:
		separator, err := unescapeZeek(value)
		if err != nil || len(separator) == 0 {
			return fmt.Errorf("bad #separator %.40q", value)
		}
		h.separator = separator
	case 1:
		h.empty = value
	case 2:
		h.unset = value
	case 3:
		h.path = value
	case 4:
		return h.fields(value)
	}
	return nil
}

func (h *zeekHeader) fields(value []byte) error {
	if n := bytes.Count(value, h.separator) + 1; n > maxColumns {
		return fmt.Errorf("#fields has %d columns, limit %d", n, maxColumns)
	}
	h.names = bytes.Split(value, h.separator)
	h.plan = h.plan[:0]
	for i, name := range h.names {
		if f := zeekFieldOf(name); f != zeekSkip {
			h.plan = append(h.plan, zeekColumn{i, f})
		}
	}
	return nil
}

// known reports that rows can be read.
func (h *zeekHeader) known() bool { return h.names != nil }

// conn reports that the rows are connections at their end: the path says so or, where the header has none, the
// columns do. Other logs, open_conn and conn_long among them, would count connections again.
func (h *zeekHeader) conn() bool {
	if h.path != nil {
		return string(h.path) == "conn"
	}
	for _, c := range h.plan {
		switch c.field {
		case zeekConnState, zeekDuration, zeekOrigBytes, zeekOrigIPBytes:
			return true
		}
	}
	return false
}

// text returns the lines that make this header again, nil if there are none.
func (h *zeekHeader) text() (b []byte) {
	for _, line := range h.lines {
		if line != nil {
			b = append(append(b, line...), '\n')
		}
	}
	return b
}

// unescapeZeek resolves \xNN.
func unescapeZeek(b []byte) ([]byte, error) {
	var out []byte
	for len(b) > 0 {
		if len(b) < 4 || b[0] != '\\' || b[1] != 'x' {
			out, b = append(out, b[0]), b[1:]
			continue
		}
		v, err := strconv.ParseUint(string(b[2:4]), 16, 8)
		if err != nil {
			return nil, err
		}
		out, b = append(out, byte(v)), b[4:]
	}
	return out, nil
}
