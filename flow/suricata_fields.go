package flow

// The slots of a Suricata EVE record in the decoder's picker.
const (
	eveType = iota
	eveTimestamp
	eveFlowID
	eveSource
	eveSourcePort
	eveDest
	eveDestPort
	eveProto
	eveICMPType
	eveICMPCode
	eveApp
	eveVLAN
	eveHost
	eveInterface
	eveDirection
	eveFlowSource
	eveFlowSourcePort
	eveFlowDest
	eveFlowDestPort
	eveFlowPacketsServer
	eveFlowPacketsClient
	eveFlowBytesServer
	eveFlowBytesClient
	eveFlowStart
	eveFlowEnd
	eveFlowState
	eveFlowReason
	eveFlowAction
	eveTCPFlags
	eveTCPFlagsServer
	eveTCPFlagsClient
	eveTCPState
	eveNetPackets
	eveNetBytes
	eveNetStart
	eveNetEnd
	eveAlertAction
	eveAlertCategory
	eveAlertSignature
	eveAlertSeverity
	eveVerdict
	eveSlots // the number of those above, which come twice: bare and in the "event" of AWS Network Firewall
)

const (
	eveEvent = 2*eveSlots + iota
	eveFirewall
	eveMessage
	eveLogEvents
	eveAWSLogs
)

// evePaths lists the paths in the order of the slots.
func evePaths() []string {
	bare := []string{
		"event_type", "timestamp", "flow_id", "src_ip", "src_port", "dest_ip", "dest_port", "proto", "icmp_type",
		"icmp_code", "app_proto", "vlan", "host", "in_iface", "direction",
		"flow.src_ip", "flow.src_port", "flow.dest_ip", "flow.dest_port",
		"flow.pkts_toserver", "flow.pkts_toclient", "flow.bytes_toserver", "flow.bytes_toclient",
		"flow.start", "flow.end", "flow.state", "flow.reason", "flow.action",
		"tcp.tcp_flags", "tcp.tcp_flags_ts", "tcp.tcp_flags_tc", "tcp.state",
		"netflow.pkts", "netflow.bytes", "netflow.start", "netflow.end",
		"alert.action", "alert.category", "alert.signature", "alert.severity", "verdict.action",
	}
	paths := append([]string(nil), bare...)
	for _, p := range bare {
		paths = append(paths, "event."+p)
	}
	return append(paths, "event", "firewall_name", "message", "logEvents", "awslogs")
}
