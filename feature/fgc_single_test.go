package feature

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// quietWorld has one host, 10.0.0.5 of 10.0.0.0/24, that sends in the closing slice only; by default 30 days of
// history are known.
func quietWorld(at time.Time, seen ...observed) *world {
	w := &world{calendar: DefaultCalendar(), rare: 1, counters: map[hostKey]*HostCounters{}, approx: map[hostKey]bool{}, context: []string{"w_15m"}}
	w.slice = w.clock.Of(at.UnixNano())
	w.first = w.clock.Start(w.slice - 40*96)
	for _, o := range seen {
		o.slice, o.host, o.role = w.slice, addrs("10.0.0.5")[0], Outbound
		k := hostKey{o.slice, o.host, o.role}
		if w.counters[k] == nil {
			w.counters[k] = new(HostCounters)
		}
		c := w.counters[k]
		c.Sum[Sessions] += o.sessions
		c.Sum[Traffic] += o.sessions
		c.Sum[BytesSrc] += o.src
		c.Sum[BytesDst] += o.dst
		c.Minute[0] += o.sessions
		w.seen = append(w.seen, o)
	}
	return w
}

var noon = time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)

// flat is a baseline in which every metric has the same statistics.
func flat(m MetricBaseline) *BaselineStats {
	s := new(BaselineStats)
	for i := range s {
		s[i] = m
	}
	return s
}

// know makes the fake know the quiet host in all windows of both roles.
func (f *fakeBaselines) know(s *BaselineStats, warm bool) {
	for _, role := range []Role{Inbound, Outbound} {
		for _, win := range Windows {
			k := join("10.0.0.5", "10.0.0.0/24", role, win.Label)
			f.stats[k], f.warm[k] = s, warm
		}
	}
}

func (f *fakeBaselines) knowSegment(segment string, s *BaselineStats) {
	for _, role := range []Role{Inbound, Outbound} {
		for _, win := range Windows {
			f.segStats[join(segment, role, win.Label)] = s
		}
	}
}

// closeOne closes the world with one horizon and returns the row of w_15m.
func closeOne(t *testing.T, w *world, c FGCConfig, f *fakeBaselines) (row, FGCAccount) {
	t.Helper()
	c.Horizons = []FGCHorizon{{Label: "30d", Baselines: f}}
	sinks, account := w.closeFGC(t, c)
	rows := sinks.long["30d"].rows
	if len(rows) != 5 || rows[0]["window_label"] != "w_15m" {
		t.Fatalf("got %d rows", len(rows))
	}
	return rows[0], account
}

// pick is the named cells of a row.
func pick(r row, names string) row {
	out := row{}
	for _, n := range strings.Fields(names) {
		v, ok := r[n]
		if !ok {
			v = "no such column"
		}
		out[n] = v
	}
	return out
}

func check(t *testing.T, got, want row) {
	t.Helper()
	if d := gocmp.Diff(pick(got, strings.Join(slices.Collect(maps.Keys(want)), " ")), want, nearly); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}

