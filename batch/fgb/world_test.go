package fgb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"ndr/feature"
	"ndr/sinks"
)

// world is a root with random tables: hosts of a few segments, of which one moves, with gaps and silence.
type world struct {
	t       testing.TB
	store   sinks.Store
	layout  feature.Layout
	clock   feature.Clock
	cal     *feature.Calendar
	wide    bool
	rows    []fgaRow
	pairs   []pairRow
	shards  int
	history int // slices before the reference time
	hosts   int
	first   feature.Slice
	missing map[feature.Slice]bool // complete never
	silent  map[feature.Slice]bool // passed over
	machine map[string]string
}

// fgaRow is a row of FG-A.
type fgaRow struct {
	host     string
	segment  string
	slice    feature.Slice
	window   int
	lookback int64
	values   [2][feature.NumMetrics]float64 // by role; NaN is null
}

type pairRow struct {
	src, dst string
	port     int64
	slice    feature.Slice
	segment  string
	sessions int64
}

func newWorld(t testing.TB) *world {
	l, err := feature.NewLayout("ndr", "v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, store: newMemoryStore(), layout: l, cal: feature.DefaultCalendar(), shards: 2,
		missing: map[feature.Slice]bool{}, silent: map[feature.Slice]bool{}}
}

// fill makes random rows of the slices [first, last].
func (w *world) fill(r *rand.Rand, hosts int, first, last feature.Slice) {
	w.first = first
	for h := range hosts {
		host := netip.AddrFrom4([4]byte{10, byte(h % 3), 0, byte(h)}).String()
		if h == 4 {
			host = "fd00::4"
		}
		activity := 0.2 + 0.8*r.Float64()
		if h == 5 {
			activity = 0.01
		}
		for s := first; s <= last; s++ {
			if w.silent[s] {
				continue
			}
			segment := fmt.Sprintf("seg-%d", h%3)
			if mid := first + (last-first)/2; h == 1 && s > mid || h == 7 && s > mid+20 && s < mid+60 { // 7 comes back
				segment = "seg-away"
			}
			w.fillHost(r, host, segment, s, activity, s == first || s == last || r.IntN(60) == 0)
		}
	}
	w.sort()
}

func (w *world) fillHost(r *rand.Rand, host, segment string, s feature.Slice, activity float64, odd bool) {
	active := r.Float64() < activity
	for win := range feature.Windows {
		if !active && (win == 0 || r.IntN(3) > 0) {
			continue
		}
		row := fgaRow{host: host, segment: segment, slice: s, window: win, lookback: int64(s-w.first) / 20}
		flows := [2]bool{r.IntN(3) > 0, r.IntN(2) > 0}
		if !flows[0] && !flows[1] {
			flows[r.IntN(2)] = true
		}
		for role := range flows {
			row.values[role] = metricsOf(r, flows[role], odd && win < 3)
		}
		w.rows = append(w.rows, row)
	}
	for range r.IntN(4) {
		if !active {
			break
		}
		p := pairRow{src: host, dst: fmt.Sprintf("203.0.113.%d", r.IntN(5)), port: int64(1 + r.IntN(3)), slice: s, segment: segment, sessions: int64(1 + r.IntN(3))}
		if r.IntN(10) == 0 {
			p.dst = fmt.Sprintf("2001:db8::%d", 1+r.IntN(200))
		}
		if !slices.ContainsFunc(w.pairs[max(0, len(w.pairs)-4):], func(o pairRow) bool {
			return o.src == p.src && o.dst == p.dst && o.port == p.port && o.slice == p.slice
		}) {
			w.pairs = append(w.pairs, p)
		}
	}
}

// metricsOf makes a role's metrics: zeros and nulls without flows.
func metricsOf(r *rand.Rand, flows, odd bool) (v [feature.NumMetrics]float64) {
	for m, d := range feature.Metrics {
		switch {
		case !flows && d.Nullable:
			v[m] = math.NaN()
		case !flows:
		case d.Type == feature.Float64:
			v[m] = float64(r.IntN(8)) / 7
		case m%5 == 0:
			v[m] = float64(r.IntN(1 << (r.IntN(40))))
		case m%7 == 0:
		default:
			v[m] = float64(r.IntN(20))
		}
		if odd && flows && m < 10 && d.Type == feature.Int64 {
			v[m] *= 1000
		}
	}
	if flows {
		v[feature.MSessionsCnt]++
	}
	return v
}

