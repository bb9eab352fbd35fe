package kafka

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/stream"
)

// asker runs a source whose consumer hands its reader to the test.
func asker(t *testing.T, cfg Config, from int64) (*Source, stream.Reader) {
	t.Helper()
	readers := make(chan stream.Reader, 1)
	f := &funcConsumer{from: from, consume: func(ctx context.Context, r stream.Reader) error {
		readers <- r
		<-ctx.Done()
		return nil
	}}
	s := source(t, cfg)
	start(t, s, f)
	select {
	case r := <-readers:
		return s, r
	case <-time.After(20 * time.Second):
		t.Fatal("partition is not consumed")
		return nil, nil
	}
}

// read polls until position last has come, and returns the values.
func read(t *testing.T, r stream.Reader, last int64) string {
	t.Helper()
	var out []string
	for ctx := limit(t); ; {
		records, err := r.Poll(ctx)
		if err != nil {
			t.Fatalf("after %v: %v", out, err)
		}
		for _, rec := range records {
			if out = append(out, string(rec.Value)); rec.Position == last {
				return strings.Join(out, " ")
			}
		}
	}
}

// settled polls until AtEnd says what is wanted. The poll is needed because the position moves on past control
// records only when they have come.
func settled(t *testing.T, r stream.Reader, want bool) {
	t.Helper()
	for ctx := limit(t); ; {
		end, err := r.AtEnd(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if end == want {
			return
		}
		short, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
		records, err := r.Poll(short)
		cancel()
		if len(records) > 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("poll returns %d records, %v", len(records), err)
		}
	}
}

