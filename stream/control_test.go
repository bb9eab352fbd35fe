package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

func TestRegister(t *testing.T) {
	ctx := context.Background()
	ctl := newControl(t, newStore())
	register := func(d Description, watermark int64) (*Topology, error) {
		return ctl.Register(ctx, "flows", d, at(0), watermark)
	}
	two := Description{ID: "id", Partitions: []string{"0", "1"}, Earliest: []int64{5, 6}}
	first, err := register(two, at(1))
	if err != nil {
		t.Fatal(err)
	}
	want := &Topology{Format: 1, Source: "flows", TopicID: "id", FirstStart: at(0),
		Partitions: []TopologyPartition{{Name: "0", Start: 5, Watermark: NoWatermark}, {Name: "1", Start: 6, Watermark: NoWatermark}}}
	if d := cmp.Diff(first, want); d != "" {
		t.Errorf("first: -got +want:\n%s", d)
	}
	again, err := register(two, at(2))
	if err != nil || again.N != 0 {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	three := Description{ID: "id", Partitions: []string{"0", "1", "2"}, Earliest: []int64{50, 60, 7}}
	added, err := ctl.Register(ctx, "flows", three, at(99), at(3))
	if err != nil {
		t.Fatal(err)
	}
	want.N, want.Partitions = 1, append(want.Partitions, TopologyPartition{Name: "2", Start: 7, Watermark: at(3)})
	if d := cmp.Diff(added, want); d != "" { // what was there keeps its start and the first start of the run
		t.Errorf("added: -got +want:\n%s", d)
	}
	if fewer, err := register(two, at(4)); err != nil || len(fewer.Partitions) != 3 {
		t.Errorf("fewer: %+v, %v", fewer, err)
	}
	three.ID = "other"
	if _, err := register(three, at(4)); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "other") {
		t.Errorf("another topic: %v", err)
	}
}

// TestRegisterRace: another process registers between the look and the creation.
func TestRegisterRace(t *testing.T) {
	s := newStore()
	ctl := newControl(t, s)
	d := Description{ID: "id", Partitions: []string{"0"}, Earliest: []int64{0}}
	s.set(func(op, key string) error {
		if op != "create" {
			return nil
		}
		s.fault = nil
		s.mu.Unlock()
		defer s.mu.Lock()
		_, err := ctl.Register(context.Background(), "flows", d, at(7), NoWatermark)
		return err
	}, nil)
	got, err := ctl.Register(context.Background(), "flows", d, at(8), NoWatermark)
	if err != nil || got.FirstStart != at(7) || got.N != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestFixRoot(t *testing.T) {
	ctl := newControl(t, newStore())
	for _, c := range []struct{ fixed, want string }{
		{`{"shards":8,"event_time":"event_end","networks":["10.0.0.0/8"]}`, ""},
		{`{"networks":["10.0.0.0/8"],"event_time":"event_end","shards":8}`, ""},
		{`{"shards":4,"event_time":"event_end","networks":[]}`, "networks is [\"10.0.0.0/8\"] in the root and [] in the configuration; shards is 8 in the root and 4"},
	} {
		err := ctl.FixRoot(context.Background(), json.RawMessage(c.fixed))
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.fixed, err)
		}
	}
}

// TestLastKey reads more than one page.
func TestLastKey(t *testing.T) {
	s := newStore()
	ctl := newControl(t, s)
	for i := range 2500 {
		s.keys = append(s.keys, fmt.Sprintf("a/%05d", i))
	}
	s.keys = append(s.keys, "b/1")
	for prefix, want := range map[string]string{"a/": "a/02499", "b/": "b/1", "c/": ""} {
		if got, err := ctl.lastKey(context.Background(), prefix); got != want || err != nil {
			t.Errorf("%s: %q, %v", prefix, got, err)
		}
	}
}