func (w *world) sort() {
	slices.SortStableFunc(w.rows, func(a, b fgaRow) int {
		if a.slice != b.slice {
			return int(a.slice - b.slice)
		}
		if c := addr(a.host).Compare(addr(b.host)); c != 0 {
			return c
		}
		return bytes.Compare([]byte(feature.Windows[a.window].Label), []byte(feature.Windows[b.window].Label))
	})
	slices.SortStableFunc(w.pairs, func(a, b pairRow) int {
		if a.slice != b.slice {
			return int(a.slice - b.slice)
		}
		if c := addr(a.src).Compare(addr(b.src)); c != 0 {
			return c
		}
		if c := addr(a.dst).Compare(addr(b.dst)); c != 0 {
			return c
		}
		return int(a.port - b.port)
	})
}

func addr(text string) feature.Addr {
	a, err := feature.ParseAddr(text)
	if err != nil {
		panic(err)
	}
	return a
}

// write publishes all slices up to last.
func (w *world) write(last feature.Slice) {
	rows, pairs := w.rows, w.pairs
	var previous *feature.Slice
	for s := w.first; s <= last; s++ {
		n, k := 0, 0
		for n < len(rows) && rows[n].slice == s {
			n++
		}
		for k < len(pairs) && pairs[k].slice == s {
			k++
		}
		if !w.silent[s] {
			w.writeSlice(s, rows[:n], pairs[:k], previous)
			at := s
			previous = &at
		}
		rows, pairs = rows[n:], pairs[k:]
	}
}

func (w *world) writeSlice(s feature.Slice, rows []fgaRow, pairs []pairRow, previous *feature.Slice) {
	name := w.clock.Name(s)
	record, err := json.Marshal(map[string]any{"slice": s, "previous": previous, "first": w.first})
	w.check(err)
	d := &sinks.DatasetManifest{SchemaVersion: 1, Slice: name, Close: record}
	for shard := range w.shards {
		m := &sinks.Manifest{SchemaVersion: 1, Slice: name, Shard: shard}
		var mine []fgaRow
		for _, r := range rows {
			if feature.ShardOf(addr(r.host), w.shards) == shard {
				mine = append(mine, r)
			}
		}
		if w.wide {
			w.table(m, s, w.wideBatch(mine))
		} else {
			w.table(m, s, w.longBatch(mine))
		}
		w.table(m, s, w.pairBatch(shard, pairs))
		body, err := m.Encode()
		w.check(err)
		key := w.create(feature.ManifestObject(name, shard, 0), body)
		d.Shards = append(d.Shards, sinks.ShardManifest{Shard: shard, Key: key})
	}
	body, err := d.Encode()
	w.check(err)
	w.create(feature.DatasetManifestObject(name), body)
	if !w.missing[s] {
		w.create(feature.SuccessObject(name), []byte("{}"))
	}
}

