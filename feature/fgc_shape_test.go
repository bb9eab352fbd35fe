package feature

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Counts of features per horizon: the contract's, the expanded list and the compact profile.
func TestFGCCounts(t *testing.T) {
	for name, c := range map[string]struct {
		shape FGCShape
		want  int
	}{
		"curated":  {FGCShape{}, 1320},
		"expanded": {FGCShape{Metrics: allMetrics(), Transforms: allTransforms()}, 3360},
		"compact":  {FGCShape{Windows: []string{"w_15m", "w_1h", "w_24h"}}, 792},
		"a metric": {FGCShape{Metrics: []MetricID{MTCPCnt, MSessionsCnt}, Transforms: []Transform{TransformDiff}}, 450},
	} {
		p, err := c.shape.plan()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		p.each(func(Role, MetricID, int, Transform) { n++ })
		wide, err := FGCWideTable(c.shape)
		if err != nil {
			t.Fatal(err)
		}
		columns := 0
		for _, col := range wide.Columns {
			if m, isFGC := metricOfColumn(col.Name); isFGC && knownMetric(m) {
				columns++
			}
		}
		entries, err := CatalogOf("v1", testLayout(t), c.shape)
		if err != nil {
			t.Fatal(err)
		}
		cataloged := 0
		for _, e := range entries {
			if e.Group == DatasetFGC && e.Catalog == ModelInput {
				cataloged++
			}
		}
		if n != c.want || columns != c.want || cataloged != c.want {
			t.Errorf("%s: got %d features, %d columns, %d in the catalog, want %d", name, n, columns, cataloged, c.want)
		}
	}
	if len(CuratedMetrics()) != 44 || len(slices.Compact(slices.Sorted(slices.Values(CuratedMetrics())))) != 44 || NumFGCFeatures != 1320 {
		t.Error("there are 44 curated metrics and 1,320 numbers")
	}
	var names []string
	for _, m := range CuratedMetrics() {
		names = append(names, Metrics[m].Name)
	}
	if d := cmp.Diff(names, strings.Fields(oracleCurated)); d != "" {
		t.Error(d)
	}
}

// metricOfColumn is the metric of a wide column that is a transform.
func metricOfColumn(name string) (MetricID, bool) {
	for i := range NumTransforms {
		rest, ok := strings.CutSuffix(name, "_"+Transform(i).String())
		if at := strings.LastIndex(rest, "_w_"); ok && at > 0 {
			if m, ok := MetricNamed(strings.TrimPrefix(rest[:at], "in_")); ok {
				return m, true
			}
		}
	}
	return 0, false
}

// Pair rarity is 7 features, and the others of section 8 are there too.
func TestSingleFeatures(t *testing.T) {
	s := defaultPlan().singles()
	if len(s.list) != 68 || s.pair != 24 || s.score != 39 || s.disagreement != 47 || s.drift != 53 || s.support != 65 {
		t.Errorf("got %d single features: %+v", len(s.list), [...]int{s.pair, s.score, s.disagreement, s.drift, s.support})
	}
	var rarity []string
	for _, f := range s.list[s.pair : s.pair+7] {
		rarity = append(rarity, f.name)
	}
	if d := cmp.Diff(rarity, strings.Fields("pair_seen_count pair_last_seen_ts active_days pair_daily_avg pair_rarity_score is_new_pair_flag is_rare_pair_flag")); d != "" {
		t.Error(d)
	}
	for at, name := range map[int]string{s.pair + singleRareBytes: "rare_pair_weighted_z_bytes_src_sum", s.pair + singleNewPair: "new_pair_flag",
		s.score + singleLateralFlag: "lateral_movement_indicator", s.score + singleBeacon: "beacon_suspicion_score",
		s.support + singleReasons: "top_reasons", s.drift + 3: "baseline_drift_z_bytes_src_sum", 21: "excess_over_p95_in_bytes_dst_sum"} {
		if s.list[at].name != name {
			t.Errorf("position %d: got %s, want %s", at, s.list[at].name, name)
		}
	}
}

