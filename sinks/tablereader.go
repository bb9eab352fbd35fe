package sinks

import (
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"ndr/feature"
)

// Footer is what a table file says of itself.
type Footer struct {
	Table     *feature.Table // by the file's schema; Distinct is not stored
	Meta      map[string]string
	Rows      int64
	RowGroups int
}

// ReadFooter reads the schema and metadata of a table file, and no rows.
func ReadFooter(r SizedReaderAt) (*Footer, error) {
	t, err := ReadTable(r)
	if err != nil {
		return nil, err
	}
	return t.Footer(), nil
}

// TableReader reads the rows of one table file.
type TableReader struct {
	footer Footer
	file   *file.Reader
	table  *feature.Table // of the columns that are read
	cols   []int          // their places in the file

	batch   *feature.Batch
	group   int    // next row group
	only    []bool // by row group: those to read; nil is all
	left    int64
	readers []file.ColumnChunkReader
	levels  []int16
	texts   []parquet.ByteArray
	floats  []float32
}

// ReadTable opens a table file for reading the named columns in the order given, or all when none is named.
func ReadTable(r SizedReaderAt, columns ...string) (t *TableReader, err error) {
	defer recoverCorrupt(&err)
	f, err := file.NewParquetReader(io.NewSectionReader(r, 0, r.Size()))
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	meta := map[string]string{}
	kv := f.MetaData().KeyValueMetadata()
	for i, k := range kv.Keys() {
		meta[k] = kv.Values()[i]
	}
	full, err := tableOf(f.MetaData().Schema, meta)
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", meta[MetaDataset], err)
	}
	t = &TableReader{file: f, table: full,
		footer: Footer{Table: full, Meta: meta, Rows: f.NumRows(), RowGroups: f.NumRowGroups()}}
	if err := t.choose(columns); err != nil {
		return nil, fmt.Errorf("read table %s: %w", full.Name, err)
	}
	t.batch = feature.NewBatch(t.table)
	return t, nil
}

// choose sets the columns to read.
func (t *TableReader) choose(columns []string) error {
	if len(columns) == 0 {
		for i := range t.table.Columns {
			t.cols = append(t.cols, i)
		}
		return nil
	}
	part := &feature.Table{Name: t.table.Name, Version: t.table.Version}
	for _, name := range columns {
		i := t.table.Column(name)
		if i < 0 {
			return fmt.Errorf("no column %s", name)
		}
		t.cols = append(t.cols, i)
		part.Columns = append(part.Columns, t.table.Columns[i])
	}
	t.table = part
	return nil
}

// Footer is what the file says of itself.
func (t *TableReader) Footer() *Footer { return &t.footer }

// Expect checks the file's whole schema against the table of this program, of which it may be the same or an older
// version. The error is a *feature.SchemaError.
func (t *TableReader) Expect(want *feature.Table) error {
	return feature.CheckSchema(want, feature.SchemaOf(t.footer.Table))
}

// Table is the schema of the batches: the chosen columns.
func (t *TableReader) Table() *feature.Table { return t.table }

// Only leaves out the row groups whose flag is false. It is called before the first Next.
func (t *TableReader) Only(groups []bool) { t.only = groups }

// Group is the row group of the batch that Next returned last.
func (t *TableReader) Group() int { return t.group - 1 }

// Batches ranges over the rows in file order, at most maxGroupRows per batch. A batch is valid until the next one;
// its strings stay valid. After an error there is no further batch.
func (t *TableReader) Batches() iter.Seq2[*feature.Batch, error] {
	return func(yield func(*feature.Batch, error) bool) {
		for {
			b, err := t.Next()
			if err == io.EOF || !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Next returns the next batch, which is valid until the next call, or io.EOF.
func (t *TableReader) Next() (b *feature.Batch, err error) {
	defer recoverCorrupt(&err)
	for t.left == 0 {
		for t.group < len(t.only) && !t.only[t.group] {
			t.group++
		}
		if t.group == t.footer.RowGroups {
			return nil, io.EOF
		}
		if err := t.openGroup(); err != nil {
			return nil, fmt.Errorf("read table %s: row group %d: %w", t.table.Name, t.group, err)
		}
		t.group++
	}
	n := int(min(t.left, maxGroupRows))
	t.batch.Reset()
	for i := range t.cols {
		if err := t.readColumn(i, n); err != nil {
			return nil, fmt.Errorf("read table %s: row group %d: column %s: %w", t.table.Name, t.group-1,
				t.table.Columns[i].Name, err)
		}
	}
	t.batch.Rows = n
	t.left -= int64(n)
	return t.batch, nil
}

func (t *TableReader) openGroup() error {
	rg := t.file.RowGroup(t.group)
	t.readers = t.readers[:0]
	for _, col := range t.cols {
		r, err := rg.Column(col)
		if err != nil {
			return err
		}
		t.readers = append(t.readers, r)
	}
	t.left = rg.NumRows()
	if t.left < 0 {
		return fmt.Errorf("%d rows", t.left)
	}
	return nil
}

// recoverCorrupt turns a panic of the Parquet library, which a damaged file can cause, into an error.
func recoverCorrupt(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("read table: damaged file: %v", r)
	}
}
