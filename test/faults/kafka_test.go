package faults

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/feature"
	"ndr/sinks"
	"ndr/stream"
	"ndr/stream/kafka"
)

const topic = "flows"

// keyOf is what keeps both halves of a conversation in one partition: the two addresses in order, "" for a line that
// has none.
func keyOf(line string) string {
	var ends []string
	if strings.HasPrefix(line, "{") {
		for _, name := range []string{`"source_ip":"`, `"destination_ip":"`} {
			if _, after, ok := strings.Cut(line, name); ok {
				address, _, _ := strings.Cut(after, `"`)
				ends = append(ends, address)
			}
		}
	} else if cells := strings.Fields(line); len(cells) > 4 {
		ends = cells[3:5]
	}
	slices.Sort(ends)
	return strings.Join(ends, " ")
}

// produced is a Kafka in this process that holds the lines, spread by their addresses, all with the same record time.
func produced(t *testing.T, lines []string, partitions int, when time.Time) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(int32(partitions), topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var records []*kgo.Record
	for _, line := range lines {
		h := fnv.New64a()
		h.Write([]byte(keyOf(line)))
		records = append(records, &kgo.Record{Partition: int32(h.Sum64() % uint64(partitions)), Value: []byte(line), Timestamp: when})
	}
	produce(t, c, records)
	return c
}

