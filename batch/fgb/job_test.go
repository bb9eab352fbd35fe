package fgb

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
	"ndr/sinks"
)

var reference = time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)

// published reads the tables of a horizon, as oracle.tables writes them. It fails on rows out of order: readers check
// that by part.
func (w *world) published(h *sinks.BaselineHorizon) map[string]map[string]string {
	w.t.Helper()
	out := map[string]map[string]string{}
	for _, d := range fgbDatasets {
		out[d] = map[string]string{}
	}
	for _, t := range h.Tables {
		o, err := w.store.Open(context.Background(), t.Key)
		w.check(err)
		r, err := sinks.ReadTable(o)
		w.check(err)
		for b, err := range r.Batches() {
			w.check(err)
			for row := range b.Rows {
				var key, rest []string
				for i, c := range b.Table.Columns {
					text := cell(b, i, row)
					if c.Key {
						key = append(key, text)
					} else {
						rest = append(rest, text)
					}
				}
				k := strings.Join(key, "|")
				if _, twice := out[t.Dataset][k]; twice {
					w.t.Errorf("%s: key %s is there twice", t.Dataset, k)
				}
				out[t.Dataset][k] = strings.Join(rest, " ")
			}
		}
		w.check(o.Close())
	}
	return out
}

func cell(b *feature.Batch, col, row int) string {
	v := &b.Cols[col]
	switch {
	case v.IsNull(row):
		return "null"
	case b.Table.Columns[col].Type == feature.Text:
		return v.Text[row]
	case b.Table.Columns[col].Type == feature.Float64:
		return fmt.Sprint(v.Float[row])
	}
	return fmt.Sprint(v.Int[row])
}

// inventory writes a snapshot.
func (w *world) inventory(month string, machines map[string]string) {
	w.t.Helper()
	t := &feature.Table{Name: "machine_inventory", Version: 1, Columns: []feature.Column{keyColumn("ip_address", feature.Text),
		{Name: "machine_name", Type: feature.Text}}}
	m := newRowMaker(t)
	var hosts []string
	for h := range machines {
		hosts = append(hosts, h)
	}
	slices.SortFunc(hosts, func(a, b string) int { return addr(a).Compare(addr(b)) })
	for _, h := range hosts {
		m.put("ip_address", h)
		m.put("machine_name", machines[h])
		m.b.EndRow()
	}
	var buf bytes.Buffer
	tw, err := sinks.NewTableWriter(&buf, t, nil)
	w.check(err)
	w.check(tw.Write(m.b))
	_, err = tw.Close()
	w.check(err)
	w.create(feature.SnapshotObject(month, 0), buf.Bytes())
	w.create(feature.SnapshotSuccessObject(month), nil)
}

// randomWorld is two and a half days up to the reference time and some hours after it.
func randomWorld(t *testing.T, seed uint64, change func(*world)) (*world, Config) {
	w := newWorld(t)
	w.history, w.hosts = 216, 10
	w.machine = map[string]string{"10.0.0.0": "VDI-one", "10.1.0.1": "srv", "fd00::4": "vdi2"}
	if change != nil {
		change(w)
	}
	first, last := w.clock.Of(reference.UnixNano())-feature.Slice(w.history), w.clock.Of(reference.UnixNano())+1
	w.missing[first+feature.Slice(w.history/2)-8] = true
	for s := first + feature.Slice(w.history*3/4); s < first+feature.Slice(w.history*3/4)+10; s++ {
		w.silent[s] = true
	}
	w.fill(rand.New(rand.NewPCG(seed, 1)), w.hosts, first, last)
	if w.wide {
		w.needLongest()
	}
	w.write(last)
	w.inventory("2026-10", map[string]string{"10.0.0.0": "old", "10.1.0.1": "srv", "fd00::4": "vdi2"})
	w.inventory("2026-11", map[string]string{"10.0.0.0": "VDI-one"})
	w.inventory("2026-12", map[string]string{"10.1.0.1": "later"})
	cfg := w.config(reference)
	cfg.AllowGaps, cfg.NonPersistentPrefixes = 1, []string{"vdi"}
	return w, cfg
}

// copied is the same world in a root of its own.
func (w *world) copied(t *testing.T) *world {
	c := *w
	c.t, c.store = t, w.store.(*memoryStore).copied()
	return &c
}

// shorter makes the world small, for jobs that read it piece by piece.
func shorter(w *world) { w.history, w.hosts, w.shards = 70, 6, 1 }

