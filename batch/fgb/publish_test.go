package fgb

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
	"ndr/sinks"
)

// smallWorld is some hours up to the reference time, with few hosts.
func smallWorld(t *testing.T) (*world, Config) {
	w := newWorld(t)
	w.shards = 1
	first := w.clock.Of(reference.UnixNano()) - 12
	w.fill(rand.New(rand.NewPCG(3, 1)), 5, first, first+13)
	w.write(first + 13)
	cfg := w.config(reference)
	cfg.Horizons = []Horizon{{"1d", 1, 0}}
	return w, cfg
}

// failingStore fails from the n-th call of Create, Replace or Delete on; what is under way is lost or done.
type failingStore struct {
	sinks.Store
	left  int
	after bool // the failing call does its work
}

var errBroken = errors.New("store is broken")

func (s *failingStore) step(do func() error) error {
	s.left--
	if s.left > 0 {
		return do()
	}
	if s.left == 0 && s.after {
		if err := do(); err != nil {
			return err
		}
	}
	return errBroken
}

func (s *failingStore) Create(ctx context.Context, key string, body io.ReadSeeker) error {
	return s.step(func() error { return s.Store.Create(ctx, key, body) })
}

func (s *failingStore) Replace(ctx context.Context, key string, body io.ReadSeeker, tag string) error {
	return s.step(func() error { return s.Store.Replace(ctx, key, body, tag) })
}

func (s *failingStore) Delete(ctx context.Context, key string) error {
	return s.step(func() error { return s.Store.Delete(ctx, key) })
}

// TestResume fails every step in turn; the same job again must publish the same rows, once.
func TestResume(t *testing.T) {
	whole, cfg := smallWorld(t)
	w := whole.copied(t)
	r, err := w.job(cfg, 0).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := w.published(&r.Horizons[0])
	steps := 0
	for n := 1; ; n++ {
		for _, after := range []bool{false, true} {
			w := whole.copied(t)
			broken := &failingStore{Store: w.store, left: n, after: after}
			j := w.job(cfg, 0)
			j.store = broken
			if _, err := j.Run(t.Context()); err == nil {
				steps = n
				break
			} else if !errors.Is(err, errBroken) {
				t.Fatal(err)
			}
			refs, err := sinks.ListPublications(t.Context(), w.store, w.layout)
			w.check(err)
			r, err := w.job(cfg, 0).Run(t.Context())
			if err != nil {
				t.Fatalf("step %d: %v", n, err)
			}
			if wantRevision := len(refs) + 1; r.Revision != wantRevision {
				t.Errorf("step %d: revision %d, want %d", n, r.Revision, wantRevision)
			}
			if d := cmp.Diff(w.published(&r.Horizons[0]), want); d != "" {
				t.Fatalf("step %d: %.2000s", n, d)
			}
			left, err := w.store.List(t.Context(), w.layout.Root()+"/control/", "", 0)
			w.check(err)
			if len(refs) == 0 && len(left) > 0 {
				t.Errorf("step %d: private objects are left: %v", n, left)
			}
		}
		if steps > 0 {
			break
		}
	}
	if steps < 15 {
		t.Errorf("only %d steps", steps)
	}
}

// What is computed is kept: after a crash of the publishing step no slice is read again.
func TestPartsAreKept(t *testing.T) {
	w, cfg := smallWorld(t)
	cfg.Publish = false
	if _, err := w.job(cfg, 0).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg.Publish = true
	j := w.job(cfg, 0)
	counting := &openCounter{Store: w.store}
	j.store = counting
	if _, err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if counting.features > 0 {
		t.Errorf("%d tables of features were read again", counting.features)
	}
	cfg.ConfigDigest = "other" // and with it another revision, whose parts are not there
	j = w.job(cfg, 0)
	j.store = counting
	if r, err := j.Run(t.Context()); err != nil || r.Revision != 2 || counting.features == 0 {
		t.Errorf("got revision %d, %d tables read, %v", r.Revision, counting.features, err)
	}
}

type openCounter struct {
	sinks.Store
	features int
}

func (s *openCounter) Open(ctx context.Context, key string) (sinks.Object, error) {
	if strings.Contains(key, "/fg_a/") || strings.Contains(key, "/pair_counts/") {
		s.features++
	}
	return s.Store.Open(ctx, key)
}

