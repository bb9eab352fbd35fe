package stream

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"ndr/feature"
)

// oracle states the whole chain of a log that does not grow any more, straight from the rule.
func oracle(clock feature.Clock, partitions []string, cuts map[string][]CutHeader) (out []*CloseRecord) {
	first := func(p string, end int64) (uint64, bool) {
		for _, h := range cuts[p] {
			if h.Watermark >= end {
				return h.N, true
			}
		}
		return 0, false
	}
	var named []feature.Slice
	ended, last := true, feature.Slice(-1<<62)
	for _, p := range partitions {
		hs := cuts[p]
		ended = ended && len(hs) > 0 && hs[len(hs)-1].Watermark == EndOfInput
		for _, h := range hs {
			named = append(named, h.Touched...)
			if h.Largest != nil {
				last = max(last, *h.Largest)
			}
		}
	}
	slices.Sort(named)
	consumed := make(map[string]uint64)
	for {
		r := &CloseRecord{Partitions: make(map[string]uint64), Cuts: make(map[string]CutSpan)}
		empty := 1
		switch {
		case len(out) == 0 && len(named) == 0:
			if !ended {
				return out
			}
			least := int64(EndOfInput)
			for _, hs := range cuts {
				for _, h := range hs {
					if h.OddTime != nil {
						least = min(least, *h.OddTime)
					}
				}
			}
			if least == EndOfInput {
				least = at(time.Hour)
			}
			r.Slice = clock.Of(least)
		case len(out) == 0:
			r.Slice = named[0]
		case out[len(out)-1].Final:
			return out
		default:
			before := out[len(out)-1]
			r.Slice, empty = before.Slice+1, before.EmptyRun+1
			if before.EmptyRun >= 96 {
				i, _ := slices.BinarySearch(named, before.Slice+1)
				if i == len(named) {
					return out
				}
				r.Slice = named[i]
			}
			r.Previous = &before.Slice
		}
		open := make(map[feature.Slice]bool)
		for _, p := range partitions {
			n, ok := first(p, clock.End(r.Slice))
			if !ok {
				return out
			}
			r.Partitions[p] = n
			if n > consumed[p] {
				r.Cuts[p] = CutSpan{consumed[p] + 1, n}
				consumed[p] = n
			}
			for _, h := range cuts[p][:n] {
				for _, s := range h.Touched {
					if s > r.Slice {
						open[s] = true
					}
					if s == r.Slice {
						empty = 0
					}
				}
			}
		}
		r.Open = slices.Sorted(maps.Keys(open))
		r.EmptyRun = empty
		r.Final = ended && r.Slice >= last
		out = append(out, r)
	}
}

// randomLog makes the cuts of a partition as ingest would: rows of slices that the watermark before had not passed,
// and a watermark behind the largest event, until the end of a bounded input.
func randomLog(rnd *rand.Rand, p string, bounded bool) (out []CutHeader) {
	const lateness = 10 * time.Minute
	largest := at(time.Duration(rnd.IntN(200)) * time.Minute)
	mark := int64(NoWatermark)
	var most *feature.Slice
	clock := feature.Clock{}
	for n := range rnd.IntN(12) {
		h := CutHeader{Format: CutFormat, Source: "flows", Partition: p, N: uint64(n + 1), Watermark: mark}
		touched := make(map[feature.Slice]bool)
		for range rnd.IntN(4) {
			event := largest - rnd.Int64N(int64(40*time.Minute))
			if rnd.IntN(3) == 0 {
				step := int64(30 * time.Minute)
				if rnd.IntN(10) == 0 {
					step = int64(40 * time.Hour)
				}
				event = largest + rnd.Int64N(step)
			}
			if mark == NoWatermark {
				largest = event
			}
			largest = max(largest, event)
			if s := clock.Of(event); clock.End(s) > mark {
				touched[s] = true
				if most == nil || s > *most {
					most = &s
				}
			} else if h.OddTime == nil || event < *h.OddTime {
				h.OddTime = &event
			}
			mark = max(mark, largest-int64(lateness))
		}
		if !bounded && rnd.IntN(4) == 0 && mark != NoWatermark { // idle
			mark += rnd.Int64N(int64(2 * time.Hour))
		}
		h.Touched, h.Largest, h.Watermark = slices.Sorted(maps.Keys(touched)), most, mark
		out = append(out, h)
	}
	if bounded {
		h := CutHeader{Format: CutFormat, Source: "flows", Partition: p, N: uint64(len(out) + 1), Watermark: EndOfInput, Largest: most}
		if rnd.IntN(3) == 0 {
			odd := at(-time.Duration(rnd.IntN(100)) * time.Hour)
			h.OddTime = &odd
		}
		out = append(out, h)
	}
	return out
}

// TestChainModel: whatever the order in which cuts appear and followers look, die and come back, the stored records
// are those that the rule makes of the whole log.
func TestChainModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for round := range 150 {
		w := newWorld(t)
		bounded := rnd.IntN(2) == 0
		logs, left := make(map[string][]CutHeader), make(map[string][]CutHeader)
		var names []string
		var parts []TopologyPartition
		for i := range 1 + rnd.IntN(4) {
			p := string(rune('a' + i))
			names = append(names, p)
			parts = append(parts, TopologyPartition{Name: p, Watermark: NoWatermark})
			logs[p] = randomLog(rnd, p, bounded)
			left[p] = logs[p]
		}
		w.topology(parts...)
		followers := []*follower{w.follower(), w.follower(), w.follower()}
		for open := names; len(open) > 0; {
			i := rnd.IntN(len(followers))
			switch rnd.IntN(6) {
			case 0:
				followers[i] = w.follower()
			case 1, 2:
				stepOf(t, followers[i])
			default:
				p := open[rnd.IntN(len(open))]
				if len(left[p]) == 0 {
					open = slices.DeleteFunc(slices.Clone(open), func(o string) bool { return o == p })
					break
				}
				w.cut(p, left[p][0])
				left[p] = left[p][1:]
			}
		}
		for _, f := range followers {
			if _, err := f.step(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		got, want := w.records(), oracle(feature.Clock{}, names, logs)
		if len(got) != len(want) {
			for _, p := range names {
				for _, h := range logs[p] {
					t.Log(showHeader(&h), p)
				}
			}
			for _, r := range slices.Concat(got, want) {
				t.Log(showRecord(r))
			}
			t.Fatalf("round %d: %d records, want %d", round, len(got), len(want))
		}
		slices.SortFunc(got, func(a, b *CloseRecord) int { return cmp.Compare(a.Slice, b.Slice) })
		for i := range got {
			if d := gocmp.Diff(showRecord(got[i]), showRecord(want[i])); d != "" {
				t.Fatalf("round %d, record %d: -got +want:\n%s", round, i, d)
			}
		}
		for _, f := range followers { // every process ends at the same record
			if len(want) > 0 && f.chain.previous.Slice != want[len(want)-1].Slice {
				t.Errorf("round %d: a follower stands at %s", round, showRecord(f.chain.previous))
			}
		}
	}
}
