package feature

import "math"

// LongColumn is a column that is too long for memory: each call hands over all of its values, in the same order,
// in pieces that are valid during the call.
type LongColumn func(yield func(values []float64, light []bool) error) error

// digitBits is how many leading bits of the keys a pass narrows the values by.
const (
	digitBits = 16
	digits16  = 1 << digitBits
)

// LongStats is Stats of a column of any length. It reads the column several times, counts the keys by their leading
// bits, and keeps only those that share them with a percentile as soon as these are at most limit.
func (c *BaselineCalculator) LongStats(col LongColumn, limit int) (b MetricBaseline, err error) {
	n := narrowing{col: col, key: orderedKey, lightWeight: c.lightWeight, limit: int64(limit)}
	at, err := n.find(baselinePercents[:])
	if err != nil || n.support == 0 {
		return b, err
	}
	b.Support = n.support
	b.setQuantiles([numPercents]uint64(at))
	b.MAD, err = n.deviation(b.Median)
	return b, err
}

// LongSpread is Spread of a column of any length.
func (c *BaselineCalculator) LongSpread(col LongColumn, limit int) (s Spread, err error) {
	unweighted := func(yield func([]float64, []bool) error) error {
		return col(func(values []float64, _ []bool) error { return yield(values, nil) })
	}
	n := narrowing{col: unweighted, key: orderedKey, limit: int64(limit)}
	at, err := n.find([]int64{50})
	if err != nil || n.support == 0 {
		return s, err
	}
	s.Median, s.OK = fromKey(at[0]), true
	s.MAD, err = n.deviation(s.Median)
	return s, err
}

// narrowing finds percentiles of a column by its keys.
type narrowing struct {
	col         LongColumn
	key         func(float64) uint64
	lightWeight int64
	limit       int64
	support     int64 // after find

	bits    uint // leading bits that are fixed
	buckets []bucket
	targets []int64
}

// bucket is the keys that share their leading bits with the keys of some targets.
type bucket struct {
	prefix   uint64 // the leading bits
	base     int64  // weight below
	count    int64  // values
	from, to int    // targets
}

// deviation is the weighted median of |x - median|.
func (n *narrowing) deviation(median float64) (float64, error) {
	d := narrowing{col: n.col, lightWeight: n.lightWeight, limit: n.limit,
		key: func(x float64) uint64 { return math.Float64bits(math.Abs(x - median)) }}
	at, err := d.find([]int64{50})
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(at[0]), nil
}

// find returns the keys at the percentiles.
func (n *narrowing) find(percents []int64) (at []uint64, err error) {
	at = make([]uint64, len(percents))
	n.buckets = []bucket{{}}
	for {
		if err := n.narrow(percents); err != nil || n.support == 0 {
			return nil, err
		}
		open := int64(0)
		for i := range n.buckets {
			open += n.buckets[i].count
		}
		switch {
		case n.bits == 64:
			for i := range n.buckets {
				for t := n.buckets[i].from; t < n.buckets[i].to; t++ {
					at[t] = n.buckets[i].prefix
				}
			}
			return at, nil
		case open <= n.limit:
			return at, n.gather(at)
		}
	}
}

// each calls f for every value that is in a bucket.
func (n *narrowing) each(f func(bucket int, key uint64, light bool)) error {
	shift := 64 - n.bits
	return n.col(func(values []float64, light []bool) error {
		for i, x := range values {
			if x != x {
				continue
			}
			k := n.key(x)
			for b := range n.buckets {
				if k>>shift == n.buckets[b].prefix { // a shift by 64 leaves 0
					f(b, k, light != nil && light[i])
					break
				}
			}
		}
		return nil
	})
}

// digit is the histogram of the next leading bits.
type digit struct{ weights, counts [digits16]int64 }

// narrow reads the column once and splits the buckets by their next bits.
func (n *narrowing) narrow(percents []int64) error {
	histograms := make([]digit, len(n.buckets))
	shift := 64 - n.bits - digitBits
	err := n.each(func(b int, key uint64, light bool) {
		d := key >> shift & (digits16 - 1)
		histograms[b].counts[d]++
		if light {
			histograms[b].weights[d] += n.lightWeight
		} else {
			histograms[b].weights[d] += FullWeight
		}
	})
	if err != nil {
		return err
	}
	if n.bits == 0 {
		total := int64(0)
		for d := range digits16 {
			n.support += histograms[0].counts[d]
			total += histograms[0].weights[d]
		}
		for _, p := range percents {
			n.targets = append(n.targets, quantileTarget(p, total))
		}
		n.buckets[0].to = len(n.targets)
	}
	var next []bucket
	for b := range n.buckets {
		next = n.split(next, n.buckets[b], &histograms[b])
	}
	n.buckets, n.bits = next, n.bits+digitBits
	return nil
}

// split appends the parts of a bucket that targets lie in.
func (n *narrowing) split(next []bucket, b bucket, h *digit) []bucket {
	if n.support == 0 {
		return next
	}
	sum := b.base
	for d := 0; b.from < b.to; d++ {
		if h.counts[d] == 0 {
			continue
		}
		below := sum
		sum += h.weights[d]
		if k := upTo(n.targets[b.from:b.to], sum); k > 0 {
			next = append(next, bucket{b.prefix<<digitBits | uint64(d), below, h.counts[d], b.from, b.from + k})
			b.from += k
		}
	}
	return next
}

// gather reads the column once more and selects among the keys of the buckets.
func (n *narrowing) gather(at []uint64) error {
	keys := make([]weightedKeys, len(n.buckets))
	for b := range keys {
		keys[b].fullWeight, keys[b].lightWeight = FullWeight, n.lightWeight
	}
	err := n.each(func(b int, key uint64, light bool) {
		if light {
			keys[b].light = append(keys[b].light, key)
		} else {
			keys[b].full = append(keys[b].full, key)
		}
	})
	if err != nil {
		return err
	}
	for i, b := range n.buckets {
		selectRanks(keys[i], b.base, n.targets[b.from:b.to], at[b.from:b.to], selectDepth)
	}
	return nil
}
