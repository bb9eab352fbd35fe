package flow

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// The names of the enumerations in canonical JSON, by value.
var (
	timeResNames     = [...]string{"ns", "us", "ms", "s", "window"}
	orientationNames = [...]string{"known", "guessed", "reversed"}
	transportNames   = [...]string{"OTHER", "TCP", "UDP", "ICMP"}
	kindNames        = [...]string{"session", "start", "interim_delta", "interim_cumulative", "half", "event"}
	outcomeNames     = [...]string{"unknown", "established", "failed"}
	actionNames      = [...]string{"unknown", "allow", "deny", "reset", "alert"}
	eventNames       = [...]string{"TRAFFIC", "THREAT"}
	hintNames        = [...]string{"unknown", "in", "out", "lateral"}
)

// AppendCanonicalJSON appends the record as one JSON object without a line end: the fields of the canonical record
// under their own names (docs/formats.md) in a fixed order, times as RFC 3339 in UTC, absent fields left out. What
// panos-json reads without a field mapping is this.
func AppendCanonicalJSON(dst []byte, r *Record) []byte {
	o := object{append(dst, '{')}
	o.time("event_start", r.Start)
	o.time("event_end", r.End)
	o.literal("times_known", boolText(r.TimesKnown))
	if r.ObservedKnown {
		o.time("event_observed", r.Observed)
	}
	o.name("time_res", timeResNames[r.TimeRes])
	o.addr("source_ip", r.SourceIP)
	o.number("source_port", uint64(r.SourcePort))
	o.addr("destination_ip", r.DestinationIP)
	o.number("destination_port", uint64(r.DestPort))
	o.name("orientation", orientationNames[r.Orientation])
	o.name("network_transport", transportNames[r.Transport])
	o.positive("ip_proto", uint64(r.IPProto))
	o.count("source_bytes", r.SourceBytes)
	o.count("destination_bytes", r.DestBytes)
	o.count("source_packets", r.SourcePackets)
	o.count("destination_packets", r.DestPackets)
	o.count("bytes_total", r.BytesTotal)
	o.name("record_kind", kindNames[r.Kind])
	o.name("conn_outcome", outcomeNames[r.Outcome])
	o.name("event_action", actionNames[r.Action])
	o.text("event_reason", r.Reason)
	o.text("reason_raw", r.ReasonRaw)
	o.name("event_name", eventNames[r.Name])
	appendDescription(&o, r)
	return append(o.b, '}')
}

// appendDescription appends what aggregation does not count.
func appendDescription(o *object, r *Record) {
	o.text("cef_category", r.Category)
	o.text("threat_name", r.ThreatName)
	o.text("threat_severity", r.ThreatSeverity)
	o.text("threat_direction", r.ThreatDirection)
	o.text("rule", r.Rule)
	o.text("source_zone", r.SourceZone)
	o.text("destination_zone", r.DestZone)
	o.text("source_if", r.SourceIf)
	o.text("destination_if", r.DestIf)
	o.text("nat_src", r.NATSource)
	o.text("nat_dst", r.NATDest)
	o.text("app", r.App)
	o.text("user", r.User)
	o.text("vlan", r.VLAN)
	o.positive("tcp_flags_src", uint64(r.TCPFlagsSource))
	o.positive("tcp_flags_dst", uint64(r.TCPFlagsDest))
	if r.ICMPKnown {
		o.number("icmp_type", uint64(r.ICMPType))
		o.number("icmp_code", uint64(r.ICMPCode))
	}
	o.positive("sampling_rate", uint64(r.SamplingRate))
	if r.Scaled {
		o.literal("scaled", "true")
	}
	o.positive("repeat_count", uint64(r.RepeatCount))
	o.text("observer_id", r.ObserverID)
	o.text("observer_type", r.ObserverType)
	o.text("session_id", r.SessionID)
	o.text("dedup_key", r.DedupKey)
	o.text("tenant", r.Tenant)
	if r.DirectionHint != HintUnknown {
		o.name("direction_hint", hintNames[r.DirectionHint])
	}
}

// object appends members to a JSON object.
type object struct{ b []byte }

func (o *object) key(k string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), k...), '"', ':')
}

func (o *object) literal(k, v string) {
	o.key(k)
	o.b = append(o.b, v...)
}

// name appends a text that needs no escapes.
func (o *object) name(k, v string) {
	o.key(k)
	o.b = append(append(append(o.b, '"'), v...), '"')
}

func (o *object) text(k string, v []byte) {
	if len(v) > 0 {
		o.key(k)
		o.b = appendJSONString(o.b, v)
	}
}

func (o *object) number(k string, v uint64) {
	o.key(k)
	o.b = strconv.AppendUint(o.b, v, 10)
}

func (o *object) positive(k string, v uint64) {
	if v > 0 {
		o.number(k, v)
	}
}

func (o *object) count(k string, c Count) {
	if c.Known {
		o.number(k, c.N)
	}
}

func (o *object) addr(k string, a Addr) {
	o.key(k)
	o.b = append(a.Netip().AppendTo(append(o.b, '"')), '"')
}

func (o *object) time(k string, nanos int64) {
	o.key(k)
	o.b = append(time.Unix(0, nanos).UTC().AppendFormat(append(o.b, '"'), time.RFC3339Nano), '"')
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// appendJSONString appends a quoted string. Bytes that are no UTF-8 become U+FFFD, since JSON cannot hold them.
func appendJSONString(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for len(s) > 0 {
		c := s[0]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRune(s)
			dst, s = utf8.AppendRune(dst, r), s[n:]
			continue
		}
		s = s[1:]
	}
	return append(dst, '"')
}
