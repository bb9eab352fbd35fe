package feature

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// cadenceFrom is the first slice of the window of the tests.
const cadenceFrom = cadenceEnd - RingSlices + 1

func newCadence(t testing.TB) *Cadence {
	t.Helper()
	c, err := NewCadence(DefaultCadence(), Clock{}, cadenceEnd)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// keptSlice is a slice of a pair, by its age in the window. Without a count of sessions they are the kept flows.
func keptSlice(age Slice, sessions int64, kept ...KeptFlow) PairSlice {
	if sessions == 0 {
		sessions = int64(len(kept))
	}
	return PairSlice{Slice: cadenceFrom + age, Sessions: sessions, Kept: kept}
}

// flowsAt are sessions of 1 second and 100 bytes, each from a port of its own.
func flowsAt(at ...int32) (out []KeptFlow) {
	for i, s := range at {
		out = append(out, KeptFlow{Start: s, Duration: 1, Bytes: 100, Port: uint16(2000 + i)})
	}
	return out
}

// intervalsOf are the intervals that the scorer used last.
func intervalsOf(c *Cadence) []float64 { return slices.Clone(c.intervals) }

func TestCadenceEvidence(t *testing.T) {
	c := newCadence(t)
	p := &PairView{Peer: Addr{1, 2}, Port: 443, Res: ResMillis}
	for age := Slice(0); age < 24; age += 2 {
		p.Slices = append(p.Slices, keptSlice(age, 0, flowsAt(-30, 870)...)) // every 15 minutes, some begun before
	}
	p.Slices = append(p.Slices, PairSlice{Slice: cadenceFrom - 1, Sessions: 50, Kept: flowsAt(5, 6, 7)})
	slices.SortFunc(p.Slices, func(a, b PairSlice) int { return int(a.Slice - b.Slice) })
	got, ok := c.Pair(p)
	first := (int64(cadenceFrom)*900 - 30) * 1e6
	want := Evidence{Peer: Addr{1, 2}, Port: 443, Connections: 24, KeptConnections: 24, Period: 900, Timing: 1, Size: 1,
		Histogram: 0, Duration: 0.5, Rita: 0.625, Score: 1 - 2e-4, FirstSeen: first, LastSeen: first + 23*900e6}
	if d := cmp.Diff(got, want); !ok || d != "" {
		t.Errorf("evidence %v (-got +want):\n%s", ok, d)
	}
}

func TestCadenceQualifies(t *testing.T) {
	spaced := []int32{0, 60, 121, 180}
	for _, c := range []struct {
		why    string
		slices []PairSlice
		want   bool
	}{
		{"12 sessions, 4 starts", []PairSlice{keptSlice(0, 12, flowsAt(spaced...)...)}, true},
		{"11 sessions", []PairSlice{keptSlice(0, 11, flowsAt(spaced...)...)}, false},
		{"3 starts", []PairSlice{keptSlice(0, 30, flowsAt(0, 60, 60, 121)...)}, false},
		{"sessions before the window", []PairSlice{keptSlice(-1, 12, flowsAt(spaced...)...), keptSlice(95, 0, flowsAt(spaced...)...)}, false},
		{"nothing", nil, false},
	} {
		e, ok := newCadence(t).Pair(&PairView{Slices: c.slices})
		if ok != c.want {
			t.Errorf("%s: qualifies %v, want %v", c.why, ok, c.want)
		}
		if !ok && e != (Evidence{}) {
			t.Errorf("%s: evidence %v of a pair that does not qualify", c.why, e)
		}
	}
}

func TestCadenceIntervals(t *testing.T) {
	c := newCadence(t)
	for _, x := range []struct {
		why    string
		slices []PairSlice
		want   []float64
	}{
		{"equal seconds are one start", []PairSlice{keptSlice(0, 12, flowsAt(0, 10, 10, 25, 40)...)}, []float64{10, 15, 15}},
		{"over the ends of slices that are not full", []PairSlice{keptSlice(0, 16, flowsAt(100, 800)...), keptSlice(3, 0, flowsAt(0, 50)...)},
			[]float64{50, 700, 1900}},
		{"not over the end of a full one", []PairSlice{keptSlice(0, 17, flowsAt(100, 800)...), keptSlice(3, 0, flowsAt(0, 50)...)},
			[]float64{50, 700}},
		{"the end of a slice is before the first second of the next", []PairSlice{keptSlice(0, 17, flowsAt(100, 899)...),
			keptSlice(1, 0, flowsAt(0, 50)...)}, []float64{50, 799}},
		{"a session that began before the end is on this side of it", []PairSlice{keptSlice(0, 17, flowsAt(100, 800)...),
			keptSlice(1, 0, flowsAt(-1, 50)...)}, []float64{99, 700}},
		{"beyond the window there is no end", []PairSlice{keptSlice(0, 17, flowsAt(-5000, -1000)...), keptSlice(95, 17, flowsAt(10, 30)...)},
			[]float64{20, 4000}},
		{"no interval at all", []PairSlice{keptSlice(0, 17, flowsAt(0)...), keptSlice(1, 17, flowsAt(0)...),
			keptSlice(2, 17, flowsAt(0)...), keptSlice(3, 17, flowsAt(0)...)}, []float64{}},
	} {
		e, ok := c.Pair(&PairView{Slices: x.slices})
		if d := cmp.Diff(intervalsOf(c), x.want); !ok || d != "" {
			t.Errorf("%s: qualifies %v, intervals (-got +want):\n%s", x.why, ok, d)
		}
		if few := len(x.want) < 2; math.IsNaN(e.Jitter) != few || few && (e.Timing != 0 || e.Score != 0) {
			t.Errorf("%s: jitter %v, timing %v, score %v of %d intervals", x.why, e.Jitter, e.Timing, e.Score, len(x.want))
		}
		if math.IsNaN(e.Period) != (len(x.want) == 0) {
			t.Errorf("%s: period %v of %d intervals", x.why, e.Period, len(x.want))
		}
	}
}

func TestCadenceMerges(t *testing.T) {
	f := func(start int32, duration uint32, bytes int64, port uint16) KeptFlow {
		return KeptFlow{Start: start, Duration: duration, Bytes: bytes, Port: port}
	}
	p := &PairView{Slices: []PairSlice{
		keptSlice(0, 12, f(0, 60, 1, 7), f(10, 2, 100, 8), f(65, 55, 2, 7), f(70, 1, 100, 9), f(126, 4, 3, 7), f(840, 60, 4, 6)),
		keptSlice(1, 0, f(0, 30, 5, 6), f(20, 40, math.MaxInt64, 6), f(300, 1, 100, 8)),
	}}
	for _, x := range []struct {
		res    TimeRes
		starts []int64
		sizes  []float64
		kept   int64
	}{
		// Port 7 goes on after 5 seconds and not after 6; port 6 over the end of the slice, and its sum is limited.
		{ResWindow, []int64{0, 10, 70, 126, 840, 1200}, []float64{3, 3, 100, 100, 100, math.MaxInt64}, 6},
		{ResSeconds, []int64{0, 10, 65, 70, 126, 840, 900, 920, 1200}, []float64{1, 2, 3, 4, 5, 100, 100, 100, math.MaxInt64}, 9},
	} {
		p.Res = x.res
		c := newCadence(t)
		e, ok := c.Pair(p)
		var starts []int64
		for i := range c.pair.flows {
			starts = append(starts, c.pair.flows[i].start-int64(cadenceFrom)*900)
		}
		if d := cmp.Diff(starts, x.starts); !ok || d != "" {
			t.Errorf("resolution %d: qualifies %v, starts (-got +want):\n%s", x.res, ok, d)
		}
		if d := cmp.Diff(c.sizes, x.sizes); d != "" {
			t.Errorf("resolution %d: sizes (-got +want):\n%s", x.res, d)
		}
		if e.Connections != 15 || e.KeptConnections != x.kept {
			t.Errorf("resolution %d: %d connections, %d kept, want 15 and %d", x.res, e.Connections, e.KeptConnections, x.kept)
		}
	}
}

// TestCadenceLongConnection makes sure that the windows of one connection are no evidence at all.
func TestCadenceLongConnection(t *testing.T) {
	for _, x := range exportForms[1:] {
		long := []connection{{start: 100, end: 80_000, bytes: 1, port: 5}}
		if e, ok := newCadence(t).Pair(x.pairViewOf(x.records(long, 17), DefaultKept)); ok {
			t.Errorf("%s: one connection has evidence %+v", x.name, e)
		}
	}
}

func TestCadencePooled(t *testing.T) {
	peer := Addr{3, 4}
	port := func(n uint16, slices ...PairSlice) *PairView { return &PairView{Peer: peer, Port: n, Slices: slices} }
	a := port(80, keptSlice(0, 6, flowsAt(0, 60, 120)...))
	b := port(81, keptSlice(0, 17, flowsAt(30, 90)...), keptSlice(1, 0, flowsAt(0)...))
	none := port(0, keptSlice(0, 0, flowsAt(10)...))
	single := port(443, keptSlice(0, 12, flowsAt(0, 60, 120, 180)...))
	c := newCadence(t)
	for _, x := range []struct {
		why   string
		pairs []*PairView
		found []uint16 // ports with evidence, in order; 0 pooled
		want  []float64
	}{
		// The second port lost flows in slice 0: no interval to slice 1, whatever the first port kept.
		{"two ports that do not qualify", []*PairView{a, b}, []uint16{0}, []float64{30, 30, 30, 30}},
		{"port 0 too", []*PairView{none, a, b}, []uint16{0}, []float64{10, 20, 30, 30, 30}},
		{"one that does", []*PairView{a, b, single}, []uint16{443}, []float64{60, 60, 60}},
		{"one that does, first", []*PairView{single, a, b}, []uint16{443}, []float64{60, 60, 60}},
		{"not enough together", []*PairView{none, a}, nil, nil},
		{"one port alone", []*PairView{a}, nil, nil},
	} {
		var found []uint16
		var used []float64
		for _, p := range x.pairs {
			if e, ok := c.Pair(p); ok {
				found, used = append(found, e.Port), intervalsOf(c)
			}
		}
		if e, ok := c.Pooled(peer); ok {
			found, used = append(found, e.Port), intervalsOf(c)
			if e.Peer != peer || e.Connections < 24 {
				t.Errorf("%s: pooled evidence is of %v with %d connections", x.why, e.Peer, e.Connections)
			}
		}
		if d := cmp.Diff(found, x.found); d != "" {
			t.Errorf("%s: ports with evidence (-got +want):\n%s", x.why, d)
		}
		if d := cmp.Diff(used, x.want); d != "" {
			t.Errorf("%s: intervals (-got +want):\n%s", x.why, d)
		}
	}
	if _, ok := c.Pooled(peer); ok {
		t.Error("a peer without pairs has evidence")
	}
}

// TestCadenceShift makes sure that neither the clock nor the slice nor what was scored before plays a part.
func TestCadenceShift(t *testing.T) {
	used := newCadence(t)
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(5, seed))
		form := exportForms[seed%uint64(len(exportForms))]
		p := form.syntheticView(rnd, background[seed%3].make, []float64{40, 300, 2000}[seed%3])
		got, ok := used.Pair(p)
		used.Pooled(p.Peer)

		moved := *p
		moved.Slices = slices.Clone(p.Slices)
		for i := range moved.Slices {
			moved.Slices[i].Slice -= cadenceEnd
		}
		fresh, err := NewCadence(DefaultCadence(), Clock{Offset: 8 * time.Minute}, 0)
		if err != nil {
			t.Fatal(err)
		}
		want, also := fresh.Pair(&moved)
		shift := int64(cadenceEnd)*900e6 - 480e6
		want.FirstSeen, want.LastSeen = want.FirstSeen+shift, want.LastSeen+shift
		if d := cmp.Diff(got, want); d != "" || ok != also {
			t.Errorf("seed %d: %v and %v, evidence (-moved +here):\n%s", seed, ok, also, d)
		}
	}
}

