// Package oracle computes the published tables of a bounded run a second time, slowly: it keeps the list of all
// flows and, for every window of every closed slice, counts again from that list. It is the judge of the product
// in tests and shares no code with it: no package of the project is imported here, and Parquet files are read
// generically by their own schema. Speed, memory and the limits of scanners are not its business. Everything in
// it belongs to one goroutine.
package oracle

// Row is one row of a table: column name to nil (null), int64, float64, string or time.Time (UTC). The keys of
// the path (dt, hh, mm) are columns like any other.
type Row map[string]any

// Dataset names.
const (
	Delta       = "delta"
	PairCounts  = "pair_counts"
	FGA         = "fg_a"
	PairContext = "pair_context"
	Lookback    = "lookback30d"
)

// Keys are the key columns of each dataset.
var Keys = map[string][]string{
	Delta:       {"host_ip", "role", "slice_start_ts"},
	PairCounts:  {"src_ip", "dst_ip", "dst_port", "event_ts"},
	FGA:         {"host_ip", "window_label", "window_end_ts"},
	PairContext: {"host_ip", "role", "window_label", "window_end_ts", "dst_ip", "dst_port"},
	Lookback:    {"host_ip", "role", "peer_ip", "peer_port", "dt"},
}
