package feature

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// The band is that of the local hour at the slice's end, on both sides of the changes of summer time in Berlin.
func TestTimeBandAcrossSummerTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	f := newFakeBaselines(t)
	f.know(flat(MetricBaseline{MAD: 1, Support: 60}), true)
	f.typical[addrs("10.0.0.5")[0]] = []string{"off_hours"}
	for _, c := range []struct {
		inSlice   time.Time // UTC
		violation int64
	}{
		{time.Date(2026, 3, 28, 5, 50, 0, 0, time.UTC), 1},   // ends 07:00 winter time
		{time.Date(2026, 3, 28, 5, 40, 0, 0, time.UTC), 0},   // 06:45
		{time.Date(2026, 3, 29, 4, 50, 0, 0, time.UTC), 1},   // 07:00 summer time
		{time.Date(2026, 3, 29, 4, 40, 0, 0, time.UTC), 0},   // 06:45
		{time.Date(2026, 3, 29, 14, 50, 0, 0, time.UTC), 0},  // 17:00
		{time.Date(2026, 10, 25, 5, 50, 0, 0, time.UTC), 1},  // 07:00 winter time again
		{time.Date(2026, 10, 25, 4, 50, 0, 0, time.UTC), 0},  // 06:00, 07:00 the day before
		{time.Date(2026, 10, 24, 4, 50, 0, 0, time.UTC), 1},  // 07:00 summer time
		{time.Date(2026, 10, 25, 15, 50, 0, 0, time.UTC), 0}, // 17:00
	} {
		w := quietWorld(c.inSlice, observed{peer: addrs("8.8.8.8")[0], port: 1, sessions: 1})
		w.calendar.Location, f.last = berlin, nil
		got, _ := closeOne(t, w, fgcConfig(t), f)
		if got["time_band_violation_flag"] != c.violation {
			t.Errorf("%s: got %v", c.inSlice, got["time_band_violation_flag"])
		}
	}
}

func TestDrift(t *testing.T) {
	week, month := newFakeBaselines(t), newFakeBaselines(t)
	week.knowSegment("10.0.0.0/24", flat(MetricBaseline{Median: 12, MAD: 9, Support: 60})) // cold there
	month.know(flat(MetricBaseline{Median: 4, IQR: 2, Support: 60}), true)
	c := fgcConfig(t)
	c.Horizons = []FGCHorizon{{Label: "7d", Baselines: week}, {Label: "30d", Baselines: month}}
	sinks, _ := quietWorld(noon, observed{peer: addrs("8.8.8.8")[0], port: 1, sessions: 1}).closeFGC(t, c)
	for _, label := range []string{"7d", "30d"} {
		for _, r := range sinks.long[label].rows {
			check(t, r, row{"baseline_drift_ratio_bytes_src_sum": 3.0 - 0.75e-6, "baseline_drift_z_bytes_src_sum": 4.0 - 2e-6})
		}
	}
}

// A beacon: 24 connections every 300 s to an address that the month knows of 2 of 8 hosts.
func TestBeaconScores(t *testing.T) {
	w := quietWorld(noon, observed{peer: addrs("203.0.113.9")[0], port: 443, sessions: 3, src: 100})
	for back := range Slice(8) {
		o := w.seen[0]
		o.slice = w.slice - back
		if back > 0 {
			w.seen = append([]observed{o}, w.seen...)
			w.counters[hostKey{o.slice, o.host, o.role}] = w.counters[hostKey{w.slice, o.host, o.role}]
		}
	}
	w.beat = 300
	f := newFakeBaselines(t)
	f.know(flat(MetricBaseline{MAD: 1, Support: 60}), true)
	f.pairs["10.0.0.5|203.0.113.9|443"] = PairBaseline{Seen: 1, Rarity: 0.5}
	f.peers[addrs("203.0.113.9")[0]], f.hosts = 2, 8
	c := fgcConfig(t)
	c.Cadence = DefaultCadence()
	c.Horizons = []FGCHorizon{{Label: "7d", Baselines: f}}
	known := newFakeBaselines(t)
	*known = *f
	c.Horizons = append(c.Horizons, FGCHorizon{Label: "30d", Baselines: known})
	sinks, account := w.closeFGC(t, c)
	if len(sinks.evidence.rows) != 1 {
		t.Fatalf("got %d rows of evidence", len(sinks.evidence.rows))
	}
	e := sinks.evidence.rows[0]
	check(t, e, row{"connections": int64(24), "kept_connections": int64(24), "period_seconds": 300.0, "jitter": 0.0, "size": 1.0, "timing": 1.0,
		"prevalence_hosts_cnt": int64(2), "prevalence_hosts_share": 0.25, "expected_fp_per_1000": 1000 * (1 - e["cadence_score"].(float64))})
	if score := e["cadence_score"].(float64); score < 0.99 {
		t.Errorf("cadence_score %g of a perfect beacon", score)
	}
	check(t, sinks.long["30d"].rows[0], row{"beaconing_cadence_score": e["cadence_score"],
		"beacon_suspicion_score": e["cadence_score"].(float64) * 0.75 * e["duration"].(float64)})
	if account.Imputed["beacon_evidence.no_publication"] != 0 {
		t.Errorf("counted %v", account.Imputed)
	}

	sinks, account = w.closeFGC(t, fgcConfig(t)) // before the first publication
	check(t, sinks.evidence.rows[0], row{"prevalence_hosts_cnt": nil, "prevalence_hosts_share": nil, "connections": int64(24)})
	if d := gocmp.Diff(account.Imputed, map[string]int64{"beacon_evidence.no_publication": 1}); d != "" {
		t.Error(d)
	}
}