// TestSumCuts: the account of a log is that of all its cuts, from the oldest that is kept on.
func TestSumCuts(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	if a, err := w.ctl.SumCuts(ctx, "flows", 2); err != nil || a.Cuts != 0 || a.Ended {
		t.Errorf("nothing yet: %+v, %v", a, err)
	}
	w.topology(TopologyPartition{Name: "a"}, TopologyPartition{Name: "b"})
	reject := func(p, reason string) []feature.Section {
		out := make([]feature.Section, 2)
		out[RejectShard("flows", p, 2)].Rejects = []feature.Reject{{Reason: reason, Detail: p}}
		return out
	}
	bad := func(n int64, reason string) Counters {
		return Counters{Records: n, Rejected: map[string]int64{reason: 1}}
	}
	w.cut("a", CutHeader{Counters: bad(10, "past_time"), Touched: []feature.Slice{s0 + 4}}, reject("a", "past_time")...)
	w.cut("a", CutHeader{Counters: bad(20, "malformed"), Touched: []feature.Slice{s0, s0 + 9}, Watermark: EndOfInput}, reject("a", "malformed")...)
	w.cut("b", CutHeader{Counters: bad(5, "malformed"), Watermark: at(0)}, reject("b", "malformed")...)
	check := func(want string) {
		t.Helper()
		a, err := w.ctl.SumCuts(ctx, "flows", 2)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%d cuts %d records %v ended=%v", a.Cuts, a.Records, a.Rejected, a.Ended)
		if a.First != nil {
			got += " " + showSlice(*a.First) + " " + showSlice(*a.Last)
		}
		if len(a.Examples) != len(a.Rejected) {
			got += fmt.Sprintf(" examples %v", a.Examples)
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	check("3 cuts 35 records map[malformed:2 past_time:1] ended=false s0 s9")
	w.cut("b", CutHeader{Watermark: EndOfInput})
	check("4 cuts 35 records map[malformed:2 past_time:1] ended=true s0 s9")
	w.drop("a", 1) // collected
	check("3 cuts 25 records map[malformed:2] ended=true s0 s9")
}

// drop removes a cut as the garbage collection does.
func (w *world) drop(p string, n uint64) {
	w.t.Helper()
	key, err := w.ctl.Layout.Path(feature.CutObject("flows", p, n))
	if err != nil {
		w.t.Fatal(err)
	}
	delete(w.store.obj, key)
	w.store.keys = slices.DeleteFunc(w.store.keys, func(k string) bool { return k == key })
}

// TestCollectedCut: a shard whose next cut is gone stops; waiting for it would be for ever.
func TestCollectedCut(t *testing.T) {
	w := newWorld(t)
	w.cut("p", CutHeader{})
	w.cut("p", CutHeader{})
	w.drop("p", 1)
	s := &shard{cfg: &FeaturesConfig{Source: "flows", Shards: 2}, ctl: w.ctl, board: newBoard(), state: newState(&journal{})}
	if err := s.foldNext(context.Background(), "p"); err == nil || temporary(err) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestBoard: what was forgotten is told from what has not come.
func TestBoard(t *testing.T) {
	b := newBoard()
	slice := func(i int) *feature.Slice { s := feature.Slice(i); return &s }
	if r, older := b.successor(nil); r != nil || older {
		t.Error("an empty board")
	}
	var before *feature.Slice
	for i := range windowRecords + 10 {
		b.addRecord(&CloseRecord{Slice: feature.Slice(i), Previous: before})
		before = slice(i)
	}
	for _, c := range []struct {
		after *feature.Slice
		want  int // -1: none
		older bool
	}{{nil, -1, true}, {slice(3), -1, true}, {slice(8), -1, true}, {slice(9), 10, false}, {slice(100), 101, false}, {before, -1, false}} {
		r, older := b.successor(c.after)
		if (r == nil) != (c.want < 0) || r != nil && int(r.Slice) != c.want || older != c.older {
			t.Errorf("after %v: %+v, %v", c.after, r, older)
		}
	}
	for n := range uint64(windowCuts + 5) {
		b.addCut(&Cut{Header: CutHeader{Partition: "p", N: n + 1}})
	}
	for _, c := range []struct {
		n    uint64
		have bool
	}{{1, false}, {5, false}, {6, true}, {windowCuts + 5, true}, {windowCuts + 6, false}} {
		if got, newest := b.cut("p", c.n); (got != nil) != c.have || newest != windowCuts+5 {
			t.Errorf("cut %d: %v, newest %d", c.n, got, newest)
		}
	}
}
