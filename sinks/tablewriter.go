package sinks

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"ndr/feature"
)

// Stats describes a finished table file.
type Stats struct {
	Rows          int64
	Bytes         int64
	SHA256        string // of the file, hex
	ContentDigest string // of the rows, hex: see RowDigest
}

// TableWriter writes one table as a Parquet file. The same rows and metadata give the same bytes, however the rows
// are batched. It holds at most one row group in memory. After an error it is of no more use.
type TableWriter struct {
	table  *feature.Table
	out    *countingWriter
	file   *file.Writer
	digest *RowDigest
	check  *feature.Checker
	group  *rowGroup
	rows   int64
	err    error // the first one; later calls return it again
}

// NewTableWriter starts a file on w with the footer metadata meta, to which dataset, schema_version, key and, at
// Close, content_digest are added. w is not closed.
func NewTableWriter(w io.Writer, t *feature.Table, meta map[string]string) (*TableWriter, error) {
	sc, err := parquetSchema(t)
	if err != nil {
		return nil, err
	}
	kv, err := footerMeta(t, meta)
	if err != nil {
		return nil, fmt.Errorf("write table %s: %w", t.Name, err)
	}
	out := &countingWriter{w: w, hash: sha256.New()}
	pw, err := file.NewParquetWriterWithError(out, sc, file.WithWriterProps(writerProperties(t)), file.WithWriteMetadata(kv))
	if err != nil {
		return nil, fmt.Errorf("write table %s: %w", t.Name, err)
	}
	return &TableWriter{table: t, out: out, file: pw, digest: NewRowDigest(t), check: feature.NewChecker(t),
		group: newRowGroup(t)}, nil
}

// footerMeta is the metadata in the order of its keys, so that equal metadata gives equal bytes.
func footerMeta(t *feature.Table, meta map[string]string) (metadata.KeyValueMetadata, error) {
	all := maps.Clone(meta)
	if all == nil {
		all = map[string]string{}
	}
	var key []string
	for i := range t.Columns {
		if t.Columns[i].Key {
			key = append(key, t.Columns[i].Name)
		}
	}
	all[MetaDataset], all[MetaSchemaVersion], all[MetaKey] = t.Name, strconv.Itoa(t.Version), strings.Join(key, ",")
	delete(all, MetaContentDigest)
	kv := metadata.NewKeyValueMetadata()
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if err := kv.Append(k, all[k]); err != nil {
			return nil, fmt.Errorf("metadata %s: %w", k, err)
		}
	}
	return kv, nil
}

// Write appends the batch's rows, which must follow those before in key order. The batch may be reused afterwards;
// its strings are kept until their row group is written.
func (w *TableWriter) Write(b *feature.Batch) error {
	if w.err != nil {
		return w.err
	}
	if err := w.write(b); err != nil {
		w.err = fmt.Errorf("write table %s: %w", w.table.Name, err)
	}
	return w.err
}

func (w *TableWriter) write(b *feature.Batch) error {
	if err := w.check.Check(b); err != nil {
		return err
	}
	w.digest.Add(b)
	for from := 0; from < b.Rows; {
		to := min(b.Rows, from+w.group.limit-w.group.rows)
		w.group.add(b, from, to)
		from = to
		if w.group.rows == w.group.limit {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the rows held as one row group.
func (w *TableWriter) flush() error {
	rg, err := w.file.AppendRowGroupChecked()
	if err != nil {
		return err
	}
	if err := w.group.writeTo(rg); err != nil {
		return err
	}
	w.rows += int64(w.group.rows)
	w.group.reset()
	return nil
}

// AddMeta adds an entry to the footer metadata, for what is known only after the rows.
func (w *TableWriter) AddMeta(key, value string) error {
	if w.err != nil {
		return w.err
	}
	if err := w.file.AppendKeyValueMetadata(key, value); err != nil {
		w.err = fmt.Errorf("write table %s: %w", w.table.Name, err)
	}
	return w.err
}

// Close writes what is left and the footer. A table without rows is a valid file.
func (w *TableWriter) Close() (Stats, error) {
	if w.err != nil {
		return Stats{}, w.err
	}
	stats, err := w.finish()
	if err != nil {
		w.err = fmt.Errorf("finish table %s: %w", w.table.Name, err)
		return Stats{}, w.err
	}
	w.err = errors.New("the table writer is closed")
	return stats, nil
}

func (w *TableWriter) finish() (Stats, error) {
	if w.group.rows > 0 {
		if err := w.flush(); err != nil {
			return Stats{}, err
		}
	}
	digest := w.digest.Sum()
	if err := w.file.AppendKeyValueMetadata(MetaContentDigest, digest); err != nil {
		return Stats{}, err
	}
	if err := w.file.Close(); err != nil {
		return Stats{}, err
	}
	return Stats{Rows: w.rows, Bytes: w.out.n, SHA256: hex.EncodeToString(w.out.hash.Sum(nil)), ContentDigest: digest}, nil
}

// countingWriter counts and hashes what passes. It hides a Close of w from the Parquet writer, which would call it.
type countingWriter struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.hash.Write(p[:n])
	c.n += int64(n)
	return n, err
}
