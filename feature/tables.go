package feature

// TablesVersion is the major schema version of every table below.
const TablesVersion = 1

// Names of the datasets that are tables, as configuration, paths and manifests write them.
const (
	DatasetDelta          = "delta"
	DatasetPairCounts     = "pair_counts"
	DatasetFGA            = "fg_a"
	DatasetFGAWide        = "fg_a_wide"
	DatasetFGC            = "fg_c"
	DatasetFGCWide        = "fg_c_wide"
	DatasetFGBHost        = "fg_b/host"
	DatasetFGBSegment     = "fg_b/segment"
	DatasetFGBIPMetadata  = "fg_b/ip_metadata"
	DatasetFGBPairHost    = "fg_b/pair/host"
	DatasetFGBPairSegment = "fg_b/pair/segment"
	DatasetFGBPeer        = "fg_b/peer"
	DatasetBeaconEvidence = "beacon_evidence"
	DatasetPairContext    = "pair_context"
	DatasetLookback30d    = "lookback30d"
	DatasetLate           = "late"
	DatasetFeatureCatalog = "feature_catalog"
)

// Each function below makes a new Table. Its columns are the common ones, then the key, then the rest; a path key
// (dt, hh, mm) is none of them. Rows are sorted by the key, so windows come in the order of their labels as text
// (w_15m, w_1h, w_24h, w_30m, w_8h) and not in the order of Windows.

// DeltaTable has one row per host, role and slice with a flow. It has no nulls.
func DeltaTable() *Table {
	c := atClose(keyColumn("host_ip", Text), keyColumn("role", Text), keyColumn("slice_start_ts", Timestamp),
		column("slice_end_ts", Timestamp), column("segment_id", Text))
	for _, m := range Metrics[:NumDeltaMetrics] {
		c = append(c, column(m.Name, m.Type))
	}
	return newTable(DatasetDelta, append(c, column("is_approximate", Int64)))
}

// PairCountsTable has one row per internal source, destination, port above 0 and slice.
func PairCountsTable() *Table {
	return newTable(DatasetPairCounts, atClose(keyColumn("src_ip", Text), keyColumn("dst_ip", Text),
		keyColumn("dst_port", Int64), keyColumn("event_ts", Timestamp), column("segment_id", Text),
		column("sessions_cnt", Int64), column("bytes_src_sum", Int64), column("bytes_dst_sum", Int64)))
}

// FGATable is FG-A in the long layout: one row per host and window with a flow in either role.
func FGATable() *Table {
	c := fgaHead()
	for _, r := range catalogRoles {
		for _, m := range Metrics {
			c = append(c, Column{Name: r.Prefix() + m.Name, Type: m.Type, Nullable: m.Nullable})
		}
	}
	return newTable(DatasetFGA, append(c, fgaTail()...))
}

// FGAWideTable is FG-A in the wide layout: one row per host, with a column per catalog feature. A window without
// flows is null; the longest window always has flows. lookback_days and is_approximate are those of the longest
// window. Where the wide layout is the only one it is published as fg_a: set Name.
func FGAWideTable() *Table {
	c := fgaHead()
	for _, r := range catalogRoles {
		for _, m := range Metrics {
			for _, w := range Windows {
				c = append(c, Column{Name: FGAFeatureName(r, m.Name, w.Label), Type: m.Type,
					Nullable: m.Nullable || w.Slices < RingSlices})
			}
		}
	}
	return newTable(DatasetFGAWide, append(c, fgaTail()...))
}

// WideWindowLabel is the window_label of every row in the wide layout.
const WideWindowLabel = "all"

// FGAFeatureName is the catalog name of a metric in a window, e.g. in_sessions_cnt_w_8h.
func FGAFeatureName(r Role, metric, window string) string { return r.Prefix() + metric + "_" + window }

