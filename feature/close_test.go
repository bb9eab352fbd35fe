package feature

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// rowsOf is a sink that keeps the rows as maps and checks every batch against its table.
type rowsOf struct {
	t       *testing.T
	checker *Checker
	table   string
	rows    []row
}

func (s *rowsOf) Write(b *Batch) error {
	if s.checker == nil {
		s.checker, s.table = NewChecker(b.Table), b.Table.Name
	}
	if err := s.checker.Check(b); err != nil {
		s.t.Errorf("check batch: %v", err)
	}
	for i := range b.Rows {
		r := row{}
		for c, col := range b.Table.Columns {
			switch v := &b.Cols[c]; {
			case v.IsNull(i):
				r[col.Name] = nil
			case col.Type == Text:
				r[col.Name] = v.Text[i]
			case col.Type == Float64 || col.Type == Float32:
				r[col.Name] = v.Float[i]
			default:
				r[col.Name] = v.Int[i]
			}
		}
		s.rows = append(s.rows, r)
	}
	return nil
}

// config is the world's configuration as the builder takes it.
func (w *world) config(t testing.TB) CloseConfig {
	t.Helper()
	segments, err := NewSegments(w.entries, DefaultSegmentBits4, DefaultSegmentBits6)
	if err != nil {
		t.Fatal(err)
	}
	return CloseConfig{Clock: w.clock, Slice: w.slice, FirstKnown: w.first, Segments: segments,
		HighRisk: NewHighRisk(segments, w.deny, w.allow), Calendar: w.calendar, RarePeer: w.rare, RarePort: w.rare,
		FeatureSpecVersion: "v1", Revision: 2, Source: "flows", PairContextWindows: w.context}
}

// visit plays the state: it hands the world to the visitor as the scan of a shard would.
func (w *world) visit(v CloseVisitor) error {
	for _, h := range w.hosts() {
		if err := v.BeginHost(h); err != nil {
			return err
		}
		for _, role := range []Role{Inbound, Outbound} {
			ring, pairs := w.ring(h, role), w.views(h, role)
			if len(ring)+len(pairs) == 0 {
				continue
			}
			if err := v.BeginRole(role, ring); err != nil {
				return err
			}
			for i := range pairs {
				if err := v.Pair(&pairs[i]); err != nil {
					return err
				}
			}
		}
		if err := v.EndHost(); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) ring(h Addr, role Role) (ring []DeltaEntry) {
	for k, c := range w.counters {
		if k.host != h || k.role != role || k.slice <= w.slice-RingSlices || k.slice > w.slice {
			continue
		}
		e := DeltaEntry{Slice: k.slice, Sum: c.Sum, MaxPerMinute: c.MaxPerMinute(), Approximate: w.approx[k]}
		if e.Approximate {
			e.Peers, e.Ports = new(Sketch), new(Sketch)
			for _, o := range w.seen {
				if (hostKey{o.slice, o.host, o.role}) == k {
					e.Peers.AddPeer(o.peer)
					if o.port != 0 {
						e.Ports.AddPort(o.port)
					}
				}
			}
		}
		ring = append(ring, e)
	}
	slices.SortFunc(ring, func(a, b DeltaEntry) int { return cmp.Compare(a.Slice, b.Slice) })
	return ring
}

func (w *world) views(h Addr, role Role) []PairView {
	of := map[seenPair]*PairView{}
	days := map[seenPair]map[int32]int64{}
	for _, o := range w.seen { // in slice order
		if o.host != h || o.role != role || o.dropped || o.slice > w.slice {
			continue
		}
		k := seenPair{o.peer, o.port}
		if of[k] == nil {
			of[k], days[k] = &PairView{Peer: o.peer, Port: o.port}, map[int32]int64{}
		}
		if o.slice > w.slice-RingSlices {
			of[k].Slices = append(of[k].Slices, PairSlice{Slice: o.slice, Sessions: o.sessions, BytesSrc: o.src, BytesDst: o.dst,
				Kept: w.keptFlows(o)})
		}
		days[k][w.clock.Day(o.slice)] += o.sessions
	}
	var out []PairView
	for k, p := range of {
		for _, d := range slices.Sorted(maps.Keys(days[k])) {
			p.Days = append(p.Days, DayCount{d, days[k][d]})
		}
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b PairView) int {
		return cmp.Or(a.Peer.Compare(b.Peer), cmp.Compare(a.Port, b.Port))
	})
	return out
}

