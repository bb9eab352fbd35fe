package feature

import (
	"math/rand/v2"
	"runtime"
	"testing"
)

// benchHost is a host as the state would hand it over.
type benchHost struct {
	addr  Addr
	rings [2][]DeltaEntry
	pairs [2][]PairView
}

// benchHosts makes hosts with about 20 pairs each: a few regular ones with many slices, the rest seldom seen.
func benchHosts(n int, now Slice) []benchHost {
	rnd := rand.New(rand.NewPCG(7, 7))
	day := Clock{}.Day(now)
	hosts := make([]benchHost, n)
	for i := range hosts {
		h := &hosts[i]
		h.addr = Addr{0, mapped4 | 10<<24 | uint64(i)}
		for role := range h.rings {
			active := map[Slice]bool{}
			count := []int{5, 15}[role]
			for j := range count {
				p := PairView{Peer: Addr{0, mapped4 | uint64(100+j)<<24 | uint64(rnd.IntN(1<<16))<<8}, Port: uint16([]int{443, 53, 80, 445, 0}[j%5])}
				step := Slice(1 + rnd.IntN(8)*rnd.IntN(8))
				for s := now - 95 + Slice(rnd.IntN(95)); s <= now; s += step {
					p.Slices = append(p.Slices, PairSlice{Slice: s, Sessions: 1 + rnd.Int64N(20), BytesSrc: 1000, BytesDst: 5000})
					active[s] = true
				}
				var byDay [2]int64
				for _, s := range p.Slices {
					byDay[day-Clock{}.Day(s.Slice)] += s.Sessions
				}
				for d := day - 31; d < day-1; d += 1 + int32(rnd.IntN(9)) {
					p.Days = append(p.Days, DayCount{d, 1 + rnd.Int64N(9)})
				}
				p.Days = append(p.Days, DayCount{day - 1, byDay[1]}, DayCount{day, byDay[0]})
				h.pairs[role] = append(h.pairs[role], p)
			}
			for s := now - 95; s <= now; s++ {
				if active[s] {
					h.rings[role] = append(h.rings[role], DeltaEntry{Slice: s, Sum: [NumSums]int64{1, 2, 3}, MaxPerMinute: 3})
				}
			}
		}
	}
	return hosts
}

type discard struct{ rows int }

func (d *discard) Write(b *Batch) error { d.rows += b.Rows; return nil }

// BenchmarkClose closes one slice of 10,000 hosts with about 20 pairs each into all tables of the long layout.
func BenchmarkClose(b *testing.B) {
	now := Clock{}.Of(1_773_835_200e9)
	hosts := benchHosts(10_000, now)
	w := &world{slice: now, calendar: DefaultCalendar(), rare: 1, context: []string{"w_15m"}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var rows discard
	for b.Loop() {
		rows = discard{}
		c, err := NewCloseBuilder(w.config(b), CloseSinks{Delta: &rows, PairCounts: &rows, FGA: &rows, PairContext: &rows, Lookback30d: &rows})
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
	b.ReportMetric(float64(rows.rows)/float64(len(hosts)), "rows/host")
}

func (h *benchHost) visit(c *CloseBuilder) error {
	if err := c.BeginHost(h.addr); err != nil {
		return err
	}
	for role := range h.rings {
		if err := c.BeginRole(Role(role), h.rings[role]); err != nil {
			return err
		}
		for i := range h.pairs[role] {
			if err := c.Pair(&h.pairs[role][i]); err != nil {
				return err
			}
		}
	}
	return c.EndHost()
}
