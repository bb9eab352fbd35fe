package state

import (
	"fmt"
	"math/rand/v2"

	"ndr/feature"
)

// cutData is a cut before aggregation.
type cutData struct {
	partition    string
	n            uint64
	events, late []event
	rejects      []feature.Reject
}

func (c *cutData) fold(kept int) *Fold {
	return &Fold{Partition: c.partition, N: c.n, Watermark: int64(c.n) * 1000,
		Blob: fmt.Appendf(nil, "%s#%d", c.partition, c.n), Section: sectionOf(c.events, c.late, c.rejects, kept)}
}

// step is a fold or a close.
type step struct {
	cut   *cutData
	close *Close
}

// history makes a random run: slices with jumps, events of each dealt to partitions and cuts, some cuts ahead of the
// close that uses them. The events depend on the seed only, how they are dealt on deal.
func history(seed uint64, deal *rand.Rand, closes int) (steps []step) {
	world := rand.New(rand.NewPCG(seed, 1))
	partitions := 1 + deal.IntN(3)
	next := make([]uint64, partitions)
	slice := feature.Slice(world.IntN(1000) - 500)
	waiting := make([][]event, partitions)
	cut := func(p int, split int) {
		for {
			n := len(waiting[p])
			if split > 0 && n > 1 {
				n = 1 + deal.IntN(n)
			}
			next[p]++
			c := &cutData{partition: fmt.Sprint("p", p), n: next[p], events: waiting[p][:n]}
			waiting[p] = waiting[p][n:]
			if deal.IntN(4) == 0 {
				e := randomEvent(deal, slice-feature.Slice(1+deal.IntN(300)))
				c.late = append(c.late, e)
				c.rejects = []feature.Reject{{Position: 9, Reason: "malformed", Raw: []byte{0, 1}}, {Position: 3, Item: 1, Reason: "past_time"}}
			}
			steps = append(steps, step{cut: c})
			if len(waiting[p]) == 0 {
				return
			}
		}
	}
	for range closes {
		for range world.IntN(40) {
			p := deal.IntN(partitions)
			waiting[p] = append(waiting[p], randomEvent(world, slice))
		}
		through := map[string]uint64{}
		for _, p := range deal.Perm(partitions) {
			cut(p, deal.IntN(2))
			through[fmt.Sprint("p", p)] = next[p]
		}
		if deal.IntN(3) == 0 { // a cut ahead of the close
			cut(deal.IntN(partitions), 0)
		}
		steps = append(steps, step{close: &Close{Slice: slice, Through: through}})
		jumps := []feature.Slice{1, 1, 1, 1, 2, 50, 96, 97, 300, 2900, 3100}
		slice += jumps[world.IntN(len(jumps))]
	}
	return steps
}
