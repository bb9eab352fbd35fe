package sinks

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"ndr/feature"
)

// TableFile is a table on its way to an object store: a TableWriter on a local temporary file, whose bytes can then
// be sent as often as it takes.
type TableFile struct {
	*TableWriter
	file *os.File
	buf  *bufio.Writer
}

// NewTableFile starts a table in a new temporary file in dir ("": the system's).
func NewTableFile(dir string, t *feature.Table, meta map[string]string) (*TableFile, error) {
	f, err := os.CreateTemp(dir, "ndr-"+strings.ReplaceAll(t.Name, "/", "-")+"-*.parquet")
	if err != nil {
		return nil, fmt.Errorf("make temporary file of table %s: %w", t.Name, err)
	}
	buf := bufio.NewWriterSize(f, 256<<10)
	w, err := NewTableWriter(buf, t, meta)
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return &TableFile{TableWriter: w, file: f, buf: buf}, nil
}

// Finish ends the writing and returns the whole file as the body for a Store's Create or Replace. The body is valid
// until Close.
func (t *TableFile) Finish() (Stats, io.ReadSeeker, error) {
	stats, err := t.TableWriter.Close()
	if err != nil {
		return Stats{}, nil, err
	}
	if err := t.buf.Flush(); err != nil {
		return Stats{}, nil, fmt.Errorf("finish table %s: %w", t.table.Name, err)
	}
	// A section and not the file itself, so that a client that closes bodies does not close it.
	return stats, io.NewSectionReader(t.file, 0, stats.Bytes), nil
}

// Close removes the file, finished or not.
func (t *TableFile) Close() error {
	if err := errors.Join(t.file.Close(), os.Remove(t.file.Name())); err != nil {
		return fmt.Errorf("remove temporary file of table %s: %w", t.table.Name, err)
	}
	return nil
}
