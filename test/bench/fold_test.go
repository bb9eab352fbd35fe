package bench

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ndr/feature"
	"ndr/flow"
	"ndr/stream"
	"ndr/test/faults"
)

const sourceName = "bench"

// ingestConfig is what the command makes of its defaults, for the format. memory bounds the rows of all partitions.
func ingestConfig(tb testing.TB, format string, memory int64) stream.IngestConfig {
	tb.Helper()
	internal, err := feature.NewNetworks(feature.DefaultInternalNetworks())
	if err != nil {
		tb.Fatal(err)
	}
	ports, err := feature.NewPortSets(feature.DefaultPortLists())
	if err != nil {
		tb.Fatal(err)
	}
	return stream.IngestConfig{
		Source: sourceName, Shards: 8, AllowedLateness: 2 * time.Minute, MaxFutureSkew: 5 * time.Minute, MaxPast: 7 * 24 * time.Hour,
		PairTimeout: 2 * time.Minute, IdleTimeout: time.Minute, MaxCutInterval: 5 * time.Minute, Memory: memory,
		CarryBudget: 64 << 20, Kept: feature.DefaultKept, Ceiling: trafficFrom.Add(24 * time.Hour).UnixNano(), Internal: internal, Ports: ports,
		ConfigDigest: "bench", NewDecoder: func() (flow.Decoder, error) { return flow.New(flow.Config{Format: format}) }, Now: time.Now,
	}
}

// newIngest makes an ingest stage over a new store in memory, whose topology names the partitions.
func newIngest(tb testing.TB, cfg stream.IngestConfig, d stream.Description) (*stream.Ingest, *faults.Memory) {
	tb.Helper()
	store := faults.NewMemory()
	layout, err := feature.NewLayout("ndr", "v1", nil)
	if err != nil {
		tb.Fatal(err)
	}
	control := &stream.Control{Objects: store, Layout: layout}
	if _, err := control.Register(tb.Context(), sourceName, d, trafficFrom.UnixNano(), stream.NoWatermark); err != nil {
		tb.Fatal(err)
	}
	return stream.NewIngest(cfg, stream.IngestDeps{Control: control, Log: slog.New(slog.DiscardHandler),
		Metrics: stream.NewMetrics(prometheus.NewRegistry())}), store
}

// scripted is a Reader of records in memory. ended is called when the last of them has been folded.
type scripted struct {
	records [][]byte
	origin  *stream.Origin
	at      int
	out     []stream.Record
	ended   func()
}

var _ stream.Reader = (*scripted)(nil)

func (s *scripted) Poll(context.Context) ([]stream.Record, error) {
	if s.at == len(s.records) {
		s.ended()
		return nil, io.EOF
	}
	s.out = s.out[:0]
	for ; len(s.out) < 512 && s.at < len(s.records); s.at++ {
		s.out = append(s.out, stream.Record{Position: int64(s.at), Value: s.records[s.at], Origin: s.origin})
	}
	return s.out, nil
}

func (s *scripted) AtEnd(context.Context) (bool, error) { return s.at == len(s.records), nil }
func (s *scripted) Behind() (int64, bool)               { return 0, false } // or it would cut at the end of a slice

// foldCost is what ingest without a source costs: decoding and folding, then the cut.
type foldCost struct {
	fold, cut usage
	cutBytes  int
}

// ingest runs the records of one partition through the ingest stage into one cut.
func (in *decodeInput) ingest(tb testing.TB) foldCost {
	stage, store := newIngest(tb, ingestConfig(tb, in.format, 4<<30), stream.Description{ID: "bench", Partitions: []string{"0"}, Earliest: []int64{0}})
	if _, err := stage.Position(tb.Context(), "0"); err != nil {
		tb.Fatal(err)
	}
	var cost foldCost
	r := &scripted{records: in.records}
	if state := in.decoder.State(); state != nil {
		r.origin = &stream.Origin{Name: "bench.log", State: state}
	}
	m := startMeter()
	r.ended = func() { cost.fold, m = m.read(), startMeter() }
	if err := stage.Consume(tb.Context(), "0", r); err != nil {
		tb.Fatal(err)
	}
	cost.cut = m.read()
	keys, err := store.List(tb.Context(), "", "", 0)
	if err != nil || len(keys) != 2 { // the topology and the cut
		tb.Fatalf("%d objects, want one cut: %v", len(keys), err)
	}
	for _, k := range keys {
		if info, err := store.Stat(tb.Context(), k); err == nil {
			cost.cutBytes = max(cost.cutBytes, int(info.Size))
		}
	}
	return cost
}

// naiveIngest decodes and groups the same records the simple way.
func (in *decodeInput) naiveIngest(tb testing.TB) usage {
	m := startMeter()
	rows := newNaiveRows()
	var f naiveFlow
	for _, r := range in.records {
		if err := f.read(r); err != nil {
			tb.Fatal(err)
		}
		rows.add(&f)
	}
	return m.read()
}

// foldFlows is the number of flows of one fold: below the size at which the stage would cut by itself.
const foldFlows = 300_000

func BenchmarkFold(b *testing.B) {
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			in := newDecodeInput(b, format, foldFlows)
			var fold, cut usage
			n, bytes := 0, 0
			for b.Loop() {
				c := in.ingest(b)
				fold.CPU, fold.Allocs, cut.CPU, n, bytes = fold.CPU+c.fold.CPU, fold.Allocs+c.fold.Allocs, cut.CPU+c.cut.CPU, n+foldFlows, c.cutBytes
			}
			b.ReportMetric(fold.per(n), "cpu-ns/flow")
			b.ReportMetric(cut.per(n), "cpu-ns-cut/flow")
			b.ReportMetric(float64(fold.Allocs)/float64(n), "allocs/flow")
			b.ReportMetric(float64(bytes)/foldFlows, "cut-B/flow")
		})
	}
}

// BenchmarkFoldNaive is the reference of BenchmarkFold/panos-json.
func BenchmarkFoldNaive(b *testing.B) {
	in := newDecodeInput(b, flow.FormatPANOSJSON, foldFlows)
	var sum usage
	n := 0
	for b.Loop() {
		u := in.naiveIngest(b)
		sum.CPU, sum.Allocs, n = sum.CPU+u.CPU, sum.Allocs+u.Allocs, n+foldFlows
	}
	b.ReportMetric(sum.per(n), "cpu-ns/flow")
	b.ReportMetric(float64(sum.Allocs)/float64(n), "allocs/flow")
}
