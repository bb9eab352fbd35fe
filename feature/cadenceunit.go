package feature

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const (
	cadenceBins  = 24 // equal bins of the window
	slicesPerBin = RingSlices / cadenceBins
	// secondsOfSlice and secondsOfWindow are the lengths of a slice and of w_24h.
	secondsOfSlice  = int64(SliceLength / time.Second)
	secondsOfWindow = RingSlices * secondsOfSlice
)

// keptSpan is a kept flow in absolute time, whole seconds since the Unix epoch; in a windowed source a connection,
// of which one or several exports were kept.
type keptSpan struct {
	start, end int64
	bytes      int64
	port       uint16
}

// compare orders by start first. Starts mostly differ: what decides comes before the rest is looked at.
func (a keptSpan) compare(b keptSpan) int {
	if a.start != b.start {
		return cmp.Compare(a.start, b.start)
	}
	return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.port, b.port), cmp.Compare(a.bytes, b.bytes))
}

// compareRun orders by source port first.
func (a keptSpan) compareRun(b keptSpan) int {
	if a.port != b.port {
		return cmp.Compare(a.port, b.port)
	}
	return a.compare(b)
}

// cadenceUnit is what is scored: a pair, or the pooled pairs of a peer.
type cadenceUnit struct {
	views      int
	sessions   int64
	bins       [cadenceBins]int64 // sessions
	full       [RingSlices]bool   // the slice has more sessions than it keeps flows of
	flows      []keptSpan
	resolution float64 // within which the starts are known, seconds
}

func (u *cadenceUnit) reset() {
	*u = cadenceUnit{flows: u.flows[:0], resolution: 1}
}

// addView adds the slices of the window that begins with slice from.
func (u *cadenceUnit) addView(p *PairView, clock Clock, from Slice, kept int) {
	u.views++
	for i := range p.Slices {
		s := &p.Slices[i]
		age := s.Slice - from
		if age < 0 || age >= RingSlices {
			continue
		}
		u.sessions += s.Sessions
		u.bins[age/slicesPerBin] += s.Sessions
		u.full[age] = u.full[age] || s.Sessions > int64(kept)
		start := startSeconds(clock, s.Slice)
		for _, k := range s.Kept {
			at := start + int64(k.Start)
			u.flows = append(u.flows, keptSpan{at, at + int64(k.Duration), k.Bytes, k.Port})
		}
	}
}

// add pools o, another port of the same peer.
func (u *cadenceUnit) add(o *cadenceUnit) {
	u.views += o.views
	u.sessions += o.sessions
	for i, n := range o.bins {
		u.bins[i] += n
	}
	for i, full := range o.full {
		u.full[i] = u.full[i] || full
	}
	u.flows = append(u.flows, o.flows...)
	u.resolution = max(u.resolution, o.resolution)
}

func (u *cadenceUnit) sort() {
	if !slices.IsSortedFunc(u.flows, keptSpan.compare) {
		slices.SortFunc(u.flows, keptSpan.compare)
	}
}

// hasStarts reports whether the sorted flows have at least n distinct starts.
func (u *cadenceUnit) hasStarts(n int) bool {
	for i := range u.flows {
		if i == 0 || u.flows[i].start != u.flows[i-1].start {
			n--
		}
	}
	return n <= 0
}

// appendIntervals appends the seconds between consecutive distinct starts of the sorted flows. Over the end of a
// full slice there were starts that nobody kept: no interval is known there. Intervals are at least 1 second, the
// coarsest time_res there is.
func (u *cadenceUnit) appendIntervals(dst []float64, clock Clock, from Slice) []float64 {
	var before [RingSlices + 1]int // how many full slices end at or before the start of slice i of the window
	for i, full := range u.full {
		before[i+1] = before[i]
		if full {
			before[i+1]++
		}
	}
	origin := startSeconds(clock, from)
	ends := func(at int64) int {
		return before[max(0, min(RingSlices, floorDiv(at-origin, secondsOfSlice)))]
	}
	for i := 1; i < len(u.flows); i++ {
		a, b := u.flows[i-1].start, u.flows[i].start
		if a != b && ends(a) == ends(b) {
			dst = append(dst, float64(b-a))
		}
	}
	return dst
}

// merge joins the exports of one connection among the kept flows of a pair: the same source port, and a gap of at
// most the slack to the latest end so far. It returns the resolution of the starts in seconds, at least 1: an
// exporter may give the bounds of its window instead of the first and the last packet, and then a start is known
// no better than the length of the record. Half of the connections have a first record at least so long.
func (c *Cadence) merge(u *cadenceUnit) float64 {
	slices.SortFunc(u.flows, keptSpan.compareRun)
	slack := int64(c.cfg.MergeSlack / time.Second)
	c.sizes = c.sizes[:0] // of time here: no sizes yet
	merged := u.flows[:0]
	for _, f := range u.flows {
		if n := len(merged); n > 0 && merged[n-1].port == f.port && f.start-merged[n-1].end <= slack {
			last := &merged[n-1]
			last.end = max(last.end, f.end)
			last.bytes = addBytes(last.bytes, f.bytes)
			continue
		}
		merged = append(merged, f)
		c.sizes = append(c.sizes, float64(f.end-f.start))
	}
	u.flows = merged
	slices.Sort(c.sizes)
	return max(1, median(c.sizes))
}

// addBytes adds two sizes; what an int64 does not hold is its largest value.
func addBytes(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

// startSeconds is when a slice starts, seconds since the Unix epoch: clocks are offset by whole minutes.
func startSeconds(clock Clock, s Slice) int64 { return floorDiv(clock.Start(s), int64(time.Second)) }
