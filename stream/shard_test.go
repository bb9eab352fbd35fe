package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

// journal is what shards did, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
	fault func(op string) error // may fail what is noted
}

// note writes an operation down, if it does not fail.
func (j *journal) note(format string, args ...any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	op := fmt.Sprintf(format, args...)
	if j.fault != nil {
		if err := j.fault(op); err != nil {
			j.lines = append(j.lines, op+": "+err.Error())
			return err
		}
	}
	j.lines = append(j.lines, op)
	return nil
}

// take returns the lines since the last call that contain one of the words (all, without words).
func (j *journal) take(words ...string) (out []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lines {
		if len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(l, w) }) {
			out = append(out, l)
		}
	}
	j.lines = nil
	return out
}

func (j *journal) set(fault func(op string) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fault = fault
}

// fakeState is a ShardState that keeps numbers only.
type fakeState struct {
	*journal
	last   map[string]uint64
	blobs  map[string][]byte // "p 1"
	closed *feature.Slice
	shut   bool
}

func newState(j *journal) *fakeState {
	return &fakeState{journal: j, last: make(map[string]uint64), blobs: make(map[string][]byte)}
}

func (s *fakeState) Last(p string) uint64 { return s.last[p] }

func (s *fakeState) LastClosed() (feature.Slice, bool) {
	if s.closed == nil {
		return 0, false
	}
	return *s.closed, true
}

func (s *fakeState) Fold(p string, n uint64, watermark int64, blob []byte, sec *feature.Section) (int, error) {
	if err := s.note("fold %s %d rows %d until %s", p, n, len(sec.Hosts), showTime(watermark)); err != nil {
		return 0, err
	}
	if n != s.last[p]+1 {
		return 0, errors.New("gap")
	}
	s.last[p] = n
	s.blobs[fmt.Sprintf("%s %d", p, n)] = blob
	late := 0
	for i := range sec.Hosts {
		if s.closed != nil && sec.Hosts[i].Slice <= *s.closed {
			late++
		}
	}
	return late, nil
}

func (s *fakeState) Close(_ context.Context, slice feature.Slice, through map[string]uint64, _ feature.CloseVisitor) (Roll, error) {
	text := ""
	for _, p := range slices.Sorted(maps.Keys(through)) {
		text += fmt.Sprintf(" %s=%d", p, through[p])
	}
	if err := s.note("close %s through%s", showSlice(slice), text); err != nil {
		return nil, err
	}
	r := &fakeRoll{s: s, slice: slice}
	for _, p := range slices.Sorted(maps.Keys(through)) {
		for n := uint64(1); n <= through[p]; n++ {
			if key := fmt.Sprintf("%s %d", p, n); s.blobs[key] != nil {
				r.keys = append(r.keys, key)
			}
		}
	}
	return r, nil
}

func (s *fakeState) FirstKnown() (int64, bool) { return 0, false }

func (s *fakeState) Checkpoint(context.Context) error {
	return s.note("checkpoint %s", showSlice(*s.closed))
}

func (s *fakeState) Shut() error {
	s.shut = true
	return s.note("shut")
}

type fakeRoll struct {
	s     *fakeState
	slice feature.Slice
	keys  []string
	over  bool
}

func (r *fakeRoll) Commit() error {
	if err := r.s.note("roll %s", showSlice(r.slice)); err != nil {
		return err
	}
	r.s.closed, r.over = &r.slice, true
	for _, k := range r.keys {
		delete(r.s.blobs, k)
	}
	return nil
}

func (r *fakeRoll) Discard() error {
	if r.over {
		return nil
	}
	r.over = true
	return r.s.note("discard %s", showSlice(r.slice))
}

func (r *fakeRoll) Blobs() (out [][]byte) {
	for _, k := range r.keys {
		out = append(out, r.s.blobs[k])
	}
	return out
}

// fakePublisher remembers which slices have their manifest.
type fakePublisher struct {
	*journal
	manifests map[string]*feature.CloseAccount // "s0 1"
}

