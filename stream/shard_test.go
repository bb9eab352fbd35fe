package stream

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

func TestShardOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.topology(TopologyPartition{Name: "p"}, TopologyPartition{Name: "q"})
		s.cut("p", CutHeader{Watermark: at(10 * time.Minute), Touched: []feature.Slice{s0}}, rows(s0, 2)...)
		s.start(0)
		s.did(all, "fold p 1 rows 2 until 10m0s") // ahead of any close
		s.cut("q", CutHeader{Watermark: at(16 * time.Minute), From: 5, To: 9, ContentDigest: "x"})
		s.cut("p", CutHeader{Watermark: at(17 * time.Minute), Touched: []feature.Slice{s0 + 1}}, rows(s0+1, 3)...)
		s.did(all) // nothing tells the follower
		s.f.Notify()
		synctest.Wait()
		got := s.take()
		slices.Sort(got[:2]) // partitions in any order
		want := []string{"fold p 2 rows 3 until 17m0s", "fold q 1 rows 0 until 16m0s", "close s0 through p=2 q=1", "finish s0 0", "publish s0 0",
			"roll s0", "complete s0", "checkpoint s0"}
		time.Sleep(time.Minute)
		got = append(got, s.take()...)
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("-got +want:\n%s", d)
		}
		a := s.out.manifests["s0 0"]
		if len(a.Inputs) != 2 || a.Inputs[0].FirstCut != 1 || a.Inputs[0].LastCut != 2 || a.Inputs[1].From != 5 || a.Inputs[1].To != 9 ||
			len(a.Inputs[0].Digests) != 2 || a.CloseConfig == "" {
			t.Errorf("account %+v", a)
		}
		s.end()
		s.did(all, "shut")
	})
}

// TestFoldAhead: a partition that no applied record names is not folded ahead: others may have closed slices of its rows
// without it. What it has for closed slices becomes late.
func TestFoldAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.slicesOf(2, false)
		s.start(0)
		time.Sleep(time.Minute)
		s.did([]string{"close"}, "close s0 through p=1", "close s1 through p=2")
		s.topology(TopologyPartition{Name: "p"}, TopologyPartition{Name: "new"})
		s.cut("new", CutHeader{Watermark: at(16 * time.Minute), Touched: []feature.Slice{s0}}, rows(s0, 4)...)
		time.Sleep(time.Minute)
		s.did([]string{"fold", "close"})
		s.cut("new", CutHeader{Watermark: at(46 * time.Minute), Touched: []feature.Slice{s0 + 2}}, rows(s0+2, 1)...)
		s.cut("new", CutHeader{Watermark: at(47 * time.Minute), Touched: []feature.Slice{s0 + 3}}, rows(s0+3, 1)...)
		s.cut("p", CutHeader{Watermark: at(46 * time.Minute)})
		time.Sleep(time.Minute)
		got := s.take("fold", "close")
		slices.Sort(got[:3]) // partitions in any order
		if d := cmp.Diff(got, []string{"fold new 1 rows 4 until 16m0s", "fold new 2 rows 1 until 46m0s", "fold p 3 rows 0 until 46m0s",
			"close s2 through new=2 p=3", "fold new 3 rows 1 until 47m0s"}); d != "" { // and ahead from now on
			t.Errorf("-got +want:\n%s", d)
		}
		if n := counted(s.f.metrics.ClosedLate); n != 4 {
			t.Errorf("%g rows for closed slices", n)
		}
		s.end()
	})
}

// TestAlreadyPublished: a slice that has its manifest is rolled, and nothing else.
func TestAlreadyPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.slicesOf(2, true)
		s.out.manifests["s0 0"] = &feature.CloseAccount{}
		s.start(0)
		if err := <-s.done; err != nil {
			t.Fatal(err)
		}
		s.did([]string{"s0", "s1"}, "close s0 through p=1", "roll s0", "complete s0", "close s1 through p=2", "finish s1 0", "publish s1 0", "roll s1",
			"complete s1", "checkpoint s1")
	})
}

