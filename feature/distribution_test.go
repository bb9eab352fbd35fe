package feature

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestEntropy(t *testing.T) {
	for _, c := range []struct {
		counts []int64
		want   float64
	}{{nil, 0}, {[]int64{7}, 0}, {[]int64{1, 1}, math.Ln2}, {[]int64{5, 5, 5, 5}, 2 * math.Ln2},
		{[]int64{3, 1}, 0.75*math.Log(4.0/3) + 0.25*math.Log(4)}} {
		var d distribution
		for _, n := range c.counts {
			d.add(n, 0, 0, 1)
		}
		got := d.entropy()
		if math.Abs(got-c.want) > 1e-15 || math.Signbit(got) {
			t.Errorf("entropy of %v: got %v, want %v", c.counts, got, c.want)
		}
	}
}

// However many counts come, in whatever order, the sum is bit for bit that of the sorted list.
func TestEntropyDoesNotDependOnOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	counts := make([]int64, 3*maxPendingCounts+17)
	for i := range counts {
		counts[i] = 1 + rnd.Int64N(1+rnd.Int64N(5000))
	}
	var want float64
	for round := range 5 {
		var d distribution
		for _, n := range counts {
			d.add(n, 0, 0, 1)
		}
		got := d.entropy()
		if round == 0 {
			want = got
		}
		if got != want {
			t.Errorf("round %d: got %v, want %v", round, got, want)
		}
		rnd.Shuffle(len(counts), func(i, j int) { counts[i], counts[j] = counts[j], counts[i] })
	}
	direct, total := 0.0, 0.0
	for _, n := range counts {
		total += float64(n)
	}
	for _, n := range counts {
		direct -= float64(n) / total * math.Log(float64(n)/total)
	}
	if math.Abs(direct-want) > 1e-9 {
		t.Errorf("got %v, want %v", want, direct)
	}
}

func TestCountSetCompacts(t *testing.T) {
	var c countSet
	for i := range int64(100 * maxPendingCounts) {
		c.add(1 + i%7)
	}
	c.compact()
	if len(c.runs) != 7 || cap(c.pending) > 2*maxPendingCounts {
		t.Errorf("got %d runs and room for %d pending, want 7 and at most %d", len(c.runs), cap(c.pending), 2*maxPendingCounts)
	}
	if !slices.IsSortedFunc(c.runs, func(a, b countRun) int { return int(a.count - b.count) }) {
		t.Errorf("runs are not sorted: %v", c.runs)
	}
}

func TestDistributionShares(t *testing.T) {
	var d distribution
	if d.sessionsShare() != 0 || d.bytesShare() != 0 {
		t.Error("shares of nothing are not 0")
	}
	d.add(3, 0, 0, 2)
	d.add(1, 0, 2, 2)
	d.add(4, 0, 3, 2)
	if d.unique != 3 || d.sessionsShare() != 0.5 || d.bytesShare() != 0 || d.fresh != 1 || d.rare != 1 {
		t.Errorf("got %+v", d)
	}
	d.reset()
	d.add(1, 9, 1, 1)
	if d.unique != 1 || d.bytesShare() != 1 || d.fresh != 0 || d.rare != 1 {
		t.Errorf("after reset: got %+v", d)
	}
}