// One flow of 5,000 bytes to an internal peer, against a baseline of median 10, mad 2, iqr 4, p95 20. With eps_c of
// 1e-6 the numbers below are worked out by hand to eight digits, so eps_c is 1e-12 here.
func TestSingleFeaturesOfOneFlow(t *testing.T) {
	w := quietWorld(noon, observed{peer: addrs("10.0.0.9")[0], port: 445, sessions: 1, src: 5000, dst: 100})
	f := newFakeBaselines(t)
	f.know(flat(MetricBaseline{Median: 10, P95: 20, MAD: 2, IQR: 4, Support: 60}), true)
	f.typical[addrs("10.0.0.5")[0]] = []string{"off_hours"}
	f.pairs["10.0.0.5|10.0.0.9|445"] = PairBaseline{Seen: 4, LastSeen: 77, ActiveDays: 2, DailyAvg: 2, Rarity: 0.2}
	c := fgcConfig(t)
	c.Eps = 1e-12
	got, account := closeOne(t, w, c, f)
	check(t, got, row{
		"baseline_source": "host", "in_baseline_source": "host", "is_cold_start": int64(0), "in_is_cold_start": int64(0),
		"sessions_cnt_z_mad": -4.5, "sessions_cnt_ratio": 0.1, "sessions_cnt_log_ratio": math.Log(0.1), "bytes_src_sum_z_mad": 2495.0,
		"in_sessions_cnt_z_mad": -5.0, "in_deny_ratio_z_mad": nil, "deny_ratio_z_mad": -5.0,
		"excess_over_p95_sessions_cnt": 0.0, "excess_over_p95_bytes_src_sum": 4980.0, "excess_ratio_p95_bytes_src_sum": 250.0,
		"iqr_dev_bytes_src_sum": 1247.5, "iqr_dev_sessions_cnt": -2.25, "excess_ratio_p95_in_bytes_dst_sum": 0.0, "iqr_dev_in_sessions_cnt": -2.5,
		"pair_seen_count": int64(4), "pair_last_seen_ts": int64(77), "active_days": int64(2), "pair_daily_avg": 2.0, "pair_rarity_score": 0.2,
		"is_new_pair_flag": int64(0), "is_rare_pair_flag": int64(0), "pair_rarity_source": "host", "shown_dst_ip": "10.0.0.9",
		"shown_dst_port": int64(445), "new_pair_flag": int64(0), "pair_rarity_weight": 0.2, "rare_pair_flag": int64(0),
		"rare_pair_weighted_z_sessions_cnt": -0.9, "rare_pair_weighted_z_bytes_src_sum": 1.2,
		"anomaly_strength_core": 6.0, "time_band_violation_flag": int64(1), "beaconing_cadence_score": nil, "beacon_suspicion_score": nil,
		// z+(bytes_src_sum) = 6; bytes_asymmetry_ratio is 5000/101 = 49.50495 with z 19.75 and so 6; the pair gives 1.2: of 18
		"exfiltration_suspicion_score": 13.2 / 18, "exfiltration_indicator": int64(1),
		"lateral_movement_score": 0.0, "lateral_movement_indicator": int64(0), // fewer peers than usual
		"window_disagreement_sessions_cnt": 0.0, "baseline_drift_ratio_sessions_cnt": nil, "baseline_drift_z_sessions_cnt": nil, // one horizon
		"baseline_min_support_count": int64(60), "baseline_cold_start_any": int64(0),
		"top_reasons": []map[string]any{
			{"feature": "bytes_src_sum_w_15m", "value": 5000.0, "median": 10.0, "z": 6.0, "source": "host"},
			{"feature": "bytes_dst_sum_w_15m", "value": 100.0, "median": 10.0, "z": 6.0, "source": "host"},
			{"feature": "bytes_asymmetry_ratio_w_15m", "value": 5000.0 / 101, "median": 10.0, "z": 6.0, "source": "host"},
			{"feature": "allow_cnt_w_15m", "value": 0.0, "median": 10.0, "z": -5.0, "source": "host"},
			{"feature": "deny_cnt_w_15m", "value": 0.0, "median": 10.0, "z": -5.0, "source": "host"},
		},
	})
	// 13 curated metrics are null for the silent inbound role, in 5 windows
	want := map[string]int64{"fg_c.no_flows": 65, "fg_c.no_cadence": 1}
	if d := gocmp.Diff(account.Imputed, want); d != "" {
		t.Errorf("imputed (-got +want):\n%s", d)
	}
	if d := gocmp.Diff(account.Scales, map[string]int64{"mad": 5 * (2*44 - 13)}); d != "" {
		t.Errorf("scales (-got +want):\n%s", d)
	}
}

func TestLateralMovement(t *testing.T) {
	var seen []observed
	for _, a := range addrs("10.0.0.9", "10.0.1.9", "10.0.2.9", "8.8.8.8") {
		seen = append(seen, observed{peer: a, port: 22, sessions: 1})
	}
	f := newFakeBaselines(t)
	f.know(flat(MetricBaseline{Median: 1, MAD: 1, Support: 60}), true)
	c := fgcConfig(t)
	c.Eps = 1e-12
	got, _ := closeOne(t, quietWorld(noon, seen...), c, f)
	// 4 peers of 1: z 3, in 4 segments; 3 of 4 internal
	check(t, got, row{"lateral_movement_score": 0.75 * 3 / 6, "lateral_movement_indicator": int64(0), "time_band_violation_flag": int64(0)})
	c.Lateral = 0.37499
	f.last = nil
	got, _ = closeOne(t, quietWorld(noon, seen...), c, f)
	check(t, got, row{"lateral_movement_indicator": int64(1)})
}

