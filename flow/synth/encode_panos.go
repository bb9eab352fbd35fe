package synth

import (
	"strconv"

	"ndr/flow"
)

var (
	transportWords = [...]string{flow.TransportOther: "other", flow.TCP: "tcp", flow.UDP: "udp", flow.ICMP: "icmp"}
	// actionWords serve TRAFFIC and THREAT.
	actionWords = [...]string{flow.ActionUnknown: "", flow.Allow: "allow", flow.Deny: "deny", flow.Reset: "reset-both",
		flow.Alert: "alert"}
)

// panosAction is the action as the firewall logs it: a session that a threat cut was allowed at first.
func panosAction(r *flow.Record) string {
	if r.Name == flow.Traffic && string(r.Reason) == "threat" {
		return "allow"
	}
	return actionWords[r.Action]
}

// panosJSON writes what a pipeline makes of a TRAFFIC or THREAT log: 22 keys under the names of the canonical record,
// times in seconds, about 500 bytes.
func (e *Encoder) panosJSON(dst []byte, r *flow.Record) []byte {
	dst = append(dst, `{"event_start":"`...)
	dst = e.dates.stamp(dst, r.Start, '-', 'T', 0)
	dst = append(dst, `Z","event_end":"`...)
	dst = e.dates.stamp(dst, r.End, '-', 'T', 0)
	dst = append(dst, `Z","source_ip":"`...)
	dst = appendAddr(dst, r.SourceIP)
	dst = strconv.AppendUint(append(dst, `","source_port":`...), uint64(r.SourcePort), 10)
	dst = appendAddr(append(dst, `,"destination_ip":"`...), r.DestinationIP)
	dst = strconv.AppendUint(append(dst, `","destination_port":`...), uint64(r.DestPort), 10)
	if r.Name == flow.Traffic {
		dst = strconv.AppendUint(append(dst, `,"source_bytes":`...), r.SourceBytes.N, 10)
		dst = strconv.AppendUint(append(dst, `,"destination_bytes":`...), r.DestBytes.N, 10)
		dst = strconv.AppendUint(append(dst, `,"source_packets":`...), r.SourcePackets.N, 10)
		dst = strconv.AppendUint(append(dst, `,"destination_packets":`...), r.DestPackets.N, 10)
	}
	dst = append(append(dst, `,"network_transport":"`...), transportWords[r.Transport]...)
	dst = append(append(dst, `","event_action":"`...), panosAction(r)...)
	if r.Name == flow.Traffic {
		dst = append(append(dst, `","event_reason":"`...), r.Reason...)
		dst = append(append(dst, `","event_name":"TRAFFIC","subtype":"`...), panosSubtype(r)...)
	} else {
		dst = append(append(dst, `","event_name":"THREAT","cef_category":"`...), r.Category...)
		dst = append(append(dst, `","threat_name":"`...), r.ThreatName...)
		dst = append(append(dst, `","threat_severity":"`...), r.ThreatSeverity...)
		dst = append(append(dst, `","threat_direction":"`...), r.ThreatDirection...)
	}
	dst = append(append(dst, `","rule":"`...), r.Rule...)
	dst = append(append(dst, `","app":"`...), r.App...)
	dst = append(append(dst, `","source_zone":"`...), r.SourceZone...)
	dst = append(append(dst, `","destination_zone":"`...), r.DestZone...)
	dst = append(dst, '"')
	if r.User != nil {
		dst = appendQuoted(append(dst, `,"user":`...), r.User)
	}
	dst = append(append(dst, `,"session_id":"`...), r.SessionID...)
	dst = append(append(dst, `","observer_id":"`...), r.ObserverID...)
	return append(dst, '"', '}', '\n')
}

func panosSubtype(r *flow.Record) string {
	if isDenied(r) {
		return "deny"
	}
	return "end"
}

