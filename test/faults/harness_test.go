package faults

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"ndr/feature"
	"ndr/sinks"
	"ndr/test/oracle"
)

var (
	long = flag.Bool("faults.long", false, "run the long form: every point, the whole matrix, many seeds")
	seed = flag.Uint64("faults.seed", 1, "seed of everything random")
)

// patience is how long a run may take by its own clock. It takes minutes at most; whoever is not done then waits for
// something that does not come.
const patience = 40 * time.Minute

var errStuck = errors.New("the run does not end")

// inBubble runs do with a clock that jumps.
func inBubble(t *testing.T, do func() error) error {
	t.Helper()
	var err error
	synctest.Test(t, func(*testing.T) { err = do() })
	// What the bubble put into a sync.Pool (encoders, with channels in them) must not be used outside of it: two
	// collections empty the pools.
	runtime.GC()
	runtime.GC()
	return err
}

// TestMain makes the decoder that the Parquet library shares by all readers, so that it belongs to no bubble.
func TestMain(m *testing.M) {
	flag.Parse()
	err := sharedDecoder()
	var dir string
	if err == nil {
		dir, err = os.MkdirTemp("", "ndr-faults-")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// programDir is where the command is built.
var programDir string

func sharedDecoder() error {
	var file bytes.Buffer
	w, err := sinks.NewTableWriter(&file, feature.FeatureCatalogTable(), nil)
	if err != nil {
		return err
	}
	b := feature.NewBatch(feature.FeatureCatalogTable())
	for i, c := range b.Table.Columns {
		if c.Type == feature.Text {
			b.AddText(i, "x")
		} else {
			b.AddInt(i, 1)
		}
	}
	b.EndRow()
	if err := w.Write(b); err != nil {
		return err
	}
	if _, err := w.Close(); err != nil {
		return err
	}
	t, err := sinks.ReadTable(bytes.NewReader(file.Bytes()))
	if err != nil {
		return err
	}
	_, err = t.Next()
	return err
}

// once is one life of a process. It reports whether the run is done; an error that is not an injected one is returned.
func (p *Process) once(f *Faulty) (done bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f.Die = cancel
	p.Store, p.Disk = f, vfs.NewMem()
	err = p.Run(ctx)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return false, errStuck
	case f.Dead(), errors.Is(err, errInjected), errors.Is(err, errDead):
		return false, nil
	}
	return err == nil, err
}

// untilDone runs a process, the first time with the faulty store, and starts it again with the sound one, without its
// disk, until the run is done.
func (p *Process) untilDone(f *Faulty) error {
	for range 5 {
		done, err := p.once(f)
		if done || err != nil {
			return err
		}
		f = &Faulty{Store: f.Store}
	}
	return errors.New("the run is not done after five starts without a fault")
}

// undisturbed is the result of a run without faults over a store of its own.
func undisturbed(t *testing.T, s Setup) *Result {
	t.Helper()
	store := NewMemory()
	p := &Process{Setup: s}
	if err := inBubble(t, func() error { return p.untilDone(&Faulty{Store: store}) }); err != nil {
		t.Fatalf("undisturbed run: %v", err)
	}
	return read(t, store, s.Shards)
}

func read(t *testing.T, store sinks.Store, shards int) *Result {
	t.Helper()
	r, err := ReadResult(context.Background(), store, layout(), shards)
	if err != nil {
		t.Fatalf("read the result: %v", err)
	}
	return r
}

// memorised keeps the results of undisturbed runs, which many tests compare with.
var memorised = struct {
	sync.Mutex
	results map[string]*Result
}{results: make(map[string]*Result)}

// baseline is undisturbed, made once for each name.
func baseline(t *testing.T, name string, s Setup) *Result {
	t.Helper()
	memorised.Lock()
	defer memorised.Unlock()
	if memorised.results[name] == nil {
		memorised.results[name] = undisturbed(t, s)
	}
	return memorised.results[name]
}

// dump writes a store into a folder.
func dump(t *testing.T, store sinks.Store) (root string) {
	t.Helper()
	root, ctx := t.TempDir(), context.Background()
	keys, err := store.List(ctx, "", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		b, err := store.Get(ctx, k, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, filepath.FromSlash(k))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(root, filepath.FromSlash(layout().Root()))
}

// confirm compares what lies under the root of a version with what the oracle makes of the same lines.
func confirm(t *testing.T, root string, s Setup) {
	t.Helper()
	o := oracle.DefaultOptions()
	o.Lateness, o.PairTimeout, o.Start = s.Lateness, s.PairTimeout, firstStart
	want, err := oracle.Run([]oracle.File{{Name: "input.log", Lines: s.Lines}}, s.Format, o)
	if err != nil {
		t.Fatal(err)
	}
	for dataset, keys := range oracle.Keys {
		got, err := oracle.ReadDataset(root, dataset)
		if err != nil {
			t.Fatal(err)
		}
		if diffs := oracle.Compare(dataset, want.Tables[dataset], got, keys); len(diffs) > 0 {
			t.Errorf("%s differs from the oracle's (%d rows wanted, %d found): %s", dataset, len(want.Tables[dataset]), len(got), oracle.Report(diffs, 5))
		}
	}
}

// sample returns n of the list at random, or all in the long form.
func sample[T any](list []T, n int, salt uint64) []T {
	if *long || n >= len(list) {
		return list
	}
	r := rand.New(rand.NewPCG(*seed, salt))
	out := make([]T, 0, n)
	for _, i := range r.Perm(len(list))[:n] {
		out = append(out, list[i])
	}
	return out
}

func at(y int, m time.Month, d, hour int) time.Time {
	return time.Date(y, m, d, hour, 0, 0, 0, time.UTC)
}

// seeded prints the seed, which makes a failure again.
func seeded(t *testing.T) { t.Helper(); t.Logf("-faults.seed=%d", *seed) }