func TestFGCTables(t *testing.T) {
	long, err := FGCTable(FGCShape{})
	if err != nil {
		t.Fatal(err)
	}
	c := long.Columns
	head := commonColumns + "host_ip*:S window_label*:S window_end_ts*:T baseline_source:S in_baseline_source:S is_cold_start:I in_is_cold_start:I " +
		"sessions_cnt_z_mad?:F sessions_cnt_ratio?:F sessions_cnt_log_ratio?:F allow_cnt_z_mad?:F"
	tail := "pair_seen_count?:I pair_last_seen_ts?:T active_days?:I pair_daily_avg?:F pair_rarity_score?:F is_new_pair_flag?:I " +
		"is_rare_pair_flag?:I pair_rarity_source?:S shown_dst_ip?:S shown_dst_port?:I new_pair_flag?:I pair_rarity_weight?:F rare_pair_flag?:I " +
		"rare_pair_weighted_z_sessions_cnt?:F rare_pair_weighted_z_bytes_src_sum?:F anomaly_strength_core?:F time_band_violation_flag?:I " +
		"beaconing_cadence_score?:F beacon_suspicion_score?:F exfiltration_suspicion_score?:F lateral_movement_score?:F " +
		"exfiltration_indicator?:I lateral_movement_indicator?:I"
	end := "baseline_drift_z_max_sessions_per_minute?:F baseline_min_support_count?:I baseline_cold_start_any:I top_reasons:S " +
		"baseline_start_ts:T baseline_end_ts:T"
	if len(c) != 6+4+264+68+2 {
		t.Fatalf("got %d columns", len(c))
	}
	at := 6 + 4 + 264
	for _, d := range []string{cmp.Diff(describe(c[:14]), head), cmp.Diff(describe(c[at+24:at+47]), tail), cmp.Diff(describe(c[len(c)-6:]), end)} {
		if d != "" {
			t.Error(d)
		}
	}
	for _, col := range c[10:at] {
		if col.Type != Float32 || !col.Nullable {
			t.Errorf("%+v", col)
		}
	}
	wide, err := FGCWideTable(FGCShape{})
	if err != nil {
		t.Fatal(err)
	}
	// 39 of the single features are of the w_15m row, 29 of each window
	if want := 6 + 4*5 + 1320 + 38 + 5*30 + 2; len(wide.Columns) != want {
		t.Errorf("got %d wide columns, want %d", len(wide.Columns), want)
	}
	for name, null := range map[string]bool{"baseline_source_w_24h": false, "baseline_source_w_8h": true, "in_is_cold_start_w_24h": false,
		"top_reasons_w_24h": false, "top_reasons_w_1h": true, "baseline_min_support_count_w_24h": true, "time_band_violation_flag": true} {
		if i := wide.Column(name); i < 0 || wide.Columns[i].Nullable != null {
			t.Errorf("%s: column %d, want nullable %v", name, i, null)
		}
	}
	if d := cmp.Diff(describe(BeaconEvidenceTable().Columns), commonColumns+"host_ip*:S peer_ip*:S peer_port*:I window_end_ts*:T "+
		"connections:I kept_connections:I period_seconds?:D jitter?:D timing:D size:D histogram:D duration:D rita_score:D cadence_score:D "+
		"first_seen_ts:T last_seen_ts:T prevalence_hosts_cnt?:I prevalence_hosts_share?:D expected_fp_per_1000:D"); d != "" {
		t.Error(d)
	}
}

// A shape without contract features leaves their numbers free; what is more has numbers after the single features.
func TestCatalogOfOtherShapes(t *testing.T) {
	entries, err := CatalogOf("v1", testLayout(t), FGCShape{Metrics: []MetricID{MTCPCnt}, Transforms: []Transform{TransformZMadClipped, TransformRatio}})
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Entry{}
	last := 0
	for _, e := range entries {
		if e.Group == DatasetFGC {
			byName[e.Name] = e
		}
		if e.Number <= last {
			t.Errorf("%s: number %d after %d", e.ID, e.Number, last)
		}
		last = e.Number
	}
	if _, ok := byName["sessions_cnt_w_15m_z_mad"]; ok {
		t.Error("z_mad is not made")
	}
	for name, number := range map[string]int{"sessions_cnt_w_15m_ratio": 487, "excess_over_p95_sessions_cnt": 1806,
		"sessions_cnt_w_15m_z_mad_clipped": 1874, "tcp_cnt_w_15m_ratio": 1874 + 44*5, "tcp_cnt_w_15m_z_mad_clipped": 1875 + 44*5} {
		if byName[name].Number != number {
			t.Errorf("%s: got number %d, want %d", name, byName[name].Number, number)
		}
	}
	if e := byName["tcp_cnt_w_15m_ratio"]; e.Origin != OriginExtension || e.Catalog != ModelInput {
		t.Errorf("got %+v", e)
	}
	want := Entry{ID: "v1:fg_c:in_deny_ratio_w_8h_ratio", Number: 1576, Name: "in_deny_ratio_w_8h_ratio", Group: "fg_c",
		Formula:     "x / (median + eps_c); x = in_deny_ratio_w_8h",
		Description: "inbound, w_8h: share of the flows that were denied, as a multiple of the median of its baseline",
		Creator:     "feature/deviation.go", Upstream: []string{"in_deny_ratio_w_8h", "fg_b/host.deny_ratio", "fg_b/segment.deny_ratio"},
		Version: "v1", Type: Float32, Nullable: true, Default: "null", Consumers: []string{"NDR system"}, Offline: "fg-c-offline", Online: "fg-c-online",
		Path:    "projects/ndr/versions/v1/data/features/fg_c/baseline_horizon={baseline_horizon}/dt={dt}/hh={hh}/mm={mm}/part-{shard}.parquet",
		Catalog: "model_input", Origin: "contract"}
	if d := cmp.Diff(byName[want.Name], want); d != "" {
		t.Error(d)
	}
}

