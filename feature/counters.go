package feature

// Sum indexes the additive counters of a (slice, host, role). All are int64 and merge by addition.
type Sum int

const (
	Sessions Sum = iota
	Allow
	Deny
	Alert
	Rst
	AgedOut
	ZeroReply
	ShortSession
	BytesSrc
	BytesDst
	DurationMillis // published as duration_sum in seconds
	TCP
	UDP
	ICMP
	Threat
	Traffic
	HighRiskPort
	AdminPort
	FilesharePort
	DirectoryPort
	DBPort
	NumSums int = iota
)

// MinutesPerSlice is the number of bins of the minute histogram.
const MinutesPerSlice = 15

// HostCounters is what the flows of one (slice, host, role) add up to before the slice is closed. Merge is
// addition, so it does not depend on order.
type HostCounters struct {
	Sum    [NumSums]int64
	Minute [MinutesPerSlice]int64 // flows by UTC minute of event time
}

// Merge adds o to c.
func (c *HostCounters) Merge(o *HostCounters) {
	for i := range c.Sum {
		c.Sum[i] += o.Sum[i]
	}
	for i := range c.Minute {
		c.Minute[i] += o.Minute[i]
	}
}

// MaxPerMinute is max_sessions_per_minute of the slice.
func (c *HostCounters) MaxPerMinute() (most int64) {
	for _, n := range c.Minute {
		most = max(most, n)
	}
	return most
}
