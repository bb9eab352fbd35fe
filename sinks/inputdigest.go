package sinks

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"ndr/feature"
)

// sessionCount passes rows on and sums their sessions, for the manifest.
type sessionCount struct {
	next   feature.RowSink
	column int
	sum    int64
}

func countSessions(t *feature.Table, next feature.RowSink) *sessionCount {
	return &sessionCount{next: next, column: t.Column("sessions_cnt")}
}

// Write implements feature.RowSink.
func (c *sessionCount) Write(b *feature.Batch) error {
	for _, n := range b.Cols[c.column].Int[:b.Rows] {
		c.sum += n
	}
	return c.next.Write(b)
}

// integerDigest passes rows on and hashes what of them is text or an exact integer: the inputs of the close, which
// must be equal for every owner on every architecture, while ratios and entropies may differ in the last bit.
type integerDigest struct {
	next    feature.RowSink
	columns []int
	hash    hash.Hash
	buf     []byte
}

func digestIntegers(t *feature.Table, next feature.RowSink) *integerDigest {
	d := &integerDigest{next: next, hash: sha256.New()}
	estimated := make(map[string]bool) // for scanners these are estimates, made with floating point
	for _, m := range feature.Metrics {
		if m.Kind == feature.KindPairs {
			estimated[m.Name] = true
		}
	}
	for i, c := range t.Columns {
		if (c.Type == feature.Int64 || c.Key) && !estimated[c.Name] {
			d.columns = append(d.columns, i)
		}
	}
	return d
}

// Write implements feature.RowSink.
func (d *integerDigest) Write(b *feature.Batch) error {
	d.buf = d.buf[:0]
	for row := range b.Rows {
		for _, i := range d.columns {
			c := &b.Cols[i]
			if b.Table.Columns[i].Type == feature.Text {
				d.buf = append(append(d.buf, c.Text[row]...), 0)
			} else {
				d.buf = binary.LittleEndian.AppendUint64(d.buf, uint64(c.Int[row]))
			}
		}
	}
	d.hash.Write(d.buf)
	return d.next.Write(b)
}