func TestBaselinesAgainstOracle(t *testing.T) {
	plain, plainConfig := randomWorld(t, 7, nil)
	for _, c := range []struct {
		name   string
		memory int64
		parts  int
		world  func(*world)
		change func(*Config)
	}{
		{"plain", 0, 1, nil, nil},
		{"little memory", 100 << 10, 1, nil, nil},
		{"least memory", 3 << 10, 1, shorter, func(c *Config) { c.Horizons = c.Horizons[:1] }},
		{"parts", 256 << 10, 3, nil, nil},
		{"zero fill", 0, 1, nil, func(c *Config) { c.ZeroFill = true }},
		{"zero fill in parts", 256 << 10, 3, nil, func(c *Config) { c.ZeroFill = true }},
		{"log", 0, 1, nil, func(c *Config) { c.Rules.Log, c.Rules.ZMax = true, 2 }},
		{"no weight", 0, 1, nil, func(c *Config) { c.Rules.LightWeight, c.Rules.ZMax = 0, 1 }},
		{"no weight, least memory", 3 << 10, 1, shorter, func(c *Config) {
			c.Rules.LightWeight, c.Rules.ZMax, c.Horizons = 0, 1, c.Horizons[:1]
		}},
		{"six bands", 0, 2, func(w *world) { w.cal.SixBands, w.shards = true, 1 }, nil},
		{"wide", 0, 1, func(w *world) { w.wide, w.shards = true, 1 }, func(c *Config) { c.Horizons = c.Horizons[1:] }},
		{"offset", 0, 1, func(w *world) { w.clock.Offset, w.shards = 8*time.Minute, 1 }, func(c *Config) { c.ZeroFill = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var w *world
			var cfg Config
			if c.world != nil {
				w, cfg = randomWorld(t, 7, c.world)
			} else {
				w, cfg = plain.copied(t), plainConfig
				cfg.TempDir = t.TempDir()
			}
			if c.change != nil {
				c.change(&cfg)
			}
			var r *Report
			for part := range c.parts {
				one := cfg
				one.Part, one.Parts, one.Publish = part, c.parts, part == c.parts-1
				var err error
				if r, err = w.job(one, c.memory).Run(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if len(r.Horizons) != len(cfg.Horizons) || !r.Published || r.Revision != 1 {
				t.Fatalf("got %d horizons, published %t, revision %d", len(r.Horizons), r.Published, r.Revision)
			}
			for i := range r.Horizons {
				h := cfg.Horizons[slices.IndexFunc(cfg.Horizons, func(h Horizon) bool { return h.Name == r.Horizons[i].Name })]
				o := newOracle(w, &cfg, h)
				want := o.tables()
				if d := cmp.Diff(w.published(&r.Horizons[i]), want); d != "" {
					t.Fatalf("%s:\n%.3000s", h.Name, d)
				}
				o.checkCounts(t, &r.Horizons[i], want)
			}
		})
	}
}

// checkCounts compares what a publication says of a horizon.
func (o *oracle) checkCounts(t *testing.T, h *sinks.BaselineHorizon, want map[string]map[string]string) {
	t.Helper()
	hosts := map[string]map[string]bool{}
	var rows, light, cold int64
	for k, list := range o.groups {
		if hosts[k.host] == nil {
			hosts[k.host] = map[string]bool{}
		}
		hosts[k.host][k.segment] = true
		rows += int64(len(list))
		for _, r := range list {
			if r.light {
				light++
			}
		}
	}
	moved := int64(0)
	for _, s := range hosts {
		if len(s) > 1 {
			moved++
		}
	}
	for _, text := range want[feature.DatasetFGBIPMetadata] {
		if strings.Fields(text)[4] == "1" {
			cold++
		}
	}
	got := []int64{h.Hosts, h.Keys, h.ColdKeys, h.MovedHosts, h.Observations, h.DownWeighted}
	if d := cmp.Diff(got, []int64{int64(len(hosts)), int64(len(want[feature.DatasetFGBHost])), cold, moved, rows, light}); d != "" {
		t.Errorf("%s: hosts, keys, cold keys, moved hosts, observations, down-weighted: %s", h.Name, d)
	}
	if light == 0 || moved == 0 || cold == 0 || cold == h.Keys {
		t.Errorf("%s: this world shows too little: %v", h.Name, got)
	}
}
