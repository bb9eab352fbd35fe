package stream

import (
	"context"
	"sync"

	"ndr/feature"
)

// windowCuts is how many of the newest cuts of a partition are remembered with their headers; an older one is
// opened again by who needs it.
const windowCuts = 256

// windowRecords is how many of the newest close records are remembered.
const windowRecords = 256

// board is what the follower has seen of the cut log and the close records, shared by the shards of a process.
// The follower writes, shards read.
type board struct {
	mu struct {
		sync.Mutex
		cuts    map[string]*cutWindow
		records []*CloseRecord // the newest, in order
		changed chan struct{}  // closed and replaced at every change
	}
}

type cutWindow struct {
	newest uint64
	cuts   map[uint64]*Cut
}

func newBoard() *board {
	b := &board{}
	b.mu.cuts = make(map[string]*cutWindow)
	b.mu.changed = make(chan struct{})
	return b
}

func (b *board) signal() {
	close(b.mu.changed)
	b.mu.changed = make(chan struct{})
}

// addCut publishes the next cut of a partition.
func (b *board) addCut(c *Cut) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.mu.cuts[c.Header.Partition]
	if w == nil {
		w = &cutWindow{cuts: make(map[uint64]*Cut)}
		b.mu.cuts[c.Header.Partition] = w
	}
	w.newest = c.Header.N
	w.cuts[c.Header.N] = c
	delete(w.cuts, c.Header.N-windowCuts)
	b.signal()
}

// addRecord publishes a close record.
func (b *board) addRecord(r *CloseRecord) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.records = append(b.mu.records, r)
	if len(b.mu.records) > windowRecords {
		b.mu.records = b.mu.records[1:]
	}
	b.signal()
}

// cut returns the numbered cut if the follower has it in its window, and the newest number seen.
func (b *board) cut(partition string, n uint64) (*Cut, uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.mu.cuts[partition]
	if w == nil {
		return nil, 0
	}
	return w.cuts[n], w.newest
}

// successor returns the record that names s as the one before it (nil: the first record), and whether there may be
// one that the board has already forgotten or never saw.
func (b *board) successor(s *feature.Slice) (r *CloseRecord, older bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.mu.records {
		switch {
		case r.Previous == nil && s == nil, r.Previous != nil && s != nil && *r.Previous == *s:
			return r, false
		case s == nil || r.Slice > *s:
			return nil, true
		}
	}
	return nil, false
}

// watch returns a channel that is closed at the next change.
func (b *board) watch() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.changed
}

// wait blocks until the channel closes or ctx ends.
func wait(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
		return nil
	}
}
