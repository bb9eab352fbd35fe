package feature

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// describe is the columns in short: the name, * of a key, ? of a nullable column, and the type by its first letter.
func describe(columns []Column) string {
	var words []string
	for _, c := range columns {
		w := c.Name
		if c.Key {
			w += "*"
		}
		if c.Nullable {
			w += "?"
		}
		words = append(words, w+":"+c.Type.String()[:1])
	}
	return strings.Join(words, " ")
}

const commonColumns = "feature_spec_version:S mini_batch_id:S record_id:S "

func TestTables(t *testing.T) {
	for _, c := range []struct {
		table *Table
		name  string
		want  string
	}{
		{DeltaTable(), "delta", commonColumns + "host_ip*:S role*:S slice_start_ts*:T slice_end_ts:T segment_id:S " +
			"sessions_cnt:I allow_cnt:I deny_cnt:I alert_cnt:I rst_cnt:I aged_out_cnt:I zero_reply_cnt:I " +
			"short_session_cnt:I bytes_src_sum:I bytes_dst_sum:I duration_sum:D peer_ip_nunique:I " +
			"peer_port_nunique:I peer_segment_nunique:I peer_ip_entropy:D peer_port_entropy:D " +
			"peer_ip_top1_sessions_share:D peer_port_top1_sessions_share:D peer_ip_top1_bytes_share:D " +
			"peer_port_top1_bytes_share:D max_sessions_per_minute:I tcp_cnt:I udp_cnt:I icmp_cnt:I threat_cnt:I " +
			"traffic_cnt:I high_risk_port_sessions_cnt:I admin_port_sessions_cnt:I fileshare_port_sessions_cnt:I " +
			"directory_port_sessions_cnt:I db_port_sessions_cnt:I is_approximate:I"},
		{PairCountsTable(), "pair_counts", commonColumns + "src_ip*:S dst_ip*:S dst_port*:I event_ts*:T " +
			"segment_id:S sessions_cnt:I bytes_src_sum:I bytes_dst_sum:I"},
		{PairContextTable(), "pair_context", commonColumns + "host_ip*:S role*:S window_label*:S window_end_ts*:T " +
			"dst_ip*:S dst_port*:I sessions_cnt:I event_ts:T"},
		{Lookback30dTable(), "lookback30d", commonColumns + "host_ip*:S role*:S peer_ip*:S peer_port*:I " +
			"sessions_cnt:I first_seen_ts:T last_seen_ts:T"},
		{LateTable(), "late", commonColumns + "host_ip*:S role*:S slice_start_ts*:T emit_slice_ts*:T source*:S " +
			"partition*:S cut*:I sessions_cnt:I allow_cnt:I deny_cnt:I alert_cnt:I rst_cnt:I aged_out_cnt:I " +
			"zero_reply_cnt:I short_session_cnt:I bytes_src_sum:I bytes_dst_sum:I duration_sum:D tcp_cnt:I udp_cnt:I " +
			"icmp_cnt:I threat_cnt:I traffic_cnt:I high_risk_port_sessions_cnt:I admin_port_sessions_cnt:I " +
			"fileshare_port_sessions_cnt:I directory_port_sessions_cnt:I db_port_sessions_cnt:I"},
		{FeatureCatalogTable(), "feature_catalog", "feature_id*:S feature_number:I feature_name:S feature_group:S " +
			"feature_formula:S feature_description:S creator_script:S upstream_dependencies:S " +
			"feature_spec_version:S data_type:S nullable:I default_value:S downstream_consumers:S " +
			"feature_group_name_offline:S feature_group_name_online:S s3_storage_path:S catalog:S origin:S"},
	} {
		if c.table.Name != c.name || c.table.Version != 1 {
			t.Errorf("got %s version %d, want %s version 1", c.table.Name, c.table.Version, c.name)
		}
		if d := cmp.Diff(describe(c.table.Columns), c.want); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

const (
	fgaHeadWant = commonColumns + "host_ip*:S window_label*:S window_end_ts*:T window_start_ts:T segment_id:S"
	fgaTailWant = "hour_of_day:I day_of_week:S is_working_hours:I is_off_hours:I is_night_hours:I is_weekend:I " +
		"time_band:S lookback_days:I is_approximate:I"
	nullableWant = "peer_ip_entropy?:D peer_port_entropy?:D peer_ip_top1_sessions_share?:D " +
		"peer_port_top1_sessions_share?:D peer_ip_top1_bytes_share?:D peer_port_top1_bytes_share?:D " +
		"duration_mean?:D deny_ratio?:D bytes_asymmetry_ratio?:D transport_tcp_ratio?:D transport_udp_ratio?:D " +
		"transport_icmp_ratio?:D new_peer_ratio_lookback30d?:D"
)

// FG-B has no mini_batch_id, and record_id in fg_b/host only; the statistics of hosts and segments are the same.
func TestFGBTables(t *testing.T) {
	const pairWant = "dst_ip*:S dst_port*:I pair_seen_count:I pair_last_seen_ts:T active_days:I pair_daily_avg:D pair_rarity_score:D " +
		"is_new_pair_flag:I is_rare_pair_flag:I"
	for _, c := range []struct {
		table *Table
		name  string
		want  string
	}{
		{FGBIPMetadataTable(), "fg_b/ip_metadata", "feature_spec_version:S host_ip*:S role*:S segment_id*:S time_band*:S window_label*:S " +
			"machine_name?:S is_full_history:I is_non_persistent_machine:I is_cold_start:I typical_time_bands:S"},
		{FGBPairHostTable(), "fg_b/pair/host", "feature_spec_version:S host_ip*:S " + pairWant},
		{FGBPairSegmentTable(), "fg_b/pair/segment", "feature_spec_version:S segment_id*:S " + pairWant},
		{FGBPeerTable(), "fg_b/peer", "feature_spec_version:S dst_ip*:S hosts_cnt:I segments_cnt:I seen_count:I active_days:I"},
	} {
		if d := cmp.Diff(describe(c.table.Columns), c.want); d != "" || c.table.Name != c.name {
			t.Errorf("%s: %s", c.table.Name, d)
		}
	}
	host, segment := FGBHostTable().Columns, FGBSegmentTable().Columns
	if len(host) != 7+2+48*9 || len(segment) != 5+2+48*9 {
		t.Fatalf("got %d and %d columns", len(host), len(segment))
	}
	for _, d := range []string{cmp.Diff(host[7:], segment[5:]),
		cmp.Diff(describe(host[:7]), "feature_spec_version:S record_id:S host_ip*:S role*:S segment_id*:S time_band*:S window_label*:S"),
		cmp.Diff(describe(segment[:5]), "feature_spec_version:S segment_id*:S role*:S time_band*:S window_label*:S"),
		cmp.Diff(describe(segment[5:16]), "baseline_start_ts:T baseline_end_ts:T sessions_cnt_median?:D sessions_cnt_p25?:D sessions_cnt_p75?:D "+
			"sessions_cnt_p95?:D sessions_cnt_p99?:D sessions_cnt_mad?:D sessions_cnt_iqr?:D sessions_cnt_support_count:I sessions_cnt_cold_start_flag:I")} {
		if d != "" {
			t.Error(d)
		}
	}
}

func TestFGATable(t *testing.T) {
	c := FGATable().Columns
	if len(c) != 8+96+9 {
		t.Fatalf("got %d columns", len(c))
	}
	out, in := c[8:56], c[56:104]
	for i := range out {
		want := out[i]
		want.Name = "in_" + want.Name
		if in[i] != want || out[i].Name != Metrics[i].Name {
			t.Errorf("column %d: got %v, %v", i, out[i], in[i])
		}
	}
	var nullable []Column
	for _, col := range out {
		if col.Nullable {
			nullable = append(nullable, col)
		}
	}
	for _, d := range []string{cmp.Diff(describe(c[:8]), fgaHeadWant), cmp.Diff(describe(c[104:]), fgaTailWant),
		cmp.Diff(describe(nullable), nullableWant)} {
		if d != "" {
			t.Error(d)
		}
	}
}

func TestFGAWideTable(t *testing.T) {
	table := FGAWideTable()
	c := table.Columns
	if len(c) != 8+480+9 {
		t.Fatalf("got %d columns", len(c))
	}
	for _, d := range []string{cmp.Diff(describe(c[:8]), fgaHeadWant), cmp.Diff(describe(c[488:]), fgaTailWant)} {
		if d != "" {
			t.Error(d)
		}
	}
	numeric, always := 0, 0
	for _, col := range c[8:] {
		if col.Type != Text && col.Name != "lookback_days" && col.Name != "is_approximate" {
			numeric++
		}
		if !col.Nullable && strings.HasSuffix(col.Name, "_w_24h") {
			always++
		} else if !col.Nullable && strings.Contains(col.Name, "_w_") {
			t.Errorf("%s: a window without flows must be null", col.Name)
		}
	}
	if numeric != 485 || always != 2*(48-13) {
		t.Errorf("got %d numeric features, %d never null", numeric, always)
	}
	for name, number := range map[string]int{"sessions_cnt_w_15m": 1, "in_sessions_cnt_w_8h": 244} {
		if got := table.Column(name) - 7; got != number {
			t.Errorf("%s: column %d of the features, want %d", name, got, number)
		}
	}
}

// A table's columns have names of their own, keys are never null, and only record_id, feature_id and top_reasons skip
// the dictionary.
func TestTablesAreSound(t *testing.T) {
	names := map[string]bool{}
	for _, table := range Tables() {
		if names[table.Name] {
			t.Errorf("%s: two tables", table.Name)
		}
		names[table.Name] = true
		seen := map[string]bool{}
		for _, c := range table.Columns {
			if seen[c.Name] || c.Key && c.Nullable || c.Distinct != (c.Name == "record_id" || c.Name == "feature_id" || strings.HasPrefix(c.Name, "top_reasons")) {
				t.Errorf("%s.%s: %+v", table.Name, c.Name, c)
			}
			seen[c.Name] = true
		}
		if _, ok := datasetNamed(table.Name); !ok && table.Name != DatasetFeatureCatalog {
			t.Errorf("%s: has no place in the layout", table.Name)
		}
	}
}