// TestAtEnd puts the end of the log behind plain records, markers of transactions, and a transaction that is open.
func TestAtEnd(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	_, r := asker(t, config(c), 0)
	settled(t, r, true)
	if _, ok := r.Behind(); ok {
		t.Error("lag is known before a fetch")
	}

	produce(t, cl, 1, 0, 3)
	if end, err := r.AtEnd(limit(t)); err != nil || end {
		t.Errorf("at end before the records are read: %v, %v", end, err)
	}
	if got := read(t, r, 2); got != "0 1 2" {
		t.Errorf("read %q", got)
	}
	settled(t, r, true)

	tx := client(t, c, kgo.TransactionalID("tx"))
	begin := func(values ...string) {
		t.Helper()
		if err := tx.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if err := tx.ProduceSync(limit(t), &kgo.Record{Value: []byte(v)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	finish := func(how kgo.TransactionEndTry) {
		t.Helper()
		if err := tx.EndTransaction(limit(t), how); err != nil {
			t.Fatal(err)
		}
	}
	begin("gone", "gone") // 3, 4, marker 5
	for range 3 {
		if end, err := r.AtEnd(limit(t)); err != nil || end {
			t.Errorf("at end while a transaction is open: %v, %v", end, err)
		}
	}
	finish(kgo.TryAbort)
	settled(t, r, true)
	if n, ok := r.Behind(); !ok || n != 0 {
		t.Errorf("behind %d, %v", n, ok)
	}

	begin("kept") // 6, marker 7
	finish(kgo.TryCommit)
	if got := read(t, r, 6); got != "kept" {
		t.Errorf("read %q", got)
	}
	settled(t, r, true)

	// Who starts between the last record and the marker is at the end too.
	cfg := config(c)
	cfg.Group = "other"
	_, late := asker(t, cfg, 7)
	settled(t, late, true)
}

// TestReread goes back again and again while much is in flight, and wants no gap after any of the jumps.
func TestReread(t *testing.T) {
	c := cluster(t, 1)
	const n = 20_000 // in many small batches, so that fetches are always under way
	produce(t, client(t, c, kgo.ProducerBatchMaxBytes(4<<10), kgo.ProducerBatchCompression(kgo.NoCompression())), 1, 0, n)
	rnd := rand.New(rand.NewPCG(1, 2))
	jumps, done := 0, make(chan struct{})
	f := &funcConsumer{}
	f.consume = func(ctx context.Context, r stream.Reader) error {
		next, stop := f.from, int64(rnd.IntN(n))
		for {
			records, err := r.Poll(ctx)
			if err != nil {
				return err
			}
			for _, rec := range records {
				if rec.Position != next || string(rec.Value) != strconv.FormatInt(next, 10) {
					t.Errorf("position %d with value %s came, want %d", rec.Position, rec.Value, next)
				}
				next = rec.Position + 1
			}
			switch {
			case jumps == 30 && next == n:
				close(done)
				<-ctx.Done()
				return nil
			case jumps < 30 && next > stop:
				jumps++
				f.set(rnd.Int64N(next))
				return stream.ErrReread
			}
		}
	}
	s := source(t, config(c))
	run := start(t, s, f)
	await(t, done)
	run.halt(t)
	if got := value(t, s.metrics.Rereads); got != 30 {
		t.Errorf("%v rereads counted", got)
	}
}

// TestBackPressure stops one of two consumers: its queue stays within its share, the other goes on, and nothing is
// missing when it continues.
func TestBackPressure(t *testing.T) {
	c := cluster(t, 2)
	cl := client(t, c, kgo.ProducerBatchCompression(kgo.NoCompression()))
	const n, size = 3000, 8 << 10 // 24 MiB in each partition, 4 MiB for each queue
	padding := bytes.Repeat([]byte{'.'}, size)
	var records []*kgo.Record
	for i := range n {
		for p := range 2 {
			v := append(strconv.AppendInt(nil, int64(i), 10), padding...)
			records = append(records, &kgo.Record{Partition: int32(p), Value: v})
		}
	}
	if err := cl.ProduceSync(limit(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	free := make(chan struct{})
	m := &member{log: newCutLog(), every: 1, seen: func(ctx context.Context, partition string, _ []stream.Record) {
		if partition == "0" {
			select {
			case <-free:
			case <-ctx.Done():
			}
		}
	}}
	s := source(t, config(c))
	run := start(t, s, m)
	m.log.await(t, 2, 0)
	for end := int64(0); end < n; end = m.log.end("1") {
		m.log.mu.Lock()
		changed := m.log.changed
		m.log.mu.Unlock()
		await(t, changed)
	}
	for deadline := time.Now().Add(10 * time.Second); value(t, s.metrics.Paused) != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the full partition is not paused")
		}
	}
	const batch = 1<<20 + 200*recordBytes // a fetch brings at least one batch, however large
	if got, most := int64(value(t, s.metrics.Queued)), split(minMemory).queues/2+batch; got > most {
		t.Errorf("%d bytes are queued, want at most %d", got, most)
	}
	close(free)
	m.log.await(t, 2, n)
	run.halt(t)
	m.log.check(t, 2, n)
	m.check(t)
	if got := value(t, s.metrics.Paused); got != 0 {
		t.Errorf("%v partitions are paused after the end", got)
	}
	if got := value(t, s.metrics.Queued); got != 0 {
		t.Errorf("%v bytes are queued after the end", got)
	}
}

// TestQueueGuard wants what is below the position, past the end, or a control record to be dropped.
func TestQueueGuard(t *testing.T) {
	rec := func(offset int64, control bool) *kgo.Record {
		return &kgo.Record{Offset: offset, Value: []byte("v"), Attrs: kgo.NewRecordAttrs(kgo.RecordAttrsOpts{Control: control})}
	}
	q := newQueue(0, 10, 20)
	added, below := q.put(&kgo.FetchPartition{HighWatermark: 40, Records: []*kgo.Record{rec(8, false), rec(10, false), rec(12, true), rec(11, false), rec(13, false)}}, 7)
	if added != 2 || below != 2 {
		t.Errorf("%d added, %d below", added, below)
	}
	q.put(&kgo.FetchPartition{HighWatermark: 40, Records: []*kgo.Record{rec(19, false), rec(20, false), rec(21, false)}}, 7)
	q.put(&kgo.FetchPartition{HighWatermark: 40, Records: []*kgo.Record{rec(22, false)}}, 7)
	m := NewMetrics(prometheus.NewRegistry())
	r := newReader(t.Context(), &poller{metrics: m, room: make(chan struct{}, 1)}, q, nil)
	var got []int64
	var err error
	for err == nil {
		var records []stream.Record
		records, err = r.Poll(t.Context())
		for _, rec := range records {
			got = append(got, rec.Position)
		}
	}
	if len(got) != 3 || got[0] != 10 || got[1] != 13 || got[2] != 19 {
		t.Errorf("positions %v", got)
	}
}

func TestRecordTime(t *testing.T) {
	fetched := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	for _, tt := range []struct {
		name     string
		stamped  time.Time
		kind     int8
		want     time.Time
		appended bool
	}{
		{"producer's is earlier", fetched.Add(-time.Hour), 0, fetched.Add(-time.Hour), false},
		{"producer's is later", fetched.Add(time.Hour), 0, fetched, false},
		{"producer's cannot be expressed", time.UnixMilli(1 << 60), 0, fetched, false},
		{"producer gave none", time.UnixMilli(-1), 0, fetched, false},
		{"producer's is the epoch", time.UnixMilli(0), 0, time.UnixMilli(0), false},
		{"broker's", fetched.Add(time.Minute), 1, fetched.Add(time.Minute), true},
		{"format without time", time.UnixMilli(0), -1, fetched, false},
	} {
		k := &kgo.Record{Timestamp: tt.stamped, Attrs: kgo.NewRecordAttrs(kgo.RecordAttrsOpts{TimestampType: tt.kind})}
		got, appended := recordTime(k, fetched.UnixNano())
		if got != tt.want.UnixNano() || appended != tt.appended {
			t.Errorf("%s: %v, %v", tt.name, time.Unix(0, got).UTC(), appended)
		}
	}
}

// TestFinalErrors wants the errors that waiting cannot cure to be final and to say what happened.
func TestFinalErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		text string
	}{
		{&kgo.ErrDataLoss{Topic: testTopic, ConsumedTo: 100, ResetTo: 80}, "log of partition 3 was cut off after position 100 was read: it now ends at 80"},
		{kerr.UnknownTopicID, "made again"},
		{kerr.TopicAuthorizationFailed, "fetch partition 3"},
		{kerr.CorruptMessage, ""},
	} {
		q := newQueue(3, 0, 10)
		q.fail(tt.err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // a temporary error would wait
		m := NewMetrics(prometheus.NewRegistry())
		r := newReader(ctx, &poller{metrics: m}, q, source(t, Config{Brokers: []string{"b"}, Topic: testTopic}).log)
		_, err := r.Poll(t.Context())
		if kerr.IsRetriable(tt.err) && !errors.Is(tt.err, kerr.UnknownTopicID) {
			wantError(t, err, context.Canceled)
			continue
		}
		wantError(t, err, tt.err, tt.text)
	}
}