// TestFinal: a bounded run ends with a checkpoint and without an error, in all shards; the next run has nothing to do.
func TestFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.slicesOf(3, true)
		for _, want := range [][]string{{"checkpoint s2", "checkpoint s2"}, nil} {
			s.start(0, 1)
			if err := <-s.done; err != nil {
				t.Fatal(err)
			}
			s.did([]string{"checkpoint"}, want...)
			if !s.states[0].shut || !s.states[1].shut {
				t.Error("a store is open")
			}
		}
		if len(s.out.manifests) != 6 {
			t.Errorf("%d manifests", len(s.out.manifests))
		}
	})
}

// TestCompleteRetried: when the dataset manifest cannot be made, it is tried again before anything else: nothing leads
// back to the slice once it is rolled, and no checkpoint may hold it before.
func TestCompleteRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.slicesOf(2, true)
		s.set(func(op string) error {
			if op == "complete s0" && time.Since(bubbleStart) < 10*time.Minute {
				return errors.New("503")
			}
			return nil
		})
		s.start(0)
		time.Sleep(9 * time.Minute)
		if got := s.take("close", "checkpoint"); len(got) != 1 {
			t.Errorf("went on: %q", got)
		}
		time.Sleep(2 * time.Minute)
		if err := <-s.done; err != nil {
			t.Fatal(err)
		}
		got := s.take("complete", "close", "checkpoint")
		if d := cmp.Diff(got[len(got)-5:], []string{"complete s0", "checkpoint s0", "close s1 through p=2", "complete s1", "checkpoint s1"}); d != "" {
			t.Errorf("-got +want:\n%s", d)
		}
	})
}

type permanentError struct{}

func (permanentError) Error() string { return "rows differ" }

func (permanentError) Permanent() bool { return true }

// TestShardFaults fails each step of a close: what passes is tried again from the beginning of the close, what does not
// ends the stage.
func TestShardFaults(t *testing.T) {
	temporary := errors.New("503")
	for _, c := range []struct {
		op    string
		err   error
		fatal bool
		want  []string // of the slice, when it passes
	}{
		{"fold p 1", temporary, true, nil}, // the local state
		{"close s0", temporary, true, nil},
		{"finish s0 0", temporary, true, nil},
		{"publish s0 0", temporary, false, []string{"close s0 through p=1", "finish s0 0", "publish s0 0: 503", "discard s0",
			"close s0 through p=1", "finish s0 0", "publish s0 0", "roll s0", "complete s0"}},
		{"publish s0 0", permanentError{}, true, nil},
		{"complete s0", permanentError{}, true, nil},
		{"checkpoint", temporary, false, []string{"close s0 through p=1", "finish s0 0", "publish s0 0", "roll s0", "complete s0"}},
		{"checkpoint", permanentError{}, true, nil},
	} {
		t.Run(c.op+" "+c.err.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.slicesOf(2, true)
				failed := false
				s.set(func(op string) error {
					if strings.HasPrefix(op, c.op) && !failed {
						failed = true
						return c.err
					}
					return nil
				})
				s.start(0)
				err := <-s.done
				if (err != nil) != c.fatal || c.fatal && !errors.Is(err, c.err) {
					t.Fatalf("got %v", err)
				}
				if !failed || !s.states[0].shut {
					t.Error("the fault did not happen, or the store is open")
				}
				if !c.fatal {
					s.did([]string{"s0 ", "roll s0", "complete s0", "discard"}, c.want...)
				}
				if got := s.take("discard"); c.op == "finish s0 0" && len(got) != 1 {
					t.Errorf("the prepared roll was not let go: %q", got)
				}
			})
		})
	}
}

// TestStoreDownWhileFolding: the log cannot be read for a while.
func TestStoreDownWhileFolding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.topology(TopologyPartition{Name: "p"})
		s.start(0)
		synctest.Wait()
		s.store.set(func(op, key string) error { return errors.New("503") }, nil)
		s.cutDespite("p", CutHeader{Watermark: EndOfInput, Touched: []feature.Slice{s0}}, rows(s0, 1)...)
		time.Sleep(10 * time.Minute)
		s.did(all)
		if n := counted(s.f.metrics.Errors.WithLabelValues("follow")); n == 0 {
			t.Error("no error was counted")
		}
		s.store.set(nil, nil)
		if err := <-s.done; err != nil {
			t.Fatal(err)
		}
	})
}