func (p *fakePublisher) Published(_ context.Context, s feature.Slice, shard int) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.manifests[fmt.Sprintf("%s %d", showSlice(s), shard)] != nil, nil
}

func (p *fakePublisher) Begin(s feature.Slice, shard int, _ int64) (Publication, error) {
	return &fakePublication{p: p, key: fmt.Sprintf("%s %d", showSlice(s), shard)}, nil
}

func (p *fakePublisher) Complete(_ context.Context, s feature.Slice, _ []byte) error {
	return p.note("complete %s", showSlice(s))
}

type fakePublication struct {
	ignore
	p       *fakePublisher
	key     string
	account *feature.CloseAccount
}

func (f *fakePublication) Finish(a *feature.CloseAccount) error {
	f.account = a
	return f.p.note("finish %s", f.key)
}

func (f *fakePublication) Commit(context.Context) error {
	if err := f.p.note("publish %s", f.key); err != nil {
		return err
	}
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	f.p.manifests[f.key] = f.account
	return nil
}

func (f *fakePublication) Discard() {}

// stage is a feature stage over a world.
type stage struct {
	*world
	*journal
	out    *fakePublisher
	states map[int]*fakeState
	f      *Features
	shards chan []int
	stop   context.CancelFunc
	done   chan error
}

func newStage(t *testing.T) *stage {
	t.Helper()
	j := &journal{}
	return &stage{world: newWorld(t), journal: j, out: &fakePublisher{j, make(map[string]*feature.CloseAccount)}, states: map[int]*fakeState{},
		done: make(chan error, 1)}
}

// start runs the stage over the given shards; the list is closed, so a bounded run ends by itself.
func (s *stage) start(shards ...int) {
	s.shards = make(chan []int, 1)
	s.shards <- shards
	close(s.shards)
	s.run()
}

func (s *stage) run() {
	s.f = NewFeatures(FeaturesConfig{Source: "flows", Shards: 2, CloseConfig: []byte("{}"), PollInterval: 5 * time.Second,
		CheckpointInterval: 5 * time.Minute, Parallel: 1, Now: time.Now}, FeaturesDeps{Control: s.ctl, Publisher: s.out, Log: quiet(),
		Metrics: newMetrics(), Open: func(_ context.Context, shard int) (ShardState, error) {
			s.journal.mu.Lock()
			defer s.journal.mu.Unlock()
			if s.states[shard] == nil {
				s.states[shard] = newState(s.journal)
			}
			return s.states[shard], nil
		}})
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() { s.done <- s.f.Run(ctx, s.shards) }()
}

func (s *stage) end() {
	s.t.Helper()
	s.stop()
	if err := <-s.done; err != nil {
		s.t.Error(err)
	}
}

// did compares the journal since the last call.
func (s *stage) did(words []string, want ...string) {
	s.t.Helper()
	synctest.Wait()
	if d := cmp.Diff(s.take(words...), want, equateEmpty); d != "" {
		s.t.Errorf("-got +want:\n%s", d)
	}
}

var all []string

// rows is the sections of a cut with n host rows of a slice in shard 0.
func rows(slice feature.Slice, n int) []feature.Section {
	out := make([]feature.Section, 2)
	for i := range n {
		out[0].Hosts = append(out[0].Hosts, feature.HostRow{Slice: slice, Host: feature.Addr{Lo: uint64(i)}})
	}
	return out
}

// slicesOf registers one partition and makes a cut for each of n slices.
func (s *stage) slicesOf(n int, bounded bool) {
	s.topology(TopologyPartition{Name: "p"})
	for i := range n {
		slice := s0 + feature.Slice(i)
		h := CutHeader{Watermark: feature.Clock{}.End(slice), Touched: []feature.Slice{slice}, Largest: &slice}
		if bounded && i == n-1 {
			h.Watermark = EndOfInput
		}
		s.cut("p", h, rows(slice, 1)...)
	}
}

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

func (permanentError) Error() string   { return "rows differ" }
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
