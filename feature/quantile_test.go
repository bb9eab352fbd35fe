package feature

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// naiveStats sorts and adds up weights: the definition, word by word.
func naiveStats(values []float64, light []bool, lightWeight int64) (b MetricBaseline) {
	type item struct {
		x float64
		w int64
	}
	var items []item
	for i, x := range values {
		if x != x {
			continue
		}
		w := int64(1000)
		if light != nil && light[i] {
			w = lightWeight
		}
		items = append(items, item{x, w})
	}
	if b.Support = int64(len(items)); b.Support == 0 {
		return b
	}
	quantile := func(percent int64) float64 {
		slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.x, b.x) })
		total, sum := int64(0), int64(0)
		for _, i := range items {
			total += i.w
		}
		for k, i := range items {
			sum += i.w
			if last := k+1 == len(items) || items[k+1].x != i.x; last && sum*100 >= percent*total {
				return i.x
			}
		}
		panic("not reached")
	}
	b.P25, b.Median, b.P75, b.P95, b.P99 = quantile(25), quantile(50), quantile(75), quantile(95), quantile(99)
	b.IQR = b.P75 - b.P25
	for i := range items {
		items[i].x = math.Abs(items[i].x - b.Median)
	}
	b.MAD = quantile(50)
	return b
}

// valueMakers are the shapes of columns: few or many different values, small or large, with nulls and of both signs.
var valueMakers = map[string]func(r *rand.Rand) float64{
	"zeros":    func(*rand.Rand) float64 { return 0 },
	"small":    func(r *rand.Rand) float64 { return float64(r.IntN(6)) },
	"bytes":    func(r *rand.Rand) float64 { return float64(r.IntN(256)) },
	"counts":   func(r *rand.Rand) float64 { return float64(r.IntN(300)) },
	"large":    func(r *rand.Rand) float64 { return float64(r.Uint64N(1 << 50)) },
	"ratios":   func(r *rand.Rand) float64 { return r.Float64() },
	"few":      func(r *rand.Rand) float64 { return float64(r.IntN(3)) / 3 },
	"negative": func(r *rand.Rand) float64 { return r.NormFloat64() },
	"heavy":    func(r *rand.Rand) float64 { return math.Exp(10 * r.NormFloat64()) },
	"nulls": func(r *rand.Rand) float64 {
		if r.IntN(3) == 0 {
			return math.NaN()
		}
		return float64(r.IntN(20))
	},
	"only nulls": func(*rand.Rand) float64 { return math.NaN() },
}

func TestBaselineStats(t *testing.T) {
	for name, value := range valueMakers {
		r := rand.New(rand.NewPCG(1, uint64(len(name))))
		for _, weight := range []int64{100, 0, 1000, 2500} {
			c := NewBaselineCalculator(weight)
			for round := range 100 {
				values := make([]float64, r.IntN(700))
				light := make([]bool, len(values))
				share := r.IntN(4)
				for i := range values {
					values[i] = value(r)
					light[i] = r.IntN(10) < share*3
				}
				if share == 1 {
					slices.Sort(values)
				}
				if share == 0 {
					light = nil
				}
				want := naiveStats(values, light, weight)
				before := slices.Clone(values)
				if got := c.Stats(values, light); got != want {
					t.Fatalf("%s, %d values, weight %d: got %+v, want %+v", name, len(values), weight, got, want)
				}
				column := func(yield func([]float64, []bool) error) error {
					for from := 0; from < len(values); from += 100 {
						to := min(len(values), from+100)
						if light == nil {
							if err := yield(values[from:to], nil); err != nil {
								return err
							}
						} else if err := yield(values[from:to], light[from:to]); err != nil {
							return err
						}
					}
					return nil
				}
				limits := []int{0, 50, 1000}
				if round%20 > 0 { // each pass clears a megabyte of counts
					limits = nil
				}
				for _, limit := range limits {
					if got, err := c.LongStats(column, limit); err != nil || got != want {
						t.Fatalf("%s, long, limit %d: got %+v, %v, want %+v", name, limit, got, err, want)
					}
				}
				flat := naiveStats(values, nil, 0)
				spread := Spread{flat.Median, flat.MAD, flat.Support > 0}
				if got := c.Spread(values); got != spread {
					t.Fatalf("%s: spread %+v, want %+v", name, got, spread)
				}
				for _, limit := range limits {
					if got, err := c.LongSpread(column, limit); err != nil || got != spread {
						t.Fatalf("%s: long spread, limit %d: %+v, %v, want %+v", name, limit, got, err, spread)
					}
				}
				for i := range values {
					if math.Float64bits(values[i]) != math.Float64bits(before[i]) {
						t.Fatalf("%s: the values were changed", name)
					}
				}
			}
		}
	}
}

