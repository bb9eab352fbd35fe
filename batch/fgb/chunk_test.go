package fgb

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ndr/feature"
)

// columnMakers are the kinds of columns that chunks tell apart, and what makes one kind of another in a later run.
var columnMakers = []func(r *rand.Rand, run int) float64{
	func(*rand.Rand, int) float64 { return 0 },
	func(*rand.Rand, int) float64 { return math.NaN() },
	func(_ *rand.Rand, run int) float64 { return float64(run) },
	func(_ *rand.Rand, run int) float64 { return float64(run) * 1e5 },
	func(_ *rand.Rand, run int) float64 { return -float64(run) / 3 },
	func(r *rand.Rand, _ int) float64 { return float64(r.IntN(255)) }, // 255 is null in one byte
	func(r *rand.Rand, _ int) float64 { return float64(254 + r.IntN(3)) },
	func(r *rand.Rand, _ int) float64 { return float64(65534 + r.IntN(3)) },
	func(r *rand.Rand, _ int) float64 { return float64(1<<32 - 2 + r.Int64N(3)) },
	func(r *rand.Rand, _ int) float64 { return r.NormFloat64() },
	func(r *rand.Rand, _ int) float64 { return []float64{7, math.NaN()}[r.IntN(2)] },
	func(r *rand.Rand, run int) float64 {
		return []float64{float64(r.IntN(9)), 0.5, math.NaN(), 1e12}[run%4]
	},
}

// TestChunksKeepValues writes runs, merges their chunks and reads the rows back by host, before and after.
func TestChunksKeepValues(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	s, err := newSpill(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	want := map[feature.Addr]*keyRows{}
	g := makeGroup(3, feature.Outbound, 1, 2)
	for run := range 2*maxChunks + 5 {
		b := newRun(s, 1<<20)
		for range 1 + r.IntN(30) {
			host := feature.Addr{Lo: 0xffff0a000000 + uint64(r.IntN(15))}
			k := want[host]
			if k == nil {
				k = &keyRows{}
				want[host] = k
			}
			for m := range b.cols {
				x := columnMakers[m%len(columnMakers)](r, run)
				b.cols[m] = append(b.cols[m], x)
				k.cols[m] = append(k.cols[m], x)
			}
			k.rows++
			b.hosts, b.group = append(b.hosts, host), append(b.group, g)
		}
		if err := b.flush(); err != nil {
			t.Fatal(err)
		}
	}
	chunks := s.byGroup()[g]
	checkChunks(t, s, chunks, want)
	merged, err := s.compact(t.Context(), chunks, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if len(chunks) <= maxChunks || len(merged) > maxChunks {
		t.Errorf("%d chunks were made %d", len(chunks), len(merged))
	}
	checkChunks(t, s, merged, want)
}

// checkChunks compares the rows of each host; their order within a host means nothing.
func checkChunks(t *testing.T, s *spill, chunks []chunk, want map[feature.Addr]*keyRows) {
	t.Helper()
	for _, block := range []int64{1, blockBytes} { // in pieces, and whole
		merge := newHostMerge(s.file, chunks, allColumns(), block)
		var h hostRows
		hosts := 0
		for last := (feature.Addr{}); ; hosts++ {
			ok, err := merge.nextHost(&h)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if h.host.Compare(last) <= 0 && hosts > 0 {
				t.Fatalf("%s after %s", h.host, last)
			}
			last = h.host
			k, w := h.keys[0], want[h.host]
			if len(h.keys) != 1 || k.rows != w.rows {
				t.Fatalf("%s: %d keys, %d rows, want 1 and %d", h.host, len(h.keys), k.rows, w.rows)
			}
			for m := range k.cols {
				got, expected := slices.Sorted(slices.Values(k.cols[m])), slices.Sorted(slices.Values(w.cols[m]))
				if !slices.EqualFunc(got, expected, same) {
					t.Fatalf("%s, column %d: got %v, want %v", h.host, m, got, expected)
				}
			}
		}
		if hosts != len(want) {
			t.Errorf("%d hosts, want %d", hosts, len(want))
		}
	}
}

func TestDamagedChunk(t *testing.T) {
	s, err := newSpill(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	var r chunkReader
	for _, c := range []chunk{{bytes: 10}, {bytes: int64(maxChunkHead), rows: 1, hosts: 1}} {
		if _, err := s.file.WriteAt(slices.Repeat([]byte{8}, int(c.bytes)), 0); err != nil {
			t.Fatal(err)
		}
		for _, load := range []int64{0, 1 << 20} {
			if err := r.open(s.file, c, load); err == nil {
				t.Errorf("%+v: want an error", c)
			}
		}
	}
	if err := r.open(s.file, chunk{offset: 1 << 20, bytes: 100}, 0); err == nil {
		t.Error("want an error past the end")
	}
}
