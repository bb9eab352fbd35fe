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

func (p *fakePublisher) Begin(_ context.Context, r *CloseRecord, shard int, _ int64) (Publication, error) {
	s := r.Slice
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