func TestCadenceConfig(t *testing.T) {
	if _, err := NewCadence(CadenceConfig{MergeSlack: -1}, Clock{}, 0); err == nil ||
		len(err.(interface{ Unwrap() []error }).Unwrap()) != 4 {
		t.Errorf("faults: %v, want four", err)
	}
}

// FuzzCadence feeds any kept flows: no panic, parts and scores in their range, no null but where the text has one.
func FuzzCadence(f *testing.F) {
	f.Add(uint8(0), []byte{})
	seed := make([]byte, 0, 400)
	for i := range 20 {
		seed = append(seed, byte(i), 40, 0, 0, byte(i), 1, 0, 0, 0, 1, 0, byte(i%3), 7)
	}
	f.Add(uint8(4), seed)
	f.Add(uint8(2), seed)
	f.Fuzz(func(t *testing.T, res uint8, data []byte) {
		c := newCadence(t)
		views := [2]PairView{{Port: 1, Res: TimeRes(res % 5)}, {Port: 2, Res: TimeRes(res % 3)}}
		for ; len(data) >= 13; data = data[13:] {
			age, sessions := Slice(data[0]%100)-2, int64(data[1])
			k := KeptFlow{Start: int32(binary.LittleEndian.Uint32(data[2:])), Duration: binary.LittleEndian.Uint32(data[5:]),
				Bytes: int64(binary.LittleEndian.Uint64(data[5:]) &^ (1 << 63)), Port: uint16(data[12] % 4)}
			v := &views[data[12]%2]
			if n := len(v.Slices); n > 0 && v.Slices[n-1].Slice == cadenceFrom+age {
				v.Slices[n-1].Sessions += sessions
				v.Slices[n-1].Kept = append(v.Slices[n-1].Kept, k)
				continue
			}
			v.Slices = append(v.Slices, keptSlice(age, sessions+1, k))
		}
		for i := range views {
			if e, ok := c.Pair(&views[i]); ok {
				checkEvidence(t, c, &e)
			}
		}
		if e, ok := c.Pooled(Addr{}); ok {
			checkEvidence(t, c, &e)
		}
	})
}

