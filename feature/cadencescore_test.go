package feature

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBestFit compares the sweep with counting, for each period at which a span begins, the intervals near it.
func TestBestFit(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(3, seed))
		resolution := []float64{0, 1, 7.5}[seed%3]
		d := make([]float64, rnd.IntN(40))
		for i := range d {
			d[i] = math.Ceil(50 * rnd.ExpFloat64())
			if seed%5 == 0 {
				d[i] = 60 * float64(1+rnd.IntN(4))
			}
		}
		slices.Sort(d)
		var want fit
		for i := range d {
			for k := range fitMultiples {
				p, near := spanBegin(d, i, k), 0
				if spanEnd(d, i, k, resolution) < p {
					continue
				}
				for j := range d {
					for k := range fitMultiples {
						if spanBegin(d, j, k) <= p && p <= spanEnd(d, j, k, resolution) {
							near++
						}
					}
				}
				if near > want.count || near == want.count && near > 0 && p > want.at {
					want = fit{p, near}
				}
			}
		}
		if got := bestFit(d, resolution); got != want {
			t.Fatalf("seed %d: best fit of %v at resolution %v is %v, want %v", seed, d, resolution, got, want)
		}
	}
}

func TestPeriod(t *testing.T) {
	for _, c := range []struct {
		why        string
		d          []float64
		resolution float64
		want       float64
	}{
		{"all alike", []float64{60, 60, 60, 60}, 1, 60},
		{"some calls were missed", []float64{60, 60, 60, 61, 120, 180}, 1, 60},
		{"the largest period of those that fit all", []float64{120, 240, 240}, 1, 120},
		{"too few fit any: the median", []float64{10, 40, 100, 170, 700, 1500}, 1, 135},
		{"too short for the resolution: the median", []float64{2, 2, 2, 3}, 1, 2},
		{"one interval", []float64{77}, 1, 77},
	} {
		if got, _ := bestFit(c.d, c.resolution).period(c.d, quartilesOf(c.d), c.resolution, nil); got != c.want {
			t.Errorf("%s: period of %v is %v, want %v", c.why, c.d, got, c.want)
		}
	}
	if got, _ := bestFit(nil, 1).period(nil, quartilesOf(nil), 1, nil); !math.IsNaN(got) {
		t.Errorf("period of nothing is %v, want NaN", got)
	}
}

