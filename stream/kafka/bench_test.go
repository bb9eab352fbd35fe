package kafka

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/stream"
)

// BenchmarkFetch reads the same records with the bare client and through the source, in turn. An iteration is one
// round of both; CPU and allocations include those of the broker, which runs in this process, so it is their
// difference that the source costs.
func BenchmarkFetch(b *testing.B) {
	const partitions, each = 4, 100_000
	c := cluster(b, partitions, kfake.NumBrokers(2), kfake.SyntheticFetch(kfake.SyntheticBatch{
		RecordBytes: 492, RandomFrac: 0.15, Records: 1000, Compression: kgo.ZstdCompression()}))
	var bare, through []cost
	for b.Loop() {
		bare = append(bare, measure(func() { fetchBare(b, c, partitions, each) }))
		through = append(through, measure(func() { fetchThrough(b, c, partitions, each) }))
	}
	report(b, "bare", bare, partitions*each)
	report(b, "source", through, partitions*each)
}

type cost struct {
	wall, cpu time.Duration
	allocs    uint64
	bytes     uint64
}

func measure(f func()) cost {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began, cpu := time.Now(), cpuTime()
	f()
	wall, used := time.Since(began), cpuTime()-cpu
	runtime.ReadMemStats(&after)
	return cost{wall, used, after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// report gives the medians.
func report(b *testing.B, name string, rounds []cost, records float64) {
	median := func(of func(cost) float64) float64 {
		v := make([]float64, len(rounds))
		for i := range rounds {
			v[i] = of(rounds[i])
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	b.ReportMetric(median(func(c cost) float64 { return float64(c.cpu) })/records, name+"-cpu-ns/record")
	b.ReportMetric(median(func(c cost) float64 { return records / c.wall.Seconds() }), name+"-records/s")
	b.ReportMetric(median(func(c cost) float64 { return float64(c.allocs) })/records, name+"-allocs/record")
	b.ReportMetric(median(func(c cost) float64 { return float64(c.bytes) })/records, name+"-B/record")
}

func fetchBare(b *testing.B, c *kfake.Cluster, partitions, each int) {
	at := make(map[int32]kgo.Offset)
	for p := range partitions {
		at[int32(p)] = kgo.NewOffset().At(0)
	}
	cl := client(b, c, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{testTopic: at}), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer cl.Close()
	for n, sum := 0, 0; n < partitions*each; {
		cl.PollFetches(context.Background()).EachRecord(func(r *kgo.Record) {
			n++
			sum += len(r.Value)
		})
	}
}

func fetchThrough(b *testing.B, c *kfake.Cluster, partitions, each int) {
	cfg := config(c)
	cfg.Group, cfg.Memory = "", 0
	for p := range partitions {
		cfg.Ranges = append(cfg.Ranges, Range{int32(p), 0, int64(each)})
	}
	f := &counter{}
	if err := source(b, cfg).Run(context.Background(), f); err != nil {
		b.Fatal(err)
	}
	if n := f.records.Load(); n != int64(partitions*each) {
		b.Fatalf("%d records", n)
	}
}

type counter struct {
	funcConsumer
	records atomic.Int64
}

func (f *counter) Consume(ctx context.Context, _ string, r stream.Reader) error {
	n, sum := 0, 0
	defer func() { f.records.Add(int64(n)) }()
	for {
		records, err := r.Poll(ctx)
		for i := range records {
			n++
			sum += len(records[i].Value)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
