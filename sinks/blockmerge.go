package sinks

import (
	"bytes"
	"container/heap"
	"errors"
	"fmt"
)

// BlockMerge iterates over the records of several block files in the order of their keys. Equal keys come once. It
// belongs to one goroutine.
type BlockMerge struct {
	Key    []byte   // of the current record
	Values [][]byte // of all files that have the key, in the order of the files; valid until the next call

	open    cursorHeap
	current []orderedCursor // whose values are shown
}

// MergeBlocks begins before the first record. A nil file is empty.
func MergeBlocks(files []*BlockFile) (*BlockMerge, error) {
	m := &BlockMerge{}
	for i, f := range files {
		c := f.Cursor()
		ok, err := c.Next()
		if err != nil {
			return nil, err
		}
		if ok {
			m.open = append(m.open, orderedCursor{c, i})
		}
	}
	heap.Init(&m.open)
	return m, nil
}

// Next takes the next key, and is not ok after the last.
func (m *BlockMerge) Next() (ok bool, err error) {
	for _, c := range m.current {
		more, err := c.Next()
		if err != nil {
			return false, err
		}
		if more {
			heap.Push(&m.open, c)
		}
	}
	m.current, m.Values = m.current[:0], m.Values[:0]
	if len(m.open) == 0 {
		return false, nil
	}
	m.Key = append(m.Key[:0], m.open[0].Key...)
	for len(m.open) > 0 && bytes.Equal(m.open[0].Key, m.Key) {
		c := heap.Pop(&m.open).(orderedCursor)
		m.current, m.Values = append(m.current, c), append(m.Values, c.Value)
	}
	return true, nil
}

type orderedCursor struct {
	*BlockCursor
	file int
}

// cursorHeap implements heap.Interface.
type cursorHeap []orderedCursor

func (h cursorHeap) Len() int { return len(h) }
func (h cursorHeap) Less(i, j int) bool {
	c := bytes.Compare(h[i].Key, h[j].Key)
	return c < 0 || c == 0 && h[i].file < h[j].file
}
func (h cursorHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *cursorHeap) Push(x any)   { *h = append(*h, x.(orderedCursor)) }
func (h *cursorHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// JoinBlocks makes one file in dir of several, and removes those. The values of equal keys are joined; with unique
// they are an error.
func JoinBlocks(dir, name string, files []*BlockFile, unique bool) (*BlockFile, error) {
	if len(files) == 1 {
		return files[0], nil
	}
	w, err := NewBlockWriter(dir, name)
	if err != nil {
		return nil, err
	}
	if err := w.join(files, unique); err != nil {
		return nil, fmt.Errorf("join block files %s: %w", name, errors.Join(err, w.Close()))
	}
	for _, f := range files {
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("join block files %s: %w", name, errors.Join(err, w.Close()))
		}
	}
	return w.Finish()
}

func (w *BlockWriter) join(files []*BlockFile, unique bool) error {
	m, err := MergeBlocks(files)
	if err != nil {
		return err
	}
	var value []byte
	for {
		ok, err := m.Next()
		if err != nil || !ok {
			return err
		}
		if unique && len(m.Values) > 1 {
			return fmt.Errorf("the key %q is in two parts", m.Key)
		}
		value = value[:0]
		for _, v := range m.Values {
			value = append(value, v...)
		}
		if err := w.Add(m.Key, value); err != nil {
			return err
		}
	}
}
