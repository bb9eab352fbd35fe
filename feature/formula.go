package feature

// metricText is what the catalog says of a metric in words.
type metricText struct {
	formula     string   // over the flows of a slice, or over those of all slices of a window
	description string   // follows "outbound:" or "inbound:"
	inputs      []string // fields of the flow record; of derived metrics the metrics of the same role and window
}

// Fields of the flow record that the formulas name more than once.
const (
	fieldAction = "flow.event_action"
	fieldEvent  = "flow.event_name"
	fieldReason = "flow.reason"
	fieldSent   = "flow.source_bytes"
	fieldBack   = "flow.destination_bytes"
	fieldStart  = "flow.event_start"
	fieldEnd    = "flow.event_end"
	fieldProto  = "flow.network_transport"
	fieldPeer   = "flow.peer_ip"
	fieldPort   = "flow.destination_port"
)

// metricTexts states the formula of every metric. eps_a is 1e-9, ln the natural logarithm; p is a share of the
// sessions of the TRAFFIC pairs; metrics of ports leave port 0 out.
var metricTexts = [NumMetrics]metricText{
	MSessionsCnt:     {"count(flows)", "flows, TRAFFIC and THREAT alike", []string{fieldEvent}},
	MAllowCnt:        {"count(event_action = allow)", "flows that were allowed", []string{fieldAction}},
	MDenyCnt:         {"count(event_action in {deny, reset})", "flows that were denied or reset by policy", []string{fieldAction}},
	MAlertCnt:        {"count(event_action = alert)", "flows with an alert", []string{fieldAction}},
	MRstCnt:          {"count(reason starts with tcp-rst)", "flows ended by a TCP reset", []string{fieldReason}},
	MAgedOutCnt:      {"count(reason = aged-out)", "flows that aged out", []string{fieldReason}},
	MZeroReplyCnt:    {"count(destination_bytes = 0)", "flows whose responder sent nothing; unknown bytes do not count", []string{fieldBack}},
	MShortSessionCnt: {"count(TRAFFIC, both times known, event_end - event_start <= 1 s)", "sessions of at most one second", []string{fieldEvent, fieldStart, fieldEnd}},
	MBytesSrcSum:     {"sum(source_bytes)", "bytes of the initiators", []string{fieldSent}},
	MBytesDstSum:     {"sum(destination_bytes)", "bytes of the responders", []string{fieldBack}},
	MDurationSum:     {"sum(floor((event_end - event_start) / 1 ms)) / 1000", "seconds that the flows lasted", []string{fieldStart, fieldEnd}},

	MPeerIPNunique:             {"count(distinct peer_ip)", "distinct peers", []string{fieldPeer}},
	MPeerPortNunique:           {"count(distinct peer_port > 0)", "distinct targeted ports", []string{fieldPort}},
	MPeerSegmentNunique:        {"count(distinct segment(peer_ip))", "distinct network segments of the peers", []string{fieldPeer}},
	MPeerIPEntropy:             {"-sum(p * ln(p)), p = sessions(peer_ip) / sessions(all)", "entropy of the sessions over peers, in nats", []string{fieldPeer}},
	MPeerPortEntropy:           {"-sum(p * ln(p)), p = sessions(peer_port) / sessions(ports > 0)", "entropy of the sessions over targeted ports, in nats", []string{fieldPort}},
	MPeerIPTop1SessionsShare:   {"max(sessions(peer_ip)) / sessions(all)", "share of the sessions that the busiest peer has", []string{fieldPeer}},
	MPeerPortTop1SessionsShare: {"max(sessions(peer_port)) / sessions(ports > 0)", "share of the sessions that the busiest port has", []string{fieldPort}},
	MPeerIPTop1BytesShare:      {"max(bytes(peer_ip)) / bytes(all), bytes = source_bytes + destination_bytes; 0 without bytes", "share of the bytes that the heaviest peer has", []string{fieldPeer, fieldSent, fieldBack}},
	MPeerPortTop1BytesShare:    {"max(bytes(peer_port)) / bytes(ports > 0), bytes = source_bytes + destination_bytes; 0 without bytes", "share of the bytes that the heaviest port has", []string{fieldPort, fieldSent, fieldBack}},
	MMaxSessionsPerMinute:      {"max over UTC minutes of count(flows of the minute)", "most flows in one minute of event time", []string{fieldEnd}},

	MTCPCnt:                   {"count(network_transport = tcp)", "TCP flows", []string{fieldProto}},
	MUDPCnt:                   {"count(network_transport = udp)", "UDP flows", []string{fieldProto}},
	MICMPCnt:                  {"count(network_transport in {icmp, icmpv6})", "ICMP and ICMPv6 flows", []string{fieldProto}},
	MThreatCnt:                {"count(event_name = THREAT)", "threat records", []string{fieldEvent}},
	MTrafficCnt:               {"count(event_name = TRAFFIC)", "traffic records", []string{fieldEvent}},
	MHighRiskPortSessionsCnt:  {"count(destination_port in port_sets.high_risk)", "flows to ports of the high_risk set", []string{fieldPort}},
	MAdminPortSessionsCnt:     {"count(destination_port in port_sets.admin)", "flows to ports of the admin set", []string{fieldPort}},
	MFilesharePortSessionsCnt: {"count(destination_port in port_sets.fileshare)", "flows to ports of the fileshare set", []string{fieldPort}},
	MDirectoryPortSessionsCnt: {"count(destination_port in port_sets.directory)", "flows to ports of the directory set", []string{fieldPort}},
	MDBPortSessionsCnt:        {"count(destination_port in port_sets.db)", "flows to ports of the db set", []string{fieldPort}},

	MDurationMean:            {"duration_sum / (sessions_cnt + eps_a)", "mean seconds of a flow", []string{"duration_sum", "sessions_cnt"}},
	MDenyRatio:               {"deny_cnt / (sessions_cnt + eps_a)", "share of the flows that were denied", []string{"deny_cnt", "sessions_cnt"}},
	MBytesAsymmetryRatio:     {"bytes_src_sum / (bytes_dst_sum + 1)", "bytes sent by initiators for each byte that came back", []string{"bytes_src_sum", "bytes_dst_sum"}},
	MTransportTCPRatio:       {"tcp_cnt / (sessions_cnt + eps_a)", "share of TCP flows", []string{"tcp_cnt", "sessions_cnt"}},
	MTransportUDPRatio:       {"udp_cnt / (sessions_cnt + eps_a)", "share of UDP flows", []string{"udp_cnt", "sessions_cnt"}},
	MTransportICMPRatio:      {"icmp_cnt / (sessions_cnt + eps_a)", "share of ICMP flows", []string{"icmp_cnt", "sessions_cnt"}},
	MHasHighRiskPortActivity: {"1 if high_risk_port_sessions_cnt > 0 else 0", "whether a port of the high_risk set was used", []string{"high_risk_port_sessions_cnt"}},

	MNewPeerCnt:       {"count(distinct peer_ip not in lookback)", "peers not seen in the 30 days before the window", nil},
	MRarePeerCnt:      {"count(distinct peer_ip with 1 to rare_thresholds.peer sessions in lookback)", "peers seldom seen in the 30 days before the window", nil},
	MNewPeerRatio:     {"new_peer_cnt_lookback30d / (peer_ip_nunique + eps_a)", "share of the peers not seen before", []string{"new_peer_cnt_lookback30d", "peer_ip_nunique"}},
	MNewDstPortCnt:    {"count(distinct peer_port > 0 not in lookback)", "targeted ports not seen in the 30 days before the window", nil},
	MRareDstPortCnt:   {"count(distinct peer_port > 0 with 1 to rare_thresholds.port sessions in lookback)", "targeted ports seldom seen in the 30 days before the window", nil},
	MNewPairCnt:       {"count(distinct (peer_ip, peer_port) not in lookback)", "peer and port together not seen in the 30 days before the window", nil},
	MNewSrcDstPortCnt: {"count(distinct (source_ip, destination_port) not in lookback)", "initiator and targeted port together not seen in the 30 days before the window", nil},

	MHighRiskSegmentSessionsCnt:    {"sum(sessions of pairs with peer_ip in segments.high_risk)", "sessions with peers in high-risk segments", nil},
	MHighRiskSegmentUniqueDsts:     {"count(distinct peer_ip in segments.high_risk)", "distinct peers in high-risk segments", nil},
	MHasHighRiskSegmentInteraction: {"1 if high_risk_segment_sessions_cnt > 0 else 0", "whether there was a session with a high-risk segment", []string{"high_risk_segment_sessions_cnt"}},
}

// timeText is what the catalog says of a time feature.
type timeText struct{ name, formula, description string }

// timeTexts are the time features in catalog order.
var timeTexts = [...]timeText{
	{"hour_of_day", "hour(window_end_ts in calendar.timezone)", "local hour in which the window ends"},
	{"is_working_hours", "1 if hour_of_day in calendar.working_hours else 0", "whether the window ends in working hours"},
	{"is_off_hours", "1 if hour_of_day in calendar.off_hours else 0", "whether the window ends in off hours"},
	{"is_night_hours", "1 - is_working_hours - is_off_hours", "whether the window ends in neither"},
	{"is_weekend", "1 if weekday(window_end_ts in calendar.timezone) in calendar.weekend else 0", "whether the window ends on a weekend day"},
}
