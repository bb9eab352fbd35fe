package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ndr/stream"
)

// topic is what the cluster says of the topic. Slices are by partition number.
type topic struct {
	name     string
	id       [16]byte
	earliest []int64
	stable   []int64 // end of what can be read now: before the first open transaction
	latest   []int64 // end of the log
}

// lookAt asks the cluster for the topic's id and partitions; the offsets stay empty.
func lookAt(ctx context.Context, adm *kadm.Client, name string) (*topic, error) {
	details, err := adm.ListTopics(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look at topic %s: %w", name, err)
	}
	d := details[name]
	if d.Err != nil {
		return nil, fmt.Errorf("look at topic %s: %w", name, d.Err)
	}
	t := &topic{name: name, id: d.ID, earliest: make([]int64, len(d.Partitions))}
	if t.id == ([16]byte{}) {
		return nil, fmt.Errorf("look at topic %s: the brokers know no topic ids, which need Kafka 2.8 or later: "+
			"without them a topic that was deleted and made again could not be told from the old one", name)
	}
	for p := range t.earliest {
		if _, ok := d.Partitions[int32(p)]; !ok {
			return nil, fmt.Errorf("look at topic %s: partition %d of %d is missing", name, p, len(d.Partitions))
		}
	}
	return t, nil
}

// bounds fills in where the partitions begin and end.
func (t *topic) bounds(ctx context.Context, adm *kadm.Client) error {
	for _, l := range []struct {
		to   *[]int64
		list func(context.Context, ...string) (kadm.ListedOffsets, error)
		name string
	}{
		{&t.earliest, adm.ListStartOffsets, "earliest"}, {&t.stable, adm.ListCommittedOffsets, "last stable"},
		{&t.latest, adm.ListEndOffsets, "latest"},
	} {
		listed, err := l.list(ctx, t.name)
		if err == nil {
			*l.to, err = t.offsets(listed)
		}
		if err != nil {
			return fmt.Errorf("list %s offsets of topic %s: %w", l.name, t.name, err)
		}
	}
	return nil
}

// offsets brings listed offsets into the order of the partitions.
func (t *topic) offsets(listed kadm.ListedOffsets) ([]int64, error) {
	out := make([]int64, len(t.earliest))
	for p := range out {
		o, ok := listed.Lookup(t.name, int32(p))
		switch {
		case !ok:
			return nil, fmt.Errorf("partition %d is missing in the answer", p)
		case o.Err != nil:
			return nil, fmt.Errorf("partition %d: %w", p, o.Err)
		}
		out[p] = o.Offset
	}
	return out, nil
}

func (t *topic) description() stream.Description {
	d := stream.Description{ID: hex.EncodeToString(t.id[:]), Earliest: t.earliest}
	for p := range t.earliest {
		d.Partitions = append(d.Partitions, name(int32(p)))
	}
	return d
}

// name is the name of a partition in the project: its number in decimal.
func name(partition int32) string { return strconv.Itoa(int(partition)) }

// The times that stand for an end of the log in a request for offsets.
const (
	atEarliest = -2
	atLatest   = -1
)

// offsetAt asks the leader of one partition now for the earliest or the latest offset.
func offsetAt(ctx context.Context, cl *kgo.Client, topic string, partition int32, at int64) (int64, error) {
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = partition, at
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.Topics = -1, append(req.Topics, t)
	resp, err := req.RequestWith(ctx, cl)
	if err == nil && (len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1) {
		err = errors.New("answer without the partition")
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		return 0, fmt.Errorf("list offsets of partition %d: %w", partition, err)
	}
	return resp.Topics[0].Partitions[0].Offset, nil
}