func (w *world) check(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

func (w *world) create(o feature.Object, body []byte) string {
	key, err := w.layout.Path(o)
	w.check(err)
	w.check(w.store.Create(context.Background(), key, bytes.NewReader(body)))
	return key
}

func (w *world) table(m *sinks.Manifest, s feature.Slice, b *feature.Batch) {
	var buf bytes.Buffer
	t, err := sinks.NewTableWriter(&buf, b.Table, nil)
	w.check(err)
	w.check(t.Write(b))
	_, err = t.Close()
	w.check(err)
	key := w.create(feature.SliceDataObject(b.Table.Name, w.clock, s, m.Shard), buf.Bytes())
	m.Datasets = append(m.Datasets, sinks.ManifestDataset{Name: b.Table.Name, Key: key})
}

// rowMaker writes values by the name of their column.
type rowMaker struct {
	b  *feature.Batch
	at map[string]int
}

func newRowMaker(t *feature.Table) *rowMaker {
	m := &rowMaker{feature.NewBatch(t), map[string]int{}}
	for i, c := range t.Columns {
		m.at[c.Name] = i
	}
	return m
}

func (m *rowMaker) put(name string, v any) {
	i, ok := m.at[name]
	if !ok {
		panic(name)
	}
	switch v := v.(type) {
	case string:
		m.b.AddText(i, v)
	case int64:
		m.b.AddInt(i, v)
	case float64:
		switch {
		case v != v:
			m.b.AddNull(i)
		case m.b.Table.Columns[i].Type == feature.Int64:
			m.b.AddInt(i, int64(v))
		default:
			m.b.AddFloat(i, v)
		}
	}
}

func (m *rowMaker) head(w *world, host, label, segment string, s feature.Slice, lookback int64) {
	end := w.clock.End(s)
	at := w.cal.At(end)
	for name, v := range map[string]any{"feature_spec_version": "v1", "mini_batch_id": "x", "record_id": "x", "host_ip": host, "window_label": label,
		"window_end_ts": end / 1000, "window_start_ts": int64(0), "segment_id": segment, "hour_of_day": at.Hour, "day_of_week": at.DayOfWeek,
		"is_working_hours": at.Working, "is_off_hours": at.Off, "is_night_hours": at.Night, "is_weekend": at.Weekend, "time_band": at.Band,
		"lookback_days": lookback, "is_approximate": int64(0)} {
		m.put(name, v)
	}
}

func (w *world) longBatch(rows []fgaRow) *feature.Batch {
	m := newRowMaker(feature.FGATable())
	for _, r := range rows {
		m.head(w, r.host, feature.Windows[r.window].Label, r.segment, r.slice, r.lookback)
		for role := range r.values {
			for i, x := range r.values[role] {
				m.put(feature.Role(role).Prefix()+feature.Metrics[i].Name, x)
			}
		}
		m.b.EndRow()
	}
	return m.b
}

// wideBatch has a row per host with a row of the longest window; the rows of others are left out by fillWide.
func (w *world) wideBatch(rows []fgaRow) *feature.Batch {
	t := feature.FGAWideTable()
	t.Name = feature.DatasetFGA
	m := newRowMaker(t)
	for from := 0; from < len(rows); {
		to := from
		var windows [len(feature.Windows)]*fgaRow
		for to < len(rows) && rows[to].host == rows[from].host {
			windows[rows[to].window] = &rows[to]
			to++
		}
		r := rows[from]
		m.head(w, r.host, feature.WideWindowLabel, r.segment, r.slice, r.lookback)
		for role := range r.values {
			for i := range feature.Metrics {
				for win := range windows {
					x := math.NaN()
					if windows[win] != nil {
						x = windows[win].values[role][i]
					}
					m.put(feature.FGAFeatureName(feature.Role(role), feature.Metrics[i].Name, feature.Windows[win].Label), x)
				}
			}
		}
		m.b.EndRow()
		from = to
	}
	return m.b
}

// needLongest drops the rows of hosts without a row of the longest window, which the wide layout cannot hold.
func (w *world) needLongest() {
	type key struct {
		host  string
		slice feature.Slice
	}
	have := map[key]bool{}
	for _, r := range w.rows {
		if r.window == longestWindow {
			have[key{r.host, r.slice}] = true
		}
	}
	w.rows = slices.DeleteFunc(w.rows, func(r fgaRow) bool { return !have[key{r.host, r.slice}] })
}

func (w *world) pairBatch(shard int, pairs []pairRow) *feature.Batch {
	m := newRowMaker(feature.PairCountsTable())
	for _, p := range pairs {
		if feature.ShardOf(addr(p.src), w.shards) != shard {
			continue
		}
		for name, v := range map[string]any{"feature_spec_version": "v1", "mini_batch_id": "x", "record_id": "x", "src_ip": p.src, "dst_ip": p.dst,
			"dst_port": p.port, "event_ts": w.clock.End(p.slice) / 1000, "segment_id": p.segment, "sessions_cnt": p.sessions,
			"bytes_src_sum": int64(0), "bytes_dst_sum": int64(0)} {
			m.put(name, v)
		}
		m.b.EndRow()
	}
	return m.b
}

// config is a job over two horizons that end at the reference time.
func (w *world) config(reference time.Time) Config {
	rules := feature.DefaultBaselineRules()
	for m := range rules.SupportMin {
		rules.SupportMin[m] = 20
	}
	return Config{Layout: w.layout, Clock: w.clock, Calendar: w.cal, FeatureSpecVersion: "v1", Reference: reference, ActivationDelay: time.Hour,
		Horizons: []Horizon{{"2d", 2, 0}, {"1d", 1, 1}}, Rules: rules, GuardBound: 3, GuardMaxShare: 0.05, Compute: true, Publish: true,
		TempDir: w.t.TempDir(), Workers: 2, ConfigDigest: "c", RunID: "run", Writer: "test",
		Now: func() time.Time { return reference.Add(50 * time.Hour).Add(7 * time.Minute) }}
}

// job makes a job with a memory budget below what a configuration may ask for.
func (w *world) job(cfg Config, memory int64) *Job {
	w.t.Helper()
	j, err := New(cfg, w.store, slog.New(slog.DiscardHandler))
	w.check(err)
	if memory > 0 {
		j.cfg.Memory = memory
	}
	return j
}
