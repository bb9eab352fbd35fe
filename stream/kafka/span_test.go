package kafka

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/stream"
)

// collector reads bounded partitions and keeps the positions, like a replay.
type collector struct {
	positions map[string]int64 // nil: where Describe says
	member
	got chan [2]string
}

// replay runs a bounded source over the test topic and returns the description's inputs and, by partition, the values.
func replay(t *testing.T, cfg Config, positions map[string]int64) ([]string, map[string]string) {
	t.Helper()
	s := source(t, cfg)
	d, err := s.Describe(limit(t))
	if err != nil {
		t.Fatal(err)
	}
	if positions == nil {
		positions = make(map[string]int64)
		for i, p := range d.Partitions {
			positions[p] = d.Earliest[i]
		}
	}
	c := &collector{positions: positions, got: make(chan [2]string, 100)}
	if err := start(t, s, c).end(t); err != nil {
		t.Fatal(err)
	}
	close(c.got)
	got := make(map[string]string)
	for g := range c.got {
		got[g[0]] = g[1]
	}
	return d.Inputs, got
}

func (c *collector) Position(_ context.Context, partition string) (int64, error) {
	return c.positions[partition], nil
}

func (c *collector) Consume(ctx context.Context, partition string, r stream.Reader) error {
	var values []string
	for {
		records, err := r.Poll(ctx)
		for _, rec := range records {
			values = append(values, string(rec.Value))
		}
		if errors.Is(err, io.EOF) {
			c.got <- [2]string{partition, strings.Join(values, " ")}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func TestBounded(t *testing.T) {
	c := cluster(t, 2)
	cl := client(t, c)
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for i, v := range strings.Fields("a b c d e f") {
		for p := range int32(2) {
			r := &kgo.Record{Partition: p, Value: []byte(v), Timestamp: noon.Add(time.Duration(i) * time.Minute)}
			if err := cl.ProduceSync(limit(t), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	tx := client(t, c, kgo.TransactionalID("tx"))
	_ = tx.BeginTransaction()
	if err := tx.ProduceSync(limit(t), &kgo.Record{Value: []byte("gone")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := tx.EndTransaction(limit(t), kgo.TryAbort); err != nil { // partition 0 ends with record 6 and marker 7
		t.Fatal(err)
	}
	if err := c.DeleteRecords(testTopic, 1, 1); err != nil {
		t.Fatal(err)
	}
	base := config(c)
	base.Group = ""
	for _, tt := range []struct {
		name      string
		change    func(*Config)
		positions map[string]int64
		inputs    []string
		want      map[string]string
	}{
		{"all", func(*Config) {}, nil, []string{"0:0-8", "1:1-6"}, map[string]string{"0": "a b c d e f", "1": "b c d e f"}},
		{"ranges", func(c *Config) { c.Ranges = []Range{{1, 2, 5}} }, nil, []string{"1:2-5"}, map[string]string{"1": "c d e"}},
		{"empty range", func(c *Config) { c.Ranges = []Range{{0, 3, 3}, {1, 6, 6}} }, nil, []string{"0:3-3", "1:6-6"}, map[string]string{"0": "", "1": ""}},
		{"range that ends within the aborted transaction", func(c *Config) { c.Ranges = []Range{{0, 5, 7}} }, nil, []string{"0:5-7"}, map[string]string{"0": "f"}},
		{"times", func(c *Config) { c.From, c.To = noon.Add(2*time.Minute), noon.Add(4*time.Minute) }, nil,
			[]string{"0:2-4", "1:2-4"}, map[string]string{"0": "c d", "1": "c d"}},
		{"from before all", func(c *Config) { c.From = noon.Add(-time.Hour) }, nil, []string{"0:0-8", "1:1-6"},
			map[string]string{"0": "a b c d e f", "1": "b c d e f"}},
		{"to before all", func(c *Config) { c.To = noon.Add(-time.Hour) }, nil, []string{"0:0-0", "1:1-1"}, map[string]string{"0": "", "1": ""}},
		{"resumed", func(*Config) {}, map[string]int64{"0": 4, "1": 6}, []string{"0:0-8", "1:1-6"}, map[string]string{"0": "e f", "1": ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := base
			tt.change(&cfg)
			inputs, got := replay(t, cfg, tt.positions)
			if diff := cmp.Diff(inputs, tt.inputs); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(got, tt.want); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, r := range []Range{{0, 0, 9}, {1, 0, 6}, {2, 0, 1}} {
		cfg := base
		cfg.Ranges = []Range{r}
		if _, err := source(t, cfg).Describe(limit(t)); err == nil || !strings.Contains(err.Error(), r.String()) {
			t.Errorf("range %s: %v", r, err)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"0:0-0", "3:1000-2500", "3:5-4", "x", "1:2", "-1:0-1", "1:-2-3", "99999999999:0-1", "1:2-3-4", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRange(s)
		if err != nil {
			return
		}
		again, err := ParseRange(r.String())
		if err != nil || again != r || r.From < 0 || r.To < r.From || r.Partition < 0 {
			t.Errorf("%q is %v, and again %v, %v", s, r, again, err)
		}
	})
}
