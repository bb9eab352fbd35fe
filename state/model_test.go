package state

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	gocmp "github.com/google/go-cmp/cmp"

	"ndr/feature"
)

// model is the store as the specification says it: it keeps every event and computes each close from all of them.
type model struct {
	cfg     Config
	events  []event // on time
	closed  []feature.Slice
	late    []feature.LateRow
	rejects []modelReject
	blobs   []CutBlob
	boot    map[int32][]BootRow
	done    map[string]uint64
}

type modelReject struct {
	partition string
	cut       uint64
	reject    feature.Reject
}

func (m *model) fold(c *cutData) {
	late := slices.Clone(c.late)
	for _, e := range c.events {
		if len(m.closed) > 0 && e.slice <= m.closed[len(m.closed)-1] {
			late = append(late, e)
		} else {
			m.events = append(m.events, e)
		}
	}
	for _, r := range hostRows(late) {
		m.late = append(m.late, feature.LateRow{HostRow: r, Partition: c.partition, Cut: c.n})
	}
	for _, r := range c.rejects {
		m.rejects = append(m.rejects, modelReject{c.partition, c.n, r})
	}
	m.blobs = append(m.blobs, CutBlob{c.partition, c.n, fmt.Appendf(nil, "%s#%d", c.partition, c.n)})
}

type unit struct {
	host feature.Addr
	role feature.Role
}

func (m *model) close(c Close) (lines []string, blobs []CutBlob) {
	m.closed = append(m.closed, c.Slice)
	// A close consumes the open rows of its slice and loses those before it.
	m.events = slices.DeleteFunc(m.events, func(e event) bool {
		return e.slice < c.Slice && !slices.Contains(m.closed, e.slice)
	})
	var r recorder
	m.hosts(c, &r)
	m.cuts(c, &r)
	for _, b := range m.blobs {
		if b.N <= c.Through[b.Partition] && b.N > m.done[b.Partition] {
			blobs = append(blobs, b)
		}
	}
	slices.SortFunc(blobs, func(a, b CutBlob) int { return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.N, b.N)) })
	for p, n := range c.Through {
		m.done[p] = max(m.done[p], n)
	}
	return r.lines, blobs
}

// hosts replays the slices closed so far.
func (m *model) hosts(c Close, r *recorder) {
	bySlice := map[feature.Slice]map[unit][]event{}
	units := map[unit]bool{}
	for _, e := range m.events {
		if e.slice > c.Slice {
			continue
		}
		if bySlice[e.slice] == nil {
			bySlice[e.slice] = map[unit][]event{}
		}
		u := unit{e.host, e.role}
		bySlice[e.slice][u] = append(bySlice[e.slice][u], e)
		units[u] = true
	}
	order := slices.SortedFunc(maps.Keys(units), func(a, b unit) int {
		return cmp.Or(a.host.Compare(b.host), cmp.Compare(a.role, b.role))
	})
	var before feature.Addr
	in := false
	for _, u := range order {
		var ring []feature.DeltaEntry
		pairs := map[pairKey]*feature.PairView{}
		m.bootPairs(u, pairs)
		for _, s := range m.closed {
			if e, ok := m.closeUnit(bySlice[s][u], u, s, pairs); ok && s > c.Slice-feature.RingSlices {
				ring = append(ring, e)
			}
		}
		if len(ring) == 0 {
			continue
		}
		m.trim(pairs, c.Slice)
		if in && u.host != before {
			r.EndHost()
			in = false
		}
		if !in {
			r.BeginHost(u.host)
			in, before = true, u.host
		}
		r.BeginRole(u.role, ring)
		for _, k := range slices.SortedFunc(maps.Keys(pairs), comparePairKeys) {
			if p := pairs[k]; len(p.Days) > 0 || len(p.Slices) > 0 {
				r.Pair(p)
			}
		}
	}
	if in {
		r.EndHost()
	}
}

type pairKey struct {
	peer feature.Addr
	port uint16
}

func comparePairKeys(a, b pairKey) int {
	return cmp.Or(a.peer.Compare(b.peer), cmp.Compare(a.port, b.port))
}

func (m *model) bootPairs(u unit, pairs map[pairKey]*feature.PairView) {
	for _, day := range slices.Sorted(maps.Keys(m.boot)) {
		for _, b := range m.boot[day] {
			if b.Host == u.host && b.Role == u.role {
				v := viewOf(pairs, pairKey{b.Peer, b.Port})
				v.Days = append(v.Days, feature.DayCount{Day: day, Sessions: b.Sessions})
			}
		}
	}
}

