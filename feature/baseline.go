package feature

// MetricBaseline is what a baseline says of one metric: weighted statistics over the horizon's observations. Without
// support the statistics mean nothing and are published as null.
type MetricBaseline struct {
	Median, P25, P75, P95, P99, MAD, IQR float64
	Support                              int64 // number of values, unweighted
	Cold                                 bool  // Support is below support_min
}

// BaselineStats are the statistics of all metrics, by MetricID.
type BaselineStats [NumMetrics]MetricBaseline

// PairBaseline is what fg_b/pair says of a pair (destination and port) over one horizon.
type PairBaseline struct {
	Seen       int64 // sessions in the horizon
	LastSeen   int64 // event_ts of the last one, microseconds since the Unix epoch
	ActiveDays int64
	DailyAvg   float64
	Rarity     float64
	New, Rare  bool
}

// HostBaseline is what a publication says of one host in one horizon: the rows of the segment and time band asked
// for, by role and window. A nil row does not exist.
type HostBaseline struct {
	Stats   [2][len(Windows)]*BaselineStats
	Cold    [2][len(Windows)]bool // is_cold_start of the row; true without a row
	Full    [2][len(Windows)]bool // is_full_history of the row: a cold row that is full is of a non-persistent machine
	HasMeta bool                  // the host has an ip_metadata row of this horizon, in any segment, band or window
	Typical []string              // typical_time_bands
	// Pair looks up the host's own row of a pair; it is valid until the next Host call.
	Pair func(dst Addr, port uint16) (PairBaseline, bool)
}

// Baselines is one horizon of a publication as a close reads it: hosts in address order, forward only, segments and
// peers at random. It belongs to one goroutine.
type Baselines interface {
	// Host returns what is known of the host in the segment and band of the close. Hosts are asked for in address
	// order. The result is valid until the next call.
	Host(host Addr, segment string) (*HostBaseline, error)
	// Segment returns the segment's row, nil if there is none.
	Segment(segment string, role Role, window int) *BaselineStats
	// PairSegment returns the segment's row of a pair.
	PairSegment(segment string, dst Addr, port uint16) (PairBaseline, bool)
	// Peer returns in how many baselined hosts' traffic the destination was seen.
	Peer(dst Addr) (hosts int64, ok bool)
	// Hosts is the number of baselined hosts.
	Hosts() int64
	// Bounds are baseline_start_ts and baseline_end_ts, microseconds since the Unix epoch.
	Bounds() (start, end int64)
}
