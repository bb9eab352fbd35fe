package fgb

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"ndr/feature"
)

// heapPeak is the largest live heap that was seen.
type heapPeak struct {
	sample []metrics.Sample
	bytes  uint64
}

func newHeapPeak() *heapPeak {
	return &heapPeak{sample: []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}}
}

func (p *heapPeak) look() {
	metrics.Read(p.sample)
	p.bytes = max(p.bytes, p.sample[0].Value.Uint64())
}

// bigValue is the value of a metric of a host in a slice of TestBigSegment.
func bigValue(host, slice, m int) float64 {
	h := feature.Fmix64(uint64(host)<<32 | uint64(slice)<<8 | uint64(m))
	switch {
	case m == int(feature.MSessionsCnt):
		return float64(1 + h%50)
	case m%3 == 0:
		return float64(h % 100)
	case m%3 == 1:
		return float64(h>>20) / (1 << 44)
	case h%10 == 0:
		return math.NaN()
	}
	return float64(h % (1 << 30))
}

// TestBigSegment works on a segment of 65,000 hosts whose rows, 194 MiB as numbers, are many times the budget.
func TestBigSegment(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const hosts, slices, memory = 65_000, 8, 16 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	w := newWorld(t)
	peak := newHeapPeak()
	cfg := w.config(time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC))
	cfg.Progress = func(Progress) { peak.look() }
	j := w.job(cfg, memory)
	in := &horizonInput{Horizon: Horizon{"1d", 1, 0}, start: reference.AddDate(0, 0, -1), end: reference, last: 95}
	s, err := newSpill(cfg.TempDir)
	w.check(err)
	p := &part{job: j, in: in, names: newNames(0, 1), spill: s, inventory: &inventory{}}
	defer func() {
		w.check(s.close())
		for _, table := range p.tables {
			w.check(table.Close())
		}
	}()
	segment, err := p.names.segmentNumber("big")
	w.check(err)
	band, err := p.names.bandNumber("off_hours")
	w.check(err)
	r := newRun(s, 2<<20) // a tenth of a slice: over a hundred chunks, which must be compacted
	for slice := range slices {
		for host := range hosts {
			if r.rows() == r.limit {
				w.check(r.flush())
				peak.look()
			}
			for m := range feature.Metrics {
				r.cols[m] = append(r.cols[m], bigValue(host, slice, m))
			}
			r.cols[columnSlice] = append(r.cols[columnSlice], float64(slice))
			r.hosts = append(r.hosts, feature.Addr{Lo: 0xffff0a000000 + uint64(host)})
			r.group = append(r.group, makeGroup(segment, feature.Outbound, band, 0))
		}
	}
	w.check(r.flush())
	before := len(s.mu.chunks)
	w.check(p.arrange(t.Context()))
	for _, chunks := range p.groups {
		if before <= maxChunks || len(chunks) > maxChunks {
			t.Errorf("%d chunks were made %d", before, len(chunks))
		}
	}
	caps, err := p.segments(t.Context())
	w.check(err)
	w.check(p.hosts(t.Context(), caps))
	for i, want := range []int64{1, hosts, hosts, hosts} {
		if err := p.tables[i].flush(); err != nil {
			t.Fatal(err)
		}
		if stats, _, err := p.tables[i].Finish(); err != nil || stats.Rows != want {
			t.Errorf("table %s: %d rows, %v, want %d", p.tables[i].batch.Table.Name, stats.Rows, err, want)
		}
	}
	if p.report.Observations != hosts*slices {
		t.Errorf("%d observations", p.report.Observations)
	}
	// The Parquet writers hold a row group of 17 MiB and as much for its encoding, whatever the budget.
	const bound = memory + 96<<20
	t.Logf("peak %d MiB for %d MiB of rows", peak.bytes>>20, hosts*slices*numColumns*8>>20)
	if peak.bytes > bound {
		t.Errorf("the heap reached %d MiB, at most %d are allowed", peak.bytes>>20, bound>>20)
	}
	checkBig(t, p, hosts, slices, caps)
}

// checkBig compares the statistics of the segment with those of all values in memory, by the calculator that
// package feature tests.
func checkBig(t *testing.T, p *part, hosts, slices int, caps map[groupID][]feature.Spread) {
	t.Helper()
	rules := &p.job.cfg.Rules
	light := make([]bool, hosts*slices)
	column := func(m int) []float64 {
		v := make([]float64, 0, hosts*slices)
		for host := range hosts {
			for slice := range slices {
				v = append(v, bigValue(host, slice, m))
			}
		}
		return v
	}
	calc := feature.NewBaselineCalculator(rules.LightWeight)
	for _, spreads := range caps {
		for k, m := range rules.KeyMetrics {
			v := column(int(m))
			if want := calc.Spread(v); spreads[k] != want {
				t.Errorf("%s: spread %+v, want %+v", feature.Metrics[m].Name, spreads[k], want)
			}
			rules.MarkAnomalies(v, spreads[k], light)
		}
	}
	var g segmentGroup
	for id, chunks := range p.groups {
		g = segmentGroup{group: id, chunks: chunks}
	}
	long := &groupReader{rules: rules, calc: calc, file: p.spill.file, memory: 16 << 20}
	if err := long.compute(&g); err != nil {
		t.Fatal(err)
	}
	for _, m := range []int{0, 1, 2, 8, 30} {
		want := calc.Stats(column(m), light)
		want.Cold = want.Support < rules.SupportMin[m]
		if g.stats[m] != want {
			t.Errorf("%s: got %+v, want %+v", feature.Metrics[m].Name, g.stats[m], want)
		}
	}
}