// panosCSV writes the log as PAN-OS 11 sends it, without a syslog header: 117 columns of TRAFFIC, 123 of THREAT.
func (e *Encoder) panosCSV(dst []byte, r *flow.Record) []byte {
	dst = e.panosCommon(dst, r)
	if r.Name == flow.Threat {
		return e.panosThreat(dst, r)
	}
	total := r.SourceBytes.N + r.DestBytes.N
	packets := r.SourcePackets.N + r.DestPackets.N
	for _, n := range [...]uint64{total, r.SourceBytes.N, r.DestBytes.N, packets} {
		dst = strconv.AppendUint(append(dst, ','), n, 10)
	}
	dst = e.dates.stamp(append(dst, ','), r.Start, '/', ' ', 0)
	dst = strconv.AppendInt(append(dst, ','), r.End/second-r.Start/second, 10)
	dst = append(append(dst, ",any,,"...), r.SessionID...) // category, future use, sequence number
	dst = append(dst, ",0x0,,,,"...)
	dst = strconv.AppendUint(dst, r.SourcePackets.N, 10)
	dst = strconv.AppendUint(append(dst, ','), r.DestPackets.N, 10)
	dst = append(append(dst, ','), r.Reason...)
	dst = append(append(append(dst, ",0,0,0,0,,"...), firewall...), ",from-policy"...)
	dst = appendCommas(dst, 102-53)
	dst = e.highResolution(dst, r)
	return append(appendCommas(dst, 116-102), '\n')
}

// panosCommon writes columns 0 to 30, which TRAFFIC and THREAT share.
func (e *Encoder) panosCommon(dst []byte, r *flow.Record) []byte {
	kind, subtype := "TRAFFIC", panosSubtype(r)
	if r.Name == flow.Threat {
		kind, subtype = "THREAT", string(r.Category)
	}
	dst = e.dates.stamp(append(dst, "1,"...), r.Observed, '/', ' ', 0)
	dst = append(append(dst, ','), r.ObserverID...)
	dst = append(append(append(append(dst, ','), kind...), ','), subtype...)
	dst = e.dates.stamp(append(dst, ",2816,"...), r.Observed, '/', ' ', 0)
	dst = appendAddr(append(dst, ','), r.SourceIP)
	dst = appendAddr(append(dst, ','), r.DestinationIP)
	dst = append(append(dst, ",0.0.0.0,0.0.0.0,"...), r.Rule...)
	dst = append(append(dst, ','), r.User...)
	dst = append(append(dst, ",,"...), r.App...)
	dst = append(append(dst, ",vsys1,"...), r.SourceZone...)
	dst = append(append(dst, ','), r.DestZone...)
	dst = append(append(dst, ",ethernet1/1,ethernet1/2,forward,,"...), r.SessionID...)
	dst = strconv.AppendUint(append(dst, ",1,"...), uint64(r.SourcePort), 10)
	dst = strconv.AppendUint(append(dst, ','), uint64(r.DestPort), 10)
	dst = append(append(dst, ",0,0,0x1c,"...), transportWords[r.Transport]...)
	return append(append(dst, ','), panosAction(r)...)
}

// panosThreat writes columns 31 to 122 of a THREAT log.
func (e *Encoder) panosThreat(dst []byte, r *flow.Record) []byte {
	dst = append(append(dst, ",,"...), r.ThreatName...)
	dst = append(append(dst, ",any,"...), r.ThreatSeverity...)
	dst = append(append(dst, ','), r.ThreatDirection...)
	dst = append(append(dst, ','), r.SessionID...)
	dst = appendCommas(dst, 59-36)
	dst = appendCommas(append(dst, firewall...), 107-59)
	dst = e.highResolution(dst, r)
	return append(appendCommas(dst, 122-107), '\n')
}

func (e *Encoder) highResolution(dst []byte, r *flow.Record) []byte {
	return append(e.dates.stamp(dst, r.Observed, '-', 'T', 3), "+00:00"...)
}

func appendCommas(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ',')
	}
	return dst
}
