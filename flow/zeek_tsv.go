package flow

import (
	"bytes"
	"fmt"
)

// zeekTSV decodes conn.log in Zeek's own text form. Which column is what stands in the header lines, which are
// items of their own (unselected) and the state of the decoder.
type zeekTSV struct {
	unpacker
	header zeekHeader
	state  []byte   // header.text(), a new slice whenever it changes
	cells  [][]byte // of the current row
}

func newZeekTSV(cfg Config) *zeekTSV {
	d := &zeekTSV{unpacker: newUnpacker(cfg.Limits, false)}
	d.header.reset()
	d.one = d.line
	return d
}

// State returns the header lines in force.
func (d *zeekTSV) State() []byte { return d.state }

// Restore puts header lines in force.
func (d *zeekTSV) Restore(state []byte) error {
	var h zeekHeader
	h.reset()
	for line := range bytes.Lines(state) {
		line = trimLineEnd(line)
		if len(line) == 0 || line[0] != '#' {
			return fmt.Errorf("restore zeek header: no header line: %.40q", line)
		}
		if err := h.line(line); err != nil {
			return fmt.Errorf("restore zeek header: %w", err)
		}
	}
	d.header, d.state = h, h.text()
	return nil
}

func (d *zeekTSV) line(line []byte, emit func(*Item)) {
	d.item.begin(line)
	switch {
	case line[0] == '#':
		d.headerLine(line)
	case !d.header.known():
		d.item.reject(ReasonMalformed, "row before a #fields line")
	case !d.header.conn():
		d.item.filter(FilterUnselected)
	default:
		d.row(line)
	}
	emit(&d.item)
}

func (d *zeekTSV) headerLine(line []byte) {
	if err := d.header.line(line); err != nil {
		d.item.reject(ReasonMalformed, err.Error())
		return
	}
	if text := d.header.text(); !bytes.Equal(text, d.state) {
		d.state = text
	}
	d.item.filter(FilterUnselected)
}

func (d *zeekTSV) row(line []byte) {
	if n := d.split(line); n != len(d.header.names) {
		d.item.reject(ReasonMalformed, fmt.Sprintf("%d cells, the header has %d fields", n, len(d.header.names)))
		return
	}
	var conn zeekConn
	for _, c := range d.header.plan {
		cell := d.cells[c.index]
		if len(cell) == 0 || bytes.Equal(cell, d.header.unset) || bytes.Equal(cell, d.header.empty) {
			continue
		}
		if !conn.set(&d.item.Record, c.field, cell) {
			d.item.reject(ReasonMalformed, fmt.Sprintf("column %s: bad value %.40q", d.header.names[c.index], cell))
			return
		}
	}
	conn.finish(&d.item)
}

// split cuts the row at the separator, and at nothing else, into d.cells and returns how many cells there are.
// It keeps no more of them than the header has fields.
func (d *zeekTSV) split(line []byte) int {
	if sep := d.header.separator; len(sep) > 1 {
		return d.splitLong(line, sep)
	}
	var n int
	d.cells, n = splitByte(d.cells[:0], line, d.header.separator[0], len(d.header.names))
	return n
}

// splitByte appends the first most cells of a line to dst and returns it with the number of all cells. Cells are
// short, so looking at each byte is faster than to search for the next separator.
func splitByte(dst [][]byte, line []byte, sep byte, most int) ([][]byte, int) {
	start := 0
	for i, c := range line {
		if c != sep {
			continue
		}
		if len(dst) == most {
			return dst, most + 1 + bytes.Count(line[start:], []byte{sep})
		}
		dst = append(dst, line[start:i])
		start = i + 1
	}
	if len(dst) == most {
		return dst, most + 1
	}
	return append(dst, line[start:]), len(dst) + 1
}

func (d *zeekTSV) splitLong(line, sep []byte) int {
	if n := bytes.Count(line, sep) + 1; n != len(d.header.names) {
		return n
	}
	d.cells = d.cells[:0]
	for cell := range bytes.SplitSeq(line, sep) {
		d.cells = append(d.cells, cell)
	}
	return len(d.cells)
}
