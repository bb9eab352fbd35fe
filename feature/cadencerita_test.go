package feature

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuartiles(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want quartiles
	}{
		{nil, quartiles{}},
		{[]float64{7}, quartiles{n: 1, q2: 7}},
		{[]float64{30, 90}, quartiles{2, 30, 60, 90, 30}},
		{[]float64{1, 2, 9}, quartiles{3, 1, 2, 9, 1}},
		{[]float64{60, 61, 62, 63}, quartiles{4, 60.5, 61.5, 62.5, 1}},
		{[]float64{50, 60, 60, 70, 100}, quartiles{5, 55, 60, 85, 10}},
		{[]float64{1, 1, 1, 1, 50, 60}, quartiles{6, 1, 1, 50, 0}},
		{[]float64{0, 10, 20, 21, 22, 23, 24}, quartiles{7, 10, 21, 23, 2}},
	} {
		if d := cmp.Diff(quartilesOf(c.x), c.want, cmp.AllowUnexported(quartiles{})); d != "" {
			t.Errorf("quartiles of %v (-got +want):\n%s", c.x, d)
		}
	}
}

func isNear(got, want float64) bool { return math.Abs(got-want) < 1e-12 }

func TestTimingPart(t *testing.T) {
	for _, c := range []struct {
		why  string
		d    []float64
		want float64
	}{
		{"fewer than two", []float64{60}, 0},
		{"two: bowley 0, dispersion 1/2", []float64{30, 90}, 0.75},
		{"bowley 20/30, dispersion 50/60", []float64{50, 60, 60, 70, 100}, (1.0/3 + 5.0/6) / 2},
		{"q3 - q1 of 2 is no skew, dispersion 60.5/61.5", []float64{60, 61, 62, 63}, (1 + 60.5/61.5) / 2},
		{"q3 - q1 of exactly 10 is: bowley 0.8, dispersion 10/11", []float64{10, 10, 11, 20, 20}, (0.2 + 10.0/11) / 2},
		{"q2 equals q1: no skew", []float64{10, 10, 10, 50}, 1},
		{"q2 equals q3: no skew", []float64{10, 50, 50, 50}, 1},
		{"negative bowley: (10 + 23 - 42) / 13, dispersion 19/21", []float64{0, 10, 20, 21, 22, 23, 24}, (1 - 9.0/13 + 19.0/21) / 2},
		{"a median below 1 has full dispersion", []float64{0, 0, 0}, 1},
	} {
		if got := timingPart(quartilesOf(c.d)); !isNear(got, c.want) {
			t.Errorf("%s: timing of %v is %v, want %v", c.why, c.d, got, c.want)
		}
	}
}

func TestSizePart(t *testing.T) {
	for _, c := range []struct {
		why  string
		s    []float64
		want float64
	}{
		{"all alike", []float64{512, 512, 512, 512}, 1},
		{"empty: no skew, no dispersion", []float64{0, 0, 0, 0}, 0.5},
		{"a median below 1: bowley (0 + 100 - 1) / 100, no dispersion", []float64{0, 0, 0.5, 100, 100}, 0.005},
		{"bowley 20/30, dispersion 50/60", []float64{50, 60, 60, 70, 100}, (1.0/3 + 5.0/6) / 2},
	} {
		if got := sizePart(quartilesOf(c.s)); !isNear(got, c.want) {
			t.Errorf("%s: size of %v is %v, want %v", c.why, c.s, got, c.want)
		}
	}
}

// binsOf makes bins with heights, and how many of each, from bin first on, going round.
func binsOf(first int, runs ...[2]int64) *[cadenceBins]int64 {
	var bins [cadenceBins]int64
	for _, r := range runs {
		for range r[1] {
			bins[first%cadenceBins] = r[0]
			first++
		}
	}
	return &bins
}

func TestHistogramPart(t *testing.T) {
	for _, c := range []struct {
		why  string
		bins *[cadenceBins]int64
		want float64
	}{
		{"empty", binsOf(0), 0},
		{"flat", binsOf(0, [2]int64{10, 24}), 1},
		{"two heights 8 and 12: deviation 2 of 10, but both heights are 24 of 23", binsOf(0, [2]int64{8, 12}, [2]int64{12, 12}), 1},
		{"half empty: all of one height, 12 of 11", binsOf(0, [2]int64{10, 12}), 1},
		{"ten filled are too few for heights, and the deviation exceeds the mean", binsOf(0, [2]int64{10, 10}), 0},
		{"steps of 2: 6 bins in 38..39, 3 in 40..41, of 10", binsOf(20, [2]int64{40, 3}, [2]int64{39, 4}, [2]int64{38, 2},
			[2]int64{20, 1}, [2]int64{10, 1}), 0.9},
		{"steps of ceil(2.05) = 3: 5 bins in 39..41, 4 in 36..38, of 10", binsOf(0, [2]int64{41, 3}, [2]int64{39, 2}, [2]int64{38, 2},
			[2]int64{36, 2}, [2]int64{20, 1}, [2]int64{10, 1}), 0.9},
		{"mean 102.5, squared deviations 56.25 and 6.25: better than two of four heights, 12 of 23",
			binsOf(0, [2]int64{95, 6}, [2]int64{100, 6}, [2]int64{105, 6}, [2]int64{110, 6}), 1 - math.Sqrt(31.25)/102.5},
	} {
		if got := histogramPart(c.bins, barsOf(c.bins)); !isNear(got, c.want) {
			t.Errorf("%s: histogram of %v is %v, want %v", c.why, c.bins, got, c.want)
		}
	}
}

func TestDurationPart(t *testing.T) {
	for _, c := range []struct {
		why  string
		bins *[cadenceBins]int64
		span int64
		want float64
	}{
		{"five filled are too few", binsOf(0, [2]int64{1, 5}), 86400, 0},
		{"half of the window, a run of 6", binsOf(3, [2]int64{1, 6}), 60000, 60000.0 / 86400},
		{"a short span, a run of 6 across midnight", binsOf(21, [2]int64{1, 6}), 10, 0.5},
		{"a run broken by one empty bin", binsOf(0, [2]int64{1, 4}, [2]int64{0, 1}, [2]int64{1, 3}), 10, 4.0 / 12},
		{"full circle", binsOf(0, [2]int64{1, 24}), 10, 1},
		{"a span longer than the window", binsOf(0, [2]int64{1, 6}), 100000, 1},
	} {
		if got := durationPart(barsOf(c.bins), c.span); !isNear(got, c.want) {
			t.Errorf("%s: duration is %v, want %v", c.why, got, c.want)
		}
	}
}

func TestRitaScore(t *testing.T) {
	for _, c := range []struct{ timing, size, histogram, duration, want float64 }{
		{1, 1, 1, 1, 1},
		{0, 0, 0, 0, 0},
		{0.25, 0, 0, 0, 0.063}, // 0.0625, the half goes up
		{0.5, 0.25, 0.125, 1, 0.469},
		{1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, 0.333},
	} {
		if got := ritaScore(c.timing, c.size, c.histogram, c.duration); got != c.want {
			t.Errorf("rita score of %v is %v, want %v", c, got, c.want)
		}
	}
}
