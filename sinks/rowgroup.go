package sinks

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"ndr/feature"
)

// rowGroup collects rows by column, nulls left out, in the form that the Parquet column writers take.
type rowGroup struct {
	table *feature.Table
	limit int // rows of a full group
	rows  int
	cols  []columnChunk
}

// columnChunk is one column of a row group. Of the value slices only the one of the column's type is used.
type columnChunk struct {
	ints    []int64
	doubles []float64
	floats  []float32
	texts   []parquet.ByteArray
	levels  []int16 // per row 1, or 0 for null; only in nullable columns
}

func newRowGroup(t *feature.Table) *rowGroup {
	return &rowGroup{table: t, limit: groupRows(t), cols: make([]columnChunk, len(t.Columns))}
}

func (g *rowGroup) reset() {
	g.rows = 0
	for i := range g.cols {
		c := &g.cols[i]
		clear(c.texts) // lets go of the strings
		c.ints, c.doubles, c.floats = c.ints[:0], c.doubles[:0], c.floats[:0]
		c.texts, c.levels = c.texts[:0], c.levels[:0]
	}
}

// add appends the rows [from, to) of a batch that has passed the table's check.
func (g *rowGroup) add(b *feature.Batch, from, to int) {
	for i := range g.cols {
		src, dst, col := &b.Cols[i], &g.cols[i], &g.table.Columns[i]
		hasNull := false
		if col.Nullable {
			hasNull = dst.addLevels(src, from, to)
		}
		if !hasNull {
			dst.addValues(col.Type, src, from, to)
			continue
		}
		for row := from; row < to; row++ {
			if !src.IsNull(row) {
				dst.addValues(col.Type, src, row, row+1)
			}
		}
	}
	g.rows += to - from
}

// addLevels appends definition levels and reports whether a row is null.
func (c *columnChunk) addLevels(src *feature.Values, from, to int) (hasNull bool) {
	for row := from; row < to; row++ {
		level := int16(1)
		if src.IsNull(row) {
			level, hasNull = 0, true
		}
		c.levels = append(c.levels, level)
	}
	return hasNull
}

func (c *columnChunk) addValues(typ feature.ColumnType, src *feature.Values, from, to int) {
	switch typ {
	case feature.Float64:
		c.doubles = append(c.doubles, src.Float[from:to]...)
	case feature.Float32:
		for _, v := range src.Float[from:to] {
			c.floats = append(c.floats, float32(v))
		}
	case feature.Text:
		for _, s := range src.Text[from:to] {
			// The writer only reads the bytes, so the string need not be copied.
			c.texts = append(c.texts, unsafe.Slice(unsafe.StringData(s), len(s)))
		}
	default:
		c.ints = append(c.ints, src.Int[from:to]...)
	}
}

// writeTo writes the columns in order and closes the row group.
func (g *rowGroup) writeTo(rg file.SerialRowGroupWriter) error {
	for i := range g.cols {
		cw, err := rg.NextColumn()
		if err == nil {
			err = g.cols[i].writeTo(cw)
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", g.table.Columns[i].Name, err)
		}
	}
	return rg.Close()
}

func (c *columnChunk) writeTo(cw file.ColumnChunkWriter) error {
	var levels []int16
	if len(c.levels) > 0 {
		levels = c.levels
	}
	var err error
	switch cw := cw.(type) {
	case *file.Int64ColumnChunkWriter:
		_, err = cw.WriteBatch(c.ints, levels, nil)
	case *file.Float64ColumnChunkWriter:
		_, err = cw.WriteBatch(c.doubles, levels, nil)
	case *file.Float32ColumnChunkWriter:
		_, err = cw.WriteBatch(c.floats, levels, nil)
	case *file.ByteArrayColumnChunkWriter:
		_, err = cw.WriteBatch(c.texts, levels, nil)
	default:
		err = fmt.Errorf("no values for a %T", cw)
	}
	return err
}