// keptFlows are the flows of an outbound pair in a slice, in worlds that have them.
func (w *world) keptFlows(o observed) (kept []KeptFlow) {
	for i := range o.sessions {
		start := i * (100 + int64(o.port)%200)
		if w.beat > 0 {
			start = i * w.beat
		}
		if (w.kept || w.beat > 0) && o.role == Outbound {
			kept = append(kept, KeptFlow{Start: int32(start), Bytes: o.src, Port: uint16(i)})
		}
	}
	return kept
}

// randomWorld makes traffic of a few hosts over 34 days, dense near the end and near the edges of lookbacks.
func randomWorld(seed uint64, at time.Time, offset time.Duration) *world {
	rnd := rand.New(rand.NewPCG(seed, 1))
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		berlin = time.UTC
	}
	w := &world{clock: Clock{offset}, calendar: DefaultCalendar(), rare: 1 + int64(seed%3), counters: map[hostKey]*HostCounters{},
		approx: map[hostKey]bool{}, deny: []string{"dmz", "203.0.113.0/24", "8.8.8.0/24"}, allow: []string{"203.0.113.7/32", "lab"},
		entries: []SegmentEntry{{"10.1.0.0/16", "hq"}, {"10.1.2.0/25", "dmz"}, {"10.1.2.16/28", "hq"}, {"2001:db8::/48", "lab"},
			{"203.0.113.8/30", "lab"}, {"198.51.100.0/28", "10.9.9.0/24"}},
		context: [][]string{{"w_15m"}, {"w_30m", "w_24h", "w_1h"}, {"w_24h"}}[seed%3]}
	w.calendar.Location = []*time.Location{time.UTC, berlin}[seed%2]
	w.slice = w.clock.Of(at.UnixNano())
	w.first = w.clock.Start(w.slice - Slice(rnd.IntN(40*96)))
	hosts := addrs("10.1.2.3", "10.1.2.200", "10.7.0.1", "192.168.1.5", "fd00::1")
	peers := addrs("8.8.8.8", "8.8.8.9", "10.1.2.17", "10.1.2.18", "10.1.2.130", "10.1.9.9", "10.9.9.7", "198.51.100.1",
		"198.51.100.77", "203.0.113.7", "203.0.113.9", "203.0.113.200", "2001:db8::5", "2001:db8:1::5", "2001:db8:1::6", "::")
	ports := []uint16{0, 0, 22, 53, 443, 443, 445, 8080, 65535}
	limiter := NewPairLimiter(4, 2)
	slicesOf := map[Slice]bool{w.slice: true}
	for range 60 {
		back := []int{2, 6, 40, 96, 97, 200, 34 * 96}[rnd.IntN(7)]
		slicesOf[w.slice-Slice(rnd.IntN(back))] = true
	}
	dayFirst := newFrame(w.clock, w.slice, 0).dayFrom
	for _, s := range []Slice{0, -1, 95, -96, -97, -192, -29 * 96, -30 * 96, -30*96 - 1, -31 * 96, -31*96 - 1, -31*96 + 95} {
		slicesOf[min(dayFirst+s, w.slice)] = true
	}
	for _, s := range slices.Sorted(maps.Keys(slicesOf)) {
		for i, h := range hosts {
			for _, role := range []Role{Inbound, Outbound} {
				if rnd.IntN(3) == 0 && !(i == 3 && role == Outbound) { // one host is silent in one role
					w.observe(rnd, hostKey{s, h, role}, peers, ports, limiter)
				}
			}
		}
	}
	return w
}

func addrs(texts ...string) (out []Addr) {
	for _, s := range texts {
		a, err := ParseAddr(s)
		if err != nil {
			panic(err)
		}
		out = append(out, a)
	}
	return out
}

