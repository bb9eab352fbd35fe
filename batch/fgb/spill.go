package fgb

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"

	"ndr/feature"
)

// spill is the rows of a horizon in a local file, as chunks. Space is given out under a lock; what is written there
// is its writer's own.
type spill struct {
	file *os.File
	mu   struct {
		sync.Mutex
		end    int64
		chunks []chunk
	}
}

func newSpill(dir string) (*spill, error) {
	f, err := os.CreateTemp(dir, "ndr-fgb-*.rows")
	if err != nil {
		return nil, fmt.Errorf("make file of spilled rows: %w", err)
	}
	return &spill{file: f}, nil
}

// close removes the file.
func (s *spill) close() error { return errors.Join(s.file.Close(), os.Remove(s.file.Name())) }

// reserve gives out space.
func (s *spill) reserve(n int64) (offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	offset = s.mu.end
	s.mu.end += n
	return offset
}

func (s *spill) addChunks(c []chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.chunks = append(s.mu.chunks, c...)
}

// run is rows in memory on their way to the spill. It belongs to one goroutine.
type run struct {
	spill *spill
	limit int
	cols  [numColumns][]float64
	hosts []feature.Addr
	group []groupID
	order []rowOrder

	values     []float64 // scratch: a column of a group
	head, body []byte
}

// rowOrder is what rows are sorted by.
type rowOrder struct {
	host  feature.Addr
	group groupID
	row   uint32
}

// rowBytes is the memory of a row in a run.
const rowBytes = numColumns*8 + 16 + 4 + 24

// newRun makes an empty run that takes at most so many bytes of rows.
func newRun(s *spill, memory int64) *run {
	return &run{spill: s, limit: max(64, int(memory/int64(rowBytes)))}
}

func (r *run) rows() int { return len(r.hosts) }

// flush sorts the rows and writes them as chunks.
func (r *run) flush() error {
	if r.rows() == 0 {
		return nil
	}
	r.order = r.order[:0]
	for i, h := range r.hosts {
		r.order = append(r.order, rowOrder{h, r.group[i], uint32(i)})
	}
	slices.SortFunc(r.order, func(a, b rowOrder) int {
		if a.group != b.group {
			return cmp.Compare(a.group, b.group)
		}
		if a.host != b.host {
			return a.host.Compare(b.host)
		}
		return cmp.Compare(a.row, b.row)
	})
	var chunks []chunk
	for from := 0; from < len(r.order); {
		to := from + 1
		for to < len(r.order) && r.order[to].group == r.order[from].group {
			to++
		}
		c, err := r.write(r.order[from:to])
		if err != nil {
			return err
		}
		chunks = append(chunks, c)
		from = to
	}
	r.spill.addChunks(chunks)
	for m := range r.cols {
		r.cols[m] = r.cols[m][:0]
	}
	r.hosts, r.group = r.hosts[:0], r.group[:0]
	return nil
}

// write writes the rows of one group.
func (r *run) write(rows []rowOrder) (chunk, error) {
	c := chunk{group: rows[0].group, rows: len(rows), first: rows[0].host}
	head, body := r.head[:0], r.body[:0]
	var widths [numColumns]byte
	head = append(head, widths[:]...)
	for m := range r.cols {
		col := r.cols[m]
		r.values = slices.Grow(r.values[:0], len(rows))[:len(rows)]
		for i := range rows {
			r.values[i] = col[rows[i].row]
		}
		head[m] = widthOf(r.values)
		if head[m] == 0 {
			head = binary.LittleEndian.AppendUint64(head, math.Float64bits(r.values[0]))
		} else {
			body = encodeValues(body, head[m], r.values)
		}
	}
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].host == rows[from].host {
			to++
		}
		head = appendHostRun(head, hostRun{rows[from].host, to - from})
		c.hosts++
		from = to
	}
	r.head, r.body = head, body
	c.bytes = int64(len(head) + len(body))
	c.offset = r.spill.reserve(c.bytes)
	for _, part := range [...]struct {
		b  []byte
		at int64
	}{{head, c.offset}, {body, c.offset + int64(len(head))}} {
		if _, err := r.spill.file.WriteAt(part.b, part.at); err != nil {
			return c, fmt.Errorf("write spilled rows: %w", err)
		}
	}
	return c, nil
}

// chunkWriter writes a chunk whose widths and numbers are known, column by column at their own places.
type chunkWriter struct {
	chunk
	widths [numColumns]byte
	hosts  *bufio.Writer
	cols   [numColumns]*bufio.Writer
	buf    []byte
}

// newChunkWriter reserves the space of c, whose offset and bytes it sets.
func newChunkWriter(s *spill, c chunk, widths [numColumns]byte, constant [numColumns]float64, buffer int) (*chunkWriter, error) {
	w := &chunkWriter{chunk: c, widths: widths}
	head := append([]byte(nil), widths[:]...)
	at := int64(c.hosts) * hostBytes
	for m, n := range widths {
		if n == 0 {
			head = binary.LittleEndian.AppendUint64(head, math.Float64bits(constant[m]))
		}
		at += int64(n) * int64(c.rows)
	}
	w.bytes = at + int64(len(head))
	w.offset = s.reserve(w.bytes)
	if _, err := s.file.WriteAt(head, w.offset); err != nil {
		return nil, fmt.Errorf("write spilled rows: %w", err)
	}
	at = w.offset + int64(len(head))
	w.hosts = bufio.NewWriterSize(io.NewOffsetWriter(s.file, at), buffer)
	at += int64(c.hosts) * hostBytes
	for m, n := range widths {
		if n > 0 {
			w.cols[m] = bufio.NewWriterSize(io.NewOffsetWriter(s.file, at), buffer)
		}
		at += int64(n) * int64(c.rows)
	}
	return w, nil
}

// add appends the rows of a host.
func (w *chunkWriter) add(host feature.Addr, cols *[numColumns][]float64, rows int) error {
	w.buf = appendHostRun(w.buf[:0], hostRun{host, rows})
	if _, err := w.hosts.Write(w.buf); err != nil {
		return fmt.Errorf("write spilled rows: %w", err)
	}
	for m, out := range w.cols {
		if out == nil {
			continue
		}
		w.buf = encodeValues(w.buf[:0], w.widths[m], cols[m])
		if _, err := out.Write(w.buf); err != nil {
			return fmt.Errorf("write spilled rows: %w", err)
		}
	}
	return nil
}

// finish writes what is buffered.
func (w *chunkWriter) finish() (chunk, error) {
	errs := []error{w.hosts.Flush()}
	for _, out := range w.cols {
		if out != nil {
			errs = append(errs, out.Flush())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return w.chunk, fmt.Errorf("write spilled rows: %w", err)
	}
	return w.chunk, nil
}
