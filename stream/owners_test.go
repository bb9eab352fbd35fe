package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ndr/feature"
)

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
