package stream

import (
	"bytes"
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

	"ndr/feature"
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

func TestIdleCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *IngestConfig) { c.MaxCutInterval = 24 * time.Hour })
		b.cut("p", CutHeader{Watermark: at(5 * time.Minute), MaxEvent: at(7 * time.Minute)})
		b.start()
		b.feed.push(flowAt("14m30s")) // watermark 12m30s
		time.Sleep(30 * time.Second)
		b.feed.push("reject malformed") // no accepted record: does not count
		time.Sleep(119 * time.Second)
		b.want(" 0-0 5m0s 0") // 14m59s, and the log was not asked, since no slice end is passed
		if n := b.feed.looks(); n != 0 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(5 * time.Second)
		b.want(" 0-0 5m0s 0") // the log holds more
		if b.feed.looks() == 0 {
			t.Error("the log was not asked")
		}
		b.feed.set(func(f *feed) { f.atEnd = true })
		time.Sleep(time.Second)
		synctest.Wait()
		if got := b.stored(); len(got) != 2 || !strings.HasPrefix(got[1], "idle 0-2 15m") {
			t.Errorf("got %q", got)
		}
		// Idle time passes at the pace of the clock: the next slice end is 15 minutes away.
		time.Sleep(14 * time.Minute)
		synctest.Wait()
		if got := b.stored(); len(got) != 2 {
			t.Errorf("got %q", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := b.stored(); len(got) != 3 || !strings.HasPrefix(got[2], "idle 2-2 30m") {
			t.Errorf("got %q", got)
		}
		b.end()
	})
}

// TestIdleSinceAssignment: a new owner does not know how long the partition was silent before.
func TestIdleSinceAssignment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.cut("p", CutHeader{To: 7, Watermark: at(14 * time.Minute), MaxEvent: at(16 * time.Minute)})
		time.Sleep(time.Hour)
		b.feed.set(func(f *feed) { f.atEnd = true })
		b.start()
		time.Sleep(59 * time.Second)
		b.want(" 0-7 14m0s 0")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if got := b.stored(); len(got) != 2 || !strings.HasPrefix(got[1], "idle 7-7 15m") {
			t.Errorf("got %q", got)
		}
		b.end()
	})
}

// TestIdleWithoutRecords: a partition that never had a record takes the smallest watermark of the others, and does not
// look for it every second.
func TestIdleWithoutRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.topology(TopologyPartition{Name: "p", Watermark: NoWatermark}, TopologyPartition{Name: "q"}, TopologyPartition{Name: "r"},
			TopologyPartition{Name: "none"}, TopologyPartition{Name: "gone", Ended: true})
		b.cut("gone", CutHeader{Watermark: at(0)})
		b.feed.set(func(f *feed) { f.atEnd = true })
		b.start()
		time.Sleep(10 * time.Minute)
		b.want()
		b.cut("q", CutHeader{Watermark: at(40 * time.Minute)})
		b.cut("r", CutHeader{Watermark: at(31 * time.Minute)})
		time.Sleep(time.Minute + 2*time.Second)
		b.want("idle 0-0 31m0s 0")
		b.cut("r", CutHeader{Watermark: at(44 * time.Minute)})
		time.Sleep(2 * time.Minute)
		b.want("idle 0-0 31m0s 0") // no slice end passed
		lists := b.store.listed()
		time.Sleep(10 * time.Minute)
		if n := b.store.listed() - lists; n > 10*5 {
			t.Errorf("%d listings in 10 minutes", n)
		}
		b.cut("q", CutHeader{Watermark: EndOfInput})
		b.cut("r", CutHeader{Watermark: EndOfInput})
		time.Sleep(10 * time.Minute)
		b.want("idle 0-0 31m0s 0") // the others have ended: nothing to go by
		b.end()
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

// attempts lists the distinct bodies that were sent for each cut, in order, and how often.
func (b *bench) attempts() (out []string) {
	var last []byte
	times := 0
	flush := func() {
		if times > 0 {
			out = append(out, fmt.Sprintf("%d bytes, %d times", len(last), times))
		}
		times = 0
	}
	for _, p := range b.store.created("/cuts/") {
		if !bytes.Equal(p.body, last) {
			flush()
			last = p.body
		}
		times++
	}
	flush()
	return out
}

