package flow

import (
	"sort"
	"strings"
)

// field is a field of the canonical record as inputs name it: in the field_mapping of panos-json and in
// declarative mappings. The order groups them by type.
type field uint8

const (
	fieldStart field = iota // times
	fieldEnd
	fieldObserved

	fieldSourceIP // addresses
	fieldDestIP

	fieldSourcePort // ports
	fieldDestPort

	fieldSourceBytes // counters
	fieldDestBytes
	fieldSourcePackets
	fieldDestPackets
	fieldBytesTotal

	fieldIPProto // small integers
	fieldFlagsSource
	fieldFlagsDest
	fieldICMPType
	fieldICMPCode
	fieldSamplingRate
	fieldRepeatCount

	fieldTransport // words with a meaning
	fieldAction
	fieldReason
	fieldName
	fieldKind
	fieldOutcome
	fieldOrientation
	fieldHint
	fieldTimeRes
	fieldScaled
	fieldTimesKnown
	fieldSubtype

	fieldReasonRaw // texts
	fieldCategory
	fieldThreatName
	fieldThreatSeverity
	fieldThreatDirection
	fieldRule
	fieldSourceZone
	fieldDestZone
	fieldSourceIf
	fieldDestIf
	fieldNATSource
	fieldNATDest
	fieldApp
	fieldUser
	fieldVLAN
	fieldObserverID
	fieldObserverType
	fieldSessionID
	fieldDedupKey
	fieldTenant

	fieldCount
)

func (f field) isTime() bool { return f <= fieldObserved }
func (f field) isText() bool { return f >= fieldReasonRaw }

// fieldNames are the names in configuration files and in the golden files of the tests.
var fieldNames = [fieldCount]string{
	fieldStart: "event_start", fieldEnd: "event_end", fieldObserved: "event_observed",
	fieldSourceIP: "source_ip", fieldDestIP: "destination_ip",
	fieldSourcePort: "source_port", fieldDestPort: "destination_port",
	fieldSourceBytes: "source_bytes", fieldDestBytes: "destination_bytes",
	fieldSourcePackets: "source_packets", fieldDestPackets: "destination_packets", fieldBytesTotal: "bytes_total",
	fieldIPProto: "ip_proto", fieldFlagsSource: "tcp_flags_src", fieldFlagsDest: "tcp_flags_dst",
	fieldICMPType: "icmp_type", fieldICMPCode: "icmp_code",
	fieldSamplingRate: "sampling_rate", fieldRepeatCount: "repeat_count",
	fieldTransport: "network_transport", fieldAction: "event_action", fieldReason: "event_reason",
	fieldName: "event_name", fieldKind: "record_kind", fieldOutcome: "conn_outcome", fieldOrientation: "orientation",
	fieldHint: "direction_hint", fieldTimeRes: "time_res", fieldScaled: "scaled", fieldTimesKnown: "times_known", fieldSubtype: "subtype",
	fieldReasonRaw: "reason_raw", fieldCategory: "cef_category", fieldThreatName: "threat_name", fieldThreatSeverity: "threat_severity",
	fieldThreatDirection: "threat_direction", fieldRule: "rule",
	fieldSourceZone: "source_zone", fieldDestZone: "destination_zone",
	fieldSourceIf: "source_if", fieldDestIf: "destination_if", fieldNATSource: "nat_src", fieldNATDest: "nat_dst",
	fieldApp: "app", fieldUser: "user", fieldVLAN: "vlan", fieldObserverID: "observer_id",
	fieldObserverType: "observer_type", fieldSessionID: "session_id", fieldDedupKey: "dedup_key",
	fieldTenant: "tenant",
}

// fieldOf finds the field of a name.
func fieldOf(name string) (field, bool) {
	for f, n := range fieldNames {
		if n == name {
			return field(f), true
		}
	}
	return 0, false
}

// knownFields lists the names for error texts.
func knownFields() string {
	names := append([]string{}, fieldNames[:]...)
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// textOf is where the record keeps a text field; nil for other fields.
func (r *Record) textOf(f field) *[]byte {
	switch f {
	case fieldReasonRaw:
		return &r.ReasonRaw
	case fieldCategory:
		return &r.Category
	case fieldThreatName:
		return &r.ThreatName
	case fieldThreatSeverity:
		return &r.ThreatSeverity
	case fieldThreatDirection:
		return &r.ThreatDirection
	case fieldRule:
		return &r.Rule
	case fieldSourceZone:
		return &r.SourceZone
	case fieldDestZone:
		return &r.DestZone
	case fieldSourceIf:
		return &r.SourceIf
	case fieldDestIf:
		return &r.DestIf
	case fieldNATSource:
		return &r.NATSource
	case fieldNATDest:
		return &r.NATDest
	case fieldApp:
		return &r.App
	case fieldUser:
		return &r.User
	case fieldVLAN:
		return &r.VLAN
	case fieldObserverID:
		return &r.ObserverID
	case fieldObserverType:
		return &r.ObserverType
	case fieldSessionID:
		return &r.SessionID
	case fieldDedupKey:
		return &r.DedupKey
	case fieldTenant:
		return &r.Tenant
	}
	return nil
}
