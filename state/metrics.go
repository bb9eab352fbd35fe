package state

import (
	"strconv"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts what all stores of a process do.
type Metrics struct {
	folds      *prometheus.CounterVec // outcome: folded, duplicate, gap, failed
	foldRows   *prometheus.CounterVec // kind: host, pair, late, closed_late, reject
	closes     *prometheus.CounterVec // outcome: rolled, discarded, failed
	rolled     *prometheus.CounterVec // kind: pair, dropped_pair, expired_pair, lost_row
	scan       prometheus.Histogram
	diskBytes  *prometheus.GaugeVec
	readAmp    *prometheus.GaugeVec
	checkpoint *prometheus.CounterVec // outcome: created, existed, failed
	upload     prometheus.Counter
}

// NewMetrics registers the metrics; a nil registry only counts.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ndr_state_" + name, Help: help}, labels)
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ndr_state_" + name, Help: help}, []string{"shard"})
	}
	m := &Metrics{
		folds:    vec("folds_total", "Sections of cuts by outcome.", "outcome"),
		foldRows: vec("fold_rows_total", "Rows folded, by kind; closed_late rows came for a closed slice.", "kind"),
		closes:   vec("closes_total", "Closes of slices by outcome.", "outcome"),
		rolled:   vec("rolled_rows_total", "Rows that rolls wrote or dropped, by kind.", "kind"),
		scan: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ndr_state_close_scan_seconds", Help: "Duration of the scan of a close, its visitor included.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14)}),
		diskBytes:  gauge("disk_bytes", "Bytes on disk of the store, after the last roll."),
		readAmp:    gauge("read_amplification", "Pebble's read amplification, after the last roll."),
		checkpoint: vec("checkpoints_total", "Uploads of checkpoints by outcome.", "outcome"),
		upload: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ndr_state_checkpoint_upload_bytes_total", Help: "Bytes of checkpoint files sent to the object store."}),
	}
	if reg != nil {
		reg.MustRegister(m.folds, m.foldRows, m.closes, m.rolled, m.scan, m.diskBytes, m.readAmp, m.checkpoint, m.upload)
	}
	return m
}

func (m *Metrics) folded(r *FoldResult) {
	m.folds.WithLabelValues("folded").Inc()
	m.foldRows.WithLabelValues("host").Add(float64(r.Hosts))
	m.foldRows.WithLabelValues("pair").Add(float64(r.Pairs))
	m.foldRows.WithLabelValues("late").Add(float64(r.Late))
	m.foldRows.WithLabelValues("closed_late").Add(float64(r.ClosedLate))
	m.foldRows.WithLabelValues("reject").Add(float64(r.Rejects))
}

func (m *Metrics) committed(shard int, c *CloseStats, p *pebble.Metrics) {
	m.closes.WithLabelValues("rolled").Inc()
	m.rolled.WithLabelValues("pair").Add(float64(c.ClosedPairs))
	m.rolled.WithLabelValues("dropped_pair").Add(float64(c.DroppedPairs))
	m.rolled.WithLabelValues("expired_pair").Add(float64(c.ExpiredPairs))
	m.rolled.WithLabelValues("lost_row").Add(float64(c.LostRows))
	label := strconv.Itoa(shard)
	m.diskBytes.WithLabelValues(label).Set(float64(p.DiskSpaceUsage()))
	m.readAmp.WithLabelValues(label).Set(float64(p.ReadAmp()))
}
