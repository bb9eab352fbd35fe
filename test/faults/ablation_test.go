package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ndr/feature"
	"ndr/sinks"
	"ndr/stream"
)

// guardless is what a variant puts around the parts of every process.
type guardless struct {
	store  func(below sinks.Store, memory *Memory) sinks.Store
	source func(stream.Source) stream.Source
	state  func(stream.ShardState) stream.ShardState
}

func (g guardless) process(s Setup) *Process {
	p := &Process{Setup: s, AroundSource: g.source}
	if g.state != nil {
		p.AroundState = func(_ int, s stream.ShardState) stream.ShardState { return g.state(s) }
	}
	return p
}

func (g guardless) over(m *Memory) sinks.Store {
	if g.store == nil {
		return m
	}
	return g.store(m, m)
}

// twoOwners runs two owners of everything that cut at different records, over a slow store.
func (g guardless) twoOwners(store *Memory, s Setup, n int) error {
	chance := NewChance(*seed*3000 + uint64(n))
	chance.MaxDelay = 200 * time.Millisecond
	errs := make(chan error, 2)
	for i := range 2 {
		p := g.process(s)
		p.CutRecords += int64(4 * i)
		go func() { _, err := p.once(&Faulty{Store: g.over(store), Chance: chance}); errs <- err }()
	}
	a, b := <-errs, <-errs
	return errors.Join(a, b)
}

// overtaken runs an owner whose first cut is slow. Meanwhile another one, with smaller cuts, makes that cut and dies.
func (g guardless) overtaken(store *Memory, s Setup, n int) error { return g.overtake(store, s, n, 1) }

// outrun is the same, but the other one does not die and has published everything when the slow one's cut comes.
func (g guardless) outrun(store *Memory, s Setup, n int) error { return g.overtake(store, s, n, 0) }

func (g guardless) overtake(store *Memory, s Setup, n, dieAt int) error {
	slow := make(chan error, 1)
	go func() {
		f := &Faulty{Store: g.over(store), Slow: Call{"create", cutKey("0", 1), 1}, By: time.Minute}
		_, err := g.process(s).once(f)
		slow <- err
	}()
	time.Sleep(time.Second)
	other := g.process(s)
	other.CutRecords = int64(3 + n)
	_, err := other.once(&Faulty{Store: g.over(store), DieAt: dieAt, Of: cutKey("0", 1)})
	return errors.Join(err, <-slow)
}

func cutKey(partition string, n uint64) string {
	key, err := layout().Path(feature.CutObject(sourceName, partition, n))
	if err != nil {
		panic(err) // fixed names
	}
	return key
}

// restarts kills a process after some creations of a kind of object and starts it again, without its disk.
func (g guardless) restarts(store *Memory, s Setup, n int) error {
	s.CutRecords = 5
	for i := range 20 {
		p, f := g.process(s), &Faulty{Store: g.over(store)}
		if i < 9 {
			f.DieAt, f.Of = 1+(n+i)%4, []string{"/cuts/", "/manifests/", "/checkpoints/"}[i%3]
		}
		if done, err := p.once(f); done || err != nil {
			return err
		}
	}
	return errors.New("not done after 20 starts")
}

