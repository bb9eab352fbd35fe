package sinks

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"

	"ndr/feature"
)

// RowDigest is the content digest of a table: SHA-256 over the canonical encoding of its schema and its rows, in
// order. It depends neither on how rows are split into batches nor on the file format. The encoding:
//
//	"ndr table 1" 0x00, name 0x00, version (uvarint), columns (uvarint), per column: name 0x00, type, nullable
//	per row and column: 0x00 for null, or 0x01 and the value: integers and timestamps 8 bytes little-endian,
//	doubles and floats the 8 or 4 bytes of their IEEE 754 bits little-endian, text its length (uvarint) and bytes
type RowDigest struct {
	table *feature.Table
	hash  hash.Hash
	buf   []byte
}

// NewRowDigest starts the digest of a table without rows.
func NewRowDigest(t *feature.Table) *RowDigest {
	d := &RowDigest{table: t, hash: sha256.New()}
	b := append(d.buf, "ndr table 1\x00"...)
	b = append(append(b, t.Name...), 0)
	b = binary.AppendUvarint(b, uint64(t.Version))
	b = binary.AppendUvarint(b, uint64(len(t.Columns)))
	for i := range t.Columns {
		c := &t.Columns[i]
		b = append(append(b, c.Name...), 0, byte(c.Type), 0)
		if c.Nullable {
			b[len(b)-1] = 1
		}
	}
	d.hash.Write(b)
	d.buf = b[:0]
	return d
}

// digestBuffer is how many encoded bytes are hashed at a time.
const digestBuffer = 32 << 10

// Add appends the batch's rows. The batch must have the table's columns.
func (d *RowDigest) Add(b *feature.Batch) {
	buf := d.buf[:0]
	for row := range b.Rows {
		for col := range b.Cols {
			buf = appendValue(buf, d.table.Columns[col].Type, &b.Cols[col], row)
		}
		if len(buf) >= digestBuffer {
			d.hash.Write(buf)
			buf = buf[:0]
		}
	}
	d.hash.Write(buf)
	d.buf = buf[:0]
}

// Sum returns the digest of the rows so far, in hex.
func (d *RowDigest) Sum() string { return hex.EncodeToString(d.hash.Sum(nil)) }

func appendValue(buf []byte, typ feature.ColumnType, c *feature.Values, row int) []byte {
	if c.IsNull(row) {
		return append(buf, 0)
	}
	buf = append(buf, 1)
	switch typ {
	case feature.Text:
		buf = binary.AppendUvarint(buf, uint64(len(c.Text[row])))
		return append(buf, c.Text[row]...)
	case feature.Float64:
		return binary.LittleEndian.AppendUint64(buf, math.Float64bits(c.Float[row]))
	case feature.Float32:
		return binary.LittleEndian.AppendUint32(buf, math.Float32bits(float32(c.Float[row])))
	default:
		return binary.LittleEndian.AppendUint64(buf, uint64(c.Int[row]))
	}
}
