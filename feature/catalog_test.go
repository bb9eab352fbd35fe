package feature

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCatalogCounts(t *testing.T) {
	if NumDeltaMetrics != 31 || NumMetrics != 48 || NumFGAFeatures != 485 || FirstFGCNumber != 486 {
		t.Errorf("got %d delta metrics, %d metrics, %d features of FG-A, FG-C from %d", NumDeltaMetrics, NumMetrics,
			NumFGAFeatures, FirstFGCNumber)
	}
	count := map[string]int{}
	ids, numbers := map[string]bool{}, map[int]bool{}
	last := 0
	for _, e := range Catalog("v1", testLayout(t)) {
		count[e.Group+" "+e.Catalog]++
		if ids[e.ID] || numbers[e.Number] || e.Number <= last {
			t.Errorf("%s, number %d after %d: not unique or not ascending", e.ID, e.Number, last)
		}
		if (e.Catalog == ModelInput) != (e.Number <= 1805) || (e.Group == DatasetFGC && e.Catalog == ModelInput) != (e.Number >= 486 && e.Number <= 1805) {
			t.Errorf("%s: number %d, %s", e.ID, e.Number, e.Catalog)
		}
		ids[e.ID], numbers[e.Number], last = true, true, e.Number
	}
	want := map[string]int{"fg_a model_input": 485, "fg_c model_input": 1320, "fg_c non_model": 68, "delta non_model": 31, "pair_counts non_model": 8}
	for group := range count {
		if strings.HasPrefix(group, "fg_b/") { // has a test of its own
			delete(count, group)
		}
	}
	if d := cmp.Diff(count, want); d != "" {
		t.Error(d)
	}
}

// The numbers are those of the models: they were worked out by hand from the order of roles, metrics and windows.
func TestCatalogNumbersNeverMove(t *testing.T) {
	got := map[string]int{}
	for _, e := range Catalog("v1", testLayout(t)) {
		got[e.ID] = e.Number
	}
	for id, want := range map[string]int{
		"v1:fg_a:sessions_cnt_w_15m":                                   1,
		"v1:fg_a:sessions_cnt_w_24h":                                   5,
		"v1:fg_a:allow_cnt_w_15m":                                      6,
		"v1:fg_a:bytes_src_sum_w_15m":                                  41,
		"v1:fg_a:peer_ip_entropy_w_1h":                                 73,
		"v1:fg_a:db_port_sessions_cnt_w_24h":                           155,
		"v1:fg_a:duration_mean_w_15m":                                  156,
		"v1:fg_a:new_peer_cnt_lookback30d_w_15m":                       191,
		"v1:fg_a:has_high_risk_segment_interaction_w_24h":              240,
		"v1:fg_a:in_sessions_cnt_w_15m":                                241,
		"v1:fg_a:in_sessions_cnt_w_8h":                                 244,
		"v1:fg_a:in_has_high_risk_segment_interaction_w_24h":           480,
		"v1:fg_a:hour_of_day":                                          481,
		"v1:fg_a:is_working_hours":                                     482,
		"v1:fg_a:is_off_hours":                                         483,
		"v1:fg_a:is_night_hours":                                       484,
		"v1:fg_a:is_weekend":                                           485,
		"v1:fg_c:sessions_cnt_w_15m_z_mad":                             486,
		"v1:fg_c:sessions_cnt_w_15m_log_ratio":                         488,
		"v1:fg_c:sessions_cnt_w_24h_log_ratio":                         500,
		"v1:fg_c:allow_cnt_w_15m_z_mad":                                501,
		"v1:fg_c:traffic_cnt_w_15m_z_mad":                              861,
		"v1:fg_c:threat_cnt_w_15m_z_mad":                               876,
		"v1:fg_c:duration_mean_w_30m_ratio":                            895,
		"v1:fg_c:has_high_risk_segment_interaction_w_24h_log_ratio":    1145,
		"v1:fg_c:in_sessions_cnt_w_15m_z_mad":                          1146,
		"v1:fg_c:in_deny_ratio_w_8h_ratio":                             1576,
		"v1:fg_c:in_has_high_risk_segment_interaction_w_24h_log_ratio": 1805,
		"v1:fg_c:excess_over_p95_sessions_cnt":                         1806,
		"v1:fg_c:pair_seen_count":                                      1830,
		"v1:fg_c:top_reasons":                                          1873,
		"v1:delta:sessions_cnt":                                        1874,
		"v1:delta:db_port_sessions_cnt":                                1904,
		"v1:fg_b/host:sessions_cnt_w_15m_median":                       1905,
		"v1:fg_b/host:sessions_cnt_w_15m_cold_start_flag":              1913,
		"v1:fg_b/host:sessions_cnt_w_30m_median":                       1914,
		"v1:fg_b/host:in_sessions_cnt_w_15m_median":                    4065,
		"v1:fg_b/segment:sessions_cnt_w_15m_median":                    6225,
		"v1:pair_counts:src_ip":                                        10545,
		"v1:pair_counts:bytes_dst_sum":                                 10552,
		"v1:fg_b/pair/host:pair_seen_count":                            10553,
		"v1:fg_b/pair/host:is_rare_pair_flag":                          10559,
		"v1:fg_a:in_new_src_dst_port_cnt_lookback30d_w_30m":            462,
		"v1:fg_a:in_high_risk_segment_sessions_cnt_w_15m":              466,
		"v1:fg_a:has_high_risk_port_activity_w_24h":                    190,
		"v1:fg_a:in_peer_port_top1_bytes_share_w_8h":                   339,
		"v1:fg_a:rare_dst_port_cnt_lookback30d_w_1h":                   213,
		"v1:fg_a:in_max_sessions_per_minute_w_15m":                     341,
	} {
		if got[id] != want {
			t.Errorf("%s: got number %d, want %d", id, got[id], want)
		}
	}
}

