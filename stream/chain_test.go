package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"ndr/feature"
)

// world is a cut log and followers that look at it.
type world struct {
	t     testing.TB
	store *store
	ctl   *Control
	enc   *cutEncoder
	n     map[string]uint64
	topo  Topology
}

func newWorld(t testing.TB) *world {
	t.Helper()
	enc, err := newCutEncoder()
	if err != nil {
		t.Fatal(err)
	}
	s := newStore()
	return &world{t: t, store: s, ctl: newControl(t, s), enc: enc, n: make(map[string]uint64)}
}

// topology stores the next entry.
func (w *world) topology(partitions ...TopologyPartition) {
	w.t.Helper()
	w.topo = Topology{Format: CutFormat, N: w.topo.N + 1, Source: "flows", Partitions: partitions, FirstStart: at(time.Hour)}
	if len(w.store.created("topology")) == 0 {
		w.topo.N = 0
	}
	if made, err := w.ctl.create(context.Background(), feature.TopologyObject("flows", w.topo.N), &w.topo); err != nil || !made {
		w.t.Fatal(made, err)
	}
}

// cut stores the next cut of a partition; h says what is in it.
func (w *world) cut(p string, h CutHeader, sections ...feature.Section) {
	w.t.Helper()
	w.n[p]++
	h.Format, h.Source, h.Partition, h.N = CutFormat, "flows", p, w.n[p]
	if len(sections) == 0 {
		sections = make([]feature.Section, 2)
	}
	b, err := w.enc.encode(&h, sections, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if made, err := w.ctl.createBytes(context.Background(), feature.CutObject("flows", p, h.N), b); err != nil || !made {
		w.t.Fatal(made, err)
	}
}

func (w *world) follower() *follower {
	w.t.Helper()
	f := &follower{ctl: w.ctl, source: "flows", interval: time.Second, board: newBoard(), log: quiet(), metrics: newMetrics(),
		chain: chain{config: "config"}}
	if err := f.begin(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return f
}

// records reads the chain as it is stored.
func (w *world) records() (out []*CloseRecord) {
	w.t.Helper()
	rs, err := w.ctl.LoadCloses(context.Background(), feature.Clock{}, nil, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return rs
}

func showRecord(r *CloseRecord) string {
	s := fmt.Sprintf("%s topology=%d", showSlice(r.Slice), r.Topology)
	for _, p := range slices.Sorted(maps.Keys(r.Partitions)) {
		s += fmt.Sprintf(" %s=%d", p, r.Partitions[p])
		if c, ok := r.Cuts[p]; ok {
			s += fmt.Sprintf("(%d-%d)", c.First, c.Last)
		}
	}
	if len(r.Open) > 0 {
		s += " open="
		for i, o := range r.Open {
			s += []string{"", ","}[min(i, 1)] + showSlice(o)
		}
	}
	if r.EmptyRun > 0 {
		s += fmt.Sprintf(" empty=%d", r.EmptyRun)
	}
	if r.Previous != nil {
		s += " after " + showSlice(*r.Previous)
	}
	if r.Final {
		s += " final"
	}
	return s
}

// TestChain runs the scripts of testdata/chain: partitions and cuts are stored, followers take steps. A step shows the
// records that it took over or made, with runs of empty ones cut short. The commands are:
//
//	begin                                                    a new log
//	topology partitions=(a,b) [ended=(b)]
//	cut p= watermark= [touched=(0,1)] [largest=] [odd=]      watermark is a time, or "end"
//	step [by=name]                                           a follower takes a step
//	restart by=name                                          a new process in its place
//	damage slice= previous=                                  a record that does not follow the chain
func TestChain(t *testing.T) {
	datadriven.Walk(t, "testdata/chain", func(t *testing.T, path string) {
		var w *world
		var followers map[string]*follower
		begin := func() { w, followers = newWorld(t), make(map[string]*follower) }
		begin()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			w.t = t
			by := "x"
			d.MaybeScanArgs(t, "by", &by)
			switch d.Cmd {
			case "begin":
				begin()
			case "topology":
				w.topology(partitionsOf(t, d)...)
			case "cut":
				var p string
				d.ScanArgs(t, "p", &p)
				w.cut(p, headerOf(t, d))
			case "restart":
				followers[by] = w.follower()
			case "damage":
				var slice, previous int64
				d.ScanArgs(t, "slice", &slice)
				d.ScanArgs(t, "previous", &previous)
				before := s0 + feature.Slice(previous)
				r := CloseRecord{Format: 1, Slice: s0 + feature.Slice(slice), Previous: &before}
				if _, err := w.ctl.create(context.Background(), feature.CloseObject(feature.Clock{}.Name(r.Slice)), &r); err != nil {
					t.Fatal(err)
				}
			case "step":
				if followers[by] == nil {
					followers[by] = w.follower()
				}
				return stepOf(t, followers[by])
			default:
				d.Fatalf(t, "no such command")
			}
			return ""
		})
	})
}

func partitionsOf(t *testing.T, d *datadriven.TestData) (out []TopologyPartition) {
	var names, ended []string
	d.ScanArgs(t, "partitions", &names)
	d.MaybeScanArgs(t, "ended", &ended)
	for _, n := range names {
		out = append(out, TopologyPartition{Name: n, Watermark: NoWatermark, Ended: slices.Contains(ended, n)})
	}
	return out
}

func headerOf(t *testing.T, d *datadriven.TestData) (h CutHeader) {
	clock := func(key string) int64 {
		var text string
		d.ScanArgs(t, key, &text)
		switch text {
		case "none":
			return NoWatermark
		case "end":
			return EndOfInput
		}
		v, err := time.ParseDuration(text)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		return at(v)
	}
	h.Watermark = clock("watermark")
	var touched []string
	d.MaybeScanArgs(t, "touched", &touched)
	for _, text := range touched {
		n, err := strconv.Atoi(text)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		h.Touched = append(h.Touched, s0+feature.Slice(n))
	}
	if d.HasArg("largest") {
		var n int64
		d.ScanArgs(t, "largest", &n)
		s := s0 + feature.Slice(n)
		h.Largest = &s
	}
	if d.HasArg("odd") {
		odd := clock("odd")
		h.OddTime = &odd
	}
	return h
}

func stepOf(t *testing.T, f *follower) string {
	t.Helper()
	var before *feature.Slice
	if p := f.chain.previous; p != nil {
		before = &p.Slice
	}
	_, err := f.step(context.Background())
	records, readErr := f.ctl.LoadCloses(context.Background(), f.clock, before, 0)
	if readErr != nil {
		t.Fatal(readErr)
	}
	last := func(r *CloseRecord) bool { return f.chain.previous == nil || r.Slice > f.chain.previous.Slice }
	records = slices.DeleteFunc(records, last) // not taken over
	var b strings.Builder
	for i, r := range records {
		if r.EmptyRun > 2 && i > 0 && i < len(records)-1 && records[i+1].EmptyRun == r.EmptyRun+1 {
			if r.EmptyRun == 3 || records[i-1].EmptyRun < 2 {
				b.WriteString("...\n")
			}
			continue
		}
		b.WriteString(showRecord(r) + "\n")
	}
	if err != nil {
		fmt.Fprintf(&b, "error (%s): %v\n", map[bool]string{true: "temporary", false: "permanent"}[temporary(err)], err)
	}
	if b.Len() == 0 {
		return "nothing"
	}
	return b.String()
}

// TestRecordRace: two processes decide at the same moment. One creates the record, the other takes it over.
func TestRecordRace(t *testing.T) {
	w := newWorld(t)
	w.topology(TopologyPartition{Name: "a"}, TopologyPartition{Name: "b"})
	w.cut("a", CutHeader{Watermark: at(20 * time.Minute), Touched: []feature.Slice{s0, s0 + 1}})
	w.cut("b", CutHeader{Watermark: at(20 * time.Minute), Touched: []feature.Slice{s0}})
	slow, fast := w.follower(), w.follower()
	w.store.set(func(op, key string) error {
		if op == "create" && strings.Contains(key, "/close/") {
			w.store.fault = nil
			w.store.mu.Unlock()
			defer w.store.mu.Lock()
			// The other one knows a topology with one partition more, which has a cut already.
			w.topology(TopologyPartition{Name: "a"}, TopologyPartition{Name: "b"}, TopologyPartition{Name: "c"})
			w.cut("c", CutHeader{Watermark: at(50 * time.Minute)})
			if got := stepOf(t, fast); got != "s0 topology=1 a=1(1-1) b=1(1-1) c=1(1-1) open=s1\n" {
				t.Errorf("fast: %s", got)
			}
		}
		return nil
	}, nil)
	if got := stepOf(t, slow); got != "s0 topology=1 a=1(1-1) b=1(1-1) c=1(1-1) open=s1\n" {
		t.Errorf("slow: %s", got)
	}
}

// TestUnknownRecord: the answer to the creation of a record was lost. The next step finds it and goes on.
func TestUnknownRecord(t *testing.T) {
	w := newWorld(t)
	w.topology(TopologyPartition{Name: "a"})
	w.cut("a", CutHeader{Watermark: at(20 * time.Minute), Touched: []feature.Slice{s0}})
	f := w.follower()
	w.store.set(nil, func(string) error { return errors.New("connection reset") })
	if _, err := f.step(context.Background()); err == nil || !temporary(err) {
		t.Fatalf("got %v", err)
	}
	w.store.set(nil, nil)
	if got := stepOf(t, f); got != "s0 topology=0 a=1(1-1)\n" {
		t.Errorf("got %s", got)
	}
	if n := len(w.store.created("/close/")); n != 1 {
		t.Errorf("%d attempts to create a record", n)
	}
}

// TestStoredConfig: the text of the close configuration lies under the digest of its very bytes.
func TestStoredConfig(t *testing.T) {
	s := newStore()
	f := NewFeatures(FeaturesConfig{CloseConfig: []byte(`{"b":1,"a":[1,2]}`)}, FeaturesDeps{Control: newControl(t, s), Metrics: newMetrics()})
	for range 2 {
		digest, err := f.storeConfig(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		key, err := f.ctl.Layout.Path(feature.ConfigObject(digest))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(s.obj[key]); got != `{"b":1,"a":[1,2]}` || !json.Valid(s.obj[key]) {
			t.Errorf("stored %q", got)
		}
	}
}