// observe makes the traffic of one slice, host and role; now and then a scanner's.
func (w *world) observe(rnd *rand.Rand, k hostKey, peers []Addr, ports []uint16, limiter *PairLimiter) {
	c := new(HostCounters)
	for i := range c.Sum {
		c.Sum[i] = rnd.Int64N(50) * rnd.Int64N(2)
	}
	c.Sum[Sessions] = 1 + rnd.Int64N(100)
	c.Minute[rnd.IntN(MinutesPerSlice)] = rnd.Int64N(9)
	w.counters[k] = c
	n, scanner := rnd.IntN(4), rnd.IntN(12) == 0 // none: a slice of THREAT records only
	if scanner {
		n = 12
	}
	var seen []observed
	mute := rnd.Int64N(2) // no bytes at all
	for range n {
		o := observed{slice: k.slice, host: k.host, role: k.role, peer: peers[rnd.IntN(len(peers))],
			port: ports[rnd.IntN(len(ports))], sessions: 1 + rnd.Int64N(3), src: mute * rnd.Int64N(3) * 100, dst: mute * rnd.Int64N(2) * 7}
		if !slices.ContainsFunc(seen, func(p observed) bool { return p.peer == o.peer && p.port == o.port }) {
			seen = append(seen, o)
		}
	}
	slices.SortFunc(seen, func(a, b observed) int { return cmp.Or(a.peer.Compare(b.peer), cmp.Compare(a.port, b.port)) })
	if scanner {
		limiter.Begin(k.host, k.role)
		for _, o := range seen {
			limiter.First(o.peer, o.port)
		}
		w.approx[k] = limiter.Decide()
		for i := range seen {
			seen[i].dropped = !limiter.Keep(seen[i].peer, seen[i].port)
		}
	}
	w.seen = append(w.seen, seen...)
}

// near takes floats that differ by 1e-12 of their value for equal: the oracle adds in another order.
var near = gocmp.Comparer(func(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-12*max(math.Abs(a), math.Abs(b))
})

func TestCloseAgainstOracle(t *testing.T) {
	for _, c := range []struct {
		name   string
		at     time.Time // in the closing slice
		offset time.Duration
	}{
		{"midday", time.Date(2026, 3, 18, 12, 3, 0, 0, time.UTC), 0},
		{"last slice of a day", time.Date(2026, 3, 18, 23, 59, 0, 0, time.UTC), 0},
		{"first slice of a day", time.Date(2026, 3, 18, 0, 0, 0, 0, time.UTC), 0},
		{"ends at 17:00 Berlin", time.Date(2026, 3, 18, 15, 50, 0, 0, time.UTC), 0},
		{"offset, last slice of a day", time.Date(2026, 3, 19, 0, 2, 0, 0, time.UTC), 8 * time.Minute},
		{"offset, first slice of a day", time.Date(2026, 3, 19, 0, 8, 0, 0, time.UTC), 8 * time.Minute},
		{"offset", time.Date(2026, 3, 18, 4, 0, 0, 0, time.UTC), 14 * time.Minute},
		{"summer time begins", time.Date(2026, 3, 29, 0, 50, 0, 0, time.UTC), 0},
		{"after summer time ends", time.Date(2026, 10, 25, 23, 50, 0, 0, time.UTC), 0},
		{"before 1970", time.Date(1969, 6, 3, 23, 47, 0, 0, time.UTC), 0},
	} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("%s/%d", c.name, seed), func(t *testing.T) {
				w := randomWorld(seed, c.at, c.offset)
				compareClose(t, w)
			})
		}
	}
}

func compareClose(t *testing.T, w *world) {
	sinks := map[string]*rowsOf{}
	for _, name := range []string{"delta", "pair_counts", "fg_a", "fg_a_wide", "pair_context", "lookback30d", "late"} {
		sinks[name] = &rowsOf{t: t}
	}
	b, err := NewCloseBuilder(w.config(t), CloseSinks{Delta: sinks["delta"], PairCounts: sinks["pair_counts"], FGA: sinks["fg_a"],
		FGAWide: sinks["fg_a_wide"], PairContext: sinks["pair_context"], Lookback30d: sinks["lookback30d"], Late: sinks["late"]})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.visit(b), b.Flush()); err != nil {
		t.Fatal(err)
	}
	want := w.rows()
	for name, s := range sinks {
		if len(s.rows) > 0 && s.table != name {
			t.Errorf("rows of %s have the table %s", name, s.table)
		}
		if d := gocmp.Diff(s.rows, want[name], near); d != "" {
			t.Errorf("%s (-got +want):\n%s", name, d)
		}
	}
	if len(want["fg_a"]) == 0 {
		t.Error("the world is too quiet to test anything")
	}
}

