package kafka

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ndr/stream"
)

// TestGroup lets a second member come and the first one go while records flow, and wants every record to be cut once.
func TestGroup(t *testing.T) {
	const partitions = 6
	c := cluster(t, partitions, kfake.NumBrokers(3))
	cl := client(t, c)
	log := newCutLog()
	a, b := &member{log: log, every: 700}, &member{log: log, every: 1}
	ofA, ofB := newOwnership(), newOwnership()

	produce(t, cl, partitions, 0, 1000)
	srcA := source(t, config(c), ofA.set)
	runA := start(t, srcA, a)
	all := ofA.await(t, partitions)
	if diff := cmp.Diff(all, []string{"0", "1", "2", "3", "4", "5"}); diff != "" {
		t.Error(diff)
	}
	produce(t, cl, partitions, 1000, 1000)

	srcB := source(t, config(c), ofB.set)
	runB := start(t, srcB, b)
	half, other := ofA.await(t, 3), ofB.await(t, 3)
	produce(t, cl, partitions, 2000, 1000)
	both := slices.Concat(half, other)
	if slices.Sort(both); !slices.Equal(both, all) {
		t.Errorf("members own %v and %v", half, other)
	}

	runA.halt(t)
	ofB.await(t, partitions)
	produce(t, cl, partitions, 3000, 1000)
	log.await(t, partitions, 4000)
	runB.halt(t)
	log.check(t, partitions, 4000)
	a.check(t)
	b.check(t)
	for _, s := range []*Source{srcA, srcB} {
		if n := value(t, s.metrics.Rereads); n != 0 {
			t.Errorf("%v partitions went to a member while the other still cut them", n)
		}
	}
	if owned := srcB.Owned(); len(owned) > 0 {
		t.Errorf("%v are owned after the end", owned)
	}

	offsets, err := kadm.NewClient(cl).FetchOffsets(limit(t), "ndr")
	if err != nil {
		t.Fatal(err)
	}
	for p := range int32(partitions) {
		if o, _ := offsets.Lookup(testTopic, p); o.At != 4000 {
			t.Errorf("partition %d: the group has %d", p, o.At)
		}
	}
}

// TestGroupLost has the coordinator forget the member: its partitions are lost, and it comes back.
func TestGroupLost(t *testing.T) {
	c := cluster(t, 2)
	cl := client(t, c)
	m := &member{log: newCutLog(), every: 1}
	own := newOwnership()
	s := source(t, config(c), own.set)
	run := start(t, s, m)
	own.await(t, 2)
	produce(t, cl, 2, 0, 100)
	m.log.await(t, 2, 100)

	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: "ndr", TopLevel: true, Err: kerr.UnknownMemberID})
	own.await(t, 0)
	own.await(t, 2)
	produce(t, cl, 2, 100, 100)
	m.log.await(t, 2, 200)
	run.halt(t)
	m.log.check(t, 2, 200)
	m.check(t)
	if got := value(t, s.metrics.Rebalances.WithLabelValues("lost")); got != 1 {
		t.Errorf("%v losses counted", got)
	}
}

// TestGroupRefused wants Run to end when the group will never take the member.
func TestGroupRefused(t *testing.T) {
	c := cluster(t, 1)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, TopLevel: true, Err: kerr.GroupAuthorizationFailed, Count: -1})
	err := start(t, source(t, config(c)), &member{log: newCutLog(), every: 1}).end(t)
	wantError(t, err, kerr.GroupAuthorizationFailed, "join group ndr")
}

// TestCommitFails wants a mirror that the group refuses to disturb nothing.
func TestCommitFails(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	refused := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: "ndr", Err: kerr.GroupAuthorizationFailed, Count: -1})
	produce(t, cl, 1, 0, 10)
	m := &member{log: newCutLog(), every: 1}
	s := source(t, config(c))
	run := start(t, s, m)
	if err := refused.Wait(limit(t), 2); err != nil {
		t.Fatal(err)
	}
	m.log.await(t, 1, 10)
	run.halt(t)
	if value(t, s.metrics.Errors.WithLabelValues("commit")) < 1 {
		t.Error("failed mirror is not counted")
	}
}

// TestAddedPartitions wants new partitions to be read only once they are announced.
func TestAddedPartitions(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	m := &member{log: newCutLog(), every: 1}
	announced := make(chan []string, 100)
	allow := make(chan struct{})
	s := source(t, config(c), announcing(announced, allow))
	if _, err := s.Describe(limit(t)); err != nil {
		t.Fatal(err)
	}
	run := start(t, s, m)
	produce(t, cl, 1, 0, 10)
	m.log.await(t, 1, 10)

	if _, err := kadm.NewClient(cl).CreatePartitions(limit(t), 2, testTopic); err != nil {
		t.Fatal(err)
	}
	for range 3 { // refused, and asked again
		if diff := cmp.Diff(<-announced, []string{"0", "1", "2"}); diff != "" {
			t.Fatal(diff)
		}
	}
	produceFresh(t, c, 3, 10)
	if end := m.log.end("1"); end != 0 {
		t.Errorf("partition 1 is cut to %d before it is registered", end)
	}
	close(allow)
	m.log.await(t, 3, 10)
	run.halt(t)
	m.check(t)
}

// TestStaticMember wants a member with an instance id to get its partitions back after a restart.
func TestStaticMember(t *testing.T) {
	c := cluster(t, 2)
	cl := client(t, c)
	cfg := config(c)
	cfg.InstanceID = "one"
	log := newCutLog()
	for i := range 2 {
		m, own := &member{log: log, every: 1}, newOwnership()
		produce(t, cl, 2, 100*i, 100)
		run := start(t, source(t, cfg, own.set), m)
		own.await(t, 2)
		log.await(t, 2, int64(100*i+100))
		run.halt(t)
		m.check(t)
	}
	log.check(t, 2, 200)
}

// TestConsumerFails wants what the consumer cannot do to end Run.
func TestConsumerFails(t *testing.T) {
	broken := errors.New("store is broken")
	c := cluster(t, 2)
	produce(t, client(t, c), 2, 0, 10)
	begun := make(chan struct{}, 2)
	for name, f := range map[string]stream.Consumer{
		"position": &brokenPosition{err: broken},
		"consume":  &funcConsumer{consume: func(context.Context, stream.Reader) error { return broken }},
		"at the end": &funcConsumer{consume: func(ctx context.Context, _ stream.Reader) error {
			begun <- struct{}{}
			<-ctx.Done()
			return broken
		}},
	} {
		run := start(t, source(t, config(c)), f)
		if name == "at the end" {
			await(t, begun)
			run.stop()
		}
		if err := run.end(t); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	early := &funcConsumer{consume: func(context.Context, stream.Reader) error { return nil }}
	if err := start(t, source(t, config(c)), early).end(t); err == nil || !strings.Contains(err.Error(), "no longer consumed") {
		t.Errorf("consumer that leaves early: %v", err)
	}
}

type brokenPosition struct {
	funcConsumer
	err error
}

func (f *brokenPosition) Position(context.Context, string) (int64, error) { return 0, f.err }
