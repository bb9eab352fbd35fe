package oracle

import (
	"net/netip"
	"time"
)

// Segment is one entry of the segment table.
type Segment struct {
	Prefix netip.Prefix
	ID     string
}

// Options is the configuration of a run. DefaultOptions is what a file replay without configuration uses.
type Options struct {
	Internal      []netip.Prefix
	Offset        time.Duration // of slices, whole minutes
	Lateness      time.Duration
	PairTimeout   time.Duration // how long a VPC half waits for its mirror, in event time
	ByEventStart  bool          // event_time: event_start
	Version       string        // feature_spec_version
	Segments      []Segment
	HighRiskDeny  []string // segment ids or CIDRs
	HighRiskAllow []string
	Calendar      *time.Location
	Weekend       []time.Weekday
	SixBands      bool
	PortSets      map[string][]int // high_risk, admin, fileshare, directory, db
	RarePeer      int64
	RarePort      int64

	// DeviceZone is the time zone of device-local times without offset.
	DeviceZone *time.Location
	// Start is the first start of the run; with it, events later than Start + MaxSkew are future_time. Records
	// with a time of their own (File.Times) are judged by that and by MaxPast instead.
	Start            time.Time
	MaxSkew, MaxPast time.Duration
	// VPCFields is the field order of VPC text without a header line, as AWS names them; nil is version 2.
	VPCFields []string
}

// DefaultOptions returns the defaults of a file replay.
func DefaultOptions() Options {
	var internal []netip.Prefix
	for _, p := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "100.64.0.0/10"} {
		internal = append(internal, netip.MustParsePrefix(p))
	}
	return Options{
		Internal: internal, Lateness: time.Hour, PairTimeout: 2 * time.Minute, Version: "v1",
		Calendar: time.UTC, Weekend: []time.Weekday{time.Saturday, time.Sunday},
		RarePeer: 1, RarePort: 1, DeviceZone: time.UTC, MaxSkew: 5 * time.Minute, MaxPast: 7 * 24 * time.Hour,
		PortSets: map[string][]int{
			"high_risk": {21, 23, 69, 135, 137, 138, 139, 445, 512, 513, 514, 1080, 1433, 3389, 4444, 5555, 5900, 6667,
				8333, 9001},
			"admin":     {22, 23, 3389, 5900, 5985, 5986},
			"fileshare": {20, 21, 111, 137, 138, 139, 445, 548, 2049, 873},
			"directory": {88, 389, 464, 636, 3268, 3269},
			"db":        {1433, 1434, 1521, 3306, 5432, 6379, 7000, 9042, 9200, 11211, 27017, 50000},
		},
	}
}

func (o *Options) internal(a netip.Addr) bool {
	for _, p := range o.Internal {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