func TestShapeRefuses(t *testing.T) {
	for _, c := range []struct {
		shape FGCShape
		want  string
	}{
		{FGCShape{Transforms: []Transform{TransformRatio, TransformRatio}}, "transform 1"},
		{FGCShape{Transforms: []Transform{9}}, "transform 9"},
		{FGCShape{Metrics: []MetricID{48}}, "metric 48"},
		{FGCShape{Metrics: []MetricID{-1}}, "metric -1"},
		{FGCShape{Suspicion: []MetricID{1, 1}}, "suspicion metric 1"},
		{FGCShape{Windows: []string{"w_2h"}}, `window "w_2h"`},
	} {
		if _, err := FGCTable(c.shape); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v", c.shape, err)
		}
	}
}

func TestFGCConfigRefuses(t *testing.T) {
	for want, change := range map[string]func(*FGCConfig){
		"eps is 0":                    func(c *FGCConfig) { c.Eps = 0 },
		"z_max is -1":                 func(c *FGCConfig) { c.ZMax = -1 },
		"scale_floor of metric 3":     func(c *FGCConfig) { c.ScaleFloor = map[MetricID]float64{3: 0} },
		"thresholds.exfiltration":     func(c *FGCConfig) { c.Exfiltration = 2 },
		"thresholds.lateral_movement": func(c *FGCConfig) { c.Lateral = -1 },
		"min_connections":             func(c *FGCConfig) { c.Cadence.MinConnections = 0 },
		"internal networks":           func(c *FGCConfig) { c.Internal = nil },
		`horizon "7d"`:                func(c *FGCConfig) { c.Horizons = append(c.Horizons, c.Horizons[0]) },
		`window "x"`:                  func(c *FGCConfig) { c.Windows = []string{"x"} },
	} {
		c := fgcConfig(t)
		c.Horizons = []FGCHorizon{{Label: "7d", Baselines: newFakeBaselines(t)}}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestSegmentParity(t *testing.T) {
	host, segment := SchemaOf(FGBHostTable()), SchemaOf(FGBSegmentTable())
	if err := CheckSegmentParity(host, segment); err != nil {
		t.Fatal(err)
	}
	last := len(segment.Columns) - 1
	for name, c := range map[string]struct {
		change func(s *Schema)
		column string
		found  string
	}{
		"missing":  {func(s *Schema) { s.Columns = s.Columns[:last] }, segment.Columns[last].Name, "no column"},
		"more":     {func(s *Schema) { s.Columns = append(s.Columns, SchemaColumn{Name: "more", Type: "DOUBLE"}) }, "more", "more DOUBLE"},
		"type":     {func(s *Schema) { s.Columns[last].Type = "FLOAT" }, segment.Columns[last].Name, segment.Columns[last].Name + " FLOAT"},
		"nullable": {func(s *Schema) { s.Columns[last].Nullable = true }, segment.Columns[last].Name, segment.Columns[last].Name + " INT64 nullable"},
	} {
		s := segment
		s.Columns = slices.Clone(segment.Columns)
		c.change(&s)
		var fault *SchemaError
		if err := CheckSegmentParity(host, s); !errors.As(err, &fault) || fault.Column != c.column || fault.Found != c.found {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := CheckSegmentParity(Schema{Dataset: "a"}, Schema{Dataset: "b"}); err == nil {
		t.Error("nothing is on a par with nothing")
	}
}