// cutDespite stores a cut as another process would that the faults do not concern.
func (w *world) cutDespite(p string, h CutHeader, sections ...feature.Section) {
	w.store.mu.Lock()
	fault := w.store.fault
	w.store.fault = nil
	w.store.mu.Unlock()
	w.cut(p, h, sections...)
	w.store.set(fault, nil)
}

// TestRestart: a shard goes on after the slice that its checkpoint holds, by the records that are stored, also when the
// others of the process are further.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.slicesOf(4, true)
		s.start(0)
		if err := <-s.done; err != nil {
			t.Fatal(err)
		}
		s.take()
		closed := s0 + 1
		behind := newState(s.journal)
		behind.closed, behind.last = &closed, map[string]uint64{"p": 3} // one was folded ahead
		s.states[1] = behind
		s.start(0, 1)
		if err := <-s.done; err != nil {
			t.Fatal(err)
		}
		s.did([]string{"fold", "close", "publish", "checkpoint"}, "close s2 through p=3", "publish s2 1", "fold p 4 rows 0 until end", "close s3 through p=4",
			"publish s3 1", "checkpoint s3")
	})
}

// TestCheckpoints: one after everything that can be closed is closed; while behind one every five minutes.
func TestCheckpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.slicesOf(40, false)
		s.start(0)
		time.Sleep(time.Minute)
		s.did([]string{"checkpoint"}, "checkpoint s39")
		s.cut("p", CutHeader{Watermark: at(41 * 15 * time.Minute)})
		time.Sleep(time.Minute)
		s.did([]string{"checkpoint"}, "checkpoint s40")
		time.Sleep(time.Hour) // nothing new
		s.did([]string{"checkpoint"})
		s.end()
	})
	synctest.Test(t, func(t *testing.T) { // records come one by one, since the store takes its time: still behind
		s := newStage(t)
		s.slicesOf(40, false)
		s.store.set(func(op, key string) error {
			s.store.mu.Unlock()
			time.Sleep(30 * time.Millisecond)
			s.store.mu.Lock()
			return nil
		}, nil)
		s.start(0)
		time.Sleep(time.Minute)
		s.did([]string{"checkpoint"}, "checkpoint s39")
		s.end()
	})
	synctest.Test(t, func(t *testing.T) { // every close takes two minutes
		s := newStage(t)
		s.slicesOf(10, true)
		s.set(func(op string) error {
			if strings.HasPrefix(op, "publish") {
				s.journal.mu.Unlock()
				time.Sleep(2 * time.Minute)
				s.journal.mu.Lock()
			}
			return nil
		})
		s.start(0)
		if err := <-s.done; err != nil {
			t.Fatal(err)
		}
		s.did([]string{"checkpoint"}, "checkpoint s2", "checkpoint s5", "checkpoint s8", "checkpoint s9")
	})
}

// TestStopBeforeCheckpoint: a stage that is stopped between a close and its checkpoint ends at once.
func TestStopBeforeCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.slicesOf(1, false)
		s.start(0)
		time.Sleep(time.Second)
		s.end()
		s.did([]string{"roll", "checkpoint", "shut"}, "roll s0", "shut")
	})
}

// TestAssignment: a shard that is no longer named is let go before the next ones are taken up.
func TestAssignment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.slicesOf(2, false)
		s.shards = make(chan []int)
		s.run()
		s.shards <- []int{0}
		time.Sleep(time.Minute)
		s.did([]string{"publish", "shut"}, "publish s0 0", "publish s1 0")
		s.shards <- []int{1}
		time.Sleep(time.Minute)
		s.did([]string{"publish", "shut"}, "shut", "publish s0 1", "publish s1 1")
		s.shards <- []int{0, 1} // shard 0 goes on from its state, 1 is not disturbed
		time.Sleep(time.Minute)
		s.did([]string{"publish", "shut"})
		s.cut("p", CutHeader{Watermark: at(45 * time.Minute)})
		time.Sleep(time.Minute)
		got := s.take("publish", "shut")
		slices.Sort(got)
		if d := cmp.Diff(got, []string{"publish s2 0", "publish s2 1"}); d != "" {
			t.Errorf("-got +want:\n%s", d)
		}
		s.end()
		s.did([]string{"shut"}, "shut", "shut")
	})
}
