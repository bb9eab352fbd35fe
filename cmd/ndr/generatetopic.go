package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/feature"
	"ndr/flow"
)

// topicTimeout bounds the first contact with the brokers.
const topicTimeout = 15 * time.Second

// topicSink produces flows into a topic, one record a line, keyed by the conversation. The partition is chosen here,
// by the hash of the key, so that it does not depend on the client.
type topicSink struct {
	client     *kgo.Client
	partitions int
	failed     atomic.Pointer[error] // the first one
}

func newTopicSink(ctx context.Context, brokers []string, topic string, partitions int) (*topicSink, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.MaxBufferedRecords(50_000), kgo.ClientID("ndr-generate"))
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	s := &topicSink{client: cl}
	if s.partitions, err = makeTopic(ctx, cl, topic, partitions); err != nil {
		cl.Close()
		return nil, err
	}
	return s, nil
}

// makeTopic returns the number of partitions of the topic, which it makes if there is none and want is above 0.
func makeTopic(ctx context.Context, cl *kgo.Client, topic string, want int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, topicTimeout)
	defer cancel()
	admin := kadm.NewClient(cl)
	if want > 0 {
		_, err := admin.CreateTopic(ctx, int32(want), -1, nil, topic)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return 0, fmt.Errorf("make topic %s: %w", topic, err)
		}
	}
	topics, err := admin.ListTopics(ctx, topic)
	if err == nil {
		err = topics.Error()
	}
	n := len(topics[topic].Partitions)
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return 0, fmt.Errorf("find topic %s: there is none; --partitions N makes it", topic)
	case err != nil:
		return 0, fmt.Errorf("find topic %s: %w", topic, err)
	case want > 0 && n != want:
		return 0, fmt.Errorf("find topic %s: it has %d partitions, not %d", topic, n, want)
	}
	return n, nil
}

// header goes to the front of every partition: each is decoded by itself.
func (s *topicSink) header(text []byte) error {
	for p := range s.partitions {
		for line := range bytes.Lines(bytes.Clone(text)) {
			s.produce(context.Background(), &kgo.Record{Partition: int32(p), Value: bytes.TrimSuffix(line, []byte{'\n'})})
		}
	}
	return nil
}

func (s *topicSink) flow(ctx context.Context, r *flow.Record, lines []byte) error {
	key := conversation(r)
	p := int32(feature.Hash(key) % uint64(s.partitions))
	for line := range bytes.Lines(bytes.Clone(lines)) {
		s.produce(ctx, &kgo.Record{Partition: p, Key: key, Value: bytes.TrimSuffix(line, []byte{'\n'}), Timestamp: time.Unix(0, r.End)})
	}
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}

// produce hands a record to the client, which blocks while too many wait.
func (s *topicSink) produce(ctx context.Context, r *kgo.Record) {
	s.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
		if err != nil {
			err = fmt.Errorf("produce: %w", err)
			s.failed.CompareAndSwap(nil, &err)
		}
	})
}

// finish waits for all records; a topic has no footer.
func (s *topicSink) finish(ctx context.Context, _ []byte) error {
	if err := s.client.Flush(ctx); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *topicSink) close() error {
	s.client.Close()
	return nil
}