func TestPublishWaitsForParts(t *testing.T) {
	w, cfg := smallWorld(t)
	cfg.Parts = 3
	compute := func(part int, digest string) {
		t.Helper()
		one := cfg
		one.Part, one.Publish, one.ConfigDigest = part, false, digest
		if _, err := w.job(one, 0).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	publish := cfg
	publish.Compute, publish.Parts = false, 0
	want := func(parts []int, stale bool) {
		t.Helper()
		_, err := w.job(publish, 0).Run(t.Context())
		var e *PartsError
		if !errors.As(err, &e) || !slices.Equal(e.Parts, parts) || e.Stale != stale {
			t.Errorf("got %v, want parts %v, stale %t", err, parts, stale)
		}
	}
	want([]int{0}, false)
	compute(0, "c")
	compute(2, "other")
	want([]int{1}, false)
	compute(1, "c")
	want([]int{2}, true)
	compute(2, "c")
	r, err := w.job(publish, 0).Run(t.Context())
	if err != nil || !r.Published {
		t.Fatalf("got %+v, %v", r, err)
	}
}

// An attempt with more parts leaves tables behind, which the publication does not have.
func TestLeftoversAreRemoved(t *testing.T) {
	w, cfg := smallWorld(t)
	for part := range 3 {
		one := cfg
		one.Part, one.Parts, one.Publish = part, 3, false
		if _, err := w.job(one, 0).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r, err := w.job(cfg, 0).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := w.store.List(t.Context(), w.layout.Root()+"/data/baselines/", "", 0)
	w.check(err)
	if len(keys) != len(r.Horizons[0].Tables)+1 {
		t.Errorf("got %d objects, want %d tables and the metadata: %v", len(keys), len(r.Horizons[0].Tables), keys)
	}
}

func TestActivation(t *testing.T) {
	w, cfg := smallWorld(t)
	r, err := w.job(cfg, 0).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Committed 50 h 7 min after the reference time: in force from the first slice an hour later.
	from := reference.Add(51*time.Hour + 15*time.Minute)
	if !r.EffectiveFrom.Equal(from) {
		t.Errorf("effective from %s, want %s", r.EffectiveFrom, from)
	}
	backfill := cfg
	backfill.Mode, backfill.EffectiveFrom, backfill.AcceptedBy = ModeBackfill, reference, "me"
	if r, err = w.job(backfill, 0).Run(t.Context()); err != nil || r.Revision != 2 || !r.EffectiveFrom.Equal(reference) {
		t.Fatalf("got revision %d, effective from %s, %v", r.Revision, r.EffectiveFrom, err)
	}
	for at, want := range map[time.Time]int{reference.Add(-time.Minute): 0, reference: 2, from.Add(-15 * time.Minute): 2, from: 1, from.Add(time.Hour): 1} {
		ref, ok, err := sinks.FindPublication(t.Context(), w.store, w.layout, at)
		if err != nil || ok != (want > 0) || ref.Revision != want {
			t.Errorf("at %s: got revision %d, %t, %v, want %d", at, ref.Revision, ok, err, want)
		}
	}
	m, err := sinks.ReadBaselineMeta(t.Context(), w.store, w.layout, "2026-11", 1)
	w.check(err)
	h := m.Horizon("1d")
	if m.RunID != "run" || m.AcceptedBy != "" || h == nil || len(h.Inputs) != 11 || !h.Start.Equal(reference.AddDate(0, 0, -1)) || !h.End.Equal(reference) {
		t.Errorf("got %+v", m)
	}
	key, err := w.layout.Path(feature.PublicationObject("2026-11", 1))
	w.check(err)
	if err := w.store.Create(t.Context(), key, bytes.NewReader(nil)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a publication can be overwritten: %v", err)
	}
}

// TestGuard makes a month in which two hosts of nine send a thousand times more.
func TestGuard(t *testing.T) {
	w := newWorld(t)
	w.shards = 1
	first := w.clock.Of(reference.UnixNano()) - 120
	w.fill(rand.New(rand.NewPCG(3, 1)), 9, first, first+121)
	for i := range w.rows {
		r := &w.rows[i]
		for role := range r.values {
			if r.values[role][feature.MSessionsCnt] == 0 {
				continue
			}
			for _, m := range feature.DefaultKeyMetrics {
				r.values[role][m] = 10
			}
		}
		// Of the third host only a shorter window moves, which the guard does not look at.
		if s := w.clock.Of(reference.UnixNano()) - 96; r.slice >= s && (r.host == "10.0.0.0" || r.host == "10.2.0.2" ||
			r.host == "10.2.0.8" && r.window == 1) {
			r.values[feature.Outbound][feature.MBytesSrcSum] *= 1000
			r.values[feature.Outbound][feature.MBytesSrcSum] += 1e9
		}
	}
	w.write(first + 121)
	before := w.config(reference.AddDate(0, 0, -1))
	before.Horizons = []Horizon{{"1d", 1, 0}}
	if r, err := w.job(before, 0).Run(t.Context()); err != nil || len(r.Guard) > 0 {
		t.Fatalf("a first publication is not guarded: %v, %v", r.Guard, err)
	}
	cfg := w.config(reference)
	cfg.Horizons = []Horizon{{"1d", 1, 0}}
	r, err := w.job(cfg, 0).Run(t.Context())
	var refused *GuardError
	if !errors.As(err, &refused) || r.Published {
		t.Fatalf("got %v, published %t, want a refusal", err, r.Published)
	}
	f := refused.Horizons[0]
	if !slices.Equal(f.Hosts, []string{"10.0.0.0", "10.2.0.2"}) || f.Moved != 2 || !strings.Contains(err.Error(), "10.2.0.2") {
		t.Errorf("got %+v: %v", f, err)
	}
	if ref, ok, err := sinks.FindPublication(t.Context(), w.store, w.layout, reference.AddDate(1, 0, 0)); err != nil || !ok || ref.Revision != 1 {
		t.Errorf("the publication before is not in force: %+v, %t, %v", ref, ok, err)
	}
	cfg.AcceptedBy = "somebody"
	if r, err = w.job(cfg, 0).Run(t.Context()); err != nil || !r.Published {
		t.Fatal(err)
	}
	m, err := sinks.ReadBaselineMeta(t.Context(), w.store, w.layout, "2026-11", r.Revision)
	w.check(err)
	if m.AcceptedBy != "somebody" || m.Horizons[0].Guard == nil || m.Horizons[0].Guard.Moved != 2 {
		t.Errorf("got %+v, %+v", m.AcceptedBy, m.Horizons[0].Guard)
	}
}

func TestMissingSlices(t *testing.T) {
	w := newWorld(t)
	first := w.clock.Of(reference.UnixNano()) - 50
	for _, s := range []feature.Slice{10, 20, 21} {
		w.missing[first+s] = true
	}
	for s := first + 30; s < first+35; s++ {
		w.silent[s] = true
	}
	w.fill(rand.New(rand.NewPCG(3, 1)), 3, first, first+45) // the last slices of the horizon are not closed
	w.write(first + 45)
	cfg := w.config(reference)
	cfg.Horizons = []Horizon{{"1d", 1, 0}}
	_, err := w.job(cfg, 0).Run(t.Context())
	var missing *MissingSlicesError
	if !errors.As(err, &missing) {
		t.Fatalf("got %v, want missing slices", err)
	}
	// The horizon ends with the slice before the one that ends at the reference time.
	var want []string
	for _, s := range []feature.Slice{10, 20, 21, 46, 47, 48} {
		want = append(want, w.clock.Name(first+s))
	}
	if d := cmp.Diff(missing.Slices, want); d != "" || !strings.Contains(err.Error(), "6 slices") || !strings.Contains(err.Error(), want[0]) {
		t.Errorf("%v: %s", err, d)
	}
	plans, err := w.job(cfg, 0).Plan(t.Context())
	if err != nil || plans[0].BeforeHistory != 96-49 || plans[0].Silent != 5 || plans[0].Slices != 49-6-5 || len(plans[0].Missing) != 6 {
		t.Errorf("got %+v, %v", plans, err)
	}
	cfg.AllowGaps = 6
	r, err := w.job(cfg, 0).Run(t.Context())
	if err != nil || len(r.Horizons[0].Missing) != 6 {
		t.Fatalf("got %v", err)
	}
	if text := strings.Join(r.Warnings, "; "); !strings.Contains(text, "6 slices are missing") || !strings.Contains(text, "history begins") {
		t.Errorf("got the warnings %s", text)
	}
}

func TestNothingToRead(t *testing.T) {
	w := newWorld(t)
	cfg := w.config(reference)
	cfg.AllowGaps = 1000
	if _, err := w.job(cfg, 0).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no slice") {
		t.Errorf("got %v", err)
	}
	w, cfg = smallWorld(t)
	cfg.RequireInventory = true
	if _, err := w.job(cfg, 0).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "require_inventory") {
		t.Errorf("got %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	w, good := smallWorld(t)
	for want, change := range map[string]func(*Config){
		"mode \"X\"":           func(c *Config) { c.Mode = "X" },
		"needs the time":       func(c *Config) { c.Mode = ModeBackfill },
		"only mode":            func(c *Config) { c.EffectiveFrom = reference },
		"no month":             func(c *Config) { c.Reference = time.Time{} },
		"part 3 of 3":          func(c *Config) { c.Part, c.Parts = 3, 3 },
		"no horizon":           func(c *Config) { c.Horizons = nil },
		"horizon \"x\"":        func(c *Config) { c.Horizons = []Horizon{{"x", 0, 0}} },
		"find metric \"what\"": func(c *Config) { c.ScaleFloors = map[string]float64{"what": 1} },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg, w.store, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %s", err, want)
		}
	}
}