func viewOf(pairs map[pairKey]*feature.PairView, k pairKey) *feature.PairView {
	if pairs[k] == nil {
		pairs[k] = &feature.PairView{Peer: k.peer, Port: k.port}
	}
	return pairs[k]
}

// closeUnit adds one closed slice of a host and role to its pairs.
func (m *model) closeUnit(events []event, u unit, s feature.Slice, pairs map[pairKey]*feature.PairView) (d feature.DeltaEntry, ok bool) {
	if len(events) == 0 {
		return d, false
	}
	var host feature.HostCounters
	flows := map[pairKey][]event{}
	for _, e := range events {
		c := e.hostCounters()
		host.Merge(&c)
		if !e.threat {
			k := pairKey{e.peer, e.port}
			flows[k] = append(flows[k], e)
		}
	}
	d = feature.DeltaEntry{Slice: s, Sum: host.Sum, MaxPerMinute: host.MaxPerMinute()}
	kept := m.limit(u, flows)
	if len(kept) < len(flows) {
		d.Approximate, d.Peers, d.Ports = true, new(feature.Sketch), new(feature.Sketch)
		for k := range flows {
			d.Peers.AddPeer(k.peer)
			if k.port != 0 {
				d.Ports.AddPort(k.port)
			}
		}
	}
	day := m.cfg.Clock.Day(s)
	for _, k := range kept {
		p := feature.PairSlice{Slice: s}
		v := pairs[k]
		// What was silent for longer than the memory is a new pair.
		if v == nil || m.lastDay(v) < day-31 {
			delete(pairs, k)
			v = viewOf(pairs, k)
		}
		for _, e := range flows[k] {
			p.Sessions++
			p.BytesSrc += e.bytes
			p.BytesDst++
			v.Res = max(v.Res, e.res)
			if u.role == feature.Outbound {
				p.Kept = append(p.Kept, e.flow)
			}
		}
		slices.SortFunc(p.Kept, feature.KeptFlow.Compare)
		p.Kept = p.Kept[:min(len(p.Kept), m.cfg.Kept)]
		v.Slices = append(v.Slices, p)
		if _, boot := m.boot[day]; boot {
			continue
		}
		if n := len(v.Days); n > 0 && v.Days[n-1].Day == day {
			v.Days[n-1].Sessions += p.Sessions
		} else {
			v.Days = append(v.Days, feature.DayCount{Day: day, Sessions: p.Sessions})
		}
	}
	return d, true
}

// lastDay is the day on which a pair was last seen.
func (m *model) lastDay(v *feature.PairView) int32 {
	last := int32(minDay)
	if n := len(v.Days); n > 0 {
		last = v.Days[n-1].Day
	}
	if n := len(v.Slices); n > 0 {
		last = max(last, m.cfg.Clock.Day(v.Slices[n-1].Slice))
	}
	return last
}

func (m *model) trim(pairs map[pairKey]*feature.PairView, now feature.Slice) {
	first := m.cfg.Clock.Day(now) - 31
	for _, v := range pairs {
		v.Slices = slices.DeleteFunc(slices.Clone(v.Slices), func(s feature.PairSlice) bool { return s.Slice <= now-feature.RingSlices })
		v.Days = slices.DeleteFunc(slices.Clone(v.Days), func(d feature.DayCount) bool { return d.Day < first })
	}
}

// limit is the choice of the kept pairs, from the sentence in the architecture.
func (m *model) limit(u unit, flows map[pairKey][]event) (kept []pairKey) {
	hash := func(k pairKey) uint64 { return feature.PairHash(u.host, u.role, k.peer, k.port) }
	byHash := func(a, b pairKey) int { return cmp.Compare(hash(a), hash(b)) }
	perPeer := map[feature.Addr]int{}
	for _, k := range slices.SortedFunc(maps.Keys(flows), byHash) {
		if perPeer[k.peer]++; perPeer[k.peer] <= m.cfg.MaxPortsPerPeer {
			kept = append(kept, k)
		}
	}
	return kept[:min(len(kept), m.cfg.MaxPairsPerHost)]
}

func (m *model) cuts(c Close, r *recorder) {
	slices.SortStableFunc(m.late, func(a, b feature.LateRow) int {
		return cmp.Or(compareLate(a.HostRow, b.HostRow), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Cut, b.Cut))
	})
	for i := range m.late {
		if l := &m.late[i]; l.Cut <= c.Through[l.Partition] && l.Cut > m.done[l.Partition] {
			r.Late(l)
		}
	}
	slices.SortStableFunc(m.rejects, func(a, b modelReject) int {
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.cut, b.cut),
			cmp.Compare(a.reject.Position, b.reject.Position), cmp.Compare(a.reject.Item, b.reject.Item))
	})
	for _, j := range m.rejects {
		if j.cut <= c.Through[j.partition] && j.cut > m.done[j.partition] {
			r.Reject(j.partition, j.cut, &j.reject)
		}
	}
}

