package feature

import (
	"math"
	"math/rand/v2"
	"slices"
)

// connection is a synthetic session, in seconds from the start of the window.
type connection struct {
	start, end float64
	bytes      int64
	port       uint16
}

// cadenceEnd is the slice whose close scores the synthetic pairs; its window is 24 hours.
const cadenceEnd Slice = 1_970_000

// starts are the times of connections within the window, ascending.
type starts []float64

// arrivals makes starts: times for a mean period of p seconds.
type arrivals func(rnd *rand.Rand, p float64) starts

// beaconWith calls every p seconds, give or take a share of p, evenly.
func beaconWith(jitter float64) arrivals {
	return func(rnd *rand.Rand, p float64) (out starts) {
		for t := p * rnd.Float64(); t < float64(secondsOfWindow); t += p * (1 + jitter*(2*rnd.Float64()-1)) {
			out = append(out, t)
		}
		return out
	}
}

func poisson(rnd *rand.Rand, p float64) (out starts) {
	for t := p * rnd.ExpFloat64(); t < float64(secondsOfWindow); t += p * rnd.ExpFloat64() {
		out = append(out, t)
	}
	return out
}

// onOff is Poisson traffic that is on for a quarter of the time. Times on and off are Pareto with exponent 1.5; a time
// on has ten connections on average.
func onOff(rnd *rand.Rand, p float64) (out starts) {
	pareto := func(mean float64) float64 { return mean / 3 * math.Pow(1-rnd.Float64(), -1/1.5) }
	for t := -pareto(7.5*p) * rnd.Float64(); t < float64(secondsOfWindow); t += pareto(7.5 * p) {
		stop := t + pareto(2.5*p)
		for t += p / 4 * rnd.ExpFloat64(); t < stop; t += p / 4 * rnd.ExpFloat64() {
			if t >= 0 && t < float64(secondsOfWindow) {
				out = append(out, t)
			}
		}
		t = stop
	}
	return out
}

// visits are bunches of five connections on average, two seconds apart on average: a browser.
func visits(rnd *rand.Rand, p float64) (out starts) {
	for t := 5 * p * rnd.ExpFloat64(); t < float64(secondsOfWindow); t += 5 * p * rnd.ExpFloat64() {
		for at := t; at < float64(secondsOfWindow); at += 2 * rnd.ExpFloat64() {
			out = append(out, at)
			if rnd.Float64() < 0.2 {
				break
			}
		}
	}
	slices.Sort(out)
	return out
}

// diurnal is Poisson traffic whose rate goes up and down once a day, 39 to 1.
func diurnal(rnd *rand.Rand, p float64) (out starts) {
	phase := rnd.Float64()
	for _, t := range poisson(rnd, p/1.95) {
		if rnd.Float64()*1.95 < 1-0.95*math.Cos(2*math.Pi*(t/float64(secondsOfWindow)+phase)) {
			out = append(out, t)
		}
	}
	return out
}

// connections gives starts a length, a size and a source port. Lengths are log-normal with a median of 4 seconds, one
// in a hundred is over 2 minutes.
func connections(rnd *rand.Rand, at starts) []connection {
	out := make([]connection, len(at))
	for i, t := range at {
		length := 4 * math.Exp(1.5*rnd.NormFloat64())
		out[i] = connection{start: t, end: min(t+length, float64(secondsOfWindow)-0.001),
			bytes: 200 + rnd.Int64N(400), port: uint16(1024 + rnd.IntN(64000))}
	}
	return out
}

// exports is how an exporter tells of connections.
type exports struct {
	name   string
	window float64 // seconds, 0 for one record per session
	bounds bool    // records have the times of the window and not those of the first and the last packet
}

var exportForms = []exports{
	{name: "per session"},
	{name: "1 min, first and last packet", window: 60},
	{name: "10 min, first and last packet", window: 600},
	{name: "1 min, window bounds", window: 60, bounds: true},
	{name: "10 min, window bounds", window: 600, bounds: true},
}

// records cuts connections into what is exported of them.
func (x exports) records(in []connection, offset float64) []connection {
	if x.window == 0 {
		return in
	}
	var out []connection
	for _, c := range in {
		for w := math.Floor((c.start-offset)/x.window)*x.window + offset; w < c.end; w += x.window {
			r := c
			r.start, r.end = max(c.start, w), min(c.end, w+x.window)
			if x.bounds {
				r.start, r.end = w, w+x.window
			}
			out = append(out, r)
		}
	}
	return out
}

// pairViewOf is what the state would know of the pair, with k kept flows per slice.
func (x exports) pairViewOf(in []connection, k int) *PairView {
	p := &PairView{Port: 443, Res: ResMillis}
	if x.window > 0 {
		p.Res = ResWindow
	}
	from := cadenceEnd - RingSlices + 1
	byAge := make([]PairCounters, RingSlices)
	sliceSeconds := SliceLength.Seconds()
	for _, r := range in {
		if r.end < 0 || r.end >= float64(secondsOfWindow) {
			continue
		}
		age := int(r.end / sliceSeconds)
		f := Flow{Start: int64(r.start * 1e9), End: int64(r.end * 1e9), SrcBytes: r.bytes, SourcePort: r.port}
		c := &byAge[age]
		c.Sessions++
		c.Kept = append(c.Kept, KeptOf(&f, int64(age)*int64(SliceLength)))
	}
	for age := range byAge {
		if c := &byAge[age]; c.Sessions > 0 {
			slices.SortFunc(c.Kept, KeptFlow.Compare)
			p.Slices = append(p.Slices, PairSlice{Slice: from + Slice(age), Sessions: c.Sessions, Kept: c.Kept[:min(k, len(c.Kept))]})
		}
	}
	return p
}

// syntheticView makes the view of one pair.
func (x exports) syntheticView(rnd *rand.Rand, make arrivals, p float64) *PairView {
	offset := 0.0
	if x.window > 0 {
		offset = math.Floor(x.window * rnd.Float64())
	}
	return x.pairViewOf(x.records(connections(rnd, make(rnd, p)), offset), DefaultKept)
}

var cadencePeriods = []float64{60, 120, 300, 600, 900, 1800, 3600}

var cadenceJitters = []float64{0, 0.05, 0.1, 0.2, 0.3, 0.5}

// background is traffic without a beacon.
var background = []struct {
	name string
	make arrivals
}{{"Poisson", poisson}, {"Pareto on/off", onOff}, {"visits", visits}, {"diurnal", diurnal}}
