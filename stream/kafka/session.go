package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/stream"
)

// session is one Run: the partitions that are consumed at the moment.
type session struct {
	life     context.Context // ends with Run or with the first error
	end      context.CancelFunc
	src      *Source
	consumer stream.Consumer
	poller   *poller
	wg       sync.WaitGroup
	mu       struct {
		sync.Mutex
		closing  bool // nothing is started any more
		active   map[int32]*assignment
		mirrored map[int32]int64 // positions that the group has
		err      error           // the first one that is final
	}
}

// assignment is the goroutine that consumes a partition.
type assignment struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func newSession(ctx context.Context, s *Source, c stream.Consumer, cl *kgo.Client) *session {
	ss := &session{src: s, consumer: c, poller: newPoller(s, cl, s.known().id)}
	ss.life, ss.end = context.WithCancel(ctx)
	ss.mu.active = make(map[int32]*assignment)
	ss.mu.mirrored = make(map[int32]int64)
	return ss
}

// fail ends Run with an error.
func (ss *session) fail(err error) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.mu.err == nil {
		ss.mu.err = err
	}
	ss.end()
}

func (ss *session) err() error {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.mu.err
}

// bounded consumes every range to its end.
func (ss *session) bounded() {
	partitions := slices.Sorted(maps.Keys(ss.src.mu.ends)) // not written after Describe
	var wg sync.WaitGroup
	wg.Go(func() { ss.watch(ss.life) })
	ss.start(partitions)
	ss.wg.Wait()
	ss.end()
	wg.Wait()
	ss.src.own(partitions, false)
}

// start consumes partitions. One that is still being stopped starts after that.
func (ss *session) start(partitions []int32) {
	ss.src.own(partitions, true)
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.mu.closing {
		return
	}
	for _, p := range partitions {
		before := ss.mu.active[p]
		ctx, cancel := context.WithCancel(ss.life)
		a := &assignment{cancel: cancel, done: make(chan struct{})}
		ss.mu.active[p] = a
		ss.wg.Go(func() {
			defer close(a.done)
			defer cancel()
			if before != nil {
				<-before.done
			}
			if err := ss.consume(ctx, p); err != nil {
				ss.fail(err)
			}
		})
	}
}

// stop ends the consumption of partitions and waits until it has ended, or for as long as timeout: then the group
// gives the partitions to others all the same, and the cuts decide who of the two comes first.
func (ss *session) stop(partitions []int32, timeout time.Duration) {
	ss.mu.Lock()
	var stopping []*assignment
	for _, p := range partitions {
		if a := ss.mu.active[p]; a != nil {
			a.cancel()
			stopping = append(stopping, a)
		}
	}
	ss.mu.Unlock()
	if !ended(stopping, timeout) {
		ss.src.metrics.Errors.WithLabelValues("group").Inc()
		ss.src.log.Error("partitions are given up before their last cuts are stored", "timeout", timeout)
	}
	ss.src.own(partitions, false)
}

// ended reports whether all assignments ended in time.
func ended(stopping []*assignment, timeout time.Duration) bool {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for _, a := range stopping {
		select {
		case <-a.done:
		case <-timer.C:
			return false
		}
	}
	return true
}

// close ends all consumption and waits for it.
func (ss *session) close() {
	ss.mu.Lock()
	ss.mu.closing = true
	for _, a := range ss.mu.active {
		a.cancel()
	}
	ss.mu.Unlock()
	ss.wg.Wait()
}

// consume has the consumer read a partition, again whenever it asks for that, until ctx ends or the partition does.
func (ss *session) consume(ctx context.Context, partition int32) error {
	if err := ss.src.awaitAnnounced(ctx, partition); err != nil {
		return nil // ctx has ended
	}
	for ctx.Err() == nil {
		err := ss.consumeOnce(ctx, partition)
		switch {
		case errors.Is(err, stream.ErrReread):
			ss.src.metrics.Rereads.Inc()
			continue
		case err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled):
			ss.src.log.Warn("partition was left in the middle of its work", "partition", name(partition), "err", err)
			return nil
		case err == nil && ctx.Err() == nil && ss.src.cfg.Group != "":
			return fmt.Errorf("partition %s is no longer consumed, although it has no end", name(partition))
		}
		return err
	}
	return nil
}

func (ss *session) consumeOnce(ctx context.Context, partition int32) error {
	from, err := ss.consumer.Position(ctx, name(partition))
	if err != nil {
		return fmt.Errorf("find position of partition %s: %w", name(partition), err)
	}
	log := ss.src.log.With("partition", name(partition))
	log.Info("reading partition", "from", from)
	q := newQueue(partition, from, ss.src.end(partition))
	ss.poller.add(q)
	defer ss.poller.remove(q)
	return ss.consumer.Consume(ctx, name(partition), newReader(ctx, ss.poller, q, log))
}