// TestAgainstModel runs random histories with everything that must not matter: memtable or table, flushes,
// compactions, reopening, restoring, rolls given up, duplicates.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(25) {
		deal := rand.New(rand.NewPCG(seed, 2))
		fs := vfs.NewMem()
		cfg := testConfig(fs)
		cfg.MaxPairsPerHost, cfg.MaxPortsPerPeer = 5+int(seed%3)*20, 2+int(seed%2)
		m := &model{cfg: cfg, done: map[string]uint64{}}
		s := mustOpen(t, cfg)
		for i, st := range history(seed, deal, 25) {
			s = disturb(t, s, cfg, deal, fmt.Sprintf("copy%d", i))
			if st.cut != nil {
				m.fold(st.cut)
				if _, err := s.Fold(st.cut.fold(cfg.Kept)); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				continue
			}
			want, blobs := m.close(*st.close)
			got, stats := closeAndCommit(t, s, *st.close)
			if d := gocmp.Diff(got, want); d != "" {
				t.Fatalf("seed %d, step %d, close of slice %d (-got +want):\n%s", seed, i, st.close.Slice, d)
			}
			if d := gocmp.Diff(stats.Blobs, blobs); d != "" {
				t.Fatalf("seed %d: blobs (-got +want):\n%s", seed, d)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// disturb does something that must not change any output.
func disturb(t *testing.T, s *Store, cfg Config, r *rand.Rand, dir string) *Store {
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	switch r.IntN(12) {
	case 0:
		check(s.db.Flush())
	case 1:
		check(s.db.Compact(t.Context(), []byte{0}, []byte{255}, false))
	case 2:
		check(s.Close())
		s = mustOpen(t, cfg)
	case 3:
		before := s.Meta()
		check(s.Checkpoint(dir))
		check(s.Close())
		check(cfg.FS.RemoveAll(cfg.Dir))
		check(cfg.FS.Rename(dir, cfg.Dir))
		s = mustOpen(t, cfg)
		if d := gocmp.Diff(s.Meta(), before); d != "" {
			t.Fatalf("meta after checkpoint (-got +want):\n%s", d)
		}
	case 4:
		if s.meta.HasClosed {
			roll, _, err := s.CloseSlice(t.Context(), Close{Slice: s.meta.LastClosed + 1}, nil)
			check(err)
			check(roll.Discard())
		}
	case 5:
		for p, m := range s.meta.Partitions {
			if _, err := s.Fold(&Fold{Partition: p, N: m.Last}); err == nil {
				t.Fatal("duplicate was folded")
			}
		}
	}
	s.small = []int{0, 3, batchRows}[r.IntN(3)]
	return s
}

// TestDealDoesNotMatter deals the same events to other partitions and cuts.
func TestDealDoesNotMatter(t *testing.T) {
	for seed := range uint64(5) {
		var want []string
		for deal := range uint64(4) {
			s := mustOpen(t, testConfig(vfs.NewMem()))
			s.small = int(deal) * 4
			var got []string
			for _, st := range history(seed, rand.New(rand.NewPCG(seed, 100+deal)), 15) {
				if st.cut != nil {
					st.cut.late, st.cut.rejects = nil, nil
					if _, err := s.Fold(st.cut.fold(s.cfg.Kept)); err != nil {
						t.Fatal(err)
					}
					continue
				}
				lines, _ := closeAndCommit(t, s, *st.close)
				got = append(append(got, fmt.Sprint("close ", st.close.Slice)), lines...)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if deal == 0 {
				want = got
			} else if d := gocmp.Diff(got, want); d != "" {
				t.Fatalf("seed %d, deal %d (-got +want):\n%s", seed, deal, d)
			}
		}
	}
}

// TestRollLeavesNothing checks that a close deletes everything it consumed.
func TestRollLeavesNothing(t *testing.T) {
	s := mustOpen(t, testConfig(vfs.NewMem()))
	defer s.Close()
	deal := rand.New(rand.NewPCG(7, 7))
	for _, st := range history(7, deal, 10) {
		if st.cut != nil {
			if _, err := s.Fold(st.cut.fold(3)); err != nil {
				t.Fatal(err)
			}
		} else {
			closeAndCommit(t, s, *st.close)
		}
	}
	through := map[string]uint64{}
	for p, m := range s.meta.Partitions {
		through[p] = m.Last
	}
	closeAndCommit(t, s, Close{Slice: s.meta.LastClosed + 5000, Through: through})
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindBlob}})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		t.Errorf("left over: key %x", it.Key())
	}
}