// TestFrozenAttempt: until the outcome is known the same bytes are sent, and nothing is read.
func TestFrozenAttempt(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(op, key string) error
		lose  func(key string) error
	}{
		{"store down", func(op, key string) error { return errors.New("503") }, nil},
		{"conflict (409)", func(op, key string) error {
			if op == "create" {
				return errors.New("409 concurrent")
			}
			return nil
		}, nil},
		{"outcome unknown", nil, func(key string) error { return errors.New("timeout") }},
		{"outcome unknown, and the object cannot be read", func(op, key string) error {
			if op == "get" {
				return errors.New("503")
			}
			return nil
		}, func(key string) error { return errors.New("timeout") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(c *IngestConfig) { c.MaxCutRecords = 2 })
				b.start()
				synctest.Wait()
				b.store.set(c.fault, c.lose)
				b.feed.push(flowAt("1m"), flowAt("2m"))
				time.Sleep(time.Minute)
				b.feed.push(flowAt("3m"))
				time.Sleep(time.Minute)
				if c.fault != nil {
					if b.in.Failing() == nil {
						t.Error("the partition should be failing")
					}
					if b.feed.queued() != 1 {
						t.Error("more was read while the outcome is unknown")
					}
				}
				b.store.set(nil, nil)
				time.Sleep(maxPause)
				b.want("records 0-2 0s 2")
				if err := b.in.Failing(); err != nil {
					t.Error(err)
				}
				if got := b.attempts(); len(got) != 1 || strings.HasSuffix(got[0], " 1 times") {
					t.Errorf("sent %q", got)
				}
				b.end()
				b.want("records 0-2 0s 2", "stop 2-3 1m0s 1")
			})
		})
	}
}

// TestStopWithStoreDown: the last cut has its grace, then it is given up. The bytes stay the same to the end, and the
// next owner makes the cut.
func TestStopWithStoreDown(t *testing.T) {
	for _, before := range []bool{true, false} { // whether the outage begins before the partition is taken away
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, func(c *IngestConfig) { c.MaxCutRecords = 2 })
			b.start()
			synctest.Wait()
			b.store.set(func(op, key string) error { return errors.New("503") }, nil)
			b.feed.push(flowAt("1m"))
			if before {
				b.feed.push(flowAt("2m"))
				time.Sleep(20 * time.Second)
				b.feed.push(flowAt("3m"))
			}
			synctest.Wait()
			began := time.Now()
			b.end()
			if d := time.Since(began); d > grace+time.Second {
				t.Errorf("it took %s to stop", d)
			}
			if got := b.attempts(); len(got) != 1 {
				t.Errorf("sent %q", got)
			}
			b.store.set(nil, nil)
			b.feed = newFeed()
			b.start()
			b.feed.push(flowAt("1m"), flowAt("2m"), flowAt("3m"))
			b.end()
			b.want("records 0-2 0s 2", "stop 2-3 1m0s 1")
		})
	}
}

// TestStopWithin: a store that comes back within the grace gets the last cut.
func TestStopWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.start()
		b.feed.push(flowAt("1m"))
		synctest.Wait()
		b.store.set(func(op, key string) error { return errors.New("503") }, nil)
		b.stop()
		time.Sleep(grace / 2)
		b.store.set(nil, nil)
		if err := <-b.done; err != nil {
			t.Error(err)
		}
		b.want("stop 0-1 -1m0s 1")
	})
}

// rival makes cuts of the same records as another owner would.
func (b *bench) rival(records int, cause string, items ...string) {
	b.t.Helper()
	p, err := newPartition(&b.in.cfg, "p")
	if err != nil {
		b.t.Fatal(err)
	}
	n, err := b.ctl.lastCut(context.Background(), "flows", "p")
	if err != nil {
		b.t.Fatal(err)
	}
	p.start(0, NoWatermark)
	if n > 0 {
		c, err := openCut(context.Background(), b.ctl, "flows", "p", n)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := b.in.adopt(context.Background(), p, c); err != nil {
			b.t.Fatal(err)
		}
	}
	for i, it := range items[:records] {
		if err := p.apply(&Record{Position: int64(i), Value: []byte(it)}); err != nil {
			b.t.Fatal(err)
		}
	}
	if cause == causeEnd {
		p.finish()
	}
	a, err := p.freeze(b.enc, cause)
	if err != nil {
		b.t.Fatal(err)
	}
	if made, err := b.ctl.createBytes(context.Background(), feature.CutObject("flows", "p", a.header.N), a.bytes); err != nil || !made {
		b.t.Fatal(made, err)
	}
}

