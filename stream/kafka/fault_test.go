package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ndr/flow"
	"ndr/stream"
)

func wantError(t testing.TB, err, is error, text ...string) {
	t.Helper()
	if !errors.Is(err, is) {
		t.Fatalf("error %v, want %v", err, is)
	}
	for _, s := range text {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q does not say %q", err, s)
		}
	}
}

// announcing refuses every announcement until allow is closed.
func announcing(calls chan<- []string, allow <-chan struct{}) func(*Deps) {
	return func(d *Deps) {
		d.Announce = func(_ context.Context, desc stream.Description) error {
			select {
			case <-allow:
				return nil
			default:
				calls <- desc.Partitions
				return errors.New("store is down")
			}
		}
	}
}

// produceFresh writes to partitions 1 and up with a client that knows them.
func produceFresh(t testing.TB, c *kfake.Cluster, partitions, n int) {
	t.Helper()
	cl := client(t, c)
	var records []*kgo.Record
	for i := range n {
		for p := 1; p < partitions; p++ {
			records = append(records, &kgo.Record{Partition: int32(p), Value: fmt.Append(nil, i)})
		}
	}
	if err := cl.ProduceSync(limit(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// TestLeaderMoves moves leaders and lets fetches fail in the usual ways while records flow.
func TestLeaderMoves(t *testing.T) {
	const partitions = 3
	c := cluster(t, partitions, kfake.NumBrokers(3))
	cl := client(t, c)
	m := &member{log: newCutLog(), every: 1}
	s := source(t, config(c))
	run := start(t, s, m)
	for round := range 8 {
		c.ShufflePartitionLeaders()
		for _, err := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch} {
			c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: testTopic, Partitions: []int32{int32(round % partitions)}, Err: err})
		}
		produce(t, cl, partitions, 500*round, 500)
		m.log.await(t, partitions, int64(500*(round+1)-250))
	}
	m.log.await(t, partitions, 4000)
	run.halt(t)
	m.log.check(t, partitions, 4000)
	m.check(t)
	if got := value(t, s.metrics.Rereads); got != 0 {
		t.Errorf("%v partitions were read again", got)
	}
}

// TestOutOfRange wants an error that names the positions, after few fetches.
func TestOutOfRange(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		position   int64
	}{
		{"deleted", "position 10 of partition 0 no longer exists in the log (earliest 50, latest 100): retention overtook", 10},
		{"cut off", "position 300 of partition 0 is past the end of the log (earliest 50, latest 100)", 300},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := cluster(t, 1)
			produce(t, client(t, c), 1, 0, 100)
			if err := c.DeleteRecords(testTopic, 0, 50); err != nil {
				t.Fatal(err)
			}
			fetches := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: testTopic, Observe: true, Count: -1})
			m := &member{log: newCutLog(), every: 1}
			m.log.starts["0"] = tt.position
			wantError(t, start(t, source(t, config(c)), m).end(t), kerr.OffsetOutOfRange, tt.text)
			if n := fetches.Hits(); n > 3 {
				t.Errorf("%d fetches for one error", n)
			}
		})
	}
}

// TestOutOfRangeWhileReading deletes what a slow consumer has not read yet.
func TestOutOfRangeWhileReading(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	m := &member{log: newCutLog(), every: 1}
	run := start(t, source(t, config(c)), m)
	produce(t, cl, 1, 0, 100)
	m.log.await(t, 1, 100)
	blocked := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: testTopic, Err: kerr.NotLeaderForPartition, Count: -1})
	produce(t, cl, 1, 100, 100)
	if err := c.DeleteRecords(testTopic, 0, 200); err != nil {
		t.Fatal(err)
	}
	produce(t, cl, 1, 200, 1)
	blocked.Remove()
	wantError(t, run.end(t), kerr.OffsetOutOfRange, "earliest 200, latest 201")
	m.log.check(t, 1, 100)
}

