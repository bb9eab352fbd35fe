package feature

import "math"

// FullWeight is the weight of a row, in thousandths.
const FullWeight = 1000

// baselinePercents are the percentiles of FG-B.
var baselinePercents = [...]int64{25, 50, 75, 95, 99}

const numPercents = len(baselinePercents)

// BaselineCalculator computes the statistics of columns of values, of which NaN is null. Rows have FullWeight or,
// where they are light, the weight of anomalies. It keeps buffers and belongs to one goroutine.
type BaselineCalculator struct {
	lightWeight int64
	full, light []uint64
	counts      [2][smallValues]int64
}

// NewBaselineCalculator makes a calculator; lightWeight is the weight of light rows in thousandths, 0 or more.
func NewBaselineCalculator(lightWeight int64) *BaselineCalculator {
	return &BaselineCalculator{lightWeight: lightWeight}
}

const (
	smallValues = 256
	smallLength = 64 // from which counting pays
)

// Stats returns the statistics of the values; light, of the same length, marks light rows, nil none. Cold is left
// to the caller.
func (c *BaselineCalculator) Stats(values []float64, light []bool) MetricBaseline {
	if len(values) >= smallLength && c.count(values, light) {
		return c.countedStats()
	}
	w := c.keys(values, light)
	b := MetricBaseline{Support: int64(w.len())}
	if b.Support == 0 {
		return b
	}
	var at [numPercents]uint64
	targets := percentTargets(w.total())
	selectRanks(w, 0, targets[:], at[:], selectDepth)
	b.setQuantiles(at)
	b.MAD = w.deviation(b.Median)
	return b
}

// Spread returns the unweighted median and median absolute deviation of the values; without any, ok is false.
func (c *BaselineCalculator) Spread(values []float64) (s Spread) {
	w := c.keys(values, nil)
	if w.len() == 0 {
		return Spread{}
	}
	var at [1]uint64
	selectRanks(w, 0, []int64{quantileTarget(50, w.total())}, at[:], selectDepth)
	s.Median, s.OK = fromKey(at[0]), true
	s.MAD = w.deviation(s.Median)
	return s
}

// keys fills the buffers with the keys of the values that are not null.
func (c *BaselineCalculator) keys(values []float64, light []bool) weightedKeys {
	c.full, c.light = c.full[:0], c.light[:0]
	for i, x := range values {
		switch {
		case x != x:
		case light != nil && light[i]:
			c.light = append(c.light, orderedKey(x))
		default:
			c.full = append(c.full, orderedKey(x))
		}
	}
	return weightedKeys{c.full, c.light, FullWeight, c.lightWeight}
}

// deviation is the weighted median of |x - median|. The keys are spent.
func (w *weightedKeys) deviation(median float64) float64 {
	for _, keys := range [2][]uint64{w.full, w.light} {
		for i, k := range keys {
			keys[i] = math.Float64bits(math.Abs(fromKey(k) - median)) // of numbers that are not negative the bits are ordered
		}
	}
	var at [1]uint64
	selectRanks(*w, 0, []int64{quantileTarget(50, w.total())}, at[:], selectDepth)
	return math.Float64frombits(at[0])
}

func percentTargets(total int64) (t [numPercents]int64) {
	for i, p := range baselinePercents {
		t[i] = quantileTarget(p, total)
	}
	return t
}

func (b *MetricBaseline) setQuantiles(at [numPercents]uint64) {
	b.P25, b.Median, b.P75, b.P95, b.P99 = fromKey(at[0]), fromKey(at[1]), fromKey(at[2]), fromKey(at[3]), fromKey(at[4])
	b.IQR = b.P75 - b.P25
}

// count fills the histogram if every value is a whole number below smallValues, as most counts are.
func (c *BaselineCalculator) count(values []float64, light []bool) bool {
	c.counts = [2][smallValues]int64{}
	for i, x := range values {
		n := uint64(int64(x))
		if n >= smallValues || float64(n) != x {
			if x != x {
				continue
			}
			return false
		}
		if light != nil && light[i] {
			c.counts[1][n]++
		} else {
			c.counts[0][n]++
		}
	}
	return true
}

// weight is the weight of the values n of the histogram.
func (c *BaselineCalculator) weight(n int) int64 {
	return c.counts[0][n]*FullWeight + c.counts[1][n]*c.lightWeight
}

// countedStats is Stats from the histogram.
func (c *BaselineCalculator) countedStats() (b MetricBaseline) {
	total := int64(0)
	for n := range smallValues {
		b.Support += c.counts[0][n] + c.counts[1][n]
		total += c.weight(n)
	}
	if b.Support == 0 {
		return b
	}
	targets := percentTargets(total)
	var at [numPercents]uint64
	sum, t := int64(0), 0
	for n := 0; t < numPercents; n++ {
		if c.counts[0][n]+c.counts[1][n] == 0 {
			continue
		}
		for sum += c.weight(n); t < numPercents && targets[t] <= sum; t++ {
			at[t] = orderedKey(float64(n))
		}
	}
	b.setQuantiles(at)
	b.MAD = c.countedDeviation(int(b.Median), targets[1])
	return b
}

// countedDeviation is the weighted median of |n - median| from the histogram.
func (c *BaselineCalculator) countedDeviation(median int, target int64) float64 {
	sum := int64(0)
	for d := 0; ; d++ {
		there := false
		for _, n := range [2]int{median - d, median + d} {
			if n < 0 || n >= smallValues || d == 0 && there {
				continue
			}
			if c.counts[0][n]+c.counts[1][n] > 0 {
				there = true
				sum += c.weight(n)
			}
		}
		if there && target <= sum {
			return float64(d)
		}
	}
}

// Spread is the unweighted middle and spread of a metric in a segment.
type Spread struct {
	Median, MAD float64
	OK          bool // there are values
}
