package feature

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The numbers of features of FG-B: 480 metrics by 9 statistics for hosts, as many for segments, and 7 of pairs.
func TestBaselineCatalogCounts(t *testing.T) {
	count := map[string]int{}
	byID := map[string]Entry{}
	for _, e := range Catalog("v1", testLayout(t)) {
		if e.Catalog == NonModel {
			count[e.Group]++
		}
		byID[e.ID] = e
	}
	for group, want := range map[string]int{"fg_b/host": 4320, "fg_b/segment": 4320, "fg_b/pair/host": 7} {
		if count[group] != want {
			t.Errorf("%s: got %d features, want %d", group, count[group], want)
		}
	}
	got := byID["v1:fg_b/segment:in_deny_ratio_w_8h_p95"]
	got.Number = 0
	want := Entry{ID: "v1:fg_b/segment:in_deny_ratio_w_8h_p95", Name: "in_deny_ratio_w_8h_p95", Group: "fg_b/segment",
		Formula:     "smallest value whose cumulative weight x 100 >= 95 x total, x = in_deny_ratio_w_8h",
		Description: "of a segment in a time band: what is rarely exceeded of in_deny_ratio_w_8h",
		Creator:     "feature/baseline_stats.go", Upstream: []string{"fg_a.in_deny_ratio_w_8h"}, Version: "v1", Type: Float64, Nullable: true,
		Default: "null", Consumers: []string{"fg_c"}, Catalog: "non_model", Origin: "contract",
		Path: "projects/ndr/versions/v1/data/baselines/fg_b/segment/baseline_horizon={baseline_horizon}/baseline_month={baseline_month}/" +
			"revision={revision}/part-{shard}.parquet"}
	if d := cmp.Diff(got, want); d != "" {
		t.Error(d)
	}
	// Every statistic of a host has one of its segment: no metric is without a segment baseline.
	for id, e := range byID {
		if e.Group != DatasetFGBHost {
			continue
		}
		if s, ok := byID["v1:fg_b/segment:"+e.Name]; !ok || s.Type != e.Type || s.Nullable != e.Nullable {
			t.Errorf("%s has no counterpart in fg_b/segment", id)
		}
	}
}
