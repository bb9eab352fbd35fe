package feature

import (
	"math"
	"slices"
)

// distribution is how the sessions and bytes of one window spread over peers, or over ports.
type distribution struct {
	unique                int64
	sessions, topSessions int64
	bytes, topBytes       int64
	fresh                 int64 // members without sessions in the lookback
	rare                  int64 // members with 1..rareMax sessions in it
	counts                countSet
}

func (d *distribution) reset() {
	c := d.counts
	c.reset()
	*d = distribution{counts: c}
}

// add takes one member with its sessions (> 0) and bytes in the window and its sessions in the lookback.
func (d *distribution) add(sessions, bytes, before, rareMax int64) {
	d.unique++
	d.sessions += sessions
	d.bytes += bytes
	d.topSessions = max(d.topSessions, sessions)
	d.topBytes = max(d.topBytes, bytes)
	switch {
	case before == 0:
		d.fresh++
	case before <= rareMax:
		d.rare++
	}
	d.counts.add(sessions)
}

func (d *distribution) sessionsShare() float64 { return share(d.topSessions, d.sessions) }
func (d *distribution) bytesShare() float64    { return share(d.topBytes, d.bytes) }
func (d *distribution) entropy() float64       { return d.counts.entropy(d.sessions) }

// share is part/whole, 0 of nothing.
func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// countSet is a multiset of counts, held in the order that makes a sum over it the same whatever order they came
// in. It is compacted to one run per different count when it grows, and numbers that add up to N have at most
// sqrt(2N) different ones, so it stays small with millions of members.
type countSet struct {
	pending []int64
	runs    []countRun // ascending
	spare   []countRun
}

type countRun struct{ count, times int64 }

const maxPendingCounts = 8192

func (c *countSet) reset() { c.pending, c.runs = c.pending[:0], c.runs[:0] }

func (c *countSet) add(n int64) {
	if len(c.pending) == maxPendingCounts {
		c.compact()
	}
	c.pending = append(c.pending, n)
}

// compact merges the pending counts into the runs.
func (c *countSet) compact() {
	slices.Sort(c.pending)
	out, old := c.spare[:0], c.runs
	for i := 0; i < len(c.pending) || len(old) > 0; {
		if len(old) > 0 && (i == len(c.pending) || old[0].count <= c.pending[i]) {
			out, old = append(out, old[0]), old[1:]
			continue
		}
		n := c.pending[i]
		if last := len(out) - 1; last < 0 || out[last].count != n {
			out = append(out, countRun{n, 0})
		}
		for ; i < len(c.pending) && c.pending[i] == n; i++ {
			out[len(out)-1].times++
		}
	}
	c.runs, c.spare, c.pending = out, c.runs, c.pending[:0]
}

// entropy is -sum p ln p over the counts, p = count / total, from the smallest count up. The products are
// converted so that no machine fuses them with the sum.
func (c *countSet) entropy(total int64) float64 {
	c.compact()
	sum := 0.0
	for _, r := range c.runs {
		p := float64(r.count) / float64(total)
		sum += float64(float64(r.times) * float64(p*math.Log(p)))
	}
	return 0 - sum // not -sum, which is -0 for a single member
}