func TestTwoOwners(t *testing.T) {
	items := []string{flowAt("1m"), flowAt("2m"), flowAt("3m"), flowAt("4m"), flowAt("5m")}
	for _, c := range []struct {
		name   string
		rival  int    // records in the other owner's cut
		cause  string // of the other owner's
		ours   int    // records that we have read
		eof    bool   // then our input ends
		reread bool
		want   []string
	}{
		{"the same cut", 3, causeMemory, 3, false, false, []string{"memory 0-3 1m0s 3"}},
		{"shorter than ours", 2, causeStop, 3, false, true, []string{"stop 0-2 0s 2"}},
		{"longer than ours", 5, causeStop, 3, false, false, []string{"stop 0-5 3m0s 5"}},
		{"longer, and the end", 5, causeEnd, 3, false, false, []string{"end 0-5 end 5"}},
		{"our end, and theirs", 5, causeEnd, 5, true, false, []string{"end 0-5 end 5"}},
		{"our end, and they did not know that it was", 5, causeStop, 5, true, false, []string{"stop 0-5 3m0s 5", "end 5-5 end 0"}},
		{"our end, and theirs is shorter", 4, causeStop, 5, true, true, []string{"stop 0-4 2m0s 4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(cfg *IngestConfig) {
					if !c.eof {
						cfg.MaxCutRecords = int64(c.ours)
					}
				})
				b.start()
				synctest.Wait()
				b.rival(c.rival, c.cause, items...)
				b.feed.push(items[:c.ours]...)
				if c.eof {
					b.feed.fail(io.EOF)
				}
				synctest.Wait()
				var err error
				if ended := c.eof || c.reread || c.cause == causeEnd; ended {
					err = <-b.done
				}
				if errors.Is(err, ErrReread) != c.reread || err != nil && !c.reread {
					t.Errorf("got %v", err)
				}
				b.want(c.want...)
				if !c.eof && !c.reread && c.cause != causeEnd { // goes on after it
					b.feed.push(items[c.ours:]...)
					b.end()
					last := fmt.Sprintf("stop %d-5 3m0s %d", c.rival, 5-c.rival)
					if c.rival < 5 {
						c.want = append(c.want, last)
					}
					b.want(c.want...)
				}
			})
		})
	}
}

// TestAdoptRetries: the other owner's cut is there, but its carry cannot be read at the moment.
func TestAdoptRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		items := []string{"half 10.0.0.1:1 192.0.2.7:2 1m 2m tcp", flowAt("2m"), flowAt("3m")}
		b := newBench(t, func(c *IngestConfig) { c.MaxCutRecords = 2 })
		b.start()
		synctest.Wait()
		b.rival(3, causeStop, items...)
		gets := 0
		b.store.set(func(op, key string) error {
			if op == "get" && strings.Contains(key, "/cuts/") {
				if gets++; gets%2 == 0 { // the carry, after the header
					return errors.New("503")
				}
			}
			return nil
		}, nil)
		b.feed.push(items...)
		time.Sleep(time.Minute)
		if b.in.Failing() == nil {
			t.Error("the partition should be failing")
		}
		b.store.set(nil, nil)
		time.Sleep(maxPause)
		b.want("stop 0-3 1m0s 2")
		if got := counted(b.in.metrics.CutLost); got != 1 {
			t.Errorf("%g lost cuts counted", got)
		}
		b.end()
	})
}

// TestBrokenCarry: a decoder state that cannot be restored is no reason to try again.
func TestBrokenDecoderState(t *testing.T) {
	b := newBench(t, nil)
	b.cut("p", CutHeader{To: 7, Decoder: []byte("broken")})
	var broken *BrokenError
	if _, err := b.in.Position(context.Background(), "p"); !errors.As(err, &broken) {
		t.Errorf("got %v", err)
	}
}

func TestPosition(t *testing.T) {
	ctx := context.Background()
	t.Run("start", func(t *testing.T) {
		b := newBench(t, nil)
		b.topology(TopologyPartition{Name: "p", Start: 42, Watermark: at(time.Hour)})
		if n, err := b.in.Position(ctx, "p"); n != 42 || err != nil {
			t.Error(n, err)
		}
		if p := b.in.mu.loaded["p"]; p.watermark != at(time.Hour) || p.cutMark != at(time.Hour) {
			t.Errorf("watermark %s", showTime(p.watermark))
		}
	})
	t.Run("last cut", func(t *testing.T) {
		b := newBench(t, nil)
		for n := range 3 {
			b.cut("p", CutHeader{To: int64(100 * n)})
		}
		if n, err := b.in.Position(ctx, "p"); n != 200 || err != nil {
			t.Error(n, err)
		}
	})
	var broken *BrokenError
	t.Run("not registered, ended, or lost", func(t *testing.T) {
		b := newBench(t, nil)
		b.topology(TopologyPartition{Name: "p"}, TopologyPartition{Name: "e", Ended: true})
		for _, name := range []string{"x", "e"} {
			if _, err := b.in.Position(ctx, name); !errors.As(err, &broken) {
				t.Errorf("%s: %v", name, err)
			}
		}
		r := CloseRecord{Format: 1, Slice: s0, Partitions: map[string]uint64{"p": 3}}
		if _, err := b.ctl.create(ctx, feature.CloseObject(feature.Clock{}.Name(s0)), &r); err != nil {
			t.Fatal(err)
		}
		if _, err := b.in.Position(ctx, "p"); !errors.As(err, &broken) {
			t.Errorf("a partition that lost its cuts: %v", err)
		}
	})
	t.Run("waits for the store", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			b.store.set(func(op, key string) error { return errors.New("503") }, nil)
			time.AfterFunc(time.Minute, func() { b.store.set(nil, nil) })
			if _, err := b.in.Position(ctx, "p"); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("consume without it", func(t *testing.T) {
		b := newBench(t, nil)
		if err := b.in.Consume(ctx, "p", newFeed()); err == nil {
			t.Error("no error")
		}
	})
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
