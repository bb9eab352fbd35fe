package sinks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sort"
)

// BlockFile is a sorted, read-only map of byte strings on the local disk, of which only the first key of each block
// is in memory. A block is records one after the other, each: length of the key (uvarint), key, length of the value
// (uvarint), value. It may be read from any goroutine, through a cursor of its own.
type BlockFile struct {
	file   *os.File
	first  []string // key of each block
	offset []int64  // of each block, and the end of the file
	keys   int64
}

// recordBlockBytes is the size from which a block is closed: large enough for few keys in memory, small enough to
// read one for a single record.
const recordBlockBytes = 16 << 10

// BlockWriter makes a BlockFile. Keys must come in ascending order.
type BlockWriter struct {
	made *BlockFile
	buf  []byte // the open block
	last []byte
}

// NewBlockWriter starts a file in dir ("": the system's).
func NewBlockWriter(dir, name string) (*BlockWriter, error) {
	f, err := os.CreateTemp(dir, "ndr-"+name+"-*.blocks")
	if err != nil {
		return nil, fmt.Errorf("make block file %s: %w", name, err)
	}
	return &BlockWriter{made: &BlockFile{file: f, offset: []int64{0}}}, nil
}

var errKeyOrder = errors.New("keys do not ascend")

// Add appends a record. A key that does not follow the one before is an error.
func (w *BlockWriter) Add(key, value []byte) error {
	f := w.made
	if f.keys > 0 && bytes.Compare(key, w.last) <= 0 {
		return fmt.Errorf("write block file: key %q after %q: %w", key, w.last, errKeyOrder)
	}
	f.keys++
	w.last = append(w.last[:0], key...)
	if len(w.buf) == 0 {
		f.first = append(f.first, string(key))
	}
	w.buf = binary.AppendUvarint(w.buf, uint64(len(key)))
	w.buf = append(w.buf, key...)
	w.buf = binary.AppendUvarint(w.buf, uint64(len(value)))
	w.buf = append(w.buf, value...)
	if len(w.buf) >= recordBlockBytes {
		return w.flush()
	}
	return nil
}

func (w *BlockWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	f := w.made
	if _, err := f.file.Write(w.buf); err != nil {
		return fmt.Errorf("write block file: %w", err)
	}
	f.offset = append(f.offset, f.offset[len(f.offset)-1]+int64(len(w.buf)))
	w.buf = w.buf[:0]
	return nil
}

// Finish ends the writing.
func (w *BlockWriter) Finish() (*BlockFile, error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	return w.made, nil
}

// Close removes the file, finished or not.
func (w *BlockWriter) Close() error { return w.made.Close() }

// Keys is the number of records.
func (f *BlockFile) Keys() int64 { return f.keys }

// Close removes the file.
func (f *BlockFile) Close() error { return errors.Join(f.file.Close(), os.Remove(f.file.Name())) }

// BlockCursor reads a BlockFile; it belongs to one goroutine. Keys that are asked for in ascending order cost the
// least. Key and Value are those of the record last looked at and valid until the next call.
type BlockCursor struct {
	Key, Value []byte

	file  *BlockFile // nil: empty
	block int
	data  []byte // of the block
	pos   int    // of the next record
	at    int    // of the record last looked at
}

// Cursor returns a cursor before the first record. That of a nil file finds nothing.
func (f *BlockFile) Cursor() *BlockCursor { return &BlockCursor{file: f, block: -1} }

// Find returns the value of a key.
func (c *BlockCursor) Find(key []byte) (value []byte, ok bool, err error) {
	if c.file == nil {
		return nil, false, nil
	}
	i := sort.Search(len(c.file.first), func(i int) bool { return c.file.first[i] > string(key) }) - 1
	if i < 0 {
		return nil, false, nil
	}
	switch {
	case i != c.block:
		if err := c.load(i); err != nil {
			return nil, false, err
		}
	case bytes.Compare(key, c.Key) < 0:
		c.pos = 0
	default:
		c.pos = c.at
	}
	for c.pos < len(c.data) {
		if err := c.step(); err != nil {
			return nil, false, err
		}
		if o := bytes.Compare(c.Key, key); o >= 0 {
			return c.Value, o == 0, nil
		}
	}
	return nil, false, nil
}

// Next takes the next record, and is not ok after the last.
func (c *BlockCursor) Next() (ok bool, err error) {
	if c.file == nil {
		return false, nil
	}
	for c.pos >= len(c.data) {
		if c.block+1 >= len(c.file.first) {
			return false, nil
		}
		if err := c.load(c.block + 1); err != nil {
			return false, err
		}
	}
	return true, c.step()
}

func (c *BlockCursor) load(i int) error {
	n := c.file.offset[i+1] - c.file.offset[i]
	c.data = sized(c.data[:0], int(n))
	if _, err := c.file.file.ReadAt(c.data, c.file.offset[i]); err != nil {
		c.block = -1
		return fmt.Errorf("read block file: %w", err)
	}
	c.block, c.pos, c.at, c.Key = i, 0, 0, nil
	return nil
}

// step takes the record at pos.
func (c *BlockCursor) step() error {
	c.at = c.pos
	var ok bool
	rest := c.data[c.pos:]
	if c.Key, rest, ok = cutBytes(rest); ok {
		c.Value, rest, ok = cutBytes(rest)
	}
	if !ok {
		return errors.New("read block file: record cut short")
	}
	c.pos = len(c.data) - len(rest)
	return nil
}

// cutBytes takes a length and so many bytes off b.
func cutBytes(b []byte) (part, rest []byte, ok bool) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return nil, b, false
	}
	return b[k : k+int(n)], b[k+int(n):], true
}