// TestWithoutAGuard takes the guards away, one at a time: the comparison must go red for each. With all of them it
// stays green, so that it is the guard that matters.
func TestWithoutAGuard(t *testing.T) {
	seeded(t)
	type scenario func(g guardless, store *Memory, s Setup, n int) error
	owners, restarts := scenario(guardless.twoOwners), scenario(guardless.restarts)
	overtaken, outrun := scenario(guardless.overtaken), scenario(guardless.outrun)
	overwrite := func(text string) func(sinks.Store, *Memory) sinks.Store {
		return func(below sinks.Store, m *Memory) sinks.Store { return overwriting{below, m, text} }
	}
	for _, c := range []struct {
		name     string
		scenario scenario
		guards   guardless
		green    bool
	}{
		{"two owners, all guards", owners, guardless{}, true},
		{"overtaken, all guards", overtaken, guardless{}, true},
		{"outrun, all guards", outrun, guardless{}, true},
		{"restarts, all guards", restarts, guardless{}, true},
		{"restarts, the source rewinds", restarts, guardless{source: func(s stream.Source) stream.Source { return rewinding{s, 5, false} }}, true},
		{"restarts, checkpoints are damaged", restarts, guardless{store: func(s sinks.Store, _ *Memory) sinks.Store { return flipping{s, "/sst/"} }}, true},

		{"outrun, cuts are overwritten", outrun, guardless{store: overwrite("/cuts/")}, false},
		{"outrun, everything is overwritten", outrun, guardless{store: overwrite("")}, false},
		{"overtaken, an existing object passes for one's own", overtaken, guardless{store: func(s sinks.Store, _ *Memory) sinks.Store { return trusting{s} }}, false},
		{"overtaken, no reading again", overtaken, guardless{source: func(s stream.Source) stream.Source { return skipping{s} }}, false},
		{"restarts, positions are not checked", restarts, guardless{source: func(s stream.Source) stream.Source { return rewinding{s, 5, true} }}, false},
		{"restarts, a cut is folded twice", restarts, guardless{state: func(s stream.ShardState) stream.ShardState { return miscount(s, -1) }}, false},
		{"restarts, a cut is left out", restarts, guardless{state: func(s stream.ShardState) stream.ShardState { return miscount(s, 1) }}, false},
		{"restarts, cuts are said to be stored and are not", restarts, guardless{store: func(s sinks.Store, _ *Memory) sinks.Store { return forgetful{s, "/cuts/"} }}, false},
		{"restarts, tables are said to be stored and are not", restarts, guardless{store: func(s sinks.Store, _ *Memory) sinks.Store { return forgetful{s, "/delta/"} }}, false},
		{"restarts, cuts are damaged", restarts, guardless{store: func(s sinks.Store, _ *Memory) sinks.Store { return flipping{s, "/cuts/"} }}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := midnight("panos-json")
			want := baseline(t, "midnight "+s.Format, s)
			var red []string
			const runs = 4
			for n := 0; n < runs && (c.green || len(red) == 0); n++ {
				store := NewMemory()
				d := ""
				if err := inBubble(t, func() error { return c.scenario(c.guards, store, s, n) }); err != nil {
					d = err.Error()
				} else if got, err := ReadResult(context.Background(), store, layout(), s.Shards); err != nil {
					d = err.Error()
				} else {
					d = Diff(want, got, false)
				}
				if d != "" {
					red = append(red, fmt.Sprintf("run %d: %s", n, d))
				}
			}
			if c.green != (len(red) == 0) {
				t.Errorf("%d of %d runs were red: %s", len(red), runs, strings.Join(red, "\n"))
			} else if len(red) > 0 {
				t.Logf("%.300s", red[0])
			}
		})
	}
}

// TestPublishedSlicesStand restarts a run with another configuration of the close: what has a manifest stays as it is,
// to the byte, and only later slices follow the new one. Without the look at the manifest the process notices that it
// would publish other rows, and stops.
func TestPublishedSlicesStand(t *testing.T) {
	s := midnight("panos-json")
	s.Shards = 1
	store := NewMemory()
	p := &Process{Setup: s}
	first := &Faulty{Store: store, DieAt: 6, Of: "/shard-"}
	if err := inBubble(t, func() error { _, err := p.once(first); return err }); err != nil || !first.Dead() {
		t.Fatalf("first process: %v, dead %v", err, first.Dead())
	}
	before := store.Clone()
	s.SegmentBits = 16
	p = &Process{Setup: s}
	if err := inBubble(t, func() error { return p.untilDone(&Faulty{Store: store}) }); err != nil {
		t.Fatal(err)
	}
	for _, key := range before.mu.keys {
		if string(before.mu.objects[key]) != string(store.mu.objects[key]) {
			t.Errorf("%s was replaced", key)
		}
	}
	p = &Process{Setup: s}
	err := inBubble(t, func() error { _, err := p.once(&Faulty{Store: hiding{before}}); return err })
	var mismatch *sinks.MismatchError
	if !errors.As(err, &mismatch) {
		t.Errorf("without the look at the manifest: %v, want a mismatch", err)
	}
}

// TestOtherRowsStopTheShard puts another program's rows where a slice will be published: the process must stop with
// an error that a person sees, and not try again for ever.
func TestOtherRowsStopTheShard(t *testing.T) {
	s := midnight("panos-json")
	good := NewMemory()
	p := &Process{Setup: s}
	if err := inBubble(t, func() error { return p.untilDone(&Faulty{Store: good}) }); err != nil {
		t.Fatal(err)
	}
	var tables []string
	for _, k := range good.mu.keys {
		if o, err := layout().Parse(k); err == nil && o.Kind == feature.KindData && o.Dataset == feature.DatasetDelta {
			tables = append(tables, k)
		}
	}
	store := NewMemory()
	wrong := good.mu.objects[tables[0]]
	last := tables[len(tables)-1]
	if err := store.Create(context.Background(), last, strings.NewReader(string(wrong))); err != nil {
		t.Fatal(err)
	}
	p = &Process{Setup: s}
	err := inBubble(t, func() error { _, err := p.once(&Faulty{Store: store}); return err })
	var mismatch *sinks.MismatchError
	if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), last) {
		t.Errorf("got %v, want a mismatch that names %s", err, last)
	}
}
