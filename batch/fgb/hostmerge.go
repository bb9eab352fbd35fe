package fgb

import (
	"container/heap"
	"io"
	"slices"

	"ndr/feature"
)

// hostRows is the rows of one host, by group.
type hostRows struct {
	host feature.Addr
	keys []*keyRows // in the order in which they were found
	free []*keyRows
}

// keyRows is the rows of a host in a group; only the columns that are asked for are filled.
type keyRows struct {
	group groupID
	rows  int
	cols  [numColumns][]float64
}

func (h *hostRows) reset() {
	h.free = append(h.free, h.keys...)
	h.keys = h.keys[:0]
}

// key is the place for the rows of a group.
func (h *hostRows) key(g groupID) *keyRows {
	for _, k := range h.keys {
		if k.group == g {
			return k
		}
	}
	k := &keyRows{}
	if n := len(h.free); n > 0 {
		k, h.free = h.free[n-1], h.free[:n-1]
	}
	k.group, k.rows = g, 0
	for m := range k.cols {
		k.cols[m] = k.cols[m][:0]
	}
	h.keys = append(h.keys, k)
	return k
}

// hostMerge reads chunks of any groups together, host by host in address order. A chunk is opened when its first
// host is reached and let go after its last, so that only chunks that overlap are open. It belongs to one goroutine.
type hostMerge struct {
	file    io.ReaderAt
	columns []int
	block   int64 // bytes that a cursor holds, about
	chunks  []chunk
	next    int // of chunks: the first that is not open
	open    hostHeap
	spare   []*hostCursor
	ended   int64 // hosts of chunks that are done, for progress
}

// newHostMerge begins before the first host.
func newHostMerge(file io.ReaderAt, chunks []chunk, columns []int, block int64) *hostMerge {
	sorted := slices.Clone(chunks)
	slices.SortFunc(sorted, func(a, b chunk) int { return a.first.Compare(b.first) })
	return &hostMerge{file: file, columns: columns, block: block, chunks: sorted}
}

// nextHost fills h with the rows of the next host, or returns false after the last.
func (m *hostMerge) nextHost(h *hostRows) (bool, error) {
	h.reset()
	host, ok := m.least()
	if !ok {
		return false, nil
	}
	h.host = host
	for m.next < len(m.chunks) && m.chunks[m.next].first == host {
		c, err := m.cursor(m.chunks[m.next])
		if err != nil {
			return false, err
		}
		m.next++
		heap.Push(&m.open, c)
	}
	for len(m.open) > 0 && m.open[0].current().host == host {
		c := m.open[0]
		if err := c.take(h.key(c.group), m.columns); err != nil {
			return false, err
		}
		more, err := c.advance()
		switch {
		case err != nil:
			return false, err
		case more:
			heap.Fix(&m.open, 0)
		default:
			heap.Pop(&m.open)
			m.ended += int64(c.chunk.hosts)
			m.spare = append(m.spare, c)
		}
	}
	return true, nil
}

// least is the next host.
func (m *hostMerge) least() (host feature.Addr, ok bool) {
	if len(m.open) > 0 {
		host, ok = m.open[0].current().host, true
	}
	if m.next < len(m.chunks) && (!ok || m.chunks[m.next].first.Compare(host) < 0) {
		host, ok = m.chunks[m.next].first, true
	}
	return host, ok
}

func (m *hostMerge) cursor(c chunk) (*hostCursor, error) {
	h := &hostCursor{}
	if n := len(m.spare); n > 0 {
		h, m.spare = m.spare[n-1], m.spare[:n-1]
	}
	h.block = m.block
	return h, h.begin(m.file, c, m.columns)
}

// hostCursor is a place in a chunk.
type hostCursor struct {
	chunkReader
	block    int64
	width    int       // bytes of a row in the columns that are read
	runs     []hostRun // some hosts, from runFrom on
	runFrom  int
	run      int // current, of runs
	row      int // first row of the current host
	from, to int // rows that are loaded
	loaded   [numColumns][]byte
}

// runsLoaded is how many hosts of a chunk are read at a time.
const runsLoaded = 256

func (c *hostCursor) begin(file io.ReaderAt, chunk chunk, columns []int) error {
	if err := c.open(file, chunk, c.block); err != nil {
		return err
	}
	c.width = 1
	for _, m := range columns {
		c.width += int(c.widths[m])
	}
	c.runs, c.runFrom, c.run, c.row, c.from, c.to = c.runs[:0], 0, 0, 0, 0, 0
	return c.loadRuns(0)
}

func (c *hostCursor) loadRuns(from int) (err error) {
	c.runFrom, c.run = from, 0
	c.runs, err = c.hostRuns(from, min(runsLoaded, c.hosts-from), c.runs[:0])
	return err
}

func (c *hostCursor) current() hostRun { return c.runs[c.run] }

// take appends the rows of the current host.
func (c *hostCursor) take(k *keyRows, columns []int) error {
	n := c.current().rows
	if c.row+n > c.to {
		if err := c.load(n, columns); err != nil {
			return err
		}
	}
	for _, m := range columns {
		w := int(c.widths[m])
		if w == 0 {
			k.cols[m] = appendSame(k.cols[m], c.constant[m], n)
			continue
		}
		at := (c.row - c.from) * w
		k.cols[m] = appendValues(k.cols[m], byte(w), c.loaded[m][at:at+n*w])
	}
	k.rows += n
	return nil
}

// load reads at least n rows from the current one on.
func (c *hostCursor) load(n int, columns []int) error {
	n = min(max(n, int(c.block)/c.width), c.chunk.rows-c.row)
	for _, m := range columns {
		w := int(c.widths[m])
		if w == 0 {
			continue
		}
		b, err := c.at(c.columnAt[m]+int64(c.row)*int64(w), n*w, c.loaded[m])
		if err != nil {
			return err
		}
		if c.whole != nil {
			b = append(c.loaded[m][:0], b...)
		}
		c.loaded[m] = b
	}
	c.from, c.to = c.row, c.row+n
	return nil
}

// advance goes to the next host, or returns false after the last.
func (c *hostCursor) advance() (bool, error) {
	c.row += c.current().rows
	c.run++
	if c.run < len(c.runs) {
		return true, nil
	}
	if c.runFrom+len(c.runs) == c.hosts {
		return false, nil
	}
	return true, c.loadRuns(c.runFrom + len(c.runs))
}

// hostHeap implements heap.Interface.
type hostHeap []*hostCursor

func (h hostHeap) Len() int           { return len(h) }
func (h hostHeap) Less(i, j int) bool { return h[i].current().host.Compare(h[j].current().host) < 0 }
func (h hostHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *hostHeap) Push(x any)        { *h = append(*h, x.(*hostCursor)) }
func (h *hostHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