// The same seeds must reach the cases that the comparison is about.
func TestRandomWorldsAreInteresting(t *testing.T) {
	found := map[string]int{}
	for seed := range uint64(6) {
		w := randomWorld(seed, time.Date(2026, 3, 18, 23, 59, 0, 0, time.UTC), 0)
		for _, r := range w.rows()["fg_a"] {
			for what, is := range map[string]bool{
				"approximate": r["is_approximate"] == int64(1), "exact": r["is_approximate"] == int64(0),
				"empty role": r["peer_ip_entropy"] == nil || r["in_peer_ip_entropy"] == nil,
				"rare peer":  r["rare_peer_cnt_lookback30d"].(int64) > 0, "rare port": r["rare_dst_port_cnt_lookback30d"].(int64) > 0,
				"old pair":    r["new_pair_cnt_lookback30d"].(int64) < r["peer_ip_nunique"].(int64),
				"high risk":   r["high_risk_segment_sessions_cnt"].(int64) > 0,
				"no pairs":    r["sessions_cnt"].(int64) > 0 && r["peer_ip_nunique"].(int64) == 0,
				"no bytes":    r["peer_ip_nunique"].(int64) > 0 && r["peer_ip_top1_bytes_share"] == 0.0,
				"only port 0": r["peer_ip_nunique"].(int64) > 0 && r["peer_port_nunique"].(int64) == 0,
			} {
				if is {
					found[what]++
				}
			}
		}
	}
	if len(found) != 10 {
		t.Errorf("found only %v", found)
	}
}

func TestCloseWideAlone(t *testing.T) {
	w := randomWorld(1, time.Date(2026, 3, 18, 12, 3, 0, 0, time.UTC), 0)
	sink := &rowsOf{t: t}
	b, err := NewCloseBuilder(w.config(t), CloseSinks{FGAWide: sink})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.visit(b), b.Flush()); err != nil {
		t.Fatal(err)
	}
	if sink.table != "fg_a" || len(sink.rows) != len(w.rows()["fg_a_wide"]) {
		t.Errorf("got %d rows of %s, want %d of fg_a", len(sink.rows), sink.table, len(w.rows()["fg_a_wide"]))
	}
}

