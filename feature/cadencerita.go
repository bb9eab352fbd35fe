package feature

import "math"

// quartiles is what the parts need of a sorted sample: quartiles and the median absolute deviation.
type quartiles struct {
	n               int
	q1, q2, q3, mad float64
}

// quartilesOf summarizes sorted values. The quartiles are the medians of the two halves, the middle of an odd count
// left out.
func quartilesOf(x []float64) quartiles {
	n := len(x)
	s := quartiles{n: n, q2: median(x), mad: deviation(x)}
	s.q1, s.q3 = median(x[:n/2]), median(x[n-n/2:])
	return s
}

// median of sorted values, the mean of the two middle ones of an even count; 0 of none.
func median(x []float64) float64 {
	n := len(x)
	if n == 0 {
		return 0
	}
	return (x[(n-1)/2] + x[n/2]) / 2
}

// deviation is the median of abs(x - median) of sorted values; 0 of none. Deviations to both sides grow outwards, so
// that a walk from the middle meets them in order.
func deviation(x []float64) float64 {
	n, mid := len(x), median(x)
	if n == 0 {
		return 0
	}
	left, right := (n-1)/2, (n-1)/2+1
	var last, d float64
	for range n/2 + 1 {
		last = d
		if right == n || left >= 0 && mid-x[left] <= x[right]-mid {
			d = mid - x[left]
			left--
		} else {
			d = x[right] - mid
			right++
		}
	}
	if n%2 == 1 {
		return d
	}
	return (last + d) / 2
}

// evenness is what timing and size share: (1 - abs(bowley) + dispersion) / 2. Below 1 a median says nothing, and
// dispersion is what the caller says.
func (s quartiles) evenness(below1 float64) float64 {
	bowley := 0.0
	if s.q3-s.q1 >= 10 && s.q2 != s.q1 && s.q2 != s.q3 {
		bowley = (s.q1 + s.q3 - 2*s.q2) / (s.q3 - s.q1)
	}
	dispersion := below1
	if s.q2 >= 1 {
		dispersion = max(0, (s.q2-s.mad)/s.q2)
	}
	return (1 - math.Abs(bowley) + dispersion) / 2
}

// timingPart is the part of the intervals, 0 with fewer than two.
func timingPart(d quartiles) float64 {
	if d.n < 2 {
		return 0
	}
	return d.evenness(1)
}

// sizePart is the part of the sizes.
func sizePart(s quartiles) float64 { return s.evenness(0) }

// bars describes the bins that are not empty: how many, and the longest run, in which the last joins the first.
type bars struct{ filled, run int }

func barsOf(bins *[cadenceBins]int64) (b bars) {
	run := 0
	for i := range 2 * cadenceBins { // twice around
		if bins[i%cadenceBins] == 0 {
			run = 0
			continue
		}
		run++
		b.run = max(b.run, min(run, cadenceBins))
		if i < cadenceBins {
			b.filled++
		}
	}
	return b
}

// histogramPart is how even the bins are, or how well two heights describe those that are not empty.
func histogramPart(bins *[cadenceBins]int64, b bars) float64 {
	total, high := 0.0, int64(0)
	for _, n := range bins {
		total += float64(n)
		high = max(high, n)
	}
	if high == 0 {
		return 0
	}
	mean, squares := total/cadenceBins, 0.0
	for _, n := range bins {
		e := float64(n) - mean
		squares += float64(e * e) // converted, so that no machine fuses it with the addition
	}
	part := max(0, 1-math.Sqrt(squares/cadenceBins)/mean)
	if b.filled >= 11 {
		part = max(part, min(1, float64(twoHeights(bins, high))/float64(b.filled-1)))
	}
	return part
}

// twoHeights is how many bins have one of the two commonest heights, in steps of 5% of the highest, rounded up.
// Empty bins have none.
func twoHeights(bins *[cadenceBins]int64, high int64) int {
	step := (high-1)/20 + 1
	var count [21]int // the highest is at most 20 steps high
	for _, n := range bins {
		if n > 0 {
			count[n/step]++
		}
	}
	first, second := 0, 0
	for _, n := range count {
		first, second = max(first, n), max(second, min(first, n))
	}
	return first + second
}

// durationPart is how much of the window the pair covers, or how long without an empty bin. Span is seconds from the
// first to the last start.
func durationPart(b bars, span int64) float64 {
	if b.filled < 6 {
		return 0
	}
	return min(1, max(float64(span)/float64(secondsOfWindow), float64(b.run)/12))
}

// ritaScore is the mean of the four parts in three decimals.
func ritaScore(timing, size, histogram, duration float64) float64 {
	mean := (timing + size + histogram + duration) / 4
	return math.Floor(1000*mean+0.5) / 1000
}
