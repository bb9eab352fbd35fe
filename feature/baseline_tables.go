package feature

// Statistic is one of the 9 numbers that FG-B states per metric.
type Statistic uint8

// The statistics in the order of the columns.
const (
	StatMedian Statistic = iota
	StatP25
	StatP75
	StatP95
	StatP99
	StatMAD
	StatIQR
	StatSupportCount
	StatColdStartFlag
	NumStatistics int = iota
)

var statisticNames = [NumStatistics]string{"median", "p25", "p75", "p95", "p99", "mad", "iqr", "support_count", "cold_start_flag"}

// String is the statistic as column names write it.
func (s Statistic) String() string { return statisticNames[s] }

// FGBColumn is the name of a statistic's column in fg_b/host and fg_b/segment: <metric>_<statistic>.
func FGBColumn(m MetricID, s Statistic) string { return Metrics[m].Name + "_" + s.String() }

// FGBFeatureName is the catalog name of a statistic, e.g. in_sessions_cnt_w_8h_median.
func FGBFeatureName(r Role, metric, window string, s Statistic) string {
	return FGAFeatureName(r, metric, window) + "_" + s.String()
}

// FGBHostTable has one row per host, role, segment, time band and window with an observation in the horizon. The
// horizon, like the month and the revision, is a path key. Metrics without a value have null statistics, support 0
// and the flag 1.
func FGBHostTable() *Table {
	c := []Column{column("feature_spec_version", Text), {Name: "record_id", Type: Text, Distinct: true}, keyColumn("host_ip", Text),
		keyColumn("role", Text), keyColumn("segment_id", Text), keyColumn("time_band", Text), keyColumn("window_label", Text)}
	return newTable(DatasetFGBHost, append(c, statisticColumns()...))
}

// FGBSegmentTable has the same statistics per segment, role, time band and window.
func FGBSegmentTable() *Table {
	c := []Column{column("feature_spec_version", Text), keyColumn("segment_id", Text), keyColumn("role", Text),
		keyColumn("time_band", Text), keyColumn("window_label", Text)}
	return newTable(DatasetFGBSegment, append(c, statisticColumns()...))
}

// statisticColumns are the bounds of the horizon and the statistics of the baseline-required metrics, which hosts
// and segments share: the list of metrics without a segment baseline is empty.
func statisticColumns() []Column {
	c := []Column{column("baseline_start_ts", Timestamp), column("baseline_end_ts", Timestamp)}
	for m := range Metrics {
		for s := range Statistic(NumStatistics) {
			col := Column{Name: FGBColumn(MetricID(m), s), Type: Float64, Nullable: true}
			if s >= StatSupportCount {
				col.Type, col.Nullable = Int64, false
			}
			c = append(c, col)
		}
	}
	return c
}

// FGBIPMetadataTable has one row per row of fg_b/host: what is known of the machine. machine_name is null where no
// inventory names it.
func FGBIPMetadataTable() *Table {
	return newTable(DatasetFGBIPMetadata, []Column{column("feature_spec_version", Text), keyColumn("host_ip", Text),
		keyColumn("role", Text), keyColumn("segment_id", Text), keyColumn("time_band", Text), keyColumn("window_label", Text),
		{Name: "machine_name", Type: Text, Nullable: true}, column("is_full_history", Int64),
		column("is_non_persistent_machine", Int64), column("is_cold_start", Int64), column("typical_time_bands", Text)})
}

// FGBPairHostTable has one row per internal source, destination and port above 0 of the horizon.
func FGBPairHostTable() *Table {
	return newTable(DatasetFGBPairHost, append([]Column{column("feature_spec_version", Text), keyColumn("host_ip", Text)}, pairColumns()...))
}

// FGBPairSegmentTable has the same per segment of the source.
func FGBPairSegmentTable() *Table {
	return newTable(DatasetFGBPairSegment, append([]Column{column("feature_spec_version", Text), keyColumn("segment_id", Text)}, pairColumns()...))
}

func pairColumns() []Column {
	return []Column{keyColumn("dst_ip", Text), keyColumn("dst_port", Int64), column("pair_seen_count", Int64),
		column("pair_last_seen_ts", Timestamp), column("active_days", Int64), column("pair_daily_avg", Float64),
		column("pair_rarity_score", Float64), column("is_new_pair_flag", Int64), column("is_rare_pair_flag", Int64)}
}

// FGBPeerTable has one row per destination of the horizon.
func FGBPeerTable() *Table {
	return newTable(DatasetFGBPeer, []Column{column("feature_spec_version", Text), keyColumn("dst_ip", Text), column("hosts_cnt", Int64),
		column("segments_cnt", Int64), column("seen_count", Int64), column("active_days", Int64)})
}
