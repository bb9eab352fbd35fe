package synth

import (
	"strconv"

	"ndr/flow"
)

// suricataEVE writes a session as a flow record and a threat as an alert, as Suricata between the users and the
// firewall does when it runs inline.
func (e *Encoder) suricataEVE(dst []byte, r *flow.Record) []byte {
	dst = e.eveTime(append(dst, `{"timestamp":"`...), r.Observed)
	dst = append(append(dst, `","flow_id":`...), r.SessionID...)
	dst = append(append(dst, `,"host":"`...), r.ObserverID...)
	kind := "flow"
	if r.Name == flow.Threat {
		kind = "alert"
	}
	dst = append(append(dst, `","in_iface":"eth0","event_type":"`...), kind...)
	dst = appendAddr(append(dst, `","src_ip":"`...), r.SourceIP)
	if r.Transport != flow.ICMP {
		dst = strconv.AppendUint(append(dst, `","src_port":`...), uint64(r.SourcePort), 10)
		dst = append(dst, `,"dest_ip":"`...)
	} else {
		dst = append(dst, `","dest_ip":"`...)
	}
	dst = append(appendAddr(dst, r.DestinationIP), '"')
	if r.Transport != flow.ICMP {
		dst = strconv.AppendUint(append(dst, `,"dest_port":`...), uint64(r.DestPort), 10)
	}
	dst = append(append(append(dst, `,"proto":"`...), eveProto(r)...), '"')
	if r.Transport == flow.ICMP {
		dst = strconv.AppendUint(append(dst, `,"icmp_type":`...), uint64(r.ICMPType), 10)
		dst = strconv.AppendUint(append(dst, `,"icmp_code":`...), uint64(r.ICMPCode), 10)
	}
	if name := appByName(r.App).suricata; name != "" {
		dst = append(append(append(dst, `,"app_proto":"`...), name...), '"')
	}
	if r.Name == flow.Threat {
		return appendEveAlert(dst, r)
	}
	return e.eveFlow(dst, r)
}

// eveTime appends a time the way Suricata does.
func (e *Encoder) eveTime(dst []byte, nanos int64) []byte {
	return append(e.dates.stamp(dst, nanos, '-', 'T', 6), "+0000"...)
}

func eveProto(r *flow.Record) string {
	switch r.IPProto {
	case protoTCP:
		return "TCP"
	case protoUDP:
		return "UDP"
	case protoICMPv6:
		return "IPv6-ICMP"
	}
	return "ICMP"
}

func (e *Encoder) eveFlow(dst []byte, r *flow.Record) []byte {
	dst = strconv.AppendUint(append(dst, `,"flow":{"pkts_toserver":`...), r.SourcePackets.N, 10)
	dst = strconv.AppendUint(append(dst, `,"pkts_toclient":`...), r.DestPackets.N, 10)
	dst = strconv.AppendUint(append(dst, `,"bytes_toserver":`...), r.SourceBytes.N, 10)
	dst = strconv.AppendUint(append(dst, `,"bytes_toclient":`...), r.DestBytes.N, 10)
	dst = e.eveTime(append(dst, `,"start":"`...), r.Start)
	dst = e.eveTime(append(dst, `","end":"`...), r.End)
	dst = strconv.AppendInt(append(dst, `","age":`...), (r.End-r.Start)/second, 10)
	dst = append(append(dst, `,"state":"`...), eveState(r)...)
	action := "accept"
	if isDenied(r) || string(r.Reason) == "threat" {
		action = "drop"
	}
	dst = append(append(dst, `","reason":"timeout","alerted":false,"action":"`...), action...)
	dst = append(dst, '"', '}')
	if r.Transport == flow.TCP {
		dst = appendFlags(append(dst, `,"tcp":{`...), `"tcp_flags":"`, r.TCPFlagsSource|r.TCPFlagsDest)
		dst = appendFlags(dst, `,"tcp_flags_ts":"`, r.TCPFlagsSource)
		dst = append(appendFlags(dst, `,"tcp_flags_tc":"`, r.TCPFlagsDest), '}')
	}
	return append(dst, '}', '\n')
}

// eveState is the state of the flow when the engine let go of it.
func eveState(r *flow.Record) string {
	switch {
	case r.DestPackets.N == 0:
		return "new"
	case r.Transport == flow.TCP && (r.TCPFlagsSource|r.TCPFlagsDest)&(fin|rst) != 0:
		return "closed"
	}
	return "established"
}

// appendFlags appends a member with TCP flags, which fit a byte, as two hexadecimal digits.
func appendFlags(dst []byte, member string, flags uint16) []byte {
	const hex = "0123456789abcdef"
	return append(append(dst, member...), hex[flags>>4&15], hex[flags&15], '"')
}

// eveSeverity turns the words of PAN-OS to the numbers of Suricata, 1 the worst.
func eveSeverity(word []byte) byte {
	switch string(word) {
	case "critical", "high":
		return '1'
	case "medium":
		return '2'
	}
	return '3'
}

func appendEveAlert(dst []byte, r *flow.Record) []byte {
	action := "allowed"
	if r.Action == flow.Deny || r.Action == flow.Reset {
		action = "blocked"
	}
	dst = append(append(dst, `,"direction":"to_server","alert":{"action":"`...), action...)
	dst = appendQuoted(append(dst, `","signature":`...), r.ThreatName)
	dst = appendQuoted(append(dst, `,"category":`...), r.Category)
	return append(append(dst, `,"severity":`...), eveSeverity(r.ThreatSeverity), '}', '}', '\n')
}
