package faults

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// midnight is a small input with everything in it: halves, late records, rejects, the end of a day.
func midnight(format string) Setup {
	tr := Traffic{Seed: *seed, Flows: 70, From: at(2023, 6, 2, 23), Span: 100 * time.Minute, Shuffle: 4 * time.Minute, Broken: 8}
	s := Setup{Format: format, Partitions: 2, Shards: 2, CutRecords: 15, Lateness: 5 * time.Minute, PairTimeout: 2 * time.Minute, Checkpoints: true}
	if format == "vpc-text" {
		s.Lines = tr.VPC()
	} else {
		s.Lines = tr.PANOS()
	}
	return s
}

// record makes an undisturbed run and returns the calls that it made.
func record(t *testing.T, s Setup) []Call {
	t.Helper()
	f := &Faulty{Store: NewMemory()}
	p := &Process{Setup: s}
	if err := inBubble(t, func() error { return p.untilDone(f) }); err != nil {
		t.Fatal(err)
	}
	return f.Calls()
}

// TestEveryCallOfTheStoreFails lets each call of the object store fail in every way, once per run: the stages try
// again, or the process is started again without its disk, and the rows and accounts are those of an undisturbed run.
// The calls are those of a recorded run, so that none is forgotten.
func TestEveryCallOfTheStoreFails(t *testing.T) {
	seeded(t)
	for i, format := range []string{"panos-json", "vpc-text"} {
		t.Run(format, func(t *testing.T) {
			s := midnight(format)
			want := baseline(t, "midnight "+format, s)
			type point struct {
				call Call
				how  Mode
			}
			var points []point
			for _, c := range record(t, s) {
				for how := range modes {
					if mutates := c.Op == "create" || c.Op == "replace" || c.Op == "delete"; mutates || !how.applies() {
						points = append(points, point{c, how})
					}
				}
			}
			chosen := sample(points, 30, uint64(i))
			hit := 0
			for _, pt := range chosen {
				f := &Faulty{Store: NewMemory(), Fail: pt.call, How: pt.how}
				p := &Process{Setup: s}
				name := fmt.Sprintf("%s at %s", pt.how, pt.call)
				if err := inBubble(t, func() error { return p.untilDone(f) }); err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if f.Hit() {
					hit++
				}
				if d := Diff(want, read(t, f.Store, s.Shards), true); d != "" {
					t.Errorf("%s:\n%s", name, d)
				}
			}
			t.Logf("%d of %d points tried, %d were reached", len(chosen), len(points), hit)
			if hit < len(chosen)/2 { // calls that wait for something come at other numbers in each run
				t.Errorf("only %d of %d planned faults happened", hit, len(chosen))
			}
		})
	}
}

// TestTrouble lets calls be slow and fail at random, and processes die, with one owner and with two that own
// everything and cut at different records.
func TestTrouble(t *testing.T) {
	seeded(t)
	runs := 6
	if *long {
		runs = 300
	}
	for i := range runs {
		owners, s := 1+i%2, midnight([]string{"panos-json", "vpc-text"}[i/2%2])
		t.Run(fmt.Sprintf("%d owners %s %d", owners, s.Format, i), func(t *testing.T) {
			want := baseline(t, "midnight "+s.Format, s)
			chance := NewChance(*seed*1000 + uint64(i))
			chance.MaxDelay, chance.Fail, chance.Death = 300*time.Millisecond, 0.01, 0.003
			store := NewMemory()
			if err := inBubble(t, func() error { return crowd(store, s, owners, chance) }); err != nil {
				t.Fatal(err)
			}
			if d := Diff(want, read(t, store, s.Shards), owners == 1); d != "" {
				t.Error(d)
			}
		})
	}
}

// crowd runs some owners of everything at the same time until all of them are done. Each cuts at other records.
func crowd(store *Memory, s Setup, owners int, chance *Chance) error {
	errs := make(chan error, owners)
	for i := range owners {
		p := &Process{Setup: s}
		p.CutRecords += int64(4 * i)
		go func() { errs <- p.troubled(store, chance) }()
	}
	var first error
	for range owners {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// troubled starts the process again and again until it is done.
func (p *Process) troubled(store *Memory, chance *Chance) error {
	for range 200 {
		if done, err := p.once(&Faulty{Store: store, Chance: chance}); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("not done after 200 starts")
}

// TestOwnersTogether runs two owners of everything at the same time, without faults, over a slow store.
func TestOwnersTogether(t *testing.T) {
	seeded(t)
	runs := 6
	if *long {
		runs = 200
	}
	for i := range runs {
		s := midnight([]string{"panos-json", "vpc-text"}[i%2])
		want := baseline(t, "midnight "+s.Format, s)
		chance := NewChance(*seed*2000 + uint64(i))
		chance.MaxDelay = time.Duration(1+i%3*150) * time.Millisecond
		store := NewMemory()
		if err := inBubble(t, func() error { return crowd(store, s, 2, chance) }); err != nil {
			t.Errorf("run %d: %v", i, err)
			continue
		}
		if d := Diff(want, read(t, store, s.Shards), false); d != "" {
			t.Errorf("run %d:\n%s", i, d)
		}
	}
}

// TestOvertakenAtTheEnd has an owner lose its first cut to another one that cut just before the end of the input, and
// dies then: the owner must make the end cut itself. If the other one's cut was the end, no more cuts may follow.
func TestOvertakenAtTheEnd(t *testing.T) {
	s := midnight("panos-json")
	s.Partitions, s.CutRecords = 1, 0
	want := undisturbed(t, s)
	for _, c := range []struct {
		other int64
		cuts  int
	}{{int64(len(s.Lines)), 2}, {0, 1}} {
		store := NewMemory()
		err := inBubble(t, func() error {
			slow := make(chan error, 1)
			go func() {
				_, err := (&Process{Setup: s}).once(&Faulty{Store: store, Slow: Call{"create", cutKey("0", 1), 1}, By: time.Minute})
				slow <- err
			}()
			time.Sleep(time.Second)
			other := &Process{Setup: s}
			other.CutRecords = c.other
			_, err := other.once(&Faulty{Store: store, DieAt: 1, Of: cutKey("0", 1)})
			return errors.Join(err, <-slow)
		})
		if err != nil {
			t.Errorf("the other one cuts at %d records: %v", c.other, err)
			continue
		}
		got := read(t, store, s.Shards)
		if d := Diff(want, got, false); d != "" {
			t.Errorf("the other one cuts at %d records:\n%s", c.other, d)
		}
		if got.Cuts != c.cuts {
			t.Errorf("the other one cuts at %d records: %d cuts, want %d", c.other, got.Cuts, c.cuts)
		}
	}
}
