package feature

// Kind tells how a metric is merged across slices, partitions and windows.
type Kind uint8

const (
	KindSum     Kind = iota // adds
	KindMax                 // takes the larger
	KindPairs               // recomputed from merged pairs, never added or averaged
	KindDerived             // computed from the window's other metrics
	KindNovelty             // the window's pairs against the lookback
	KindSegment             // the window's pairs against the configured high-risk segments
)

// Metric is one of the 48 numbers that FG-A states per direction and window; the first 31 are the delta metrics.
type Metric struct {
	Name     string
	Type     ColumnType
	Kind     Kind
	Nullable bool // null for a role without flows in the window; all others are 0 then
}

// MetricID indexes Metrics. The order is the catalog's and never changes.
type MetricID int

const (
	MSessionsCnt MetricID = iota
	MAllowCnt
	MDenyCnt
	MAlertCnt
	MRstCnt
	MAgedOutCnt
	MZeroReplyCnt
	MShortSessionCnt
	MBytesSrcSum
	MBytesDstSum
	MDurationSum
	MPeerIPNunique
	MPeerPortNunique
	MPeerSegmentNunique
	MPeerIPEntropy
	MPeerPortEntropy
	MPeerIPTop1SessionsShare
	MPeerPortTop1SessionsShare
	MPeerIPTop1BytesShare
	MPeerPortTop1BytesShare
	MMaxSessionsPerMinute
	MTCPCnt
	MUDPCnt
	MICMPCnt
	MThreatCnt
	MTrafficCnt
	MHighRiskPortSessionsCnt
	MAdminPortSessionsCnt
	MFilesharePortSessionsCnt
	MDirectoryPortSessionsCnt
	MDBPortSessionsCnt
	MDurationMean
	MDenyRatio
	MBytesAsymmetryRatio
	MTransportTCPRatio
	MTransportUDPRatio
	MTransportICMPRatio
	MHasHighRiskPortActivity
	MNewPeerCnt
	MRarePeerCnt
	MNewPeerRatio
	MNewDstPortCnt
	MRareDstPortCnt
	MNewPairCnt
	MNewSrcDstPortCnt
	MHighRiskSegmentSessionsCnt
	MHighRiskSegmentUniqueDsts
	MHasHighRiskSegmentInteraction
	NumMetrics      int = iota
	NumDeltaMetrics     = int(MDBPortSessionsCnt) + 1
)

// Metrics lists the metrics in catalog order.
var Metrics = [NumMetrics]Metric{
	{"sessions_cnt", Int64, KindSum, false},
	{"allow_cnt", Int64, KindSum, false},
	{"deny_cnt", Int64, KindSum, false},
	{"alert_cnt", Int64, KindSum, false},
	{"rst_cnt", Int64, KindSum, false},
	{"aged_out_cnt", Int64, KindSum, false},
	{"zero_reply_cnt", Int64, KindSum, false},
	{"short_session_cnt", Int64, KindSum, false},
	{"bytes_src_sum", Int64, KindSum, false},
	{"bytes_dst_sum", Int64, KindSum, false},
	{"duration_sum", Float64, KindSum, false},
	{"peer_ip_nunique", Int64, KindPairs, false},
	{"peer_port_nunique", Int64, KindPairs, false},
	{"peer_segment_nunique", Int64, KindPairs, false},
	{"peer_ip_entropy", Float64, KindPairs, true},
	{"peer_port_entropy", Float64, KindPairs, true},
	{"peer_ip_top1_sessions_share", Float64, KindPairs, true},
	{"peer_port_top1_sessions_share", Float64, KindPairs, true},
	{"peer_ip_top1_bytes_share", Float64, KindPairs, true},
	{"peer_port_top1_bytes_share", Float64, KindPairs, true},
	{"max_sessions_per_minute", Int64, KindMax, false},
	{"tcp_cnt", Int64, KindSum, false},
	{"udp_cnt", Int64, KindSum, false},
	{"icmp_cnt", Int64, KindSum, false},
	{"threat_cnt", Int64, KindSum, false},
	{"traffic_cnt", Int64, KindSum, false},
	{"high_risk_port_sessions_cnt", Int64, KindSum, false},
	{"admin_port_sessions_cnt", Int64, KindSum, false},
	{"fileshare_port_sessions_cnt", Int64, KindSum, false},
	{"directory_port_sessions_cnt", Int64, KindSum, false},
	{"db_port_sessions_cnt", Int64, KindSum, false},
	{"duration_mean", Float64, KindDerived, true},
	{"deny_ratio", Float64, KindDerived, true},
	{"bytes_asymmetry_ratio", Float64, KindDerived, true},
	{"transport_tcp_ratio", Float64, KindDerived, true},
	{"transport_udp_ratio", Float64, KindDerived, true},
	{"transport_icmp_ratio", Float64, KindDerived, true},
	{"has_high_risk_port_activity", Int64, KindDerived, false},
	{"new_peer_cnt_lookback30d", Int64, KindNovelty, false},
	{"rare_peer_cnt_lookback30d", Int64, KindNovelty, false},
	{"new_peer_ratio_lookback30d", Float64, KindNovelty, true},
	{"new_dst_port_cnt_lookback30d", Int64, KindNovelty, false},
	{"rare_dst_port_cnt_lookback30d", Int64, KindNovelty, false},
	{"new_pair_cnt_lookback30d", Int64, KindNovelty, false},
	{"new_src_dst_port_cnt_lookback30d", Int64, KindNovelty, false},
	{"high_risk_segment_sessions_cnt", Int64, KindSegment, false},
	{"high_risk_segment_unique_dsts", Int64, KindSegment, false},
	{"has_high_risk_segment_interaction", Int64, KindSegment, false},
}

// Window is a number of whole slices that end at a slice's end.
type Window struct {
	Label  string
	Slices int
}

// Windows lists the windows in catalog order.
var Windows = [...]Window{{"w_15m", 1}, {"w_30m", 2}, {"w_1h", 4}, {"w_8h", 32}, {"w_24h", 96}}

// RingSlices is the number of closed slices that the state keeps: those of the longest window.
const RingSlices = 96
