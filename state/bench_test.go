package state

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"ndr/feature"
)

// benchSection is the rows of outbound hosts with some pairs each, of which a share is new from slice to slice.
func benchSection(s feature.Slice, hosts, pairs int) (c feature.Section) {
	for i := range hosts {
		h := hostRow(s, "10.0.0.0", int64(pairs))
		h.Host.Lo += uint64(i)
		h.Counters.Sum[feature.BytesSrc] = 12345
		h.Counters.Minute[3] = 2
		c.Hosts = append(c.Hosts, h)
		for j := range pairs {
			p := pairRow(s, "10.0.0.0", "93.184.0.0", 443)
			p.Host = h.Host
			p.Peer.Lo += uint64(j)
			p.Counters.BytesSrc = 1000
			p.Counters.Kept = []feature.KeptFlow{{Start: 17, Duration: 2, Bytes: 1000, Port: 40000}}
			c.Pairs = append(c.Pairs, p)
		}
	}
	return c
}

// BenchmarkFold folds sections of 100,000 rows.
func BenchmarkFold(b *testing.B) {
	s := mustOpen(b, Config{Dir: b.TempDir()})
	defer s.Close()
	f := &Fold{Partition: "p", Section: benchSection(1, 10_000, 9)}
	b.ReportAllocs()
	for b.Loop() {
		f.N++
		if _, err := s.Fold(f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/row")
}

// BenchmarkSmallFold compares the two ways of a fold around batchRows.
func BenchmarkSmallFold(b *testing.B) {
	for _, rows := range []int{10, 100, 1000} {
		for small, way := range map[int]string{0: "table", 1 << 30: "memtable"} {
			b.Run(fmt.Sprintf("%s/%d", way, rows), func(b *testing.B) {
				s := mustOpen(b, Config{Dir: b.TempDir()})
				defer s.Close()
				s.small = small
				f := &Fold{Partition: "p", Section: benchSection(1, rows/10, 9)}
				b.ReportAllocs()
				for b.Loop() {
					f.N++
					if _, err := s.Fold(f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// countingVisitor looks at nothing.
type countingVisitor struct{ pairs, slices int }

func (v *countingVisitor) BeginHost(feature.Addr) error                       { return nil }
func (v *countingVisitor) BeginRole(feature.Role, []feature.DeltaEntry) error { return nil }
func (v *countingVisitor) EndHost() error                                     { return nil }
func (v *countingVisitor) Late(*feature.LateRow) error                        { return nil }
func (v *countingVisitor) Reject(string, uint64, *feature.Reject) error       { return nil }
func (v *countingVisitor) Pair(p *feature.PairView) error {
	v.pairs++
	v.slices += len(p.Slices)
	return nil
}

// BenchmarkClose scans 10,000 hosts with 20 pairs each; of every host 2 pairs had flows in the closing slice.
func BenchmarkClose(b *testing.B) {
	const hosts, pairs = 10_000, 20
	s := mustOpen(b, Config{Dir: "store", FS: vfs.NewMem()})
	defer s.Close()
	for n := range 4 {
		mustFold(b, s, "p", uint64(n+1), benchSection(feature.Slice(n), hosts, pairs))
		closeAndCommitQuietly(b, s, feature.Slice(n))
	}
	mustFold(b, s, "p", 5, benchSection(4, hosts, 2))
	v := new(countingVisitor)
	b.ReportAllocs()
	for b.Loop() {
		v.pairs = 0
		roll, _, err := s.CloseSlice(b.Context(), Close{Slice: 4}, v)
		if err != nil {
			b.Fatal(err)
		}
		if err := roll.Discard(); err != nil {
			b.Fatal(err)
		}
	}
	if v.pairs != hosts*pairs {
		b.Fatalf("%d pairs were visited", v.pairs)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(hosts*pairs), "ns/pair")
}

func closeAndCommitQuietly(b *testing.B, s *Store, slice feature.Slice) {
	b.Helper()
	roll, _, err := s.CloseSlice(b.Context(), Close{Slice: slice, Through: map[string]uint64{"p": uint64(slice) + 1}}, nil)
	if err == nil {
		err = roll.Commit(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
}
