package faults

import (
	"fmt"
	"testing"
	"time"
)

// panosDays and vpcHours are the inputs of the comparisons, in an order that the lateness allows.
func panosDays(order uint64) Setup {
	tr := Traffic{Seed: *seed, Order: order, Flows: 700, From: at(2023, 6, 2, 15), Span: 26 * time.Hour, Shuffle: 9 * time.Minute, Broken: 30}
	return Setup{Format: "panos-json", Lines: tr.PANOS(), Partitions: 1, Shards: 1, Lateness: 10 * time.Minute, PairTimeout: 2 * time.Minute}
}

// vpcHours waits for mirrors longer than the order is shuffled: which halves find each other must not depend on the
// other records of their partition.
func vpcHours(order uint64) Setup {
	tr := Traffic{Seed: *seed, Order: order, Flows: 500, From: at(2023, 6, 2, 20), Span: 7 * time.Hour, Shuffle: 9 * time.Minute, Broken: 30}
	return Setup{Format: "vpc-text", Lines: tr.VPC(), Partitions: 1, Shards: 1, Lateness: 10 * time.Minute, PairTimeout: 30 * time.Minute}
}

// lateHours has records that come too late; lateness is judged per partition, so it is for one partition only. There
// is a silence, in which slices close without a row.
func lateHours() Setup {
	tr := Traffic{Seed: *seed, Flows: 400, From: at(2023, 6, 2, 21), Span: 5 * time.Hour, Shuffle: 9 * time.Minute, Late: 12, Broken: 30, Silence: true}
	return Setup{Format: "panos-json", Lines: tr.PANOS(), Partitions: 1, Shards: 1, Lateness: 10 * time.Minute, PairTimeout: 2 * time.Minute}
}

// lateHalves are halves of which some come too late, and some mirrors.
func lateHalves() Setup {
	tr := Traffic{Seed: *seed, Flows: 350, From: at(2023, 6, 2, 21), Span: 4 * time.Hour, Shuffle: 9 * time.Minute, Late: 12, Broken: 30}
	return Setup{Format: "vpc-text", Lines: tr.VPC(), Partitions: 1, Shards: 1, Lateness: 10 * time.Minute, PairTimeout: 2 * time.Minute}
}

// gaps has a pause of more than a day, which the chain of closes jumps over.
func gaps() Setup {
	s := lateHours()
	tr := Traffic{Seed: *seed + 1, Flows: 100, From: at(2023, 6, 5, 3), Span: 3 * time.Hour, Shuffle: 9 * time.Minute}
	s.Lines = append(s.Lines, tr.PANOS()...)
	return s
}

// variant is one way to run an input.
type variant struct {
	partitions, shards int
	cut                int64 // records
	memory             int64
	order              uint64
}

func (v variant) String() string {
	return fmt.Sprintf("%dp %ds cut=%d memory=%d order=%d", v.partitions, v.shards, v.cut, v.memory, v.order)
}

// matrix is every combination of the partitions, shards, cuts and orders that a case allows.
func matrix(partitions []int, orders []uint64) (all []variant) {
	for _, p := range partitions {
		for _, s := range []int{1, 8} {
			for _, c := range []variant{{cut: 100}, {cut: 7}, {memory: 1}, {}} {
				for _, o := range orders {
					all = append(all, variant{p, s, c.cut, c.memory, o})
				}
			}
		}
	}
	return all
}

// TestSameRowsWhateverTheTopology runs each input in many ways: the rows and the accounts stay the same. The first
// run is checked by the oracle.
func TestSameRowsWhateverTheTopology(t *testing.T) {
	seeded(t)
	one, many, inOrder, shuffled := []int{1}, []int{1, 3, 8}, []uint64{0}, []uint64{0, 1, 2}
	for i, c := range []struct {
		name     string
		setup    func(order uint64) Setup
		variants []variant
		short    int
	}{
		{"panos-json", panosDays, matrix(many, shuffled), 3},
		{"vpc-text", vpcHours, matrix(many, shuffled), 3},
		{"late records", func(uint64) Setup { return lateHours() }, matrix(one, inOrder), 1},
		{"late halves", func(uint64) Setup { return lateHalves() }, matrix(one, inOrder), 1},
		{"gaps", func(uint64) Setup { return gaps() }, matrix(one, inOrder)[1:4], 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.setup(0)
			store := NewMemory()
			p := &Process{Setup: s}
			if err := inBubble(t, func() error { return p.untilDone(&Faulty{Store: store}) }); err != nil {
				t.Fatal(err)
			}
			want := read(t, store, s.Shards)
			t.Logf("%s, %d slices, %d fg_a rows", accountText(&want.Account), want.Slices, len(want.Tables["fg_a"]))
			confirm(t, dump(t, store), s)
			for _, v := range sample(c.variants, c.short, uint64(i)) {
				t.Run(v.String(), func(t *testing.T) {
					s := c.setup(v.order)
					s.Partitions, s.Shards, s.CutRecords, s.Memory = v.partitions, v.shards, v.cut, v.memory
					if d := Diff(want, undisturbed(t, s), false); d != "" {
						t.Error(d)
					}
				})
			}
		})
	}
}

// TestInputsAreWorthIt makes sure that the inputs hold what the comparisons are for.
func TestInputsAreWorthIt(t *testing.T) {
	panos, vpc, late := baseline(t, "panos", panosDays(0)), baseline(t, "vpc", vpcHours(0)), baseline(t, "late", lateHours())
	for _, c := range []struct {
		what string
		got  int64
		want int64
	}{
		{"late records without a late flow", panos.Account.Late + vpc.Account.Late, 0},
		{"rejects of panos-json", int64(len(panos.Tables["rejects"])), 20},
		{"external", panos.Account.Filtered["external"], 25},
		{"undecodable and rejected as malformed", panos.Account.Rejected["malformed"] + panos.Account.Undecodable, 5},
		{"future_time", panos.Account.Rejected["future_time"], 2},
		{"paired halves", vpc.Account.Absorbed, 100},
		{"unpaired halves", vpc.Account.Unpaired, 100},
		{"nodata", vpc.Account.Filtered["nodata"], 2},
		{"late flows", late.Account.Late, 15},
		{"late rows", int64(len(late.Tables[tableLate])), 15},
		{"lookback30d rows", int64(len(panos.Tables["lookback30d"])), 100},
	} {
		if c.got < c.want || c.want == 0 && c.got != 0 {
			t.Errorf("%s: %d, want %d or more", c.what, c.got, c.want)
		}
	}
}
