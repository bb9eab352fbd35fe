package state

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// tableBytes is the size at which a table is ended and the next begun.
const tableBytes = 64 << 20

// tableWriter writes a run of ascending keys as one or more tables that one Ingest takes in. No keys, no tables.
type tableWriter struct {
	s     *Store
	limit uint64 // size at which a table is ended
	w     *sstable.Writer
	paths []string // of all tables, the open one last
	bytes uint64   // of the ended ones
}

func (s *Store) tableDir() string { return s.cfg.FS.PathJoin(s.cfg.Dir, "ingest") }

// open begins a table if none is open.
func (t *tableWriter) open() error {
	if t.w != nil {
		return nil
	}
	fs := t.s.cfg.FS
	t.s.tables++
	path := fs.PathJoin(t.s.tableDir(), fmt.Sprintf("%09d.sst", t.s.tables))
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("create table: %w", err)
	}
	t.paths = append(t.paths, path)
	t.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), t.s.opts.MakeWriterOptions(0, t.s.db.TableFormat()))
	return nil
}

// Set writes a key.
func (t *tableWriter) Set(key, value []byte) error {
	if err := t.open(); err != nil {
		return err
	}
	return t.wrote(t.w.Set(key, value))
}

// Merge writes an operand of a key.
func (t *tableWriter) Merge(key, value []byte) error {
	if err := t.open(); err != nil {
		return err
	}
	return t.wrote(t.w.Merge(key, value))
}

// Delete deletes a key.
func (t *tableWriter) Delete(key []byte) error {
	if err := t.open(); err != nil {
		return err
	}
	return t.wrote(t.w.Delete(key))
}

// DeleteRange deletes the keys in [from, to). The keys written beside it need not be in order with it, but the ranges
// among themselves; so it is only for writers that fit one table.
func (t *tableWriter) DeleteRange(from, to []byte) error {
	if err := t.open(); err != nil {
		return err
	}
	return t.w.DeleteRange(from, to)
}

func (t *tableWriter) wrote(err error) error {
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	if t.w.Raw().EstimatedSize() < t.limit {
		return nil
	}
	return t.end()
}

// end finishes the open table.
func (t *tableWriter) end() error {
	if t.w == nil {
		return nil
	}
	w := t.w
	t.w = nil
	if err := w.Close(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	m, err := w.Metadata()
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	t.bytes += m.Size
	return nil
}

// abandon closes the open table, whose faults no longer matter, and removes all.
func (t *tableWriter) abandon() error {
	if t.w != nil {
		_ = t.w.Close()
		t.w = nil
	}
	return t.s.removeTables(t.paths)
}

func (s *Store) removeTables(paths []string) error {
	var errs []error
	for _, p := range paths {
		if err := s.cfg.FS.Remove(p); err != nil {
			errs = append(errs, fmt.Errorf("remove table: %w", err))
		}
	}
	return errors.Join(errs...)
}