func checkEvidence(t *testing.T, c *Cadence, e *Evidence) {
	for i, x := range []float64{e.Timing, e.Size, e.Histogram, e.Duration, e.Rita, e.Score} {
		if !(x >= 0 && x <= 1) {
			t.Errorf("part %d is %v: %+v", i, x, e)
		}
	}
	n := len(c.intervals)
	if math.IsNaN(e.Jitter) != (n < 2) || math.IsNaN(e.Period) != (n == 0) || e.Period < 0 || e.Jitter < 0 {
		t.Errorf("period %v, jitter %v of %d intervals", e.Period, e.Jitter, n)
	}
	if e.FirstSeen > e.LastSeen || e.KeptConnections < 4 || e.Connections < 12 {
		t.Errorf("evidence %+v", e)
	}
}

// BenchmarkCadence scores one qualifying pair: few, some and as many kept flows as there can be, and windows.
func BenchmarkCadence(b *testing.B) {
	for _, x := range []struct {
		name   string
		form   exports
		make   arrivals
		period float64
	}{
		{"hourly", exportForms[0], beaconWith(0.1), 3600},
		{"every-5-min", exportForms[0], beaconWith(0.1), 300},
		{"random-5-min", exportForms[0], poisson, 300},
		{"random-full", exportForms[0], poisson, 20},
		{"windows-full", exportForms[1], poisson, 20},
	} {
		b.Run(x.name, func(b *testing.B) {
			p := x.form.syntheticView(rand.New(rand.NewPCG(1, 1)), x.make, x.period)
			c := newCadence(b)
			c.Pair(p) // room for its scratch
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := c.Pair(p); !ok {
					b.Fatal("the pair does not qualify")
				}
			}
			b.ReportMetric(float64(len(c.pair.flows)), "flows")
		})
	}
}
