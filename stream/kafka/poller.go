package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/flow"
)

// patience is how long the poller waits for room in a full queue before it pauses the partition. A pause throws away
// what the client has buffered of the partition, and is for consumers that stand still; one that is merely slower
// than the fetch makes room sooner.
const patience = 250 * time.Millisecond

// poller is the goroutine that polls the fetch client. It alone adds and removes partitions, between two polls, so
// nothing that was fetched for a removed queue can reach the next queue of the same partition.
type poller struct {
	cl      *kgo.Client
	topic   string
	id      [16]byte // of the topic
	now     func() time.Time
	metrics *Metrics
	budget  int64
	limit   atomic.Int64     // share of the budget of each queue
	room    chan struct{}    // holds a token when a reader may have made room
	stopped chan struct{}    // closed when run returns
	queues  map[int32]*queue // owned by run
	mu      struct {
		sync.Mutex
		todo []func()
		poll context.Context // of the poll under way
		wake context.CancelFunc
	}
}

func newPoller(s *Source, cl *kgo.Client, id [16]byte) *poller {
	p := &poller{
		cl: cl, topic: s.cfg.Topic, id: id, now: s.now, metrics: s.metrics, budget: split(s.cfg.Memory).queues,
		room: make(chan struct{}, 1), stopped: make(chan struct{}), queues: make(map[int32]*queue),
	}
	p.limit.Store(p.budget)
	return p
}

// run polls until ctx ends.
func (p *poller) run(ctx context.Context) {
	defer close(p.stopped)
	for ctx.Err() == nil {
		poll := p.catchUp(ctx)
		p.handle(p.cl.PollFetches(poll))
		p.settle(poll)
	}
}

// catchUp does what other goroutines asked for and returns the context of the next poll, which the next request ends.
func (p *poller) catchUp(ctx context.Context) context.Context {
	p.mu.Lock()
	todo := p.mu.todo
	p.mu.todo = nil
	if p.mu.poll == nil || p.mu.poll.Err() != nil {
		p.mu.poll, p.mu.wake = context.WithCancel(ctx)
	}
	poll := p.mu.poll
	p.mu.Unlock()
	for _, fn := range todo {
		fn()
	}
	return poll
}

// do has fn run between two polls and waits for it.
func (p *poller) do(fn func()) {
	done := make(chan struct{})
	p.mu.Lock()
	p.mu.todo = append(p.mu.todo, func() { fn(); close(done) })
	if p.mu.wake != nil {
		p.mu.wake()
	}
	p.mu.Unlock()
	select {
	case <-done:
	case <-p.stopped:
	}
}

// add begins to fetch for a queue.
func (p *poller) add(q *queue) {
	p.do(func() {
		p.queues[q.partition] = q
		p.share()
		p.fetch(q)
	})
}

// remove ends fetching for a queue: when it returns nothing more is put in.
func (p *poller) remove(q *queue) {
	p.do(func() {
		delete(p.queues, q.partition)
		p.share()
		p.stop(q)
		q.mu.Lock()
		defer q.mu.Unlock()
		p.metrics.Queued.Sub(float64(q.mu.bytes))
		q.mu.bytes, q.mu.items = 0, nil
	})
}

// seek fetches again for a queue that failed, from its position.
func (p *poller) seek(q *queue) {
	p.do(func() {
		q.reopen()
		p.fetch(q)
	})
}

func (p *poller) share() { p.limit.Store(p.budget / int64(max(1, len(p.queues)))) }

func (p *poller) fetch(q *queue) {
	if q.open() {
		from := kgo.NewOffset().At(q.position())
		p.cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{p.topic: {q.partition: from}})
	}
}

// stop makes the client forget the partition, with all that it has buffered of it.
func (p *poller) stop(q *queue) {
	p.cl.RemoveConsumePartitions(map[string][]int32{p.topic: {q.partition}})
	p.resume(q)
}

