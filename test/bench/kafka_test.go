package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/flow"
	"ndr/flow/synth"
	"ndr/stream/kafka"
)

const (
	kafkaPartitions = 4
	kafkaFlows      = 2_000_000 // 2,200 in a second of event time
	// ingestMemory is the share of the default memory limit, 1 GiB, that rows may take.
	ingestMemory = 256 << 20
	// ingestHeap is the bound of the heap that the command sets for that limit.
	ingestHeap = 768 << 20
)

// codecs are the topics of the broker: the same records, compressed by their producer.
var codecs = []struct {
	name  string
	codec kgo.CompressionCodec
}{{"zstd", kgo.ZstdCompression()}, {"lz4", kgo.Lz4Compression()}, {"none", kgo.NoCompression()}}

// brokerJob asks for a broker with a topic for each of the codecs, named like them.
type brokerJob struct{ Flows int }

type brokerAnswer struct {
	Addrs []string
	Bytes int64 // of the records of a topic
}

// broker is the child that plays Kafka: parsed PAN-OS records, dealt out over the partitions without regard to hosts.
func broker(argument string, out io.Writer) error {
	var job brokerJob
	if err := json.Unmarshal([]byte(argument), &job); err != nil {
		return err
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(kafkaPartitions, "zstd", "lz4", "none"))
	if err != nil {
		return err
	}
	defer c.Close()
	size := int64(0)
	for _, t := range codecs {
		if size, err = produce(c.ListenAddrs(), t.name, t.codec, job.Flows); err != nil {
			return err
		}
	}
	runtime.GC()
	if err := answer(out, brokerAnswer{c.ListenAddrs(), size}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func produce(addrs []string, topic string, codec kgo.CompressionCodec, flows int) (size int64, err error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codec),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(20*time.Millisecond))
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	e, err := synth.NewEncoder(flow.FormatPANOSJSON)
	if err != nil {
		return 0, err
	}
	t := newTraffic(1, flows)
	failed := make(chan error, 1)
	for i := range flows {
		line := e.Append(make([]byte, 0, 640), t.next())
		line = line[:len(line)-1]
		size += int64(len(line))
		// A batch of consecutive records goes to a partition, as a producer without keys deals them out.
		cl.Produce(context.Background(), &kgo.Record{Partition: int32(i / 500 % kafkaPartitions), Value: line}, func(_ *kgo.Record, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	err = cl.Flush(context.Background())
	select {
	case e := <-failed:
		err = errors.Join(err, e)
	default:
	}
	return size, err
}

// fetch reads a topic to its end with the client alone.
func fetch(tb testing.TB, b *brokerAnswer, topic string, flows int) usage {
	m := startMeter()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		tb.Fatal(err)
	}
	defer cl.Close()
	size := int64(0)
	for n := 0; n < flows; {
		fetches := cl.PollFetches(tb.Context())
		if err := fetches.Err(); err != nil {
			tb.Fatal(err)
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			for _, r := range p.Records {
				n++
				size += int64(len(r.Value))
			}
		})
	}
	u := m.read()
	if size != b.Bytes {
		tb.Fatalf("%d bytes were fetched, want %d", size, b.Bytes)
	}
	return u
}

// fetchDecode reads a topic to its end and decodes the records: the least that an ingest can cost.
func fetchDecode(tb testing.TB, b *brokerAnswer, topic string, flows int) usage {
	d := newDecoder(tb, flow.FormatPANOSJSON)
	accepted := 0
	emit := func(it *flow.Item) {
		if it.Verdict == flow.Accepted {
			accepted++
		}
	}
	m := startMeter()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		tb.Fatal(err)
	}
	defer cl.Close()
	for accepted < flows {
		fetches := cl.PollFetches(tb.Context())
		if err := fetches.Err(); err != nil {
			tb.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if err := d.Decode(r.Value, emit); err != nil {
				tb.Fatal(err)
			}
		})
	}
	return m.read()
}

// ingestTopic reads a topic to its end with the source and the ingest stage, into cuts in memory.
func ingestTopic(tb testing.TB, b *brokerAnswer, topic string, flows int) (u usage, cuts int) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(ingestHeap))
	m := startMeter()
	s := kafka.New(kafka.Config{Brokers: b.Addrs, Topic: topic}, kafka.Deps{Log: slog.New(slog.DiscardHandler),
		Metrics: kafka.NewMetrics(prometheus.NewRegistry()), Now: time.Now})
	d, err := s.Describe(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	cfg := ingestConfig(tb, flow.FormatPANOSJSON, ingestMemory)
	cfg.MaxPast = 10 * 365 * 24 * time.Hour // the records are new, their events are not
	cfg.MaxFutureSkew = cfg.MaxPast
	stage, control := newIngest(tb, cfg, d)
	if err := s.Run(tb.Context(), stage); err != nil {
		tb.Fatal(err)
	}
	u = m.read()
	a, err := control.SumCuts(tb.Context(), sourceName, cfg.Shards)
	if err != nil || a.Accepted+a.Late != int64(flows) {
		tb.Fatalf("%+v of %d flows: %v", a, flows, err)
	}
	return u, a.Cuts
}

// BenchmarkKafka compares the whole ingest with the bare fetch of the same records, in turns.
func BenchmarkKafka(b *testing.B) {
	var broker brokerAnswer
	startChild(b, "broker", brokerJob{kafkaFlows}, &broker)
	for _, c := range codecs {
		b.Run(c.name, func(b *testing.B) {
			var bare, whole usage
			n, cuts := 0, 0
			for ; b.Loop(); n += kafkaFlows {
				f := fetch(b, &broker, c.name, kafkaFlows)
				w, made := ingestTopic(b, &broker, c.name, kafkaFlows)
				bare.CPU, whole.CPU, cuts = bare.CPU+f.CPU, whole.CPU+w.CPU, made
				bare.Wall, whole.Wall = bare.Wall+f.Wall, whole.Wall+w.Wall
			}
			b.ReportMetric(bare.per(n), "cpu-ns-fetch/record")
			b.ReportMetric(whole.per(n), "cpu-ns-ingest/record")
			b.ReportMetric(float64(whole.CPU)/float64(bare.CPU), "ratio")
			b.ReportMetric(bare.rate(n), "fetched/s")
			b.ReportMetric(whole.rate(n), "ingested/s")
			b.ReportMetric(float64(cuts), "cuts")
		})
	}
}
