package feature

import (
	"math"
	"slices"
	"sort"
)

const (
	fitTolerance = 0.1 // of a period or of its multiple
	fitMultiples = 3   // with the tolerance, up to 5 do not overlap
	// fitNamed is the share of intervals that a period must fit to be named; below it the median is the better guess.
	fitNamed = 0.8
)

// fit is the period that most intervals are near, or near 2 or 3 times of: the largest of the best.
type fit struct {
	at    float64 // 0 without any
	count int     // intervals near it
}

// bestFit finds the best period for sorted intervals. Starts are known to the resolution, so a true interval lies in
// (d - resolution, d]; it counts as near only when all of that lies within the tolerance, so that rounding makes no
// beacons. The search is exact: interval d is near the k-th multiple of the periods from d/(1.1 k) to
// (d-resolution)/(0.9 k), and the number of these spans over a period is largest where one begins.
func bestFit(d []float64, resolution float64) fit {
	// Shorter intervals have empty spans; for longer ones both ends grow with d.
	d = d[sort.SearchFloat64s(d, (1+fitTolerance)*resolution/(2*fitTolerance)):]
	var begun, ended [fitMultiples]int // spans of each multiple that have, in d from the front
	var begin, end [fitMultiples]float64
	for k := range fitMultiples {
		begin[k], end[k] = spanBegin(d, 0, k), spanEnd(d, 0, k, resolution)
	}
	var best fit
	for near := 1; ; near++ {
		k := 0
		for i := 1; i < fitMultiples; i++ {
			if begin[i] < begin[k] {
				k = i
			}
		}
		at := begin[k]
		if math.IsInf(at, 1) {
			return best
		}
		begun[k]++
		begin[k] = spanBegin(d, begun[k], k)
		for i := range fitMultiples {
			for end[i] < at { // no span ends before it begins, so this one is not passed
				ended[i]++
				end[i] = spanEnd(d, ended[i], i, resolution)
				near--
			}
		}
		if near >= best.count {
			best = fit{at, near}
		}
	}
}

// spanBegin and spanEnd are the bounds of the periods that interval i is near the multiple k+1 of; infinite after the
// last interval.
func spanBegin(d []float64, i, k int) float64 {
	if i >= len(d) {
		return math.Inf(1)
	}
	return d[i] / ((1 + fitTolerance) * float64(k+1))
}

func spanEnd(d []float64, i, k int, resolution float64) float64 {
	if i >= len(d) {
		return math.Inf(1)
	}
	return (d[i] - resolution) / ((1 - fitTolerance) * float64(k+1))
}

// period is the published one: the median of what the near intervals make it, of all if too few are near. It returns
// the scratch too.
func (f fit) period(d []float64, s quartiles, resolution float64, scratch []float64) (float64, []float64) {
	scratch = scratch[:0]
	switch {
	case s.n == 0:
		return math.NaN(), scratch
	case float64(f.count) < fitNamed*float64(s.n):
		return s.q2, scratch
	}
	for i, x := range d {
		for k := range fitMultiples {
			if spanBegin(d, i, k) <= f.at && f.at <= spanEnd(d, i, k, resolution) {
				scratch = append(scratch, x/float64(k+1))
			}
		}
	}
	slices.Sort(scratch)
	return median(scratch), scratch
}

// cadenceScore is one minus the probability that a Poisson process of the same count and span has intervals at least
// as concentrated, by the smaller p-value of two statistics, doubled for there being two. The span has no part in it:
// both statistics are free of scale, and the intervals of a Poisson process divided by their sum are independent of
// that sum. Truncation to the first K flows of a slice has none either: its intervals are the first ones after a
// point in time, and so are independent of the ones that were lost.
func cadenceScore(s quartiles, f fit, resolution float64) float64 {
	if s.n < 2 {
		return 0
	}
	p := min(spreadChance(s, resolution), nullMisses.chance(s.n, 1-float64(f.count)/float64(s.n)))
	return max(0, 1-2*p)
}

// spreadChance is the p-value of mad/q2. In whole steps of the resolution a Poisson process has an interval of x steps
// when the true one lies in (x-1, x]: a deviation of up to half a step more is the same, and the median is half a
// step less. Without that, seconds would turn bursts into beacons.
func spreadChance(s quartiles, resolution float64) float64 {
	q2 := s.q2 - resolution/2
	if q2 <= 0 {
		return 1
	}
	return nullSpread.chance(s.n, (s.mad+resolution/2)/q2)
}