// What the definition says of small months, worked out by hand.
func TestBaselineStatsByHand(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		values []float64
		light  []bool
		want   MetricBaseline
	}{
		{nil, nil, MetricBaseline{}},
		{[]float64{nan}, nil, MetricBaseline{}},
		{[]float64{7}, nil, MetricBaseline{Median: 7, P25: 7, P75: 7, P95: 7, P99: 7, Support: 1}},
		// Of 4 values p25 is the first, p50 the second, p75 the third: no interpolation. |x - 2| = 1 0 1 98.
		{[]float64{1, 2, 3, 100}, nil, MetricBaseline{Median: 2, P25: 1, P75: 3, P95: 100, P99: 100, MAD: 1, IQR: 2, Support: 4}},
		// Weights 1, 1, 1, 0.1 of 3.1: p50 needs 1.55, p75 2.325, p95 2.945, p99 3.069.
		{[]float64{1, 2, 3, 100}, []bool{false, false, false, true},
			MetricBaseline{Median: 2, P25: 1, P75: 3, P95: 3, P99: 100, MAD: 1, IQR: 2, Support: 4}},
		{[]float64{5, nan, 5, 9}, nil, MetricBaseline{Median: 5, P25: 5, P75: 9, P95: 9, P99: 9, IQR: 4, Support: 3}},
		// Only anomalies: their weights cancel out.
		{[]float64{3, 1, 2}, []bool{true, true, true}, MetricBaseline{Median: 2, P25: 1, P75: 3, P95: 3, P99: 3, MAD: 1, IQR: 2, Support: 3}},
	} {
		if got := NewBaselineCalculator(100).Stats(c.values, c.light); got != c.want {
			t.Errorf("%v %v: got %+v, want %+v", c.values, c.light, got, c.want)
		}
	}
}

func TestOrderedKey(t *testing.T) {
	numbers := []float64{-math.MaxFloat64, -1e10, -1, -math.SmallestNonzeroFloat64, 0, math.SmallestNonzeroFloat64, 0.5, 1, 2, 1 << 53, math.MaxFloat64}
	for i, x := range numbers {
		if back := fromKey(orderedKey(x)); back != x {
			t.Errorf("%v: back %v", x, back)
		}
		if i > 0 && orderedKey(numbers[i-1]) >= orderedKey(x) {
			t.Errorf("the key of %v is not below that of %v", numbers[i-1], x)
		}
	}
	if orderedKey(math.Copysign(0, -1)) != orderedKey(0) {
		t.Error("the zeros differ")
	}
}

func TestQuantileTarget(t *testing.T) {
	for total := int64(0); total < 1000; total++ {
		for _, p := range []int64{1, 25, 50, 95, 99, 100} {
			got := quantileTarget(p, total)
			if got*100 < p*total || got > 0 && (got-1)*100 >= p*total {
				t.Fatalf("%d%% of %d: got %d", p, total, got)
			}
		}
	}
}

// A column that is made to defeat the choice of pivots must not be quadratic: the depth guard sorts it.
func TestSelectDepthGuard(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	keys := make([]uint64, 2000)
	for i := range keys {
		keys[i] = r.Uint64N(50)
	}
	want := slices.Sorted(slices.Values(keys))
	for _, depth := range []int{0, 1, 3} {
		var out [3]uint64
		w := weightedKeys{full: slices.Clone(keys), fullWeight: 1}
		selectRanks(w, 0, []int64{1, 1000, 2000}, out[:], depth)
		if got := [3]uint64{want[0], want[999], want[1999]}; out != got {
			t.Errorf("depth %d: got %v, want %v", depth, out, got)
		}
	}
}

func BenchmarkBaselineStats(b *testing.B) {
	for _, shape := range []string{"small", "counts", "large", "ratios"} {
		for _, n := range []int{700, 3000} {
			for _, share := range []int{0, 5} {
				b.Run(fmt.Sprintf("%s/%d/light=%d%%", shape, n, share), func(b *testing.B) {
					r := rand.New(rand.NewPCG(1, 1))
					values, light := make([]float64, n), make([]bool, n)
					for i := range values {
						values[i] = valueMakers[shape](r)
						light[i] = r.IntN(100) < share
					}
					c := NewBaselineCalculator(100)
					b.ReportAllocs()
					for b.Loop() {
						c.Stats(values, light)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/value")
				})
			}
		}
	}
}
