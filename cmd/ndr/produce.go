package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/flow"
	"ndr/flow/synth"
)

// produce writes the traffic to a topic, keyed so that both directions of a conversation share a partition.
func produce(ctx context.Context, brokers []string, topic, format string, g *synth.Generator) (n int64, err error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.MaxBufferedRecords(50_000))
	if err != nil {
		return 0, fmt.Errorf("connect to Kafka: %w", err)
	}
	defer cl.Close()
	enc, err := synth.NewEncoder(format)
	if err != nil {
		return 0, fmt.Errorf("make encoder: %w", err)
	}
	failed := make(chan error, 1)
	for f, ok := g.Next(); ok; f, ok = g.Next() {
		r := &kgo.Record{Key: conversation(&f.Record), Value: enc.Append(nil, &f), Timestamp: time.Unix(0, f.Record.End)}
		cl.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
		n++
	}
	if err := cl.Flush(ctx); err != nil {
		return n, fmt.Errorf("produce: %w", err)
	}
	select {
	case err := <-failed:
		return n, fmt.Errorf("produce: %w", err)
	default:
		return n, nil
	}
}

// conversation is the key of a flow: both addresses, the smaller first.
func conversation(r *flow.Record) []byte {
	a, b := r.SourceIP, r.DestinationIP
	if b.Hi < a.Hi || b.Hi == a.Hi && b.Lo < a.Lo {
		a, b = b, a
	}
	key := make([]byte, 0, 32)
	for _, v := range [...]uint64{a.Hi, a.Lo, b.Hi, b.Lo} {
		key = binary.BigEndian.AppendUint64(key, v)
	}
	return key
}
