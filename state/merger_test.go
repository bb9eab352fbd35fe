package state

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

// mergeTree merges the values in the given order, in random groups, each by newer or older operands.
func mergeTree(t *testing.T, r *rand.Rand, kind byte, values [][]byte) []byte {
	t.Helper()
	m := newMerger(3)
	for len(values) > 1 {
		n := min(len(values), 1+r.IntN(4))
		vm, err := m.Merge([]byte{kind}, values[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values[1:n] {
			add := vm.MergeNewer
			if r.IntN(2) == 0 {
				add = vm.MergeOlder
			}
			if err := add(v); err != nil {
				t.Fatal(err)
			}
		}
		got, closer, err := vm.Finish(r.IntN(2) == 0)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values[n:], append([]byte(nil), got...))
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return values[0]
}

// TestMergeIsAssociativeAndCommutative merges the same values in other orders and groups.
func TestMergeIsAssociativeAndCommutative(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	encode := map[byte]func() []byte{
		kindOpenHost: func() []byte { c := randomCounters(r); return appendCounters(nil, &c) },
		kindOpenPair: func() []byte { c := randomPairCounters(r); return appendOpenPairValue(nil, &c) },
		kindPair:     func() []byte { v := randomPair(r); return v.append(nil) },
	}
	for range 100 {
		for kind, one := range encode {
			var values [][]byte
			for range 2 + r.IntN(6) {
				values = append(values, one())
			}
			want := mergeTree(t, r, kind, append([][]byte(nil), values...))
			for range 4 {
				r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
				got := mergeTree(t, r, kind, append([][]byte(nil), values...))
				if d := cmp.Diff(got, want); d != "" {
					t.Fatalf("kind %d (-got +want):\n%s", kind, d)
				}
			}
		}
	}
}

func TestMergeAdds(t *testing.T) {
	a := feature.PairCounters{Sessions: 1, BytesSrc: 2, BytesDst: 3, Res: feature.ResSeconds, Kept: []feature.KeptFlow{{Start: 1}, {Start: 4}}}
	b := feature.PairCounters{Sessions: 10, Res: feature.ResMicros, Kept: []feature.KeptFlow{{Start: 1}, {Start: 2}}}
	merged := mergeTree(t, rand.New(rand.NewPCG(1, 1)), kindOpenPair, [][]byte{appendOpenPairValue(nil, &a), appendOpenPairValue(nil, &b)})
	var got feature.PairCounters
	if err := decodeOpenPairValue(merged, &got); err != nil {
		t.Fatal(err)
	}
	want := feature.PairCounters{Sessions: 11, BytesSrc: 2, BytesDst: 3, Res: feature.ResSeconds,
		Kept: []feature.KeptFlow{{Start: 1}, {Start: 1}, {Start: 2}}}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}

func TestMergeRefusesBrokenValues(t *testing.T) {
	m := newMerger(3)
	for _, kind := range []byte{kindOpenHost, kindOpenPair, kindPair, kindRing} {
		vm, err := m.Merge([]byte{kind}, []byte{9})
		if err == nil {
			err = vm.MergeNewer([]byte{9})
		}
		if err == nil {
			t.Errorf("kind %d: a broken operand is accepted", kind)
		}
	}
}
