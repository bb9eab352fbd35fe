package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// feed is a Reader that hands out what the test pushes.
type feed struct {
	mu     sync.Mutex
	queue  [][]Record
	err    error // when the queue is empty
	ready  chan struct{}
	behind int64
	atEnd  bool
	asked  int // AtEnd
	next   int64
}

func newFeed() *feed { return &feed{ready: make(chan struct{}, 1), behind: -1} }

func (f *feed) Poll(ctx context.Context) ([]Record, error) {
	for {
		f.mu.Lock()
		if len(f.queue) > 0 {
			r := f.queue[0]
			f.queue = f.queue[1:]
			f.mu.Unlock()
			return r, nil
		}
		err := f.err
		f.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-f.ready:
		}
	}
}

func (f *feed) AtEnd(context.Context) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.atEnd, nil
}

func (f *feed) Behind() (int64, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.behind, f.behind >= 0
}

func (f *feed) set(change func(f *feed)) {
	f.mu.Lock()
	change(f)
	f.mu.Unlock()
	select {
	case f.ready <- struct{}{}:
	default:
	}
}

// looks is how often AtEnd was asked.
func (f *feed) looks() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// queued is how many batches were not read yet.
func (f *feed) queued() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.queue)
}

// push hands out one batch of records, one item each.
func (f *feed) push(items ...string) {
	f.set(func(f *feed) {
		var batch []Record
		for _, it := range items {
			batch = append(batch, Record{Position: f.next, Value: []byte(it)})
			f.next++
		}
		f.queue = append(f.queue, batch)
	})
}

func (f *feed) fail(err error) { f.set(func(f *feed) { f.err = err }) }

// bench is an ingest stage with one partition p that a feed drives.
type bench struct {
	*world
	in   *Ingest
	feed *feed
	stop context.CancelFunc
	done chan error
	cuts int // told to onCut
}

func newBench(t *testing.T, change func(c *IngestConfig)) *bench {
	t.Helper()
	b := &bench{world: newWorld(t), feed: newFeed(), done: make(chan error, 1)}
	b.topology(TopologyPartition{Name: "p", Watermark: NoWatermark})
	cfg := ingestConfig(t)
	if change != nil {
		change(&cfg)
	}
	b.in = NewIngest(cfg, IngestDeps{Control: b.ctl, OnCut: func() { b.cuts++ }, Log: quiet(), Metrics: newMetrics()})
	return b
}

// start begins to consume; the test's bubble must end it.
func (b *bench) start() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	if _, err := b.in.Position(ctx, "p"); err != nil {
		b.t.Fatal(err)
	}
	go func() { b.done <- b.in.Consume(ctx, "p", b.feed) }()
}

// end takes the partition away and wants no error.
func (b *bench) end() {
	b.t.Helper()
	b.stop()
	if err := <-b.done; err != nil {
		b.t.Error(err)
	}
}

// stored lists the cuts of p as "cause from-to watermark accepted".
func (b *bench) stored() (out []string) {
	b.t.Helper()
	for n := uint64(1); ; n++ {
		c, err := openCut(context.Background(), b.ctl, "flows", "p", n)
		if errors.Is(err, fs.ErrNotExist) {
			return out
		}
		if err != nil {
			b.t.Fatal(err)
		}
		h := &c.Header
		out = append(out, fmt.Sprintf("%s %d-%d %s %d", h.Cause, h.From, h.To, showTime(h.Watermark), h.Counters.Accepted))
	}
}

// want compares the cuts of p.
func (b *bench) want(cuts ...string) {
	b.t.Helper()
	synctest.Wait()
	if d := cmp.Diff(b.stored(), cuts, equateEmpty); d != "" {
		b.t.Errorf("cuts at %s: -got +want:\n%s", time.Since(bubbleStart), d)
	}
}

// bubbleStart is when the clock of a bubble starts.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func flowAt(end string) string { return "flow 10.0.0.1 192.0.2.7 0s " + end }

func TestCutBySlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.start()
		// How far the head of the log is decides: a partition that catches up does not cut at every slice.
		b.feed.push(flowAt("3m"))
		b.want()
		b.feed.set(func(f *feed) { f.behind = nearHead + 1 })
		b.feed.push(flowAt("20m"))
		b.want()
		b.feed.set(func(f *feed) { f.behind = nearHead })
		b.feed.push(flowAt("21m"))
		b.want("slice 0-3 19m0s 3")
		b.feed.push(flowAt("31m"))
		b.want("slice 0-3 19m0s 3")
		b.feed.push(flowAt("32m"), flowAt("33m"))
		b.want("slice 0-3 19m0s 3", "slice 3-6 31m0s 3")
		b.end()
		b.want("slice 0-3 19m0s 3", "slice 3-6 31m0s 3")
		if b.cuts != 2 {
			t.Errorf("told of %d cuts", b.cuts)
		}
		if n, ok := b.in.Committed("p"); !ok || n != 6 {
			t.Errorf("committed %d, %v", n, ok)
		}
		m := b.in.metrics
		if got := counted(m.Cuts.WithLabelValues("slice")); got != 2 {
			t.Errorf("%g cuts counted", got)
		}
		if got := counted(m.Items.WithLabelValues("accepted", "")); got != 6 {
			t.Errorf("%g flows counted", got)
		}
	})
}

func TestCutByInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *IngestConfig) { c.IdleTimeout = time.Hour })
		b.start()
		b.feed.push(flowAt("3m"))
		time.Sleep(5*time.Minute - time.Second)
		b.want()
		time.Sleep(2 * time.Second)
		b.want("interval 0-1 1m0s 1")
		time.Sleep(20 * time.Minute) // nothing new, nothing to cut
		b.want("interval 0-1 1m0s 1")
		b.feed.push("reject malformed") // new, though nothing was accepted
		time.Sleep(2 * time.Second)
		b.want("interval 0-1 1m0s 1", "interval 1-2 1m0s 0")
		b.end()
	})
}

func TestCutByRecordsAndMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *IngestConfig) { c.MaxCutRecords = 3 })
		b.start()
		b.feed.push(flowAt("1m"), flowAt("2m"), flowAt("3m"), flowAt("4m"), "reject malformed", flowAt("5m"), flowAt("6m"))
		b.want("records 0-3 1m0s 3", "records 3-6 3m0s 2")
		b.end()
		b.want("records 0-3 1m0s 3", "records 3-6 3m0s 2", "stop 6-7 4m0s 1")
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *IngestConfig) { c.Memory = 100 << 10 })
		b.start()
		var items []string
		for i := range 1000 {
			items = append(items, fmt.Sprintf("flow 10.0.%d.%d 192.0.2.7 0s 1m", i>>8, i&255))
		}
		b.feed.push(items...)
		synctest.Wait()
		got := b.stored()
		if len(got) < 3 || got[0] != "memory 0-256 -1m0s 256" {
			t.Errorf("got %q", got)
		}
		b.end()
		var sum int64
		for _, c := range b.stored() {
			var from, to, n int64
			var cause, mark string
			if _, err := fmt.Sscanf(c, "%s %d-%d %s %d", &cause, &from, &to, &mark, &n); err != nil {
				t.Fatal(err)
			}
			if from != sum {
				t.Errorf("cut %s begins elsewhere than at %d", c, sum)
			}
			sum += n
		}
		if sum != 1000 {
			t.Errorf("%d flows in the cuts", sum)
		}
	})
}

func TestEndOfInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.start()
		b.feed.push(flowAt("3m"), "half 10.0.0.1:1 192.0.2.7:2 1m 2m tcp")
		b.feed.fail(io.EOF)
		if err := <-b.done; err != nil {
			t.Fatal(err)
		}
		b.want("end 0-2 end 2")
		b.start() // all done
		if err := <-b.done; err != nil {
			t.Fatal(err)
		}
		b.want("end 0-2 end 2")
	})
}

// TestNoEnd: only io.EOF itself ends an input for ever. A lost connection may wrap it, and a reader's own timeout is
// no tick of the worker.
func TestNoEnd(t *testing.T) {
	for _, fault := range []error{fmt.Errorf("read tcp: %w", io.EOF), io.ErrUnexpectedEOF, fmt.Errorf("fetch: %w", context.DeadlineExceeded)} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			b.start()
			b.feed.push(flowAt("3m"))
			b.feed.fail(fault)
			if err := <-b.done; !errors.Is(err, fault) {
				t.Errorf("got %v, want %v", err, fault)
			}
			b.want()
		})
	}
}

// TestPoison: a decoder that fails otherwise than by the record stops the partition, and nothing is committed.
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.start()
		b.feed.push(flowAt("1m"), "no such item")
		if err := <-b.done; err == nil || !strings.Contains(err.Error(), "record 1 of partition p") {
			t.Errorf("got %v", err)
		}
		b.want()
	})
}