// handle puts what a poll brought into the queues. Errors that come without records go first: after a loss of data
// the client goes on from an earlier offset by itself, and what it then fetches must not be used.
func (p *poller) handle(fetches kgo.Fetches) {
	now := p.now().UnixNano()
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		if f.Err != nil && len(f.Records) == 0 {
			p.fail(&f, now)
		}
	})
	fetches.EachTopic(func(t kgo.FetchTopic) {
		if t.TopicID != ([16]byte{}) && t.TopicID != p.id {
			p.failAll(recreated(p.topic, p.id, t.TopicID))
		}
	})
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		q := p.queues[f.Partition]
		if q == nil || len(f.Records) == 0 {
			return
		}
		p.put(q, &f, now)
		if f.Err != nil {
			p.fail(&f, now)
		}
	})
}

func (p *poller) put(q *queue, f *kgo.FetchTopicPartition, now int64) {
	before := q.size()
	added, below := q.put(&f.FetchPartition, now)
	p.metrics.Records.Add(float64(added))
	p.metrics.Duplicates.Add(float64(below))
	p.metrics.Queued.Add(float64(q.size() - before))
	if !q.open() {
		p.stop(q) // the end of a range
	}
}

// fail hands an error to the queue that it concerns and stops fetching for it, since the client would return the same
// error at every poll.
func (p *poller) fail(f *kgo.FetchTopicPartition, now int64) {
	var large *kgo.ErrDecompressTooLarge
	q := p.queues[f.Partition]
	switch {
	case errors.Is(f.Err, context.Canceled) || errors.Is(f.Err, kgo.ErrClientClosed):
		return // the poll was ended by a request
	case f.Topic == "" || f.Partition < 0:
		p.failAll(f.Err)
	case q == nil:
		return
	case errors.As(f.Err, &large):
		p.tooLarge(q, large, now)
	default:
		q.fail(f.Err)
		p.stop(q)
	}
}

func (p *poller) failAll(err error) {
	for _, q := range p.queues {
		q.fail(err)
		p.stop(q)
	}
}

// tooLarge replaces a batch that would decompress to more than the limit by one record that is a fault, and goes on
// behind the batch: one poisoned batch must not hold up the partition.
func (p *poller) tooLarge(q *queue, large *kgo.ErrDecompressTooLarge, now int64) {
	p.stop(q)
	fault := &flow.UndecodableError{Reason: flow.ReasonTooLarge,
		Detail: fmt.Sprintf("batch with positions %d to %d decompresses to more than the limit", large.Offset, large.NextOffset-1)}
	if !q.putFault(large.NextOffset, now, fault) {
		q.fail(large)
		return
	}
	p.metrics.TooLarge.Inc()
	p.metrics.Queued.Add(recordBytes)
	p.fetch(q)
}

// settle waits for room in the full queues, and pauses those partitions that stay full.
func (p *poller) settle(poll context.Context) {
	limit := p.limit.Load()
	if !p.anyFull(limit) {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for p.anyFull(limit) {
		select {
		case <-p.room:
		case <-poll.Done():
			return // a request comes first; the next poll brings us back
		case <-timer.C:
			for _, q := range p.queues {
				if q.full(limit) {
					p.pause(q)
				}
			}
		}
	}
}

func (p *poller) anyFull(limit int64) bool {
	for _, q := range p.queues {
		if q.full(limit) {
			return true
		}
	}
	return false
}

// pause and resume call the client under the queue's lock, so that the two cannot overtake each other.
func (p *poller) pause(q *queue) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.paused {
		return
	}
	q.mu.paused = true
	p.cl.PauseFetchPartitions(map[string][]int32{p.topic: {q.partition}})
	p.metrics.Pauses.Inc()
	p.metrics.Paused.Inc()
}

func (p *poller) resume(q *queue) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.mu.paused {
		return
	}
	q.mu.paused = false
	p.cl.ResumeFetchPartitions(map[string][]int32{p.topic: {q.partition}})
	p.metrics.Paused.Dec()
}

// took is called by a reader that has taken from a queue.
func (p *poller) took(q *queue, held int64, low bool) {
	p.metrics.Queued.Sub(float64(held))
	if low {
		p.resume(q)
	}
	select {
	case p.room <- struct{}{}:
	default:
	}
}

func recreated(topic string, was, is [16]byte) error {
	return fmt.Errorf("topic %s was deleted and made again: its id was %s and is %s: %w", topic,
		hex.EncodeToString(was[:]), hex.EncodeToString(is[:]), kerr.UnknownTopicID)
}
