package feature

import (
	"runtime"
	"testing"
)

// steadyBaselines knows every host, in the cheapest way that is not free: rows are taken from a few.
type steadyBaselines struct {
	stats [7]BaselineStats
	host  HostBaseline
	pair  PairBaseline
}

func newSteadyBaselines() *steadyBaselines {
	s := &steadyBaselines{pair: PairBaseline{Seen: 9, LastSeen: 1, ActiveDays: 3, DailyAvg: 3, Rarity: 0.1}}
	for i := range s.stats {
		for m := range s.stats[i] {
			x := float64((i*7+m*13)%29) + 0.5
			s.stats[i][m] = MetricBaseline{Median: x, P25: x / 2, P75: 2 * x, P95: 3 * x, P99: 4 * x, MAD: x / 3, IQR: x * 1.5, Support: 600}
		}
	}
	s.host.HasMeta, s.host.Typical = true, []string{"off_hours", "working_hours"}
	s.host.Pair = func(dst Addr, port uint16) (PairBaseline, bool) { return s.pair, dst.Lo%3 == 0 }
	return s
}

func (s *steadyBaselines) Host(host Addr, _ string) (*HostBaseline, error) {
	for role := range s.host.Stats {
		for w := range s.host.Stats[role] {
			s.host.Stats[role][w] = &s.stats[(int(host.Lo)+role+w)%len(s.stats)]
			s.host.Cold[role][w] = host.Lo%10 == 0
		}
	}
	return &s.host, nil
}
func (s *steadyBaselines) Segment(string, Role, int) *BaselineStats { return &s.stats[0] }
func (s *steadyBaselines) PairSegment(_ string, dst Addr, _ uint16) (PairBaseline, bool) {
	return s.pair, dst.Lo%2 == 0
}
func (s *steadyBaselines) Peer(Addr) (int64, bool) { return 1, true }
func (s *steadyBaselines) Hosts() int64            { return 100 }
func (s *steadyBaselines) Bounds() (int64, int64)  { return 1, 2 }

// benchKept is the flows of every pair in every slice.
var benchKept = []KeptFlow{{Start: 20, Bytes: 90}, {Start: 200, Bytes: 70}, {Start: 430, Bytes: 90}, {Start: 600, Bytes: 900}, {Start: 601, Bytes: 90}}

// BenchmarkCloseFGC closes one slice of 10,000 hosts with about 20 pairs each into FG-A and FG-C of two horizons in
// the long layout, and beacon_evidence.
func BenchmarkCloseFGC(b *testing.B) {
	now := Clock{}.Of(1_773_835_200e9)
	hosts := benchHosts(10_000, now)
	for i := range hosts {
		pairs := hosts[i].pairs[Outbound]
		for j := range pairs {
			for k := range pairs[j].Slices {
				pairs[j].Slices[k].Kept = benchKept[:min(len(benchKept), int(pairs[j].Slices[k].Sessions))]
			}
		}
	}
	w := &world{slice: now, calendar: DefaultCalendar(), rare: 1, context: []string{"w_15m"}}
	cfg := w.config(b)
	fgc := DefaultFGCConfig()
	internal, err := NewNetworks(DefaultInternalNetworks())
	if err != nil {
		b.Fatal(err)
	}
	fgc.Internal = internal
	fgc.Horizons = []FGCHorizon{{Label: "7d", Baselines: newSteadyBaselines()}, {Label: "30d", Baselines: newSteadyBaselines()}}
	cfg.FGC = &fgc
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var rows, evidence discard
	for b.Loop() {
		rows, evidence = discard{}, discard{}
		c, err := NewCloseBuilder(cfg, CloseSinks{FGA: &discard{}, FGC: map[string]RowSink{"7d": &rows, "30d": &rows}, BeaconEvidence: &evidence})
		if err != nil {
			b.Fatal(err)
		}
		for i := range hosts {
			if err := hosts[i].visit(c); err != nil {
				b.Fatal(err)
			}
		}
		if err := c.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	perHost := float64(b.N * len(hosts))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/perHost, "ns/host")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/perHost, "allocs/host")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/perHost, "B/host")
	b.ReportMetric(float64(rows.rows)/float64(len(hosts)), "rows/host")
	b.ReportMetric(float64(evidence.rows)/float64(len(hosts)), "evidence/host")
}
