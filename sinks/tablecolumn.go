package sinks

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"ndr/feature"
)

// readColumn reads n rows of the i-th chosen column into the batch.
func (t *TableReader) readColumn(i, n int) error {
	dst, col := &t.batch.Cols[i], &t.table.Columns[i]
	t.levels = sized(t.levels, n)
	var rows int64
	var values int
	var err error
	switch r := t.readers[i].(type) {
	case *file.Int64ColumnChunkReader:
		dst.Int = sized(dst.Int, n)
		rows, values, err = r.ReadBatch(int64(n), dst.Int, t.levels, nil)
		spread(dst.Int, values, t.levels, col)
	case *file.Float64ColumnChunkReader:
		dst.Float = sized(dst.Float, n)
		rows, values, err = r.ReadBatch(int64(n), dst.Float, t.levels, nil)
		spread(dst.Float, values, t.levels, col)
	case *file.Float32ColumnChunkReader:
		t.floats, dst.Float = sized(t.floats, n), dst.Float[:0]
		rows, values, err = r.ReadBatch(int64(n), t.floats, t.levels, nil)
		for _, v := range t.floats[:values] {
			dst.Float = append(dst.Float, float64(v))
		}
		dst.Float = sized(dst.Float, n)
		spread(dst.Float, values, t.levels, col)
	case *file.ByteArrayColumnChunkReader:
		t.texts, dst.Text = sized(t.texts, n), dst.Text[:0]
		rows, values, err = r.ReadBatch(int64(n), t.texts, t.levels, nil)
		dst.Text = appendTexts(dst.Text, t.texts[:values])
		dst.Text = sized(dst.Text, n)
		spread(dst.Text, values, t.levels, col)
	default:
		return fmt.Errorf("no reader for a %T", r)
	}
	if err != nil {
		return err
	}
	if rows != int64(n) || !col.Nullable && values != n {
		return fmt.Errorf("got %d rows and %d values, want %d rows", rows, values, n)
	}
	if values < n {
		dst.Null = dst.Null[:0]
		for _, level := range t.levels {
			dst.Null = append(dst.Null, level == 0)
		}
	}
	return nil
}

// sized returns s with n elements, the first of them kept.
func sized[T any](s []T, n int) []T {
	return slices.Grow(s, max(0, n-len(s)))[:n]
}

// spread moves the values, which lie without gaps at the front of dst, to the rows whose level is 1, and zeroes
// the others.
func spread[T any](dst []T, values int, levels []int16, col *feature.Column) {
	if !col.Nullable {
		return
	}
	var zero T
	for row := len(levels) - 1; row >= 0; row-- {
		if levels[row] == 0 {
			dst[row] = zero
			continue
		}
		if values--; values < 0 {
			return // fewer values than levels: the caller reports it
		}
		dst[row] = dst[values]
	}
}

// appendTexts copies values that are valid only now. Equal neighbours, as in key columns, share one string.
func appendTexts(dst []string, values []parquet.ByteArray) []string {
	last := ""
	for _, v := range values {
		if string(v) != last {
			last = string(v)
		}
		dst = append(dst, last)
	}
	return dst
}