// spreadChanceExact is the probability that mad/q2 of n intervals of a Poisson process is at most x, for odd n. Given
// that q2 is v, (n-1)/2 intervals are exponential below v and as many above it, independently, and mad is at most r if
// at least (n-1)/2 of them lie within r of v. The rank of v is Beta distributed.
func spreadChanceExact(n int, x float64) float64 {
	m := (n - 1) / 2
	choose := make([]float64, m+1) // logarithms
	for i := range choose {
		a, _ := math.Lgamma(float64(m + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(m - i + 1))
		choose[i] = a - b - c
	}
	binomial := func(p float64) []float64 { // the probability of at most i of m
		out, sum := make([]float64, m+1), 0.0
		for i := range out {
			sum += math.Exp(choose[i] + float64(i)*math.Log(p) + float64(m-i)*math.Log1p(-p))
			out[i] = sum
		}
		return out
	}
	total, weight := 0.0, 0.0
	width := 6 / math.Sqrt(float64(n))
	for i := range 101 {
		u := 0.5 + width*(float64(i)/100-0.5)
		if u <= 0 || u >= 1 {
			continue
		}
		w := math.Exp(float64(m) * math.Log(4*u*(1-u)))
		v := -math.Log1p(-u)
		below := binomial((u - -math.Expm1(-v*(1-x))) / u)
		above := binomial((-math.Expm1(-v*(1+x)) - u) / (1 - u))
		chance, last := 0.0, 0.0
		for i, p := range above {
			if need := m - i; need > 0 {
				chance += (p - last) * (1 - below[need-1])
			} else {
				chance += p - last
			}
			last = p
		}
		total += w * chance
		weight += w
	}
	return total / weight
}

// TestSpreadChance compares the table of mad/q2, its rows, what lies between them and what is beyond the last, with the
// exact distribution.
func TestSpreadChance(t *testing.T) {
	for _, n := range []int{3, 9, 23, 63, 75, 143, 301, 901, 1535, 6001, 24001} {
		for _, x := range []float64{0.9, 0.8, 0.7, 0.6} {
			// Between the least and the median of the statistic.
			x := 0.69 - x/math.Sqrt(float64(n))*2
			if x <= 0 {
				continue
			}
			want := spreadChanceExact(n, x)
			if want < 2e-4 || want > 0.4 {
				continue
			}
			if got := nullSpread.chance(n, x); math.Abs(got/want-1) > 0.2 {
				t.Errorf("chance of mad/q2 up to %.4f of %d intervals is %.5f, want %.5f", x, n, got, want)
			}
		}
	}
}

// TestMissesChance checks the table of the best fit where the answer is plain, and its order everywhere.
func TestMissesChance(t *testing.T) {
	// Two intervals have a period in common if their ratio is in [1, 11/9], [27/22, 22/9] or [27/11, 11/3]: 0.57.
	if got := nullMisses.chance(2, 0); got != 1 {
		t.Errorf("chance that one period fits two intervals is %v, want no less than 1/2, which is 1", got)
	}
	for _, n := range []int{3, 10, 40, 64, 70, 500, 1536, 5000, 24000} {
		last := 0.0
		for misses := range n + 1 {
			p := nullMisses.chance(n, float64(misses)/float64(n))
			if p < last || p < nullLevels[0] || p > 1 {
				t.Fatalf("chance of %d misses of %d is %v after %v", misses, n, p, last)
			}
			last = p
		}
		if last != 1 {
			t.Errorf("chance that no period fits any of %d intervals is %v, want 1", n, last)
		}
	}
}

// TestMissesCalibrated draws Poisson intervals for counts between and beyond the rows.
func TestMissesCalibrated(t *testing.T) {
	for _, n := range []int{30, 71, 220, 1900} {
		rnd := rand.New(rand.NewPCG(11, uint64(n)))
		d, rounds, reached := make([]float64, n), 2000, 0
		for range rounds {
			for i := range d {
				d[i] = rnd.ExpFloat64()
			}
			slices.Sort(d)
			if nullMisses.chance(n, 1-float64(bestFit(d, 0).count)/float64(n)) <= 0.05 {
				reached++
			}
		}
		// 5% at most, and three standard errors of 0.49%; not much less, but counts are whole numbers.
		if share := float64(reached) / float64(rounds); share > 0.065 || share < 0.02 {
			t.Errorf("of %d intervals a chance of 5%% comes in %.2f%% of samples", n, 100*share)
		}
	}
}

func TestCadenceScoreLimits(t *testing.T) {
	for _, c := range []struct {
		why      string
		d        []float64
		res      float64
		from, to float64
	}{
		{"no interval", nil, 1, 0, 0},
		{"one interval", []float64{60}, 1, 0, 0},
		{"seconds in a row are what resolution makes of any burst", slices.Repeat([]float64{1}, 500), 1, 0, 0},
		{"exactly every minute", slices.Repeat([]float64{60}, 100), 1, 0.9997, 1},
		{"every two seconds", slices.Repeat([]float64{2}, 100), 1, 0.99, 1},
		{"a record in every window of a minute", slices.Repeat([]float64{60}, 100), 60, 0, 0},
		{"a record in every third window of a minute", slices.Repeat([]float64{180}, 100), 60, 0.99, 1},
	} {
		if got := cadenceScore(quartilesOf(c.d), bestFit(c.d, c.res), c.res); got < c.from || got > c.to {
			t.Errorf("%s: score %v, want %v to %v", c.why, got, c.from, c.to)
		}
	}
}