func TestBaselineSelection(t *testing.T) {
	flow := observed{peer: addrs("8.8.8.8")[0], port: 53, sessions: 3}
	host, segment := flat(MetricBaseline{Median: 1, MAD: 1, Support: 60}), flat(MetricBaseline{Median: 2, MAD: 1, Support: 40})
	for _, c := range []struct {
		name   string
		set    func(f *fakeBaselines)
		source string
		cold   int64
		median float64 // 3 - the difference; 0 of none
		any    int64
		least  any
		reason string
	}{
		{"own history", func(f *fakeBaselines) { f.know(host, true); f.knowSegment("10.0.0.0/24", segment) }, "host", 0, 1, 0, int64(60), ""},
		{"cold", func(f *fakeBaselines) { f.know(host, false); f.knowSegment("10.0.0.0/24", segment) }, "segment", 1, 2, 1, int64(40), "fg_c.cold_start"},
		{"unknown", func(f *fakeBaselines) { f.knowSegment("10.0.0.0/24", segment) }, "segment", 1, 2, 1, int64(40), "fg_c.cold_start"},
		{"non-persistent", func(f *fakeBaselines) {
			f.know(host, false)
			f.knowSegment("10.0.0.0/24", segment)
			for k := range f.stats {
				f.full[k] = true
			}
		}, "segment", 1, 2, 1, int64(40), "fg_c.non_persistent"},
		{"moved from another segment", func(f *fakeBaselines) {
			for _, win := range Windows {
				k := join("10.0.0.5", "hq", Outbound, win.Label)
				f.stats[k], f.warm[k] = host, true
			}
			f.knowSegment("10.0.0.0/24", segment)
			f.knowSegment("hq", host)
		}, "segment", 1, 2, 1, int64(40), "fg_c.cold_start"},
		{"nothing", func(*fakeBaselines) {}, "none", 1, 0, 1, nil, "fg_c.no_baseline"},
	} {
		f := newFakeBaselines(t)
		c.set(f)
		cfg := fgcConfig(t)
		cfg.Transforms = []Transform{TransformDiff}
		got, account := closeOne(t, quietWorld(noon, flow), cfg, f)
		want := row{"baseline_source": c.source, "in_baseline_source": c.source, "is_cold_start": c.cold, "in_is_cold_start": c.cold,
			"sessions_cnt_diff": 3 - c.median, "baseline_cold_start_any": c.any, "baseline_min_support_count": c.least,
			"baseline_start_ts": int64(1_000_000), "baseline_end_ts": int64(2_000_000)}
		if c.source == "none" {
			want["sessions_cnt_diff"], want["top_reasons"], want["anomaly_strength_core"] = nil, []map[string]any{}, nil
		}
		check(t, got, want)
		if n := account.Imputed[c.reason]; c.reason != "" && n != 10 { // 5 windows, 2 roles
			t.Errorf("%s: counted %v", c.name, account.Imputed)
		}
	}
}

func TestPairRarityChain(t *testing.T) {
	flow := observed{peer: addrs("8.8.8.8")[0], port: 53, sessions: 3}
	hostRow := PairBaseline{Seen: 1, LastSeen: 5, ActiveDays: 1, DailyAvg: 1, Rarity: 0.5, Rare: true}
	segRow := PairBaseline{Seen: 3, LastSeen: 6, ActiveDays: 2, DailyAvg: 1.5, Rarity: 0.25}
	missing := row{"pair_seen_count": int64(0), "pair_last_seen_ts": nil, "active_days": int64(0), "pair_daily_avg": 0.0, "pair_rarity_score": 0.0,
		"is_new_pair_flag": int64(0), "is_rare_pair_flag": int64(0), "pair_rarity_source": "missing", "pair_rarity_weight": 1.0,
		"new_pair_flag": int64(1), "rare_pair_flag": int64(1), "shown_dst_ip": "8.8.8.8", "shown_dst_port": int64(53)}
	for _, c := range []struct {
		name               string
		warm, host, segmen bool
		want               row
	}{
		{"own row", true, true, true, row{"pair_seen_count": int64(1), "pair_rarity_source": "host", "pair_rarity_weight": 0.5, "new_pair_flag": int64(0),
			"is_rare_pair_flag": int64(1), "rare_pair_flag": int64(1)}},
		{"new to the host", true, false, true, row{"pair_seen_count": int64(3), "pair_last_seen_ts": int64(6), "pair_rarity_source": "segment",
			"pair_rarity_weight": 0.25, "new_pair_flag": int64(1), "is_rare_pair_flag": int64(0), "rare_pair_flag": int64(1)}},
		{"missing", true, false, false, missing},
		{"cold", false, true, true, row{"pair_seen_count": int64(3), "pair_rarity_source": "segment", "pair_rarity_weight": 0.25,
			"new_pair_flag": int64(0), "rare_pair_flag": int64(0)}},
		{"cold, never the host's row", false, true, false, missing},
	} {
		f := newFakeBaselines(t)
		f.know(flat(MetricBaseline{MAD: 1, Support: 60}), c.warm)
		if c.host {
			f.pairs["10.0.0.5|8.8.8.8|53"] = hostRow
		}
		if c.segmen {
			f.segPairs["10.0.0.0/24|8.8.8.8|53"] = segRow
		}
		t.Run(c.name, func(t *testing.T) {
			got, _ := closeOne(t, quietWorld(noon, flow), fgcConfig(t), f)
			check(t, got, c.want)
		})
	}
}

