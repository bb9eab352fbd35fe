package stream

import (
	"cmp"
	"container/heap"
	"slices"
)

// carry holds the halves that wait for their mirror, in memory. Every cut stores it for the next owner.
type carry struct {
	waiting map[halfKey][]*half
	byEnd   halfHeap
	bytes   int64
	seq     int64
	least   *half // the one that started first, nil when it must be looked for
}

func newCarry() *carry { return &carry{waiting: make(map[halfKey][]*half)} }

// match takes out the waiting mirror that the half joins: the one whose time overlaps it most, then the one with
// the earliest start, then the one that came first. It returns nil when none waits.
func (c *carry) match(h *half) *half {
	var best *half
	for _, w := range c.waiting[h.key] {
		if w.forward == h.forward {
			continue
		}
		if best == nil || cmp.Or(-cmp.Compare(w.overlap(h), best.overlap(h)), cmp.Compare(w.start, best.start),
			cmp.Compare(w.seq, best.seq)) < 0 {
			best = w
		}
	}
	if best != nil {
		heap.Remove(&c.byEnd, best.place)
		c.forget(best)
	}
	return best
}

// wait adds a half.
func (c *carry) wait(h *half) {
	h.seq = c.seq
	c.seq++
	c.waiting[h.key] = append(c.waiting[h.key], h)
	heap.Push(&c.byEnd, h)
	c.bytes += h.size()
	if c.least != nil && h.start < c.least.start {
		c.least = h
	}
}

// first returns the half with the smallest end without taking it out, nil when none waits.
func (c *carry) first() *half {
	if len(c.byEnd) == 0 {
		return nil
	}
	return c.byEnd[0]
}

// pop takes out the half with the smallest end.
func (c *carry) pop() *half {
	h := heap.Pop(&c.byEnd).(*half)
	c.forget(h)
	return h
}

func (c *carry) forget(h *half) {
	c.bytes -= h.size()
	if c.least == h {
		c.least = nil
	}
	list := c.waiting[h.key]
	if len(list) == 1 {
		delete(c.waiting, h.key)
		return
	}
	c.waiting[h.key] = slices.DeleteFunc(list, func(w *half) bool { return w == h })
}

// all lists the waiting halves by arrival, for the cut.
func (c *carry) all() []half {
	out := make([]half, 0, len(c.byEnd))
	for _, h := range c.byEnd {
		out = append(out, *h)
	}
	slices.SortFunc(out, func(a, b half) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// hold is the smallest event time among the waiting halves: the watermark stays at or below it. By default the
// event time is the end, the order of the heap; by start, the least is remembered until it leaves.
func (c *carry) hold(byStart bool) (int64, bool) {
	if len(c.byEnd) == 0 {
		return 0, false
	}
	if !byStart {
		return c.byEnd[0].end, true
	}
	if c.least == nil {
		c.least = c.byEnd[0]
		for _, h := range c.byEnd {
			if h.start < c.least.start {
				c.least = h
			}
		}
	}
	return c.least.start, true
}

// holdAfter is what hold will be when all halves that end at or before the given time are gone, EndOfInput if none
// is left then.
func (c *carry) holdAfter(end int64, byStart bool) int64 {
	least := int64(EndOfInput)
	for _, h := range c.byEnd {
		switch {
		case h.end <= end:
		case byStart:
			least = min(least, h.start)
		default:
			least = min(least, h.end)
		}
	}
	return least
}

// halfHeap orders halves by end, then by arrival.
type halfHeap []*half

func (h halfHeap) Len() int { return len(h) }
func (h halfHeap) Less(i, j int) bool {
	return h[i].end < h[j].end || h[i].end == h[j].end && h[i].seq < h[j].seq
}
func (h halfHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}
func (h *halfHeap) Push(x any) {
	v := x.(*half)
	v.place = len(*h)
	*h = append(*h, v)
}
func (h *halfHeap) Pop() any {
	old := *h
	v := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return v
}
