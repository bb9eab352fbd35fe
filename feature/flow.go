package feature

import (
	"math"
	"time"
)

// Transport is the transport protocol as it is counted; ICMP covers ICMPv6. The values are those of flow.Transport.
type Transport uint8

const (
	TransportOther Transport = iota
	TransportTCP
	TransportUDP
	TransportICMP
)

// Action is the verdict of the device. The values are those of flow.Action.
type Action uint8

const (
	ActionUnknown Action = iota
	ActionAllow
	ActionDeny
	ActionReset
	ActionAlert
)

// Flow is what aggregation needs of an accepted flow. Times are nanoseconds since the Unix epoch, Start <= End.
type Flow struct {
	Start, End           int64
	TimesKnown           bool // both times were in the input
	Source, Destination  Addr
	SourcePort, DestPort uint16 // 0 without ports
	Transport            Transport
	Action               Action
	Res                  TimeRes
	SrcBytes, DstBytes   int64 // 0 unless known
	SrcKnown, DstKnown   bool
	Rst                  bool // the reason starts with "tcp-rst"
	AgedOut              bool // the reason is "aged-out"
	Threat               bool // a THREAT record; else TRAFFIC
}

// DurationMillis is the whole milliseconds from Start to End.
func (f *Flow) DurationMillis() int64 { return int64(f.duration() / uint64(time.Millisecond)) }

// duration is the nanoseconds from Start to End: up to 585 years, more than an int64 holds.
func (f *Flow) duration() uint64 { return uint64(f.End) - uint64(f.Start) }

// Add counts one flow whose event time lies in the given minute of the slice (0..14). It is the same for both roles.
func (c *HostCounters) Add(f *Flow, minute int, ports *PortSets) {
	s := &c.Sum
	s[Sessions]++
	switch f.Action {
	case ActionAllow:
		s[Allow]++
	case ActionDeny, ActionReset:
		s[Deny]++
	case ActionAlert:
		s[Alert]++
	}
	s[Rst] += count(f.Rst)
	s[AgedOut] += count(f.AgedOut)
	s[ZeroReply] += count(f.DstKnown && f.DstBytes == 0)
	s[ShortSession] += count(!f.Threat && f.TimesKnown && f.duration() <= uint64(time.Second))
	s[BytesSrc] += f.SrcBytes
	s[BytesDst] += f.DstBytes
	s[DurationMillis] += f.DurationMillis()
	switch f.Transport {
	case TransportTCP:
		s[TCP]++
	case TransportUDP:
		s[UDP]++
	case TransportICMP:
		s[ICMP]++
	}
	threat := count(f.Threat)
	s[Threat] += threat
	s[Traffic] += 1 - threat
	s[HighRiskPort] += ports.HighRisk.count(f.DestPort)
	s[AdminPort] += ports.Admin.count(f.DestPort)
	s[FilesharePort] += ports.Fileshare.count(f.DestPort)
	s[DirectoryPort] += ports.Directory.count(f.DestPort)
	s[DBPort] += ports.DB.count(f.DestPort)
	c.Minute[minute]++
}

// KeptOf is the flow as cadence keeps it in a slice that starts at sliceStart (nanoseconds since the Unix epoch).
// What does not fit its fields, a session older than 68 years, is limited to them.
func KeptOf(f *Flow, sliceStart int64) KeptFlow {
	start := floorDiv(f.Start-sliceStart, int64(time.Second))
	if start >= int64(SliceLength/time.Second) { // nothing starts after its slice: so long before it that it wraps
		start = math.MinInt32
	}
	return KeptFlow{
		Start:    int32(min(max(start, math.MinInt32), math.MaxInt32)),
		Duration: uint32(min(f.duration()/uint64(time.Second), math.MaxUint32)),
		Bytes:    f.SrcBytes,
		Port:     f.SourcePort,
	}
}

func count(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
