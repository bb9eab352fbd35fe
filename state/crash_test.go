package state

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

// crashPoint is what is left when the machine stops before one operation of the file system.
type crashPoint struct {
	name    string
	disk    *vfs.MemFS
	objects *memObjects
	opened  bool // Open had returned
}

// crashRecorder takes a crash point before every operation that writes.
type crashRecorder struct {
	mu      sync.Mutex
	mem     *vfs.MemFS
	objects *memObjects
	rng     *rand.Rand
	doing   string
	opened  bool
	points  []crashPoint
}

func (c *crashRecorder) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	percent := []int{0, 50, 100}[len(c.points)%3]
	c.points = append(c.points, crashPoint{
		name:    fmt.Sprintf("%s, before operation %d on %s, %d%% of the unsynced data", c.doing, op.Kind, op.Path, percent),
		disk:    c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: c.rng}),
		objects: c.objects.clone(),
		opened:  c.opened,
	})
	return nil
}

func (c *crashRecorder) String() string { return "crash points" }

func (c *crashRecorder) now(doing string, opened bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doing, c.opened = doing, opened
}

// run folds and closes the steps that the store does not have yet and compares each close with want; with nil it
// returns what the closes gave. after, if set, is called after each step.
func run(t *testing.T, s *Store, steps []step, want map[feature.Slice][]string, after func(i int)) map[feature.Slice][]string {
	t.Helper()
	got := map[feature.Slice][]string{}
	for i, st := range steps {
		switch m := s.Meta(); {
		case st.cut != nil:
			_, err := s.Fold(st.cut.fold(s.cfg.Kept))
			if st.cut.n <= m.Partitions[st.cut.partition].Last {
				if !errors.Is(err, ErrDuplicate) {
					t.Fatalf("fold of an old cut: got error %v, want ErrDuplicate", err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
		case !m.HasClosed || st.close.Slice > m.LastClosed:
			lines, _ := closeAndCommit(t, s, *st.close)
			got[st.close.Slice] = lines
			if want != nil {
				if d := cmp.Diff(lines, want[st.close.Slice]); d != "" {
					t.Fatalf("close of slice %d (-got +want):\n%s", st.close.Slice, d)
				}
			}
		}
		if after != nil {
			after(i)
		}
	}
	return got
}

// crashRun runs the steps with a checkpoint after every second close and records every crash point.
func crashRun(t *testing.T, cfg Config, steps []step, small int) (points []crashPoint, want map[feature.Slice][]string) {
	t.Helper()
	mem, objects := vfs.NewCrashableMem(), newObjects()
	rec := &crashRecorder{mem: mem, objects: objects, rng: rand.New(rand.NewPCG(5, 5)), doing: "open"}
	cfg.FS = errorfs.Wrap(mem, rec)
	s := mustOpen(t, cfg)
	s.small = small
	archive := archiveOn(objects, cfg.FS)
	closes := 0
	rec.now("first step", true)
	want = run(t, s, steps, nil, func(i int) {
		if steps[i].close != nil {
			if closes++; closes%2 == 0 {
				rec.now(fmt.Sprint("checkpoint after step ", i), true)
				upload(t, s, archive, "copy")
			}
		}
		rec.now(fmt.Sprint("step ", i+1), true)
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.points, want
}

func quiet(cfg Config) Config {
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	return cfg
}

// TestCrashAnywhere stops before each operation of the file system in turn. From the newest uploaded checkpoint, and
// the cuts after it, the same closes must come out, over whatever the crash left in the folder.
func TestCrashAnywhere(t *testing.T) {
	for _, small := range []int{0, batchRows} {
		cfg := quiet(testConfig(nil))
		steps := history(11, rand.New(rand.NewPCG(11, 11)), 6)
		points, want := crashRun(t, cfg, steps, small)
		for i, p := range points {
			if testing.Short() && i%10 != 0 {
				continue
			}
			cfg.FS = p.disk
			if key := p.objects.newest(); key != "" {
				m, err := archiveOn(p.objects, p.disk).Restore(t.Context(), key, cfg.Dir)
				if err != nil {
					t.Fatalf("%s: %v", p.name, err)
				}
				s := mustOpen(t, cfg)
				if d := cmp.Diff(s.Meta(), m.Meta); d != "" {
					t.Fatalf("%s: restored meta (-got +want):\n%s", p.name, d)
				}
				s.Close()
			} else if err := p.disk.RemoveAll(cfg.Dir); err != nil {
				t.Fatal(err)
			}
			recoverAt(t, cfg, p, steps, want)
		}
		t.Logf("%d crash points", len(points))
	}
}

// TestChangesAreAtomic is stronger than what recovery needs: with fsync, the folder that a crash leaves is a state
// between two changes, so that a fold or a roll is there as a whole or not at all.
func TestChangesAreAtomic(t *testing.T) {
	for _, small := range []int{0, batchRows} {
		cfg := quiet(testConfig(nil))
		cfg.Sync = true
		steps := history(12, rand.New(rand.NewPCG(12, 12)), 5)
		points, want := crashRun(t, cfg, steps, small)
		for i, p := range points {
			if !p.opened || testing.Short() && i%10 != 0 {
				continue
			}
			cfg.FS = p.disk
			recoverAt(t, cfg, p, steps, want)
		}
		t.Logf("%d crash points", len(points))
	}
}

func recoverAt(t *testing.T, cfg Config, p crashPoint, steps []step, want map[feature.Slice][]string) {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	defer s.Close()
	run(t, s, steps, want, nil)
	if t.Failed() {
		t.Fatal(p.name)
	}
}

// TestTableFaults fails each operation on the tables of folds and rolls in turn: an error, nothing changed, and the
// same call again succeeds.
func TestTableFaults(t *testing.T) {
	steps := history(13, rand.New(rand.NewPCG(13, 13)), 3)
	cfg := quiet(testConfig(vfs.NewMem()))
	s := mustOpen(t, cfg)
	want := run(t, s, steps, nil, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for failAt := 0; ; failAt++ {
		failed, operations := runWithFault(t, cfg, steps, want, failAt)
		if failed {
			tried++
		}
		if operations <= failAt {
			break
		}
	}
	if tried < 20 {
		t.Errorf("only %d faults were tried", tried)
	}
	t.Logf("%d faults", tried)
}

// runWithFault runs the steps while operation failAt on the tables fails once. It reports whether a call returned the
// fault, and how many operations there were.
func runWithFault(t *testing.T, cfg Config, steps []step, want map[feature.Slice][]string, failAt int) (failed bool, operations int) {
	var mu sync.Mutex
	n := -1 << 30 // not before Open is done
	cfg.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || !strings.Contains(op.Path, "ingest/") || op.Kind == errorfs.OpRemove {
			return nil
		}
		if n++; n-1 == failAt {
			return errorfs.ErrInjected
		}
		return nil
	}))
	s := mustOpen(t, cfg)
	s.small = 0
	mu.Lock()
	n = 0
	mu.Unlock()
	again := func(f func() error) {
		before := s.Meta()
		err := f()
		if err == nil {
			return
		}
		failed = true
		if d := cmp.Diff(s.Meta(), before); d != "" {
			t.Fatalf("fault %d: %v: meta changed (-got +want):\n%s", failAt, err, d)
		}
		if err := f(); err != nil {
			t.Fatalf("fault %d: again: %v", failAt, err)
		}
	}
	for _, st := range steps {
		if st.cut != nil {
			again(func() error { _, err := s.Fold(st.cut.fold(cfg.Kept)); return err })
			continue
		}
		var roll *Roll
		var r recorder
		again(func() (err error) {
			r = recorder{}
			roll, _, err = s.CloseSlice(t.Context(), *st.close, &r)
			return err
		})
		again(func() error { return roll.Commit(t.Context()) })
		if d := cmp.Diff(r.lines, want[st.close.Slice]); d != "" {
			t.Fatalf("fault %d, close of slice %d (-got +want):\n%s", failAt, st.close.Slice, d)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return failed, n
}
