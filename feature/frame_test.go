package feature

import (
	"testing"
	"time"
)

func TestFrame(t *testing.T) {
	at := func(s string) int64 {
		x, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return x.UnixNano()
	}
	for _, c := range []struct {
		slice     string // its start
		offset    time.Duration
		dayFrom   string
		closesDay bool
		lookback  [numWindows]uint8
	}{
		{"2026-03-18T12:00:00Z", 0, "2026-03-18T00:00:00Z", false, [numWindows]uint8{0, 0, 0, 0, 1}},
		{"2026-03-18T23:45:00Z", 0, "2026-03-18T00:00:00Z", true, [numWindows]uint8{0, 0, 0, 0, 0}},
		{"2026-03-18T00:00:00Z", 0, "2026-03-18T00:00:00Z", false, [numWindows]uint8{0, 1, 1, 1, 1}},
		{"2026-03-18T07:30:00Z", 0, "2026-03-18T00:00:00Z", false, [numWindows]uint8{0, 0, 0, 1, 1}},
		{"2026-03-18T23:53:00Z", 8 * time.Minute, "2026-03-18T00:08:00Z", true, [numWindows]uint8{0, 0, 0, 0, 0}},
		{"2026-03-18T00:08:00Z", 8 * time.Minute, "2026-03-18T00:08:00Z", false, [numWindows]uint8{0, 1, 1, 1, 1}},
		{"1969-12-31T23:45:00Z", 0, "1969-12-31T00:00:00Z", true, [numWindows]uint8{0, 0, 0, 0, 0}},
	} {
		clock := Clock{c.offset}
		f := newFrame(clock, clock.Of(at(c.slice)), 0)
		if got := clock.Start(f.dayFrom); got != at(c.dayFrom) || f.closesDay != c.closesDay || f.lookback != c.lookback {
			t.Errorf("slice %s: got day from %s, closes day %t, lookback %v; want %s, %t, %v", c.slice, rfc3339(got),
				f.closesDay, f.lookback, c.dayFrom, c.closesDay, c.lookback)
		}
	}
}

func TestLookbackDays(t *testing.T) {
	clock, slice := Clock{}, Slice(100*96)
	start := clock.Start(slice)
	day := int64(24 * time.Hour)
	for _, c := range []struct{ first, w15m, w24h int64 }{
		{start, 0, 0}, {start + day, 0, 0}, {start - day + 1, 0, 0}, {start - day, 1, 0}, {start - 2*day, 2, 1},
		{start - 30*day, 30, 29}, {start - 31*day, 30, 30}, {0, 30, 30},
	} {
		f := newFrame(clock, slice, c.first)
		if f.historical[0] != c.w15m || f.historical[numWindows-1] != c.w24h {
			t.Errorf("first known %s: got %d and %d days, want %d and %d", rfc3339(c.first), f.historical[0],
				f.historical[numWindows-1], c.w15m, c.w24h)
		}
	}
}

// A host with very many pairs costs no memory for each of them.
func TestCloseKeepsNoPairs(t *testing.T) {
	now := Slice(1_000_000)
	w := &world{slice: now, calendar: DefaultCalendar(), context: []string{"w_15m"}}
	var rows discard
	b, err := NewCloseBuilder(w.config(t), CloseSinks{Delta: &rows, FGA: &rows})
	if err != nil {
		t.Fatal(err)
	}
	p := PairView{Slices: []PairSlice{{Slice: now, Sessions: 1}}, Days: []DayCount{{Clock{}.Day(now), 1}}}
	host := uint64(0)
	allocs := testing.AllocsPerRun(5, func() {
		host++
		check := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		check(b.BeginHost(Addr{0, mapped4 | host}))
		check(b.BeginRole(Inbound, []DeltaEntry{{Slice: now}}))
		for i := range uint64(200_000) {
			p.Peer, p.Port, p.Slices[0].Sessions, p.Days[0].Sessions = Addr{0, mapped4 | i/2<<8}, uint16(i%2), int64(1+i%9), int64(1+i%9)
			check(b.Pair(&p))
		}
		check(b.EndHost())
	})
	if allocs > 200 {
		t.Errorf("got %.0f allocations for 200,000 pairs", allocs)
	}
}