func TestCatalogEntry(t *testing.T) {
	byID := map[string]Entry{}
	for _, e := range Catalog("v1", testLayout(t)) {
		byID[e.ID] = e
	}
	for _, want := range []Entry{
		{
			ID: "v1:fg_a:in_deny_ratio_w_8h", Number: 404, Name: "in_deny_ratio_w_8h", Group: "fg_a",
			Formula:     "deny_cnt / (sessions_cnt + eps_a)",
			Description: "inbound, w_8h: share of the flows that were denied",
			Creator:     "feature/windowmetrics.go",
			Upstream:    []string{"in_deny_cnt_w_8h", "in_sessions_cnt_w_8h"},
			Version:     "v1", Type: Float64, Nullable: true, Default: "null", Consumers: []string{"NDR system"},
			Offline: "fg-a-offline", Online: "fg-a-online",
			Path:    "projects/ndr/versions/v1/data/features/fg_a/dt={dt}/hh={hh}/mm={mm}/part-{shard}.parquet",
			Catalog: "model_input", Origin: "contract",
		},
		{
			ID: "v1:pair_counts:segment_id", Number: 10549, Name: "segment_id", Group: "pair_counts",
			Formula: "segment(src_ip)", Description: "network segment of src_ip", Creator: "feature/pairrows.go",
			Upstream: []string{"flow.source_ip", "segments"}, Version: "v1", Type: Text,
			Consumers: []string{"fg_b"},
			Path:      "projects/ndr/versions/v1/data/features/pair_counts/dt={dt}/hh={hh}/mm={mm}/part-{shard}.parquet",
			Catalog:   "non_model", Origin: "extension",
		},
	} {
		if d := cmp.Diff(byID[want.ID], want); d != "" {
			t.Errorf("%s: %s", want.ID, d)
		}
	}
	if e := byID["v1:fg_a:sessions_cnt_w_24h"]; e.Nullable || e.Default != "0" || e.Type != Int64 {
		t.Errorf("the longest window always has flows: got %+v", e)
	}
	if e := byID["v1:fg_a:sessions_cnt_w_15m"]; !e.Nullable || e.Default != "0" {
		t.Errorf("a shorter window may have none: got %+v", e)
	}
}