// The rarest pair is shown; of equally rare ones the busier, then the lower address and port.
func TestPairShown(t *testing.T) {
	a, b := addrs("9.9.9.9")[0], addrs("8.8.8.8")[0]
	for _, c := range []struct {
		name   string
		seen   []observed
		common []string // pairs that are seen often
		ip     string
		port   int64
	}{
		{"rarest", []observed{{peer: a, port: 1, sessions: 1}, {peer: b, port: 2, sessions: 9}}, []string{"8.8.8.8|2"}, "9.9.9.9", 1},
		{"busier", []observed{{peer: a, port: 1, sessions: 9}, {peer: b, port: 2, sessions: 1}}, nil, "9.9.9.9", 1},
		{"lower address", []observed{{peer: a, port: 1, sessions: 1}, {peer: b, port: 2, sessions: 1}}, nil, "8.8.8.8", 2},
		{"lower port", []observed{{peer: b, port: 3, sessions: 1}, {peer: b, port: 2, sessions: 1}}, nil, "8.8.8.8", 2},
		{"not port 0", []observed{{peer: a, port: 0, sessions: 9}, {peer: b, port: 2, sessions: 1}}, []string{"8.8.8.8|2"}, "8.8.8.8", 2},
	} {
		f := newFakeBaselines(t)
		f.know(flat(MetricBaseline{MAD: 1, Support: 60}), true)
		for _, k := range c.common {
			f.pairs["10.0.0.5|"+k] = PairBaseline{Seen: 99, Rarity: 0.01}
		}
		got, _ := closeOne(t, quietWorld(noon, c.seen...), fgcConfig(t), f)
		if got["shown_dst_ip"] != c.ip || got["shown_dst_port"] != c.port {
			t.Errorf("%s: got %v port %v", c.name, got["shown_dst_ip"], got["shown_dst_port"])
		}
	}
}

func TestNoPairNoPeers(t *testing.T) {
	f := newFakeBaselines(t)
	f.know(flat(MetricBaseline{MAD: 1, Support: 60}), true)
	w := quietWorld(noon, observed{peer: addrs("8.8.8.8")[0], port: 0, sessions: 1})
	got, account := closeOne(t, w, fgcConfig(t), f)
	check(t, got, row{"shown_dst_ip": nil, "pair_seen_count": nil, "new_pair_flag": nil, "rare_pair_flag": nil, "pair_rarity_source": nil,
		"rare_pair_weighted_z_sessions_cnt": nil, "lateral_movement_score": 0.0})
	if account.Imputed["fg_c.no_pair"] != 5 || account.Imputed["fg_c.no_peers"] != 0 {
		t.Errorf("counted %v", account.Imputed)
	}
	w.seen, f.last = nil, nil // threat records only
	got, account = closeOne(t, w, fgcConfig(t), f)
	check(t, got, row{"lateral_movement_score": nil, "lateral_movement_indicator": nil, "exfiltration_suspicion_score": 0.0})
	if account.Imputed["fg_c.no_peers"] != 1 {
		t.Errorf("counted %v", account.Imputed)
	}
}

// With less than 7 days before the window novelty means nothing; it takes no part in lateral_movement_score either.
func TestShortLookback(t *testing.T) {
	f := newFakeBaselines(t)
	s := flat(MetricBaseline{Median: 1e6, MAD: 1, Support: 60})
	s[MNewPeerCnt] = MetricBaseline{MAD: 0.5, Support: 60}
	f.know(s, true)
	w := quietWorld(noon, observed{peer: addrs("10.0.0.8")[0], port: 1, sessions: 1})
	for days, null := range map[int]bool{6: true, 7: false} {
		w.first, f.last = w.clock.Start(w.slice-Slice(96*days)), nil
		got, account := closeOne(t, w, fgcConfig(t), f)
		score := 0.0
		if !null {
			score = 1 / (0.5 + 1e-6) / 6
		}
		if (got["new_peer_cnt_lookback30d_z_mad"] == nil) != null || account.Imputed["fg_c.short_lookback"] == 0 && null {
			t.Errorf("%d days: got %v, %v", days, got["new_peer_cnt_lookback30d_z_mad"], account.Imputed)
		}
		check(t, got, row{"lateral_movement_score": score})
	}
}