func TestCloseLateAndRejects(t *testing.T) {
	w := &world{slice: 100, calendar: DefaultCalendar(), clock: Clock{time.Minute}}
	sink, rejected := &rowsOf{t: t}, ""
	b, err := NewCloseBuilder(w.config(t), CloseSinks{Late: sink, Reject: func(p string, cut uint64, r *Reject) error {
		rejected = fmt.Sprint(p, cut, r.Reason)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	l := LateRow{HostRow: HostRow{Slice: 3, Host: addrs("10.0.0.1")[0], Role: Outbound}, Partition: "p", Cut: 7}
	for i := range l.Counters.Sum {
		l.Counters.Sum[i] = int64(i + 1)
	}
	err = errors.Join(b.Late(&l), b.Reject("p", 8, &Reject{Reason: "malformed"}), b.Flush())
	if err != nil {
		t.Fatal(err)
	}
	want := w.common(row{"host_ip": "10.0.0.1", "role": "outbound", "slice_start_ts": int64(2760e6), "emit_slice_ts": int64(90060e6),
		"source": "flows", "partition": "p", "cut": int64(7),
		"record_id": "10.0.0.1|outbound|1970-01-01T00:46:00Z|1970-01-02T01:01:00Z|flows|p|7"})
	for i, name := range oracleSums {
		want[name] = int64(i + 1)
	}
	want["duration_sum"] = 0.011
	if d := gocmp.Diff(sink.rows, []row{want}, near); d != "" {
		t.Errorf("late (-got +want):\n%s", d)
	}
	if rejected != "p8malformed" {
		t.Errorf("got reject %q", rejected)
	}
}

func TestCloseRefuses(t *testing.T) {
	a, b2 := addrs("10.0.0.1", "10.0.0.2")[0], addrs("10.0.0.2")[0]
	now := Slice(1_000_000)
	at := func(s ...Slice) (out []PairSlice) {
		for _, x := range s {
			out = append(out, PairSlice{Slice: x, Sessions: 1})
		}
		return out
	}
	day := Clock{}.Day(now)
	pair := PairView{Peer: a, Port: 1, Slices: at(now), Days: []DayCount{{day, 1}}}
	ring := []DeltaEntry{{Slice: now}}
	for _, c := range []struct {
		name, want string
		visit      func(b *CloseBuilder) error
	}{
		{"hosts out of order", "comes after", func(b *CloseBuilder) error { return errors.Join(b.BeginHost(b2), b.BeginHost(a)) }},
		{"roles out of order", "role inbound is out of order", func(b *CloseBuilder) error {
			return errors.Join(b.BeginRole(Outbound, ring), b.BeginRole(Inbound, ring))
		}},
		{"ring out of order", "of the ring is out of order", func(b *CloseBuilder) error {
			return b.BeginRole(Outbound, []DeltaEntry{{Slice: now}, {Slice: now - 1}})
		}},
		{"ring too old", "before the longest window", func(b *CloseBuilder) error {
			return b.BeginRole(Outbound, []DeltaEntry{{Slice: now - 96}})
		}},
		{"ring of the future", "of the ring is out of order", func(b *CloseBuilder) error {
			return b.BeginRole(Outbound, []DeltaEntry{{Slice: now + 1}})
		}},
		{"no sketches", "has no sketches", func(b *CloseBuilder) error {
			return b.BeginRole(Outbound, []DeltaEntry{{Slice: now, Approximate: true}})
		}},
		{"pair twice", "comes after port 1", func(b *CloseBuilder) error {
			return errors.Join(b.BeginRole(Outbound, ring), b.Pair(&pair), b.Pair(&pair))
		}},
		{"peers out of order", "comes after 10.0.0.1", func(b *CloseBuilder) error {
			zero := PairView{Peer: addrs("9.0.0.1")[0]}
			return errors.Join(b.BeginRole(Outbound, ring), b.Pair(&pair), b.Pair(&zero))
		}},
		{"pair too old", "not within the longest window", func(b *CloseBuilder) error {
			return errors.Join(b.BeginRole(Outbound, ring), b.Pair(&PairView{Slices: at(now - 96)}))
		}},
		{"pair slices out of order", "out of order", func(b *CloseBuilder) error {
			return errors.Join(b.BeginRole(Outbound, ring), b.Pair(&PairView{Slices: at(now, now-1)}))
		}},
		{"days lack the slices", "fewer sessions on its days", func(b *CloseBuilder) error {
			return errors.Join(b.BeginRole(Outbound, ring), b.Pair(&PairView{Slices: at(now)}))
		}},
		{"pairs without flows", "pairs and no flows", func(b *CloseBuilder) error {
			return errors.Join(b.BeginRole(Outbound, nil), b.Pair(&pair), b.EndHost())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{slice: now, calendar: DefaultCalendar()}
			b, err := NewCloseBuilder(w.config(t), CloseSinks{})
			if err != nil {
				t.Fatal(err)
			}
			if err := b.BeginHost(addrs("0.0.0.1")[0]); err != nil {
				t.Fatal(err)
			}
			if err := c.visit(b); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestNewCloseBuilderRefuses(t *testing.T) {
	if _, err := NewCloseBuilder(CloseConfig{}, CloseSinks{}); err == nil {
		t.Error("a builder without segments was made")
	}
	for _, windows := range [][]string{{"w_2h"}, {"w_1h", "w_1h"}} {
		w := &world{calendar: DefaultCalendar(), context: windows}
		if _, err := NewCloseBuilder(w.config(t), CloseSinks{PairContext: &rowsOf{t: t}}); err == nil {
			t.Errorf("windows %v of pair_context were taken", windows)
		}
	}
}

type failingSink struct{ error }

func (f failingSink) Write(*Batch) error { return f.error }

func TestCloseHandsOnSinkErrors(t *testing.T) {
	broken := failingSink{errors.New("disk full")}
	for name, sinks := range map[string]CloseSinks{"delta": {Delta: broken}, "pair_counts": {PairCounts: broken},
		"fg_a": {FGA: broken}, "pair_context": {PairContext: broken}, "lookback30d": {Lookback30d: broken}} {
		w := randomWorld(4, time.Date(2026, 3, 18, 23, 59, 0, 0, time.UTC), 0)
		b, err := NewCloseBuilder(w.config(t), sinks)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.visit(b), b.Flush()); !errors.Is(err, broken.error) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}
