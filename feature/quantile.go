package feature

import (
	"math"
	"math/bits"
	"slices"
)

// orderedKey maps a number to an integer of the same order. Both zeros have the same key.
func orderedKey(x float64) uint64 {
	b := math.Float64bits(x + 0) // -0 + 0 is 0
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// fromKey is the number of an orderedKey.
func fromKey(k uint64) float64 {
	return math.Float64frombits(k ^ (^uint64(int64(k)>>63) | 1<<63))
}

// weightedKeys are the keys of values of two weights. A weight may be 0.
type weightedKeys struct {
	full, light             []uint64
	fullWeight, lightWeight int64
}

func (w *weightedKeys) len() int { return len(w.full) + len(w.light) }

// total is the weight of all values.
func (w *weightedKeys) total() int64 {
	return int64(len(w.full))*w.fullWeight + int64(len(w.light))*w.lightWeight
}

// quantileTarget is the weight that the values up to a percentile must reach: the smallest integer t with
// t x 100 >= percent x total.
func quantileTarget(percent, total int64) int64 {
	q, r := total/100, total%100
	return percent*q + (percent*r+99)/100
}

const (
	sortedLength  = 24 // up to which sorting by insertion is faster than to partition
	nintherLength = 200
	selectDepth   = 48 // of partitions before sorting takes over; chance alone does not reach it
)

// selectRanks finds for each target the smallest value whose cumulative weight, with base below all values, reaches
// it. Targets ascend and are reachable. The keys are reordered. It is a quickselect for several ranks at a time that
// partitions without branches; equal keys are taken out together, so that the few different values of counts make it
// faster and not slower.
func selectRanks(w weightedKeys, base int64, targets []int64, out []uint64, depth int) {
	for len(targets) > 0 {
		if w.len() <= sortedLength || depth == 0 {
			w.sortedRanks(base, targets, out)
			return
		}
		depth--
		p := pivot(&w)
		nf, nl := partition(w.full, p), partition(w.light, p)
		below := base + int64(nf)*w.fullWeight + int64(nl)*w.lightWeight
		if nf+nl > 0 {
			n := upTo(targets, below)
			left := weightedKeys{w.full[:nf], w.light[:nl], w.fullWeight, w.lightWeight}
			selectRanks(left, base, targets[:n], out[:n], depth)
			targets, out = targets[n:], out[n:]
		}
		if len(targets) == 0 {
			return
		}
		w.full, w.light, base = w.full[nf:], w.light[nl:], below
		nf, nl = partition(w.full, p+1), partition(w.light, p+1) // a finite number's key is not the largest
		base += int64(nf)*w.fullWeight + int64(nl)*w.lightWeight
		n := upTo(targets, base)
		for i := range n {
			out[i] = p
		}
		targets, out = targets[n:], out[n:]
		w.full, w.light = w.full[nf:], w.light[nl:]
	}
}

// upTo is how many of the ascending targets the weight reaches.
func upTo(targets []int64, weight int64) int {
	n := 0
	for n < len(targets) && targets[n] <= weight {
		n++
	}
	return n
}

// partition moves the keys below p to the front and returns how many there are.
func partition(a []uint64, p uint64) int {
	j := 0
	for i, x := range a {
		a[i] = a[j]
		a[j] = x
		_, less := bits.Sub64(x, p, 0)
		j += int(less)
	}
	return j
}

// pivot is one of the keys, likely in the middle.
func pivot(w *weightedKeys) uint64 {
	a := w.full
	if len(w.light) > len(a) {
		a = w.light
	}
	n := len(a)
	if n < nintherLength {
		return median3(a[0], a[n/2], a[n-1])
	}
	s := n / 8
	return median3(median3(a[0], a[s], a[2*s]), median3(a[3*s], a[4*s], a[5*s]), median3(a[6*s], a[7*s], a[n-1]))
}

func median3(a, b, c uint64) uint64 { return max(min(a, b), min(max(a, b), c)) }

// sortedRanks is selectRanks by sorting.
func (w *weightedKeys) sortedRanks(base int64, targets []int64, out []uint64) {
	sortKeys(w.full)
	sortKeys(w.light)
	i, j, t := 0, 0, 0
	for t < len(targets) {
		var k uint64
		if j == len(w.light) || i < len(w.full) && w.full[i] <= w.light[j] {
			k = w.full[i]
			i, base = i+1, base+w.fullWeight
		} else {
			k = w.light[j]
			j, base = j+1, base+w.lightWeight
		}
		// Equal keys count together only where none of them reaches the target alone, which changes nothing.
		for t < len(targets) && targets[t] <= base {
			out[t] = k
			t++
		}
	}
}

func sortKeys(a []uint64) {
	if len(a) > sortedLength {
		slices.Sort(a)
		return
	}
	for i := 1; i < len(a); i++ {
		x, j := a[i], i
		for ; j > 0 && a[j-1] > x; j-- {
			a[j] = a[j-1]
		}
		a[j] = x
	}
}
