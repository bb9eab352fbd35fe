package fgb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"ndr/feature"
	"ndr/sinks"
)

// rowMerge steps through the rows of several files of one table in the order of their key. It belongs to one
// goroutine.
type rowMerge struct {
	files   []*mergedFile
	keys    []mergedKey
	current *mergedFile
}

// mergedKey is a key column.
type mergedKey struct {
	col     int
	address bool
	number  bool
}

// mergedFile is one file; batch and row are its next row. Without a batch it has ended.
type mergedFile struct {
	source int
	key    string
	object sinks.Object
	reader *sinks.TableReader
	batch  *feature.Batch
	row    int
	addrs  []parsedAddress // by key column
}

// openMerge opens the tables for the columns, of which the keys come first and in their order. source numbers the
// files as the tables are.
func (j *Job) openMerge(ctx context.Context, tables []sinks.BaselineTable, want *feature.Table, columns ...string) (*rowMerge, error) {
	m := &rowMerge{}
	for i, c := range columns {
		if col := want.Columns[want.Column(c)]; col.Key {
			m.keys = append(m.keys, mergedKey{i, strings.HasSuffix(c, "_ip"), col.Type != feature.Text})
		}
	}
	for i, t := range tables {
		f, err := j.openMerged(ctx, i, t, want, columns)
		if err == nil {
			f.addrs = make([]parsedAddress, len(columns))
			m.files = append(m.files, f)
			err = m.load(f)
		}
		if err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	return m, nil
}

func (j *Job) openMerged(ctx context.Context, i int, t sinks.BaselineTable, want *feature.Table, columns []string) (*mergedFile, error) {
	o, err := j.store.Open(ctx, t.Key)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", t.Key, err)
	}
	r, err := sinks.ReadTable(o, columns...)
	if err == nil {
		err = r.Expect(want)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", t.Key, err), o.Close())
	}
	return &mergedFile{source: i, key: t.Key, object: o, reader: r}, nil
}

func (m *rowMerge) close() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.object.Close())
	}
	m.files = nil
	return errors.Join(errs...)
}

// load makes the next row of a file ready.
func (m *rowMerge) load(f *mergedFile) error {
	if f.batch == nil || f.row >= f.batch.Rows {
		b, err := f.reader.Next()
		if err == io.EOF {
			f.batch = nil
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", f.key, err)
		}
		f.batch, f.row = b, 0
	}
	for i, k := range m.keys {
		if k.address {
			if err := f.addrs[i].parse(f.batch.Cols[k.col].Text[f.row]); err != nil {
				return fmt.Errorf("read %s: %w", f.key, err)
			}
		}
	}
	return nil
}

// next returns the file whose row is next, nil after the last. Equal keys come in the order of the files. The row is
// valid until the next call.
func (m *rowMerge) next() (*mergedFile, error) {
	if c := m.current; c != nil {
		c.row++
		if err := m.load(c); err != nil {
			return nil, err
		}
	}
	m.current = nil
	for _, f := range m.files {
		if f.batch != nil && (m.current == nil || m.compare(f, m.current, len(m.keys)) < 0) {
			m.current = f
		}
	}
	return m.current, nil
}

// compare compares the first n parts of the keys of two rows.
func (m *rowMerge) compare(a, b *mergedFile, n int) int {
	for i, k := range m.keys[:n] {
		x, y := &a.batch.Cols[k.col], &b.batch.Cols[k.col]
		c := 0
		switch {
		case k.address:
			c = a.addrs[i].addr.Compare(b.addrs[i].addr)
		case k.number:
			c = cmp.Compare(x.Int[a.row], y.Int[b.row])
		default:
			c = strings.Compare(x.Text[a.row], y.Text[b.row])
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// text, int and float are values of the row.
func (f *mergedFile) text(col int) string   { return f.batch.Cols[col].Text[f.row] }
func (f *mergedFile) int(col int) int64     { return f.batch.Cols[col].Int[f.row] }
func (f *mergedFile) float(col int) float64 { return f.batch.Cols[col].Float[f.row] }
func (f *mergedFile) null(col int) bool     { return f.batch.Cols[col].IsNull(f.row) }

// columnNames lists the columns of a table, of which its key first.
func columnNames(t *feature.Table) (names []string) {
	for _, key := range [...]bool{true, false} {
		for _, c := range t.Columns {
			if c.Key == key {
				names = append(names, c.Name)
			}
		}
	}
	return names
}
