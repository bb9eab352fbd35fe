package flow

import (
	"bytes"
	"fmt"
	"strings"
)

// vpcText decodes AWS VPC flow logs in text form: rows of the configured or announced order, bare or as messages of
// a CloudWatch or Firehose envelope. Every row is a half: one direction seen at one interface in one window, from
// srcaddr to dstaddr. Ingest pairs halves.
type vpcText struct {
	unpacker
	cfg    VPCConfig
	layout vpcLayout
	status int    // cell of log-status, -1 if there is none
	state  []byte // the header line in force, nil for the configured order
	cells  [][]byte
}

func newVPCText(cfg Config) (*vpcText, error) {
	names := cfg.VPC.Fields
	if len(names) == 0 {
		names = strings.Fields(vpcVersion2)
	}
	layout, err := newVPCLayout(names, false)
	if err != nil {
		return nil, err
	}
	if cfg.VPC.BothEnds && cfg.VPC.Internal == nil {
		return nil, fmt.Errorf("vpc both_ends: needs to know the internal networks")
	}
	d := &vpcText{unpacker: newUnpacker(cfg.Limits, false), cfg: cfg.VPC}
	d.use(layout)
	d.one = d.line
	return d, nil
}

func (d *vpcText) use(l vpcLayout) { d.layout, d.status = l, l.index(vpcLogStatus) }

// State returns the last header line, nil while the configured order is in force.
func (d *vpcText) State() []byte { return d.state }

// Restore puts a header line in force.
func (d *vpcText) Restore(state []byte) error {
	if len(state) == 0 {
		return nil
	}
	layout, ok, err := parseVPCHeader(state)
	if err == nil && !ok {
		err = fmt.Errorf("no header line: %.40q", state)
	}
	if err != nil {
		return fmt.Errorf("restore vpc header: %w", err)
	}
	d.use(layout)
	d.state = bytes.Clone(state)
	return nil
}

func (d *vpcText) line(line []byte, emit func(*Item)) {
	d.item.begin(line)
	layout, header, err := parseVPCHeader(line)
	switch {
	case err != nil:
		d.item.reject(ReasonMalformed, err.Error())
	case header:
		d.use(layout)
		if text := layout.text(); !bytes.Equal(text, d.state) {
			d.state = text
		}
		d.item.filter(FilterUnselected)
	default:
		d.row(line)
	}
	emit(&d.item)
}

func (d *vpcText) row(line []byte) {
	if n := d.split(line); n != len(d.layout.fields) {
		d.item.reject(ReasonMalformed, fmt.Sprintf("%d cells, %d fields are expected", n, len(d.layout.fields)))
		return
	}
	if d.status >= 0 {
		switch string(d.cells[d.status]) {
		case "NODATA", "SKIPDATA":
			d.item.filter(FilterNoData)
			return
		}
	}
	var row vpcRow
	for i, f := range d.layout.fields {
		cell := d.cells[i]
		if f == vpcSkip || len(cell) == 0 || len(cell) == 1 && cell[0] == '-' {
			continue
		}
		if !row.set(&d.item.Record, f, cell) {
			d.item.reject(ReasonMalformed, fmt.Sprintf("field %s: bad value %.40q", d.layout.names[i], cell))
			return
		}
	}
	row.finish(&d.item)
	if d.item.Verdict == Accepted && d.cfg.BothEnds && row.otherEnd(d.cfg.Internal) {
		d.item.filter(FilterDuplicate)
	}
}

// split cuts the row into d.cells and returns how many cells there are, of which it keeps no more than the layout
// has. Spaces at the end count for nothing.
func (d *vpcText) split(line []byte) (n int) {
	sep := byte(' ')
	if d.layout.comma {
		sep = ','
	}
	d.cells, n = splitByte(d.cells[:0], bytes.TrimRight(line, " "), sep, len(d.layout.fields))
	return n
}