func produce(t *testing.T, c *kfake.Cluster, records []*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// fromKafka makes a bounded source of everything in the topic.
func fromKafka(c *kfake.Cluster) func() stream.Source {
	return func() stream.Source {
		return kafka.New(kafka.Config{Brokers: c.ListenAddrs(), Topic: topic, Memory: 16 << 20},
			kafka.Deps{Log: slog.New(slog.DiscardHandler), Metrics: kafka.NewMetrics(prometheus.NewRegistry()), Now: time.Now})
	}
}

// withoutHeader is the setup without the header line of the format, which only a file has.
func withoutHeader(s Setup) Setup {
	if s.Format == "vpc-text" {
		s.VPCFields, s.Lines = strings.Fields(s.Lines[0]), s.Lines[1:]
	}
	return s
}

// TestSameRowsFromKafka reads the inputs from an embedded Kafka, in many ways: the rows and accounts are those of the
// file. In some runs the process dies on the way, with its disk.
func TestSameRowsFromKafka(t *testing.T) {
	seeded(t)
	for i, c := range []struct {
		name  string
		setup func(order uint64) Setup
		short int
	}{{"panos-json", panosDays, 2}, {"vpc-text", vpcHours, 2}} {
		want := baseline(t, "headless "+c.name, withoutHeader(c.setup(0)))
		for j, v := range sample(matrix([]int{1, 3, 8}, []uint64{0, 1, 2}), c.short, uint64(50+i)) {
			t.Run(c.name+" "+v.String(), func(t *testing.T) {
				s := withoutHeader(c.setup(v.order))
				s.Partitions, s.Shards, s.CutRecords, s.Memory = v.partitions, v.shards, v.cut, v.memory
				cluster := produced(t, s.Lines, v.partitions, at(2023, 6, 5, 0))
				store := NewMemory()
				p := &Process{Setup: s, NewSource: fromKafka(cluster)}
				f := &Faulty{Store: store}
				if *long && j%2 == 1 { // a dying process waits half a minute for its last cut
					f.DieAt, f.Of = 5, "/cuts/"
				}
				if err := p.untilDone(f); err != nil {
					t.Fatal(err)
				}
				if d := Diff(want, read(t, store, s.Shards), false); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

// live is the real program, run against a topic.
type live struct {
	root, config string
	sentinel     feature.Slice // everything before it will be published
}

// newLive produces the lines, and behind them a flow in every partition so much later that all slices of the lines
// are closed. It returns the lines with these flows.
func newLive(t *testing.T, s Setup, partitions int) (*live, []string) {
	t.Helper()
	when := at(2023, 6, 3, 12)
	cluster := produced(t, s.Lines, partitions, when)
	late := at(2023, 6, 3, 5).Add(12 * time.Minute)
	lines := slices.Clone(s.Lines)
	var records []*kgo.Record
	for p := range partitions {
		line := fmt.Sprintf(`{"event_name":"TRAFFIC","event_end":%d,"source_ip":"10.9.0.%d","destination_ip":"10.9.1.1","destination_port":443,"source_bytes":1}`, late.Unix(), p)
		lines = append(lines, line)
		records = append(records, &kgo.Record{Partition: int32(p), Value: []byte(line), Timestamp: when})
	}
	produce(t, cluster, records)
	l := &live{root: t.TempDir(), config: filepath.Join(t.TempDir(), "ndr.yaml"), sentinel: feature.Clock{}.Of(late.UnixNano())}
	text := fmt.Sprintf(`version: 1
root: file://%s
shards: %d
source: {type: kafka, name: %s, format: %s, kafka: {brokers: ["%s"], topic: %s}}
slices: {allowed_lateness: %s}
limits: {max_cut_records: %d, memory: 64MiB}
state: {dir: %s}
admin: {listen: "127.0.0.1:0"}
`, l.root, s.Shards, sourceName, s.Format, strings.Join(cluster.ListenAddrs(), `", "`), topic, s.Lateness, s.CutRecords, t.TempDir())
	if err := os.WriteFile(l.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return l, lines
}

// start starts a process and sends it the signal after a while.
func (l *live) start(t *testing.T, after time.Duration, signal syscall.Signal) error {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, "run", "--config", l.config)
	out := new(strings.Builder)
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	timeout := time.NewTimer(after)
	defer timeout.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for !l.published(t) {
		select {
		case err := <-ended:
			return fmt.Errorf("it ended by itself: %w\n%s", err, out)
		case <-timeout.C:
			_ = c.Process.Signal(signal)
			if err := <-ended; err != nil && signal != syscall.SIGKILL {
				return fmt.Errorf("after %s: %w\n%s", signal, err, out)
			}
			return errUnfinished
		case <-look.C:
		}
	}
	_ = c.Process.Signal(syscall.SIGTERM)
	if err := <-ended; err != nil {
		return fmt.Errorf("at its end: %w\n%s", err, out)
	}
	return nil
}

var errUnfinished = errors.New("not everything is published yet")

// published reports whether the last slice before the sentinel is complete.
func (l *live) published(t *testing.T) bool {
	t.Helper()
	key, err := layout().Path(feature.SuccessObject(feature.Clock{}.Name(l.sentinel - 1)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(filepath.Join(l.root, filepath.FromSlash(key)))
	return err == nil
}

// before takes out what a bounded run publishes of a slice and a live one does not, because it is still open.
func (r *Result) before(slice feature.Slice) *Result {
	out := *r
	out.Tables = make(map[string][]string)
	mark := " mini_batch_id=" + feature.Clock{}.Name(slice)
	for name, rows := range r.Tables {
		for _, row := range rows {
			if !strings.Contains(row, mark) {
				out.Tables[name] = append(out.Tables[name], row)
			}
		}
	}
	out.Slices--
	return &out
}

// TestRunIsInterrupted runs the real program against an embedded Kafka and stops it (SIGTERM) at random moments; in
// the long form it is killed (SIGKILL), too: then the group waits for the dead member, which takes a minute.
func TestRunIsInterrupted(t *testing.T) {
	seeded(t)
	signals := []syscall.Signal{syscall.SIGTERM}
	if *long {
		signals = append(signals, syscall.SIGKILL)
	}
	for i, signal := range signals {
		t.Run(signal.String(), func(t *testing.T) {
			s := evening("panos-json")
			l, lines := newLive(t, s, 3)
			whole := s
			whole.Lines, whole.Partitions = lines, 1
			want := undisturbed(t, whole).before(l.sentinel)
			r := rand.New(rand.NewPCG(*seed, uint64(300+i)))
			err := errUnfinished
			stops := 0
			for ; errors.Is(err, errUnfinished) && stops < 4; stops++ {
				wait := 500*time.Millisecond + time.Duration(r.Int64N(int64(time.Second)))
				if signal == syscall.SIGKILL && stops > 0 {
					wait += 55 * time.Second
				}
				err = l.start(t, wait, signal)
			}
			if errors.Is(err, errUnfinished) {
				err = l.start(t, 3*time.Minute, syscall.SIGTERM)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("started %d times", stops+1)
			got := read(t, sinks.NewFolder(l.root, sinks.Config{}), s.Shards)
			got.Ended = true // a topic has no end
			if d := Diff(want, got, false); d != "" {
				t.Error(d)
			}
		})
	}
}
