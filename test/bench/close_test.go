package bench

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"ndr/feature"
	"ndr/sinks"
	"ndr/state"
)

const (
	closePairs   = 20 // outbound pairs of a host; each is an inbound pair of its peer too
	closeHistory = 4  // slices before the one that is measured
)

// BenchmarkClose closes one slice of one shard: the scan of the state, the arithmetic, and the tables on local disk.
// Every host has closePairs pairs in the slice, and closeHistory slices behind it.
func BenchmarkClose(b *testing.B) {
	for _, hosts := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(hosts), func(b *testing.B) {
			dir := b.TempDir()
			store := openStore(b, filepath.Join(dir, "store"))
			defer store.Close()
			slice := feature.Slice(2_000_000)
			for i := range feature.Slice(closeHistory) {
				foldHosts(b, store, slice+i, uint64(i)+1, hosts)
				closeSlice(b, store, slice+i, uint64(i)+1, dir)
			}
			last := slice + closeHistory
			foldHosts(b, store, last, closeHistory+1, hosts)
			var rows, bytes int64
			m := startMeter()
			for b.Loop() {
				rows, bytes = scanSlice(b, store, last, closeHistory+1, dir, false)
			}
			u := m.read()
			b.ReportMetric(u.per(b.N*hosts), "cpu-ns/host")
			b.ReportMetric(float64(rows), "rows")
			b.ReportMetric(float64(bytes)/(1<<20), "MiB-written")
			b.ReportMetric(float64(peakMemory())/(1<<20), "MiB-peak")
		})
	}
}

func openStore(b *testing.B, dir string) *state.Store {
	b.Helper()
	s, err := state.Open(state.Config{Dir: dir, LogicVersion: feature.LogicVersion})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// foldHosts adds one cut in which every host has its pairs.
func foldHosts(b *testing.B, s *state.Store, slice feature.Slice, n uint64, hosts int) {
	b.Helper()
	var sec feature.Section
	for h := range hosts {
		host := hostAddr(h)
		row := feature.HostRow{Slice: slice, Host: host, Role: feature.Outbound}
		for p := range closePairs {
			c := feature.PairCounters{Sessions: int64(1 + p%3), BytesSrc: 900, BytesDst: 40_000}
			row.Counters.Sum[feature.Sessions] += c.Sessions
			row.Counters.Sum[feature.Traffic] += c.Sessions
			row.Counters.Sum[feature.TCP] += c.Sessions
			row.Counters.Sum[feature.Allow] += c.Sessions
			row.Counters.Sum[feature.BytesSrc] += c.BytesSrc
			row.Counters.Sum[feature.BytesDst] += c.BytesDst
			row.Counters.Minute[p%feature.MinutesPerSlice] += c.Sessions
			for k := range c.Sessions {
				c.Kept = append(c.Kept, feature.KeptFlow{Start: int32(60 * (int64(p) + k)), Duration: 1, Bytes: 300, Port: 50_000})
			}
			sec.Pairs = append(sec.Pairs, feature.PairRow{Slice: slice, Host: host, Role: feature.Outbound,
				Peer: peerAddr(h, p, int(slice)), Port: 443, Counters: c})
		}
		sec.Hosts = append(sec.Hosts, row)
	}
	slices.SortFunc(sec.Pairs, func(x, y feature.PairRow) int {
		if c := x.Host.Compare(y.Host); c != 0 {
			return c
		}
		return x.Peer.Compare(y.Peer)
	})
	if _, err := s.Fold(&state.Fold{Partition: "0", N: n, Watermark: int64(n), Section: sec}); err != nil {
		b.Fatal(err)
	}
}

func hostAddr(h int) feature.Addr { return feature.Addr{Lo: 0xffff<<32 | 10<<24 | uint64(h)} }

// peerAddr is the p-th peer of a host: most stay from slice to slice, the last two change.
func peerAddr(h, p, slice int) feature.Addr {
	var key [24]byte
	binary.LittleEndian.PutUint64(key[:], uint64(h))
	binary.LittleEndian.PutUint64(key[8:], uint64(p))
	if p >= closePairs-2 {
		binary.LittleEndian.PutUint64(key[16:], uint64(slice))
	}
	// The number of the peer is in the address, so that no two of a host are the same.
	return feature.Addr{Lo: 0xffff<<32 | 198<<24 | feature.Hash(key[:])>>45<<5 | uint64(p)}
}

// closeSlice closes and rolls a slice.
func closeSlice(b *testing.B, s *state.Store, slice feature.Slice, n uint64, dir string) {
	scanSlice(b, s, slice, n, dir, true)
}

// scanSlice runs one close up to its finished tables, and commits the roll or discards it.
func scanSlice(b *testing.B, s *state.Store, slice feature.Slice, n uint64, dir string, commit bool) (rows, bytes int64) {
	b.Helper()
	fail := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	var files []*sinks.TableFile
	open := func(t *feature.Table) feature.RowSink {
		f, err := sinks.NewTableFile(dir, t, nil)
		fail(err)
		files = append(files, f)
		return f
	}
	segments, err := feature.NewSegments(nil, feature.DefaultSegmentBits4, feature.DefaultSegmentBits6)
	fail(err)
	builder, err := feature.NewCloseBuilder(feature.CloseConfig{
		Slice: slice, Segments: segments, HighRisk: feature.NewHighRisk(segments, nil, nil), Calendar: feature.DefaultCalendar(),
		RarePeer: 1, RarePort: 1, FeatureSpecVersion: "v1", Source: "bench", PairContextWindows: []string{"w_15m"},
	}, feature.CloseSinks{Delta: open(feature.DeltaTable()), PairCounts: open(feature.PairCountsTable()), FGA: open(feature.FGATable()),
		PairContext: open(feature.PairContextTable()), BeaconEvidence: open(feature.BeaconEvidenceTable())})
	fail(err)
	roll, _, err := s.CloseSlice(b.Context(), state.Close{Slice: slice, Through: map[string]uint64{"0": n}}, builder)
	fail(err)
	fail(builder.Flush())
	for _, f := range files {
		stats, _, err := f.Finish()
		fail(err)
		rows, bytes = rows+stats.Rows, bytes+stats.Bytes
		fail(f.Close())
	}
	if commit {
		fail(roll.Commit(b.Context()))
	} else {
		fail(roll.Discard())
	}
	return rows, bytes
}
