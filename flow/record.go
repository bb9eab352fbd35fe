package flow

// Count is a counter that may be unknown: null is not 0.
type Count struct {
	N     uint64
	Known bool
}

// TimeRes is the declared resolution of a record's times, from fine to coarse.
type TimeRes uint8

const (
	ResNanos TimeRes = iota
	ResMicros
	ResMillis
	ResSeconds
	ResWindow // the edges of an export window; counts as one second
)

// Orientation tells how sure it is that source is the initiator.
type Orientation uint8

const (
	Known Orientation = iota
	Guessed
	Reversed
)

// Transport is the transport protocol as the features count it; ICMP covers ICMPv6.
type Transport uint8

const (
	TransportOther Transport = iota
	TCP
	UDP
	ICMP
)

// Kind decides how records of one session are merged (docs/formats.md).
type Kind uint8

const (
	Session           Kind = iota
	Start                  // never counted
	InterimDelta           // counters since the previous record: counted, they add up
	InterimCumulative      // counters since the start
	Half                   // one direction of one window: waits for its mirror
	Event                  // one attempt without bytes
)

// Outcome tells whether the peer answered, which no policy verdict says.
type Outcome uint8

const (
	OutcomeUnknown Outcome = iota
	Established
	Failed
)

// Action is the verdict of the device.
type Action uint8

const (
	ActionUnknown Action = iota
	Allow
	Deny
	Reset
	Alert
)

// EventName separates sessions (TRAFFIC) from reports about them (THREAT).
type EventName uint8

const (
	Traffic EventName = iota
	Threat
)

// Hint is the direction that the device's zones or interfaces suggest.
type Hint uint8

const (
	HintUnknown Hint = iota
	HintIn
	HintOut
	HintLateral
)

// Record is the canonical flow record. Times are nanoseconds since the Unix epoch, UTC, traffic time and never
// log time; time 0 is a time. Ports are 0 for ICMP, whose type and code have fields of their own. Byte slices may
// point into the input and are valid until the decoder's next call; nil is absent.
type Record struct {
	Start, End     int64 // Start <= End
	TimesKnown     bool  // both times were in the input; a Zeek row without duration counts as both
	Observed       int64 // device log time; valid with ObservedKnown
	ObservedKnown  bool
	TimeRes        TimeRes
	SourceIP       Addr
	DestinationIP  Addr
	SourcePort     uint16
	DestPort       uint16
	Orientation    Orientation
	Transport      Transport
	IPProto        uint8
	SourceBytes    Count
	DestBytes      Count
	SourcePackets  Count
	DestPackets    Count
	BytesTotal     Count // when only the sum of both directions is known
	Kind           Kind
	Outcome        Outcome
	Action         Action
	Name           EventName
	DirectionHint  Hint
	Scaled         bool   // counters are already multiplied by SamplingRate
	SamplingRate   uint32 // 0 is unset, read it as 1
	RepeatCount    uint32 // 0 is unset
	TCPFlagsSource uint16
	TCPFlagsDest   uint16
	ICMPType       uint8
	ICMPCode       uint8
	ICMPKnown      bool

	Reason                                        []byte // vocabulary of docs/formats.md, e.g. "aged-out"
	ReasonRaw                                     []byte
	Category                                      []byte // cef_category of a THREAT
	ThreatName, ThreatSeverity, ThreatDirection   []byte
	Rule, SourceZone, DestZone, SourceIf, DestIf  []byte
	NATSource, NATDest                            []byte // ip, or ip:port
	App, User, VLAN                               []byte
	ObserverID, ObserverType, SessionID, DedupKey []byte
	Tenant                                        []byte
}

// Reset makes the record empty again.
func (r *Record) Reset() { *r = Record{} }
