package kafka

import (
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Metrics are the numbers of a source. They are also the hooks by which the Kafka client reports.
type Metrics struct {
	Errors     *prometheus.CounterVec // place: connect, fetch, group, commit, watch
	Records    prometheus.Counter
	Bytes      *prometheus.CounterVec // form: sent, decompressed
	Duplicates prometheus.Counter
	TooLarge   prometheus.Counter
	Rereads    prometheus.Counter
	Pauses     prometheus.Counter
	Paused     prometheus.Gauge
	Queued     prometheus.Gauge
	Owned      prometheus.Gauge
	Rebalances *prometheus.CounterVec // event: assigned, revoked, lost

	sent, decompressed prometheus.Counter
	mu                 struct {
		sync.Mutex
		connect error // of the last failed connection since the last good one
	}
}

var (
	_ kgo.HookBrokerConnect  = (*Metrics)(nil)
	_ kgo.HookFetchBatchRead = (*Metrics)(nil)
)

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := &Metrics{
		Errors:     counters("ndr_kafka_errors_total", "Errors that were answered by trying again, by place.", "place"),
		Records:    counter("ndr_kafka_records_total", "Records handed on."),
		Bytes:      counters("ndr_kafka_fetched_bytes_total", "Bytes of fetched batches, as sent and decompressed.", "form"),
		Duplicates: counter("ndr_kafka_duplicates_total", "Records below the expected position that were dropped."),
		TooLarge:   counter("ndr_kafka_batches_too_large_total", "Batches that decompress to more than the limit and became one undecodable record."),
		Rereads:    counter("ndr_kafka_rereads_total", "Times that a partition was read again from an earlier position."),
		Pauses:     counter("ndr_kafka_pauses_total", "Times that a partition was paused because its queue was full."),
		Paused:     gauge("ndr_kafka_paused_partitions", "Partitions that are paused."),
		Queued:     gauge("ndr_kafka_queued_bytes", "Bytes of records that wait in the queues."),
		Owned:      gauge("ndr_kafka_owned_partitions", "Partitions that this member reads."),
		Rebalances: counters("ndr_kafka_rebalances_total", "Changes of the partitions of this member.", "event"),
	}
	m.sent, m.decompressed = m.Bytes.WithLabelValues("sent"), m.Bytes.WithLabelValues("decompressed")
	reg.MustRegister(m.Errors, m.Records, m.Bytes, m.Duplicates, m.TooLarge, m.Rereads, m.Pauses, m.Paused, m.Queued,
		m.Owned, m.Rebalances)
	return m
}

// OnBrokerConnect counts failed connections and remembers why the last one failed.
func (m *Metrics) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		m.Errors.WithLabelValues("connect").Inc()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.connect = err
}

// OnFetchBatchRead counts the bytes of a fetched batch.
func (m *Metrics) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, b kgo.FetchBatchMetrics) {
	m.sent.Add(float64(b.CompressedBytes))
	m.decompressed.Add(float64(b.UncompressedBytes))
}

func (m *Metrics) lastConnectError() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.connect
}
