package feature

import (
	"cmp"
	"slices"
)

// TimeRes is the resolution of a source's times, from fine to coarse; pairs keep the coarsest they saw.
// Window counts as one second.
type TimeRes uint8

const (
	ResNanos TimeRes = iota
	ResMicros
	ResMillis
	ResSeconds
	ResWindow
)

// KeptFlow is one of the K earliest flows of an outbound pair in a slice, for cadence.
type KeptFlow struct {
	Start    int32  // whole seconds from the slice's start, floor; negative for a session that began before it
	Duration uint32 // whole seconds, cut
	Bytes    int64  // source_bytes, null is 0
	Port     uint16 // source port
}

// Compare orders kept flows by start, duration, bytes and source port.
func (a KeptFlow) Compare(b KeptFlow) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Duration, b.Duration),
		cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.Port, b.Port))
}

// PairCounters is what the TRAFFIC flows of one (slice, host, role, peer, port) add up to. Kept is sorted and
// holds at most K flows; it is empty for the inbound role.
type PairCounters struct {
	Sessions, BytesSrc, BytesDst int64
	Res                          TimeRes
	Kept                         []KeptFlow
}

// DefaultKept is K, the number of earliest flows that a pair keeps per slice.
const DefaultKept = 16

// Merge adds o to c and keeps the k earliest flows of both. It is associative and commutative.
func (c *PairCounters) Merge(o *PairCounters, k int) {
	c.Sessions += o.Sessions
	c.BytesSrc += o.BytesSrc
	c.BytesDst += o.BytesDst
	c.Res = max(c.Res, o.Res)
	if len(o.Kept) == 0 {
		return
	}
	c.Kept = append(c.Kept, o.Kept...)
	slices.SortFunc(c.Kept, KeptFlow.Compare)
	c.Kept = c.Kept[:min(k, len(c.Kept))]
}

// PairSlice is one closed slice of a pair. Kept is empty for the inbound role.
type PairSlice struct {
	Slice                        Slice
	Sessions, BytesSrc, BytesDst int64
	Kept                         []KeptFlow
}

// DayCount is the sessions of a pair on one UTC day (days since the Unix epoch).
type DayCount struct {
	Day      int32
	Sessions int64
}

// PairView is what the state knows of one (host, role, peer, port) at the close of slice S, S included: Slices
// are its closed slices within the last 96, ascending; Days its sessions on UTC days, ascending, those of Slices
// included, at least of the last 32 days. It is valid during the call that hands it over.
type PairView struct {
	Peer   Addr
	Port   uint16
	Res    TimeRes
	Slices []PairSlice
	Days   []DayCount
}

// PairHash orders the pairs of a scanner: the smallest are kept. It depends on the pair only.
func PairHash(host Addr, role Role, peer Addr, port uint16) uint64 {
	b := make([]byte, 0, 35)
	h, p := host.As16(), peer.As16()
	b = append(append(append(b, h[:]...), byte(role)), p[:]...)
	return Hash(append(b, byte(port>>8), byte(port)))
}