// TestOutOfRangeTooSoon has a leader that claims wrongly that a position does not exist: it is asked again.
func TestOutOfRangeTooSoon(t *testing.T) {
	c := cluster(t, 1)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: testTopic, Err: kerr.OffsetOutOfRange})
	produce(t, client(t, c), 1, 0, 100)
	m := &member{log: newCutLog(), every: 1}
	s := source(t, config(c))
	run := start(t, s, m)
	m.log.await(t, 1, 100)
	run.halt(t)
	m.check(t)
	if got := value(t, s.metrics.Errors.WithLabelValues("fetch")); got != 1 {
		t.Errorf("%v fetch errors counted", got)
	}
}

func TestTopicReplaced(t *testing.T) {
	for _, again := range []bool{true, false} {
		t.Run(fmt.Sprint("made again ", again), func(t *testing.T) {
			c := cluster(t, 1)
			produce(t, client(t, c), 1, 0, 100)
			m := &member{log: newCutLog(), every: 1}
			run := start(t, source(t, config(c)), m)
			m.log.await(t, 1, 100)
			if err := c.DeleteTopic(testTopic); err != nil {
				t.Fatal(err)
			}
			if !again {
				wantError(t, run.end(t), kerr.UnknownTopicOrPartition, "look at topic flows")
				return
			}
			if err := c.CreateTopic(testTopic, 1, nil); err != nil {
				t.Fatal(err)
			}
			produce(t, client(t, c), 1, 5000, 200)
			wantError(t, run.end(t), kerr.UnknownTopicID, "made again")
			m.log.check(t, 1, 100)
		})
	}
}

// TestTooLarge wants a batch that is too large to become one undecodable record.
func TestTooLarge(t *testing.T) {
	c := cluster(t, 1, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "67108864"}))
	cl := client(t, c, kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.ProducerBatchMaxBytes(32<<20))
	produce(t, cl, 1, 0, 5)
	bomb := []*kgo.Record{{Value: []byte("small")}, {Value: make([]byte, 6<<20)}}
	if err := cl.ProduceSync(limit(t), bomb...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	produce(t, cl, 1, 7, 5)

	var mu sync.Mutex
	var got []string
	done := make(chan struct{})
	f := &funcConsumer{consume: func(ctx context.Context, r stream.Reader) error {
		for {
			records, err := r.Poll(ctx)
			if err != nil {
				return nil
			}
			mu.Lock()
			for _, rec := range records {
				s := fmt.Sprint(rec.Position, " ", string(rec.Value))
				if rec.Fault != nil {
					s = fmt.Sprint(rec.Position, " ", rec.Fault.Reason, " ", rec.Fault.Detail)
				}
				if got = append(got, s); rec.Position == 11 {
					close(done)
				}
			}
			mu.Unlock()
		}
	}}
	s := source(t, config(c))
	run := start(t, s, f)
	await(t, done)
	run.halt(t)
	want := "0 0,1 1,2 2,3 3,4 4,6 " + flow.ReasonTooLarge + " batch with positions 5 to 6 decompresses to more than the limit,7 7,8 8,9 9,10 10,11 11"
	if s := strings.Join(got, ","); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if n := value(t, s.metrics.TooLarge); n != 1 {
		t.Errorf("%v batches counted", n)
	}
}

func await(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it does not happen")
	}
}

// funcConsumer is a consumer made of a function. Every position is from, until the function changes it.
type funcConsumer struct {
	consume func(ctx context.Context, r stream.Reader) error
	mu      sync.Mutex
	from    int64
}

func (f *funcConsumer) Position(context.Context, string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.from, nil
}

func (f *funcConsumer) set(from int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.from = from
}

func (f *funcConsumer) Consume(ctx context.Context, _ string, r stream.Reader) error {
	return f.consume(ctx, r)
}
func (f *funcConsumer) Committed(string) (int64, bool) { return 0, false }