// PairContextTable has one row per host, role, window and pair; dst_ip and dst_port hold the peer's in both roles.
func PairContextTable() *Table {
	return newTable(DatasetPairContext, atClose(keyColumn("host_ip", Text), keyColumn("role", Text),
		keyColumn("window_label", Text), keyColumn("window_end_ts", Timestamp), keyColumn("dst_ip", Text),
		keyColumn("dst_port", Int64), column("sessions_cnt", Int64), column("event_ts", Timestamp)))
}

// Lookback30dTable has one row per pair of a closed UTC day. The day is the last part of its key: readers take it
// from the path.
func Lookback30dTable() *Table {
	return newTable(DatasetLookback30d, atClose(keyColumn("host_ip", Text), keyColumn("role", Text), keyColumn("peer_ip", Text),
		keyColumn("peer_port", Int64), column("sessions_cnt", Int64), column("first_seen_ts", Timestamp),
		column("last_seen_ts", Timestamp)))
}

// LateTable has one row per late row of a cut: the additive metrics of delta.
func LateTable() *Table {
	c := atClose(keyColumn("host_ip", Text), keyColumn("role", Text), keyColumn("slice_start_ts", Timestamp),
		keyColumn("emit_slice_ts", Timestamp), keyColumn("source", Text), keyColumn("partition", Text), keyColumn("cut", Int64))
	for _, m := range Metrics[:NumDeltaMetrics] {
		if m.Kind == KindSum {
			c = append(c, column(m.Name, m.Type))
		}
	}
	return newTable(DatasetLate, c)
}

// FeatureCatalogTable has one row per published feature.
func FeatureCatalogTable() *Table {
	c := []Column{keyColumn("feature_id", Text), column("feature_number", Int64), column("feature_name", Text),
		column("feature_group", Text), column("feature_formula", Text), column("feature_description", Text),
		column("creator_script", Text), column("upstream_dependencies", Text), column("feature_spec_version", Text),
		column("data_type", Text), column("nullable", Int64), column("default_value", Text),
		column("downstream_consumers", Text), column("feature_group_name_offline", Text),
		column("feature_group_name_online", Text), column("s3_storage_path", Text), column("catalog", Text),
		column("origin", Text)}
	c[0].Distinct = true
	return newTable(DatasetFeatureCatalog, c)
}

// Tables lists every table, FG-C in its default shape.
func Tables() []*Table {
	fgc := defaultPlan()
	return []*Table{DeltaTable(), PairCountsTable(), FGATable(), FGAWideTable(), fgc.table(), fgc.wideTable(),
		BeaconEvidenceTable(), PairContextTable(), Lookback30dTable(), FGBHostTable(), FGBSegmentTable(), FGBIPMetadataTable(),
		FGBPairHostTable(), FGBPairSegmentTable(), FGBPeerTable(), LateTable(), FeatureCatalogTable()}
}

// catalogRoles is the order of the roles in the catalog, which is not that of the rows.
var catalogRoles = [...]Role{Outbound, Inbound}

func fgaHead() []Column {
	return atClose(keyColumn("host_ip", Text), keyColumn("window_label", Text), keyColumn("window_end_ts", Timestamp),
		column("window_start_ts", Timestamp), column("segment_id", Text))
}

func fgaTail() []Column {
	return []Column{column("hour_of_day", Int64), column("day_of_week", Text), column("is_working_hours", Int64),
		column("is_off_hours", Int64), column("is_night_hours", Int64), column("is_weekend", Int64),
		column("time_band", Text), column("lookback_days", Int64), column("is_approximate", Int64)}
}

// atClose puts the columns that all tables made at a close have in common before cols.
func atClose(cols ...Column) []Column {
	return append([]Column{column("feature_spec_version", Text), column("mini_batch_id", Text),
		{Name: "record_id", Type: Text, Distinct: true}}, cols...)
}

func keyColumn(name string, t ColumnType) Column { return Column{Name: name, Type: t, Key: true} }
func column(name string, t ColumnType) Column    { return Column{Name: name, Type: t} }

func newTable(name string, cols []Column) *Table {
	return &Table{Name: name, Version: TablesVersion, Columns: cols}
}
