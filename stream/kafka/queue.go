package kafka

import (
	"io"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/flow"
)

// item is what one fetch brought of a partition, in order and without control records.
type item struct {
	records []*kgo.Record
	bytes   int64                  // of memory that the records hold
	fetched int64                  // when they came, nanoseconds since the Unix epoch
	fault   *flow.UndecodableError // the only record stands for a batch that could not be read
}

// recordBytes is what a record takes besides its key and value.
const recordBytes = 184

// queue is what was fetched of a partition and not yet read. The poller puts in, one reader takes out. It belongs to
// one assignment and one starting position: who reads again from elsewhere makes a new queue, so that nothing of the
// old position can slip in.
type queue struct {
	partition int32
	end       int64         // positions from here on are not wanted; math.MaxInt64: all are
	ready     chan struct{} // holds a token when there may be something to take

	mu struct {
		sync.Mutex
		items  []item
		bytes  int64 // of the items, the one in the reader's hands included
		next   int64 // lowest position that may still come: everything below was put in, or does not exist
		head   int64 // end of the log at the last fetch, -1 before
		paused bool
		err    error // why nothing comes any more; io.EOF at end
	}
}

func newQueue(partition int32, from, end int64) *queue {
	q := &queue{partition: partition, end: end, ready: make(chan struct{}, 1)}
	q.mu.next, q.mu.head = from, -1
	if from >= end {
		q.mu.err = io.EOF
	}
	return q
}

// put adds what a fetch brought. It drops records below the expected position, at or past the end, and control
// records, and returns how many were below.
func (q *queue) put(p *kgo.FetchPartition, fetched int64) (added int, below int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.err != nil {
		return 0, 0
	}
	keep, bytes := p.Records[:0], int64(0)
	for _, r := range p.Records {
		switch {
		case r.Offset < q.mu.next:
			below++
			continue
		case r.Offset >= q.end:
			q.mu.next = q.end
		default:
			q.mu.next = r.Offset + 1
			if !r.Attrs.IsControl() {
				keep = append(keep, r)
				bytes += int64(len(r.Value)+len(r.Key)) + recordBytes
			}
		}
	}
	q.mu.head = p.HighWatermark
	if len(keep) > 0 {
		q.mu.items = append(q.mu.items, item{records: keep, bytes: bytes, fetched: fetched})
		q.mu.bytes += bytes
	}
	if q.mu.next >= q.end {
		q.mu.err = io.EOF
	}
	q.signal()
	return len(keep), below
}

// putFault adds one record for the batch up to next that could not be read. It reports false for a batch that was
// passed already, which makes no sense.
func (q *queue) putFault(next, fetched int64, fault *flow.UndecodableError) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.err != nil || next <= q.mu.next {
		return false
	}
	q.mu.next = min(next, q.end)
	r := &kgo.Record{Offset: q.mu.next - 1}
	q.mu.items = append(q.mu.items, item{records: []*kgo.Record{r}, bytes: recordBytes, fetched: fetched, fault: fault})
	q.mu.bytes += recordBytes
	if q.mu.next >= q.end {
		q.mu.err = io.EOF
	}
	q.signal()
	return true
}

// fail says that nothing comes any more; what is in the queue is still taken out.
func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.err == nil {
		q.mu.err = err
	}
	q.signal()
}

// reopen forgets the error.
func (q *queue) reopen() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.err = nil
}

// position is the lowest position that may still come.
func (q *queue) position() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.mu.next
}

// open reports whether more may come.
func (q *queue) open() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.mu.err == nil
}

func (q *queue) size() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.mu.bytes
}

func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take returns the next item, or the error once all items are taken, or neither when the queue is empty. held is the
// size of the item that the reader has finished with. The result low says that the queue is paused and at most half
// of limit is in it.
func (q *queue) take(held, limit int64) (it item, low bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.bytes -= held
	low = q.mu.paused && q.mu.bytes <= limit/2
	if len(q.mu.items) == 0 {
		return item{}, low, q.mu.err
	}
	it = q.mu.items[0]
	q.mu.items[0] = item{}
	q.mu.items = q.mu.items[1:]
	return it, low, nil
}

// full reports whether the queue holds its share and is not paused yet.
func (q *queue) full(limit int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.mu.bytes >= limit && !q.mu.paused && q.mu.err == nil
}

// drained reports whether everything below position was taken.
func (q *queue) drained(position int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.mu.items) == 0 && q.mu.next >= position && q.mu.err == nil
}

// behind is how many positions the log had after last at the last fetch, where last was returned last by the reader.
func (q *queue) behind(last int64) (int64, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.head < 0 {
		return 0, false
	}
	from := last + 1
	if len(q.mu.items) == 0 {
		from = q.mu.next // past the control records behind last
	}
	return max(q.mu.head-from, 0), true
}
