package state

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"ndr/feature"
)

// host and pair make rows of one outbound host.
func hostRow(s feature.Slice, h string, sessions int64) feature.HostRow {
	r := feature.HostRow{Slice: s, Host: addr(h), Role: feature.Outbound}
	r.Counters.Sum[feature.Sessions] = sessions
	return r
}

func pairRow(s feature.Slice, h, peer string, port uint16) feature.PairRow {
	return feature.PairRow{Slice: s, Host: addr(h), Role: feature.Outbound, Peer: addr(peer), Port: port,
		Counters: feature.PairCounters{Sessions: 1}}
}

func mustFold(t testing.TB, s *Store, p string, n uint64, section feature.Section) FoldResult {
	t.Helper()
	r, err := s.Fold(&Fold{Partition: p, N: n, Section: section})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFoldOrderOfCuts(t *testing.T) {
	reg := prometheus.NewRegistry()
	cfg := testConfig(vfs.NewMem())
	cfg.Metrics = NewMetrics(reg)
	s := mustOpen(t, cfg)
	defer s.Close()
	for _, c := range []struct {
		p    string
		n    uint64
		want error
	}{{"a", 2, ErrGap}, {"a", 0, ErrDuplicate}, {"a", 1, nil}, {"a", 1, ErrDuplicate}, {"a", 3, ErrGap}, {"b", 1, nil}, {"a", 2, nil}} {
		_, err := s.Fold(&Fold{Partition: c.p, N: c.n, Watermark: int64(10 * c.n)})
		if !errors.Is(err, c.want) {
			t.Errorf("fold %s/%d: got error %v, want %v", c.p, c.n, err, c.want)
		}
	}
	want := map[string]PartitionMeta{"a": {2, 20}, "b": {1, 10}}
	if d := cmp.Diff(s.Meta().Partitions, want); d != "" {
		t.Errorf("partitions (-got +want):\n%s", d)
	}
	counts := map[string]float64{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "ndr_state_folds_total" {
				counts[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if d := cmp.Diff(counts, map[string]float64{"folded": 3, "duplicate": 2, "gap": 2}); d != "" {
		t.Errorf("metrics (-got +want):\n%s", d)
	}
}

func TestFoldRefuses(t *testing.T) {
	h1, h2 := hostRow(1, "10.0.0.1", 1), hostRow(1, "10.0.0.2", 1)
	p1, p2 := pairRow(1, "10.0.0.1", "1.1.1.1", 1), pairRow(1, "10.0.0.1", "1.1.1.1", 2)
	for name, f := range map[string]*Fold{
		"unsorted hosts":   {Partition: "p", N: 1, Section: feature.Section{Hosts: []feature.HostRow{h2, h1}}},
		"a host twice":     {Partition: "p", N: 1, Section: feature.Section{Hosts: []feature.HostRow{h1, h1}}},
		"unsorted pairs":   {Partition: "p", N: 1, Section: feature.Section{Pairs: []feature.PairRow{p2, p1}}},
		"a late row twice": {Partition: "p", N: 1, Section: feature.Section{Late: []feature.HostRow{h1, h1}}},
		"no partition":     {N: 1},
		"zero byte":        {Partition: "a\x00b", N: 1},
	} {
		for _, small := range []int{0, 100} {
			s := mustOpen(t, testConfig(vfs.NewMem()))
			s.small = small
			if _, err := s.Fold(f); err == nil {
				t.Errorf("%s: folded", name)
			}
			if got := s.Last("p"); got != 0 {
				t.Errorf("%s: last is %d after a refused fold", name, got)
			}
			if names, err := s.cfg.FS.List(s.tableDir()); err != nil || len(names) > 0 {
				t.Errorf("%s: left over: %v, %v", name, names, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestClosedLate folds rows for closed slices: they become late rows, summed with the late row of the same key.
func TestClosedLate(t *testing.T) {
	s := mustOpen(t, testConfig(vfs.NewMem()))
	defer s.Close()
	closeAndCommit(t, s, Close{Slice: 10})
	got := mustFold(t, s, "p", 1, feature.Section{
		Hosts: []feature.HostRow{hostRow(9, "10.0.0.1", 3), hostRow(10, "10.0.0.2", 4), hostRow(11, "10.0.0.1", 5)},
		Pairs: []feature.PairRow{pairRow(9, "10.0.0.1", "1.1.1.1", 1), pairRow(11, "10.0.0.1", "1.1.1.1", 1)},
		Late:  []feature.HostRow{hostRow(9, "10.0.0.1", 100)},
	})
	want := FoldResult{Hosts: 1, Pairs: 1, Late: 1, ClosedLate: 2, ClosedLateSessions: 7}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("result (-got +want):\n%s", d)
	}
	lines, _ := closeAndCommit(t, s, Close{Slice: 11, Through: map[string]uint64{"p": 1}})
	var late []string
	for _, l := range lines {
		if f := strings.Fields(l); f[0] == "late" {
			late = append(late, strings.Join(f[1:6], " "))
		}
	}
	if d := cmp.Diff(late, []string{"10.0.0.1 outbound 9 p/1 [103", "10.0.0.2 outbound 10 p/1 [4"}); d != "" {
		t.Errorf("late rows (-got +want):\n%s", d)
	}
}

func TestCloseRefuses(t *testing.T) {
	s := mustOpen(t, testConfig(vfs.NewMem()))
	defer s.Close()
	mustFold(t, s, "p", 1, feature.Section{Hosts: []feature.HostRow{hostRow(4, "10.0.0.1", 1), hostRow(5, "10.0.0.1", 1)}})
	if _, _, err := s.CloseSlice(t.Context(), Close{Slice: 5, Through: map[string]uint64{"p": 2}}, nil); !errors.Is(err, ErrBehind) {
		t.Errorf("got error %v, want ErrBehind", err)
	}
	roll, stats, err := s.CloseSlice(t.Context(), Close{Slice: 5, Through: map[string]uint64{"p": 1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if stats.LostRows != 1 || stats.ClosedRoles != 1 || stats.Hosts != 1 {
		t.Errorf("stats are %+v, want one lost row of slice 4 and one closed role", stats)
	}
	if _, err := s.Fold(&Fold{Partition: "p", N: 2}); !errors.Is(err, ErrRolling) {
		t.Errorf("fold: got error %v, want ErrRolling", err)
	}
	if err := s.Checkpoint("copy"); !errors.Is(err, ErrRolling) {
		t.Errorf("checkpoint: got error %v, want ErrRolling", err)
	}
	if _, _, err := s.CloseSlice(t.Context(), Close{Slice: 6}, nil); !errors.Is(err, ErrRolling) {
		t.Errorf("close: got error %v, want ErrRolling", err)
	}
	if err := roll.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := roll.Commit(t.Context()); err == nil {
		t.Error("a roll was committed twice")
	}
	for _, slice := range []feature.Slice{4, 5} {
		if _, _, err := s.CloseSlice(t.Context(), Close{Slice: slice}, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("close of %d: got error %v, want ErrClosed", slice, err)
		}
	}
	// Pairs without their host row cannot come from ingest.
	mustFold(t, s, "p", 2, feature.Section{Pairs: []feature.PairRow{pairRow(6, "10.0.0.9", "1.1.1.1", 1)}})
	if _, _, err := s.CloseSlice(t.Context(), Close{Slice: 6}, nil); err == nil {
		t.Error("open pairs without a host row were closed")
	}
}

// failingVisitor fails at its n-th call.
type failingVisitor struct {
	recorder
	n int
}

var errVisit = errors.New("visitor fails")

func (v *failingVisitor) Pair(p *feature.PairView) error {
	if v.n--; v.n == 0 {
		return errVisit
	}
	return v.recorder.Pair(p)
}

// TestVisitorFails checks that an error of the visitor changes nothing.
func TestVisitorFails(t *testing.T) {
	s := mustOpen(t, testConfig(vfs.NewMem()))
	defer s.Close()
	mustFold(t, s, "p", 1, feature.Section{
		Hosts: []feature.HostRow{hostRow(5, "10.0.0.1", 1)},
		Pairs: []feature.PairRow{pairRow(5, "10.0.0.1", "1.1.1.1", 1), pairRow(5, "10.0.0.1", "1.1.1.1", 2)},
	})
	for n := 1; n <= 2; n++ {
		if _, _, err := s.CloseSlice(t.Context(), Close{Slice: 5}, &failingVisitor{n: n}); !errors.Is(err, errVisit) {
			t.Errorf("got error %v, want that of the visitor", err)
		}
	}
	if names, err := s.cfg.FS.List(s.tableDir()); err != nil || len(names) > 0 {
		t.Errorf("left over: %v, %v", names, err)
	}
	if lines, _ := closeAndCommit(t, s, Close{Slice: 5}); len(lines) != 8 {
		t.Errorf("the close after it gave %q", lines)
	}
}

// TestExpiry follows a pair: it leaves the slices after 96, and goes 32 days after its last day.
func TestExpiry(t *testing.T) {
	const day = 96
	s := mustOpen(t, testConfig(vfs.NewMem()))
	defer s.Close()
	mustFold(t, s, "p", 1, feature.Section{
		Hosts: []feature.HostRow{hostRow(day, "10.0.0.1", 1)},
		Pairs: []feature.PairRow{pairRow(day, "10.0.0.1", "1.1.1.1", 1)},
	})
	n := uint64(1)
	for _, c := range []struct {
		slice              feature.Slice
		active             bool // the host has other flows in the slice
		ring, pair, recent bool
	}{
		{day, false, true, true, true},
		{day + 95, false, true, true, true},
		{day + 96, false, false, false, false}, // nobody asks for the pairs of a silent host
		{day*32 - 1, true, true, true, false},
		{day*33 - 1, true, true, true, false}, // 31 days later
		{day * 33, true, true, false, false},
	} {
		if c.active {
			n++
			mustFold(t, s, "p", n, feature.Section{Hosts: []feature.HostRow{hostRow(c.slice, "10.0.0.1", 1)}})
		}
		lines, _ := closeAndCommit(t, s, Close{Slice: c.slice})
		all := strings.Join(lines, "\n")
		got := []bool{strings.Contains(all, "delta"), strings.Contains(all, "pair 1.1.1.1"), strings.Contains(all, "slice 96:")}
		if d := cmp.Diff(got, []bool{c.ring, c.pair, c.recent}); d != "" {
			t.Errorf("slice %d: ring, pair, recent slices (-got +want):\n%s", c.slice, d)
		}
	}
}

// TestSilentHostsGo checks that pairs of hosts that are never seen again are dropped as well.
func TestSilentHostsGo(t *testing.T) {
	s := mustOpen(t, testConfig(vfs.NewMem()))
	defer s.Close()
	mustFold(t, s, "p", 1, feature.Section{
		Hosts: []feature.HostRow{hostRow(0, "10.0.0.1", 1)},
		Pairs: []feature.PairRow{pairRow(0, "10.0.0.1", "1.1.1.1", 1)},
	})
	closeAndCommit(t, s, Close{Slice: 0})
	if _, stats := closeAndCommit(t, s, Close{Slice: 32*96 - 1}); stats.ExpiredPairs != 0 {
		t.Errorf("on day 31: %d pairs expired, want 0", stats.ExpiredPairs)
	}
	if _, stats := closeAndCommit(t, s, Close{Slice: 32 * 96}); stats.ExpiredPairs != 1 {
		t.Errorf("on day 32: %d pairs expired, want 1", stats.ExpiredPairs)
	}
}

// TestScanner has a host with more pairs than the buffer holds, so that its pairs are read twice.
func TestScanner(t *testing.T) {
	cfg := testConfig(vfs.NewMem())
	cfg.MaxPairsPerHost, cfg.MaxPortsPerPeer = 50, 8
	s := mustOpen(t, cfg)
	defer s.Close()
	section := feature.Section{Hosts: []feature.HostRow{hostRow(0, "10.0.0.1", 1000), hostRow(0, "10.0.0.2", 9)}}
	for peer := range 100 {
		for port := range 10 {
			p := pairRow(0, "10.0.0.1", "10.1.0.0", uint16(port))
			p.Peer.Lo += uint64(peer)
			section.Pairs = append(section.Pairs, p)
		}
	}
	for port := range 9 {
		section.Pairs = append(section.Pairs, pairRow(0, "10.0.0.2", "1.1.1.1", uint16(port)))
	}
	mustFold(t, s, "p", 1, section)
	_, stats := closeAndCommit(t, s, Close{Slice: 0})
	if stats.ApproximateRoles != 2 || stats.ClosedPairs != 50+8 || stats.DroppedPairs != 950+1 {
		t.Errorf("stats are %+v, want 2 approximate roles, 58 closed and 951 dropped pairs", stats)
	}
	// The next close sees the sketches and the kept pairs only.
	lines, stats := closeAndCommit(t, s, Close{Slice: 1})
	if stats.Pairs != 58 || !strings.Contains(lines[2], "approximate 100 peers 9 ports") {
		t.Errorf("%d pairs, %s; want 58 pairs, 100 peers, 9 ports", stats.Pairs, lines[2])
	}
}

func TestFirstKnown(t *testing.T) {
	s := mustOpen(t, testConfig(vfs.NewMem()))
	defer s.Close()
	if m := s.Meta(); m.HasFirst || m.HasClosed || m.FormatVersion != FormatVersion || m.LogicVersion != "test" {
		t.Errorf("meta of a new store is %+v", m)
	}
	closeAndCommit(t, s, Close{Slice: 7})
	closeAndCommit(t, s, Close{Slice: 9})
	if m := s.Meta(); !m.HasFirst || m.FirstKnown != s.cfg.Clock.Start(7) || m.LastClosed != 9 {
		t.Errorf("meta is %+v, want first known the start of slice 7", m)
	}
}

// TestOpenRefuses opens stores that this program cannot read.
func TestOpenRefuses(t *testing.T) {
	set := func(key, value []byte) func(*testing.T, Config) {
		return func(t *testing.T, cfg Config) {
			s := mustOpen(t, cfg)
			if err := s.db.Set(key, value, pebble.NoSync); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		prepare func(*testing.T, Config)
		want    string
	}{
		"newer format":     {set([]byte{kindMeta, metaFormat}, appendUint(nil, FormatVersion+1)), "format version 2, this program knows up to 1"},
		"broken progress":  {set([]byte{kindMeta, metaProgress}, []byte{1}), "broken value"},
		"newer progress":   {set([]byte{kindMeta, metaProgress}, []byte{7}), "unknown version 7"},
		"unknown meta key": {set([]byte{kindMeta, 'x'}, nil), "unknown"},
		"foreign merger": {func(t *testing.T, cfg Config) {
			db, err := pebble.Open(cfg.Dir, &pebble.Options{FS: cfg.FS, Logger: pebbleLogger{cfg.Logger, nil}})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}, "omparer name"},
	} {
		cfg := testConfig(vfs.NewMem())
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
		c.prepare(t, cfg)
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	err := Config{Clock: feature.Clock{Offset: -1}, Kept: -1, CacheBytes: -2}.Validate()
	for _, want := range []string{"folder is empty", "slice offset -1ns", "kept flows -1", "cache bytes -2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want it to name %q", err, want)
		}
	}
	if err := (Config{Dir: "x"}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestFatal(t *testing.T) {
	var got string
	l := pebbleLogger{slog.New(slog.NewTextHandler(io.Discard, nil)), func(msg string) { got = msg }}
	l.Fatalf("disk %s", "gone")
	if got != "disk gone" {
		t.Errorf("got %q", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("the default does not panic")
		}
	}()
	Config{Dir: "x"}.withDefaults().Fatal("disk gone")
}

// TestOnDisk uses the real file system, with and without fsync.
func TestOnDisk(t *testing.T) {
	for _, sync := range []bool{false, true} {
		cfg := Config{Dir: t.TempDir() + "/store", Sync: sync}
		s := mustOpen(t, cfg)
		s.small = 0
		mustFold(t, s, "p", 1, feature.Section{Hosts: []feature.HostRow{hostRow(5, "10.0.0.1", 1)}})
		want, _ := closeAndCommit(t, s, Close{Slice: 5})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = mustOpen(t, cfg)
		got, _ := closeAndCommit(t, s, Close{Slice: 6})
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("after reopening (-got +want):\n%s", d)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
