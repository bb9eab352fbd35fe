package file

import (
	"container/heap"
	"context"
	"io"
)

// merge is the stream of all inputs in the order of time: the file whose next flow is the earliest goes first, ties
// by name; records that are no flows go at once. The first flow of each file is read at the start, and the file
// closed again until the merged time reaches it, so only files that overlap are open together.
type merge struct {
	cfg    *Config
	life   context.Context // of the partition: a file that one Poll opens is read by later ones
	heap   cursorHeap
	primed int // inputs whose first flow is known
	ready  bool
	cur    *cursor // the cursor that is being read up to its next flow
}

func newMerge(life context.Context, cfg *Config) *merge { return &merge{cfg: cfg, life: life} }

// next returns the next line of the merged stream, valid until the next call, or io.EOF. After any other error it may
// be called again.
func (m *merge) next(ctx context.Context) (*line, error) {
	if !m.ready {
		if err := m.prime(ctx); err != nil {
			return nil, err
		}
	}
	for {
		if m.cur != nil {
			l, err := m.advance()
			if l != nil || err != nil {
				return l, err
			}
		}
		if len(m.heap) == 0 {
			return nil, io.EOF
		}
		c := heap.Pop(&m.heap).(*cursor)
		m.cur = c
		if c.pending {
			c.pending = false
			return &c.line, nil
		}
	}
}

// advance reads the current cursor: a line that is no flow is returned at once; a flow puts the cursor back into
// the heap, and nothing is returned; so does the end of the file, without putting it back.
func (m *merge) advance() (*line, error) {
	c := m.cur
	timed, err := c.read(m.life)
	switch {
	case err == io.EOF:
		c.close()
		m.cur = nil
		return nil, nil
	case err != nil:
		return nil, err
	case !timed:
		return &c.line, nil
	}
	c.pending = true
	heap.Push(&m.heap, c)
	m.cur = nil
	return nil, nil
}

// prime finds the time of the first flow of every file. A file without any goes first. When ctx ends, the next call
// goes on where this one stopped.
func (m *merge) prime(ctx context.Context) error {
	for ; m.primed < len(m.cfg.Inputs); m.primed++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c, err := m.first(m.primed)
		if err != nil {
			return err
		}
		m.heap = append(m.heap, c)
	}
	heap.Init(&m.heap)
	m.ready = true
	return nil
}

// first makes the cursor of an input, closed and with the time of its first flow.
func (m *merge) first(input int) (*cursor, error) {
	c, err := newCursor(m.cfg, input)
	if err != nil {
		return nil, err
	}
	defer c.close()
	for timed := false; !timed; {
		timed, err = c.read(m.life)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return c, c.rewind()
}

func (m *merge) close() {
	for _, c := range m.heap {
		c.close()
	}
	if m.cur != nil {
		m.cur.close()
	}
}

// cursorHeap orders files by the time of their next flow, then by name.
type cursorHeap []*cursor

func (h cursorHeap) Len() int { return len(h) }
func (h cursorHeap) Less(i, j int) bool {
	return h[i].time < h[j].time || h[i].time == h[j].time && h[i].number < h[j].number
}
func (h cursorHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *cursorHeap) Push(x any)   { *h = append(*h, x.(*cursor)) }
func (h *cursorHeap) Pop() any {
	old := *h
	v := old[len(old)-1]
	*h = old[:len(old)-1]
	return v
}
