package feature

import (
	"math/rand/v2"
	"testing"
)

// fakeBaselines is a publication as maps. Keys are texts joined by "|".
type fakeBaselines struct {
	t          testing.TB
	stats      map[string]*BaselineStats // host|segment|role|window
	segStats   map[string]*BaselineStats // segment|role|window
	warm, full map[string]bool           // as stats
	typical    map[Addr][]string
	pairs      map[string]PairBaseline // host|dst|port
	segPairs   map[string]PairBaseline // segment|dst|port
	peers      map[Addr]int64
	hosts      int64
	last       *Addr
}

func newFakeBaselines(t testing.TB) *fakeBaselines {
	return &fakeBaselines{t: t, stats: map[string]*BaselineStats{}, segStats: map[string]*BaselineStats{}, warm: map[string]bool{},
		full: map[string]bool{}, typical: map[Addr][]string{}, pairs: map[string]PairBaseline{}, segPairs: map[string]PairBaseline{},
		peers: map[Addr]int64{}, hosts: 7}
}

func (f *fakeBaselines) Host(host Addr, segment string) (*HostBaseline, error) {
	if f.last != nil && host.Compare(*f.last) <= 0 {
		f.t.Errorf("host %s was asked for after %s", host, f.last)
	}
	f.last = &host
	b := &HostBaseline{Pair: func(dst Addr, port uint16) (PairBaseline, bool) {
		p, ok := f.pairs[join(host, dst, port)]
		return p, ok
	}}
	b.Typical, b.HasMeta = f.typical[host], f.typical[host] != nil
	for role := range b.Stats {
		for w, win := range Windows {
			k := join(host, segment, Role(role), win.Label)
			b.Stats[role][w], b.Cold[role][w], b.Full[role][w] = f.stats[k], !f.warm[k], f.full[k]
		}
	}
	return b, nil
}
func (f *fakeBaselines) Segment(segment string, role Role, window int) *BaselineStats {
	return f.segStats[join(segment, role, Windows[window].Label)]
}
func (f *fakeBaselines) PairSegment(segment string, dst Addr, port uint16) (PairBaseline, bool) {
	p, ok := f.segPairs[join(segment, dst, port)]
	return p, ok
}
func (f *fakeBaselines) Peer(dst Addr) (int64, bool) { n, ok := f.peers[dst]; return n, ok }
func (f *fakeBaselines) Hosts() int64                { return f.hosts }
func (f *fakeBaselines) Bounds() (int64, int64)      { return 1_000_000, 2_000_000 }

// randomBaselines makes rows for some of the world's hosts, segments, pairs and peers.
func randomBaselines(t testing.TB, w *world, seed uint64) *fakeBaselines {
	rnd := rand.New(rand.NewPCG(seed, 99))
	f := newFakeBaselines(t)
	stats := func() *BaselineStats {
		s := new(BaselineStats)
		for m := range s {
			x := float64(rnd.IntN(40)) / []float64{1, 8, 0.01}[rnd.IntN(3)]
			s[m] = MetricBaseline{Median: x, P25: x / 2, P75: x * 1.25, P95: x * 1.5, P99: 2 * x, MAD: []float64{0, 1e-7, 0.5, 3}[rnd.IntN(4)],
				IQR: []float64{0, 1e-6, 2}[rnd.IntN(3)], Support: int64(rnd.IntN(6)) * 20}
		}
		return s
	}
	for _, h := range w.hosts() {
		for _, role := range []Role{Inbound, Outbound} {
			for _, win := range Windows {
				k := join(h, w.segment(h), role, win.Label)
				switch rnd.IntN(4) {
				case 0:
				case 1:
					f.stats[k], f.full[k] = stats(), rnd.IntN(2) == 0
				default:
					f.stats[k], f.full[k], f.warm[k] = stats(), true, true
				}
				if rnd.IntN(3) > 0 {
					f.segStats[join(w.segment(h), role, win.Label)] = stats()
				}
			}
		}
		if n := rnd.IntN(4); n > 0 {
			f.typical[h] = []string{"working_hours", "off_hours", "other"}[n-1:]
		}
	}
	for _, o := range w.seen {
		n := []int64{1, 1, 2, 9}[rnd.IntN(4)]
		p := PairBaseline{Seen: n, LastSeen: 1e6 * n, ActiveDays: 1, DailyAvg: float64(n), Rarity: 1 / float64(1+n), Rare: n == 1}
		for _, into := range []struct {
			of  map[string]PairBaseline
			key string
		}{{f.pairs, join(o.host, o.peer, o.port)}, {f.segPairs, join(w.segment(o.host), o.peer, o.port)}} {
			if rnd.IntN(2) == 0 && o.role == Outbound && o.port > 0 {
				into.of[into.key] = p
			}
		}
		if rnd.IntN(3) == 0 {
			f.peers[o.peer] = int64(1 + rnd.IntN(7))
		}
	}
	return f
}
