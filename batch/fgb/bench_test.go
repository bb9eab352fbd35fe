package fgb

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"ndr/feature"
	"ndr/sinks"
)

var (
	benchHosts = flag.Int("fgb.hosts", 2000, "hosts of BenchmarkBaselines")
	benchDays  = flag.Int("fgb.days", 1, "days of BenchmarkBaselines")
	benchDir   = flag.String("fgb.dir", "", "folder in which the tables of BenchmarkBaselines are kept and found again")
)

// BenchmarkBaselines computes a horizon of FG-A in the long layout on one core, from the tables of a folder to
// published baselines. values are the metrics of observations. Run it with -benchtime 1x.
func BenchmarkBaselines(b *testing.B) {
	w := newWorld(b)
	dir := *benchDir
	if dir == "" {
		dir = b.TempDir()
	}
	w.store = sinks.NewFolder(dir, sinks.Config{NoSync: true})
	slices := feature.Slice(96 * *benchDays)
	w.first = w.clock.Of(reference.UnixNano()) - slices - 1
	if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
		r := rand.New(rand.NewPCG(1, 1))
		var previous *feature.Slice
		for s := w.first; s < w.first+slices; s++ {
			w.writeSlice(s, benchRows(r, *benchHosts, s), benchPairs(r, *benchHosts, s), previous)
			at := s
			previous = &at
		}
	}
	b.ResetTimer()
	values := int64(0)
	for b.Loop() {
		cfg := w.config(reference)
		cfg.Horizons = []Horizon{{"bench", *benchDays, 0}}
		cfg.Workers, cfg.AllowGaps, cfg.Compute, cfg.Publish, cfg.AcceptedBy = 1, 1, true, true, "bench"
		cfg.ConfigDigest = fmt.Sprint(time.Now().UnixNano())
		r, err := w.job(cfg, 0).Run(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		values += r.Horizons[0].Observations * int64(feature.NumMetrics)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(values), "ns/value")
	b.ReportMetric(float64(values)/b.Elapsed().Seconds()/1e6, "Mvalues/s")
	b.ReportMetric(float64(peakMemory())/(1<<20), "peak-MiB")
}

// peakMemory is the largest resident set of the process so far, the making of tables included; 0 where the system
// does not tell.
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// benchRows makes rows as traffic has them: many zeros, some counts, shares. The hosts are of networks of 250.
func benchRows(r *rand.Rand, hosts int, s feature.Slice) (rows []fgaRow) {
	order := []int{0, 2, 4, 1, 3} // by label
	for h := range hosts {
		row := fgaRow{host: fmt.Sprintf("10.%d.%d.%d", h/62500, h/250%250, h%250), segment: fmt.Sprintf("10.%d.%d.0/24", h/62500, h/250%250), slice: s, lookback: 30}
		for _, win := range order {
			row.window = win
			for role := range row.values {
				for m, d := range feature.Metrics {
					switch {
					case d.Type == feature.Float64:
						row.values[role][m] = r.Float64()
					case m == int(feature.MBytesSrcSum), m == int(feature.MBytesDstSum):
						row.values[role][m] = float64(r.IntN(1 << 24))
					case m%2 == 0:
						row.values[role][m] = float64(r.IntN(400))
					default:
						row.values[role][m] = 0
					}
				}
				row.values[role][feature.MSessionsCnt]++
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func benchPairs(r *rand.Rand, hosts int, s feature.Slice) (pairs []pairRow) {
	for h := range hosts {
		for d := range 8 {
			pairs = append(pairs, pairRow{src: fmt.Sprintf("10.%d.%d.%d", h/62500, h/250%250, h%250), dst: fmt.Sprintf("203.0.%d.%d", d, r.IntN(250)), port: 443,
				slice: s, segment: fmt.Sprintf("10.%d.%d.0/24", h/62500, h/250%250), sessions: 1 + r.Int64N(9)})
		}
	}
	return pairs
}