// Without a configuration of FG-C there is evidence all the same, and sinks of unknown horizons stay empty.
func TestNoBaselines(t *testing.T) {
	w := randomWorld(3, noon, 0)
	evidence, fgc := &rowsOf{t: t}, &rowsOf{t: t}
	b, err := NewCloseBuilder(w.config(t), CloseSinks{BeaconEvidence: evidence, FGC: map[string]RowSink{"7d": fgc}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.visit(b), b.Flush()); err != nil || len(fgc.rows) != 0 {
		t.Errorf("got %v, %d rows", err, len(fgc.rows))
	}
}

func TestFGCWideAlone(t *testing.T) {
	w := quietWorld(noon, observed{peer: addrs("8.8.8.8")[0], port: 1, sessions: 1})
	c := fgcConfig(t)
	c.Horizons = []FGCHorizon{{Label: "7d", Baselines: newFakeBaselines(t)}}
	cfg := w.config(t)
	cfg.FGC = &c
	sink := &rowsOf{t: t}
	b, err := NewCloseBuilder(cfg, CloseSinks{FGCWide: map[string]RowSink{"7d": sink}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.visit(b), b.Flush()); err != nil || sink.table != "fg_c" || len(sink.rows) != 1 {
		t.Errorf("got %v, %d rows of %s", err, len(sink.rows), sink.table)
	}
}

func TestMissingPairTables(t *testing.T) {
	w := quietWorld(noon, observed{peer: addrs("8.8.8.8")[0], port: 1, sessions: 1})
	c := fgcConfig(t)
	c.Horizons = []FGCHorizon{{Label: "7d", Baselines: newFakeBaselines(t), MissingPairTables: []string{"fg_b/pair/host", "fg_b/pair/segment"}}}
	cfg := w.config(t)
	cfg.FGC = &c
	sinks := CloseSinks{FGC: map[string]RowSink{"7d": &rowsOf{t: t}}}
	_, err := NewCloseBuilder(cfg, sinks)
	var missing *MissingPairTablesError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), `["fg_b/pair/host" "fg_b/pair/segment"] of horizon 7d`) {
		t.Errorf("got %v", err)
	}
	c.PairFeatures = false
	if _, err := NewCloseBuilder(cfg, sinks); err != nil {
		t.Errorf("without pair features: %v", err)
	}
}

// A publication that contradicts itself is a defect, not a null.
func TestFGCDefects(t *testing.T) {
	flow := observed{peer: addrs("8.8.8.8")[0], port: 1, sessions: 1}
	for name, c := range map[string]struct {
		base Baselines
		want string
	}{
		"no row of a full history": {func() Baselines { f := newFakeBaselines(t); f.know(nil, true); return f }(), "fg_b/host has no row of inbound w_15m"},
		"no pair table":            {pairless{newFakeBaselines(t)}, "fg_b/pair/host cannot be read"},
		"unreadable":               {broken{newFakeBaselines(t)}, "look up host 10.0.0.5 in the baselines of 7d: disk gone"},
	} {
		w := quietWorld(noon, flow)
		cfg, fgc := w.config(t), fgcConfig(t)
		fgc.Horizons = []FGCHorizon{{Label: "7d", Baselines: c.base}}
		cfg.FGC = &fgc
		b, err := NewCloseBuilder(cfg, CloseSinks{FGC: map[string]RowSink{"7d": &rowsOf{t: t}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.visit(b); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "10.0.0.5") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// pairless knows hosts and not their pairs.
type pairless struct{ *fakeBaselines }

func (p pairless) Host(host Addr, segment string) (*HostBaseline, error) {
	p.know(flat(MetricBaseline{Support: 1}), true)
	b, err := p.fakeBaselines.Host(host, segment)
	b.Pair = nil
	return b, err
}

type broken struct{ *fakeBaselines }

func (broken) Host(Addr, string) (*HostBaseline, error) { return nil, errors.New("disk gone") }

// The seeds of the comparison with the oracle reach every reason for a null or another baseline.
func TestRandomBaselinesAreInteresting(t *testing.T) {
	found := map[string]int64{}
	for seed := range uint64(4) {
		w := randomWorld(seed, noon, 0)
		w.kept = true
		c := fgcConfig(t)
		c.Exfiltration = 0.3
		c.Horizons = []FGCHorizon{{Label: "7d", Baselines: randomBaselines(t, w, seed)}}
		sinks, account := w.closeFGC(t, c)
		for k, n := range account.Imputed {
			found[k] += n
		}
		for k, n := range account.Scales {
			found[k] += n
		}
		for _, r := range sinks.long["7d"].rows {
			for _, name := range []string{"time_band_violation_flag", "exfiltration_indicator", "lateral_movement_score", "rare_pair_flag"} {
				if v := r[name]; v != nil && number(v) > 0 {
					found[name]++
				}
			}
		}
	}
	for _, name := range slices.Concat(ImputationReasons(), ScaleSources(),
		[]string{"time_band_violation_flag", "exfiltration_indicator", "lateral_movement_score", "rare_pair_flag"}) {
		if found[name] == 0 {
			t.Errorf("no case of %s", name)
		}
	}
}
