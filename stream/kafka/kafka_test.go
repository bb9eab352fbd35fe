package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/stream"
)

const testTopic = "flows"

// cluster starts a Kafka in this process with one topic.
func cluster(t testing.TB, partitions int32, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.SeedTopics(partitions, testTopic)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func client(t testing.TB, c *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.DefaultProduceTopic(testTopic)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// produce writes n records to each partition; the value of a record is its offset.
func produce(t testing.TB, cl *kgo.Client, partitions, from, n int) {
	t.Helper()
	var records []*kgo.Record
	for i := range n {
		for p := range partitions {
			records = append(records, &kgo.Record{Partition: int32(p), Value: strconv.AppendInt(nil, int64(from+i), 10)})
		}
	}
	if err := cl.ProduceSync(limit(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// limit is a context that ends before the test would hang.
func limit(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func config(c *kfake.Cluster) Config {
	return Config{
		Brokers: c.ListenAddrs(), Topic: testTopic, Group: "ndr", Memory: minMemory, RebalanceTimeout: 5 * time.Second,
		SessionTimeout: 6 * time.Second, Refresh: 50 * time.Millisecond, CommitInterval: 20 * time.Millisecond,
	}
}

func source(t testing.TB, cfg Config, change ...func(*Deps)) *Source {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	d := Deps{Log: slog.New(slog.NewTextHandler(testLog{t}, nil)), Metrics: NewMetrics(prometheus.NewRegistry()), Now: time.Now}
	for _, f := range change {
		f(&d)
	}
	return New(cfg, d)
}

// value is what a counter or gauge shows.
func value(t testing.TB, c prometheus.Collector) float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	families, err := reg.Gather()
	if err != nil || len(families) != 1 || len(families[0].Metric) != 1 {
		t.Fatalf("gathered %v, %v", families, err)
	}
	m := families[0].Metric[0]
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}

type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	if testing.Verbose() {
		fmt.Print(string(b))
	}
	return len(b), nil
}

// running is a Run in the background.
type running struct {
	stop context.CancelFunc
	err  chan error
}

func start(t testing.TB, s *Source, c stream.Consumer) *running {
	ctx, cancel := context.WithCancel(limit(t))
	r := &running{cancel, make(chan error, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.err <- s.Run(ctx, c)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

// end waits for Run to return by itself.
func (r *running) end(t testing.TB) error {
	t.Helper()
	select {
	case err := <-r.err:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("Run does not end")
		return nil
	}
}

// halt ends Run as a signal would.
func (r *running) halt(t testing.TB) {
	t.Helper()
	r.stop()
	if err := r.end(t); err != nil {
		t.Fatalf("Run: %v", err)
	}
}

// cutLog stands for the cuts of all partitions, in memory and shared by members: the positions that were cut, in the
// order of the cuts. Like the real one it takes a cut only if it begins where the one before ends.
type cutLog struct {
	mu      sync.Mutex
	cuts    map[string][]int64
	starts  map[string]int64
	changed chan struct{}
}

func newCutLog() *cutLog {
	return &cutLog{cuts: make(map[string][]int64), starts: make(map[string]int64), changed: make(chan struct{})}
}

func (l *cutLog) endLocked(partition string) int64 {
	if cuts := l.cuts[partition]; len(cuts) > 0 {
		return cuts[len(cuts)-1] + 1
	}
	return l.starts[partition]
}

func (l *cutLog) end(partition string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.endLocked(partition)
}

func (l *cutLog) add(partition string, from int64, positions []int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.endLocked(partition) != from {
		return false
	}
	l.cuts[partition] = append(l.cuts[partition], positions...)
	close(l.changed)
	l.changed = make(chan struct{})
	return true
}

// await waits until the partitions are cut up to a position.
func (l *cutLog) await(t testing.TB, partitions int, to int64) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		changed, missing := l.changed, ""
		for p := range partitions {
			if end := l.endLocked(strconv.Itoa(p)); end < to {
				missing = fmt.Sprintf("partition %d is cut to %d, want %d", p, end, to)
			}
		}
		l.mu.Unlock()
		if missing == "" {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatal(missing)
		}
	}
}

// check wants every position below to once, in order.
func (l *cutLog) check(t testing.TB, partitions int, to int64) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range partitions {
		got := l.cuts[strconv.Itoa(p)]
		for i, pos := range got {
			if pos != int64(i) {
				t.Fatalf("partition %d: cut record %d is position %d", p, i, pos)
			}
		}
		if int64(len(got)) != to {
			t.Errorf("partition %d: %d positions cut, want %d", p, len(got), to)
		}
	}
}

// member is a consumer that cuts every few records, and checks that what it is given has no gap.
type member struct {
	log     *cutLog
	every   int                                                            // records of a cut; 1: cut after every Poll
	seen    func(ctx context.Context, partition string, r []stream.Record) // may be nil
	mu      sync.Mutex
	faults  []error
	running map[string]int
}

func (m *member) fault(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, fmt.Errorf(format, args...))
}

func (m *member) check(t testing.TB) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(m.faults...); err != nil {
		t.Error(err)
	}
}

func (m *member) Position(_ context.Context, partition string) (int64, error) {
	return m.log.end(partition), nil
}

func (m *member) Committed(partition string) (int64, bool) { return m.log.end(partition), true }

func (m *member) enter(partition string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running == nil {
		m.running = make(map[string]int)
	}
	if m.running[partition] += n; m.running[partition] > 1 {
		m.faults = append(m.faults, fmt.Errorf("partition %s is consumed twice at a time", partition))
	}
}

func (m *member) Consume(ctx context.Context, partition string, r stream.Reader) error {
	m.enter(partition, 1)
	defer m.enter(partition, -1)
	from := m.log.end(partition)
	next := from
	var rows []int64
	for {
		records, err := r.Poll(ctx)
		for i := range records {
			if rec := &records[i]; rec.Position != next {
				m.fault("partition %s: position %d came, want %d", partition, rec.Position, next)
			} else if want := strconv.FormatInt(next, 10); !bytes.HasPrefix(rec.Value, []byte(want)) {
				m.fault("partition %s: record at %d has value %.20q", partition, rec.Position, rec.Value)
			}
			next = records[i].Position + 1
			rows = append(rows, records[i].Position)
		}
		if m.seen != nil && len(records) > 0 {
			m.seen(ctx, partition, records)
		}
		over := err != nil && (errors.Is(err, io.EOF) || ctx.Err() != nil)
		if len(rows) > 0 && (len(rows) >= m.every || over) {
			if !m.log.add(partition, from, slices.Clone(rows)) {
				if over {
					return nil
				}
				return stream.ErrReread
			}
			from, rows = next, rows[:0]
		}
		if over {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// ownership is a channel of the newest ownership.
type ownership struct{ ch chan []string }

func newOwnership() *ownership { return &ownership{make(chan []string, 100)} }

func (o *ownership) set(d *Deps) { d.OwnershipChanged = func(owned []string) { o.ch <- owned } }

// await waits until n partitions are owned.
func (o *ownership) await(t testing.TB, n int) []string {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case owned := <-o.ch:
			if len(owned) == n {
				return owned
			}
		case <-late:
			t.Fatalf("member never owns %d partitions", n)
		}
	}
}
