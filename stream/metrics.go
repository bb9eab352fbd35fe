package stream

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the numbers by which the two stages are watched. No label names a host; partitions, shards,
// outcomes and reasons are bounded.
type Metrics struct {
	Records           *prometheus.CounterVec // outcome: decoded, undecodable
	Items             *prometheus.CounterVec // outcome: accepted, late, rejected, filtered, absorbed; reason
	Unpaired          prometheus.Counter
	CarryOverflow     prometheus.Counter
	Cuts              *prometheus.CounterVec // cause
	CutBytes          prometheus.Histogram
	CutSeconds        prometheus.Histogram
	CutLost           prometheus.Counter // another owner made the cut first
	Lag               *prometheus.GaugeVec
	EventTime         *prometheus.GaugeVec // largest accepted event time
	Watermark         *prometheus.GaugeVec
	PartitionBytes    *prometheus.GaugeVec
	Carry             *prometheus.GaugeVec
	Closes            prometheus.Counter
	CloseSeconds      *prometheus.HistogramVec // stage: scan, publish, roll
	ClosedThrough     *prometheus.GaugeVec
	ClosedLate        prometheus.Counter
	CheckpointSeconds prometheus.Histogram
	CheckpointTime    *prometheus.GaugeVec
	Errors            *prometheus.CounterVec // place
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	seconds := prometheus.ExponentialBuckets(0.005, 2, 14)
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	m := &Metrics{
		Records:           counters("ndr_ingest_records_total", "Records read from the source, by outcome.", "outcome"),
		Items:             counters("ndr_ingest_items_total", "Items in the records, by what became of them and why.", "outcome", "reason"),
		Unpaired:          counter("ndr_ingest_unpaired_total", "Halves that became flows without their mirror."),
		CarryOverflow:     counter("ndr_ingest_carry_overflow_total", "Halves emitted unpaired because too many waited."),
		Cuts:              counters("ndr_ingest_cuts_total", "Cuts stored, by cause.", "cause"),
		CutBytes:          histogram("ndr_ingest_cut_bytes", "Size of stored cuts.", prometheus.ExponentialBuckets(1<<10, 4, 10)),
		CutSeconds:        histogram("ndr_ingest_cut_seconds", "Time to encode and store a cut.", seconds),
		CutLost:           counter("ndr_ingest_cuts_lost_total", "Cuts that another owner of the partition had made first."),
		Lag:               gauges("ndr_ingest_lag_records", "Records between the position read and the head of the log.", "partition"),
		EventTime:         gauges("ndr_ingest_event_time_seconds", "Largest accepted event time, Unix seconds.", "partition"),
		Watermark:         gauges("ndr_watermark_seconds", "Watermark of the newest cut, Unix seconds.", "partition"),
		PartitionBytes:    gauges("ndr_ingest_memory_bytes", "Rows and waiting halves in memory.", "partition"),
		Carry:             gauges("ndr_ingest_waiting_halves", "Halves that wait for their mirror.", "partition"),
		Closes:            counter("ndr_close_records_total", "Close records seen."),
		CloseSeconds:      prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "ndr_close_seconds", Help: "Time of one close, by stage.", Buckets: seconds}, []string{"stage"}),
		ClosedThrough:     gauges("ndr_closed_through_seconds", "End of the last closed slice, Unix seconds.", "shard"),
		ClosedLate:        counter("ndr_closed_late_rows_total", "Rows that came for a slice that was closed, and became late."),
		CheckpointSeconds: histogram("ndr_checkpoint_seconds", "Time to save a checkpoint.", seconds),
		CheckpointTime:    gauges("ndr_checkpoint_time_seconds", "When the last checkpoint was saved, Unix seconds.", "shard"),
		Errors:            counters("ndr_errors_total", "Errors that were answered by trying again, by place.", "place"),
	}
	reg.MustRegister(m.Records, m.Items, m.Unpaired, m.CarryOverflow, m.Cuts, m.CutBytes, m.CutSeconds, m.CutLost, m.Lag,
		m.EventTime, m.Watermark, m.PartitionBytes, m.Carry, m.Closes, m.CloseSeconds, m.ClosedThrough, m.ClosedLate,
		m.CheckpointSeconds, m.CheckpointTime, m.Errors)
	return m
}

// count adds what a stored cut accounts for.
func (m *Metrics) count(c *Counters) {
	m.Records.WithLabelValues("decoded").Add(float64(c.Decoded))
	m.Records.WithLabelValues("undecodable").Add(float64(c.Undecodable))
	m.Items.WithLabelValues("accepted", "").Add(float64(c.Accepted))
	m.Items.WithLabelValues("late", "").Add(float64(c.Late))
	m.Items.WithLabelValues("absorbed", "").Add(float64(c.Absorbed))
	for reason, n := range c.Rejected {
		m.Items.WithLabelValues("rejected", reason).Add(float64(n))
	}
	for reason, n := range c.Filtered {
		m.Items.WithLabelValues("filtered", reason).Add(float64(n))
	}
	m.Unpaired.Add(float64(c.Unpaired))
	m.CarryOverflow.Add(float64(c.Overflow))
}

func (m *Metrics) watermark(partition string, nanos int64) {
	if nanos != NoWatermark && nanos != EndOfInput {
		m.Watermark.WithLabelValues(partition).Set(float64(nanos) / float64(time.Second))
	}
}

func (m *Metrics) closed(shard int, endNanos int64) {
	m.ClosedThrough.WithLabelValues(strconv.Itoa(shard)).Set(float64(endNanos) / float64(time.Second))
}