func TestCatalogEntriesAreComplete(t *testing.T) {
	for _, e := range Catalog("v1", testLayout(t)) {
		if e.Formula == "" || e.Description == "" || len(e.Upstream) == 0 || len(e.Consumers) == 0 || e.Path == "" {
			t.Errorf("%s: something is empty: %+v", e.ID, e)
		}
		if _, err := os.Stat(filepath.Join("..", e.Creator)); err != nil {
			t.Errorf("%s: creator_script: %v", e.ID, err)
		}
		for _, cell := range e.cells() {
			if strings.ContainsAny(cell, "\n\r\x00") || strings.TrimSpace(cell) != cell {
				t.Errorf("%s: cell %q does not fit a table", e.ID, cell)
			}
		}
	}
}

func TestCatalogBatch(t *testing.T) {
	entries := Catalog("v1", testLayout(t))
	b := CatalogBatch(entries)
	if err := NewChecker(FeatureCatalogTable()).Check(b); err != nil {
		t.Fatal(err)
	}
	if b.Rows != len(entries) || b.Cols[0].Text[0] != "v1:delta:admin_port_sessions_cnt" || b.Cols[1].Int[0] != 1901 {
		t.Errorf("got %d rows, first %s, number %d", b.Rows, b.Cols[0].Text[0], b.Cols[1].Int[0])
	}
	if entries[0].Number != 1 {
		t.Error("the entries were reordered")
	}
}

func TestCatalogMarkdown(t *testing.T) {
	entries := Catalog("v1", testLayout(t))
	entries[3].Formula = `a | b`
	var buf bytes.Buffer
	if err := WriteCatalogMarkdown(&buf, entries); err != nil {
		t.Fatal(err)
	}
	written := buf.String()
	if d := CatalogCheck([]byte(written), entries); d != nil {
		t.Fatalf("own catalog: %q", d)
	}
	lines := strings.SplitAfter(written, "\n")
	row := func(i int) int { // of feature number i
		return slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "| "+entries[i-1].ID+" |") })
	}
	edit := func(f func(l []string) []string) string { return strings.Join(f(slices.Clone(lines)), "") }
	for name, c := range map[string]struct {
		markdown string
		want     []string
	}{
		"empty":   {"", []string{"no table with the columns " + strings.Join(catalogColumns(), ", ")}},
		"missing": {edit(func(l []string) []string { return slices.Delete(l, row(2), row(2)+1) }), []string{"v1:fg_a:sessions_cnt_w_30m: missing"}},
		"twice":   {edit(func(l []string) []string { return slices.Insert(l, row(2), l[row(2)]) }), []string{"v1:fg_a:sessions_cnt_w_30m: written twice"}},
		"unknown": {strings.Replace(written, "| v1:fg_a:is_weekend |", "| v1:fg_a:is_holiday |", 1),
			[]string{"v1:fg_a:is_weekend: missing", "v1:fg_a:is_holiday: not in the code"}},
		"cell": {strings.Replace(written, "| 481 |", "| 500 |", 1), []string{`v1:fg_a:hour_of_day: feature_number: expected "481", found "500"`}},
		"order": {edit(func(l []string) []string { l[row(1)], l[row(2)] = l[row(2)], l[row(1)]; return l }),
			[]string{"v1:fg_a:sessions_cnt_w_30m: out of order"}},
		"short": {strings.Replace(written, "| v1:fg_a:is_weekend | 485 |", "| v1:fg_a:is_weekend |", 1),
			[]string{"row 485: expected 18 cells, found 17", "v1:fg_a:is_weekend: missing"}},
	} {
		if d := cmp.Diff(CatalogCheck([]byte(c.markdown), entries), c.want); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestCatalogMarkdownReportsTheWriter(t *testing.T) {
	if err := WriteCatalogMarkdown(brokenWriter{}, Catalog("v1", testLayout(t))); err == nil {
		t.Error("want the writer's error")
	}
}
