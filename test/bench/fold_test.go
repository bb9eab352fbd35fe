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
func newIngest(tb testing.TB, cfg stream.IngestConfig, d stream.Description) (*stream.Ingest, *stream.Control) {
	tb.Helper()
	layout, err := feature.NewLayout("ndr", "v1", nil)
	if err != nil {
		tb.Fatal(err)
	}
	control := &stream.Control{Objects: faults.NewMemory(), Layout: layout}
	if _, err := control.Register(tb.Context(), sourceName, d, trafficFrom.UnixNano(), stream.NoWatermark); err != nil {
		tb.Fatal(err)
	}
	return stream.NewIngest(cfg, stream.IngestDeps{Control: control, Log: slog.New(slog.DiscardHandler),
		Metrics: stream.NewMetrics(prometheus.NewRegistry())}), control
}

// scripted is a Reader of records in memory, one cut after the other. It tells folding from cutting by where the stage
// asks for more: the records before the last pollRecords of a cut are folded, then those few are folded and cut.
type scripted struct {
	records [][]byte
	origin  *stream.Origin
	at      int
	out     []stream.Record

	mark      time.Duration
	fold, cut time.Duration // of all cuts but the first, which makes the memory
}

const (
	pollRecords = 512
	// cutRecords is about what a partition holds when four of them share the default budget.
	cutRecords = 400 * pollRecords
	foldCuts   = 3
	foldFlows  = foldCuts * cutRecords
	warmFlows  = foldFlows - cutRecords // that are measured
)

var _ stream.Reader = (*scripted)(nil)

func (s *scripted) Poll(context.Context) ([]stream.Record, error) {
	switch now := cpuTime(); s.at % cutRecords {
	case 0:
		if s.at > cutRecords {
			s.cut += now - s.mark
		}
		s.mark = now
	case cutRecords - pollRecords:
		if s.at > cutRecords {
			s.fold += now - s.mark
		}
		s.mark = now
	}
	if s.at == len(s.records) {
		return nil, io.EOF
	}
	s.out = s.out[:0]
	for ; len(s.out) < pollRecords && s.at < len(s.records); s.at++ {
		s.out = append(s.out, stream.Record{Position: int64(s.at), Value: s.records[s.at], Origin: s.origin})
	}
	return s.out, nil
}

func (s *scripted) AtEnd(context.Context) (bool, error) { return s.at == len(s.records), nil }
func (s *scripted) Behind() (int64, bool)               { return 0, false } // or it would cut at the end of a slice

// foldCost is what ingest without a source costs: decoding and folding, and the cuts.
type foldCost struct {
	fold, cut time.Duration // of warmFlows
	allocs    uint64        // of foldFlows, cuts included
	cutBytes  int           // of the last cut
}

func (c *foldCost) add(o foldCost) {
	c.fold, c.cut, c.allocs, c.cutBytes = c.fold+o.fold, c.cut+o.cut, c.allocs+o.allocs, o.cutBytes
}

// ingest runs the records through the ingest stage as one partition.
func (in *decodeInput) ingest(tb testing.TB) (cost foldCost) {
	cfg := ingestConfig(tb, in.format, 4<<30)
	cfg.MaxCutRecords = cutRecords
	stage, control := newIngest(tb, cfg, stream.Description{ID: "bench", Partitions: []string{"0"}, Earliest: []int64{0}})
	if _, err := stage.Position(tb.Context(), "0"); err != nil {
		tb.Fatal(err)
	}
	r := &scripted{records: in.records}
	if state := in.decoder.State(); state != nil {
		r.origin = &stream.Origin{Name: "bench.log", State: state}
	}
	m := startMeter()
	if err := stage.Consume(tb.Context(), "0", r); err != nil {
		tb.Fatal(err)
	}
	cost.fold, cost.cut, cost.allocs = r.fold, r.cut, m.read().Allocs
	keys, err := control.Objects.List(tb.Context(), "", "", 0)
	if err != nil || len(keys) != 2+foldCuts { // the topology, the cuts, and an empty one at the end
		tb.Fatalf("%d objects, want the topology and %d cuts: %v", len(keys), foldCuts+1, err)
	}
	for _, k := range keys {
		object, err := control.Objects.Get(tb.Context(), k, 0, -1)
		if err != nil {
			tb.Fatal(err)
		}
		cost.cutBytes = max(cost.cutBytes, len(object))
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

func BenchmarkFold(b *testing.B) {
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			in := newDecodeInput(b, format, foldFlows)
			var sum foldCost
			n := 0
			for ; b.Loop(); n++ {
				sum.add(in.ingest(b))
			}
			b.ReportMetric(float64(sum.fold)/float64(n*warmFlows), "cpu-ns/flow")
			b.ReportMetric(float64(sum.cut)/float64(n*warmFlows), "cpu-ns-cut/flow")
			b.ReportMetric(float64(sum.allocs)/float64(n*foldFlows), "allocs/flow")
			b.ReportMetric(float64(sum.cutBytes)/cutRecords, "cut-B/flow")
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
