package feature

// fgcSingle is a feature of FG-C that is no transform of one metric.
type fgcSingle struct {
	name        string
	typ         ColumnType
	nullable    bool // in a row that has it
	shortest    bool // of the w_15m row only, null in the others
	formula     string
	description string
	upstream    []string
}

// fgcSingles are the single features in catalog order, and where their families begin.
type fgcSingles struct {
	list                                      []fgcSingle
	pair, score, disagreement, drift, support int
}

// Positions in the family of the pair shown.
const (
	singlePairSeen = iota
	singlePairLastSeen
	singlePairActiveDays
	singlePairDailyAvg
	singlePairRarity
	singlePairNew
	singlePairRare
	singlePairSource
	singleShownIP
	singleShownPort
	singleNewPair
	singlePairWeight
	singleRarePair
	singleRareSessions
	singleRareBytes
)

// Positions in the family of the scores.
const (
	singleStrength = iota
	singleTimeBand
	singleCadence
	singleBeacon
	singleExfiltration
	singleLateral
	singleExfiltrationFlag
	singleLateralFlag
)

// Positions in the last family.
const (
	singleMinSupport = iota
	singleColdAny
	singleReasons
)

// comparedMetrics are the metrics whose windows and horizons are compared with each other.
var comparedMetrics = [...]MetricID{MSessionsCnt, MBytesSrcSum, MBytesDstSum, MDenyRatio, MPeerIPEntropy, MMaxSessionsPerMinute}

// singles lists the single features of the plan.
func (p *fgcPlan) singles() *fgcSingles {
	s := &fgcSingles{}
	for _, m := range p.suspicion {
		s.addExcess(Outbound, m)
	}
	for _, m := range p.suspicion[:min(inboundSuspicions, len(p.suspicion))] {
		s.addExcess(Inbound, m)
	}
	s.pair = len(s.list)
	s.list = append(s.list, pairSingles...)
	s.score = len(s.list)
	s.list = append(s.list, scoreSingles...)
	s.disagreement = len(s.list)
	for _, m := range comparedMetrics {
		n := Metrics[m].Name
		s.list = append(s.list, fgcSingle{"window_disagreement_" + n, Float32, true, true, "z_mad(" + n + "_w_15m) - z_mad(" + n + "_w_1h)",
			"how much further " + n + " is from its baseline in a quarter of an hour than in an hour",
			[]string{FGCFeatureName(Outbound, n, "w_15m", TransformZMad), FGCFeatureName(Outbound, n, "w_1h", TransformZMad)}})
	}
	s.drift = len(s.list)
	for _, m := range comparedMetrics {
		s.addDrift(m)
	}
	s.support = len(s.list)
	s.list = append(s.list, supportSingles...)
	return s
}

// addExcess adds the three features of a suspicion metric.
func (s *fgcSingles) addExcess(r Role, m MetricID) {
	n := r.Prefix() + Metrics[m].Name
	x := FGAFeatureName(r, Metrics[m].Name, Windows[0].Label)
	up := []string{x, "fg_b/host", "fg_b/segment"}
	s.list = append(s.list,
		fgcSingle{"excess_over_p95_" + n, Float32, true, true, "max(0, x - p95), x = " + x, "how far " + n + " is above what is usual at most", up},
		fgcSingle{"excess_ratio_p95_" + n, Float32, true, true, "x / (p95 + eps_c), x = " + x, n + " as a multiple of what is usual at most", up},
		fgcSingle{"iqr_dev_" + n, Float32, true, true, "(x - median) / (iqr + eps_c), x = " + x, n + " from its median in interquartile ranges", up})
}

// addDrift adds the two features of a compared metric.
func (s *fgcSingles) addDrift(m MetricID) {
	n := Metrics[m].Name
	up := []string{"fg_b/host." + n + "_median", "fg_b/segment." + n + "_median"}
	s.list = append(s.list,
		fgcSingle{"baseline_drift_ratio_" + n, Float32, true, false, "median_7d / (median_30d + eps_c)", "the median of " + n + " of a week as a multiple of that of a month", up},
		fgcSingle{"baseline_drift_z_" + n, Float32, true, false, "(median_7d - median_30d) / (scale_30d + eps_c), scale as of z_mad", "how far the median of " + n + " of a week is from that of a month", up})
}

var pairUpstream = []string{"state.pairs", "fg_b/pair/host", "fg_b/pair/segment"}

// pairSingles are of the pair shown: the outbound pair of the window with the largest pair_rarity_weight.
var pairSingles = []fgcSingle{
	{"pair_seen_count", Int64, true, false, "fg_b/pair pair_seen_count of the pair shown; 0 without a row", "sessions of the pair shown in the horizon", pairUpstream},
	{"pair_last_seen_ts", Timestamp, true, false, "fg_b/pair pair_last_seen_ts of the pair shown; null without a row", "when the pair shown was last seen in the horizon", pairUpstream},
	{"active_days", Int64, true, false, "fg_b/pair active_days of the pair shown; 0 without a row", "UTC days of the horizon with the pair shown", pairUpstream},
	{"pair_daily_avg", Float32, true, false, "fg_b/pair pair_daily_avg of the pair shown; 0 without a row", "sessions of the pair shown on one of its days", pairUpstream},
	{"pair_rarity_score", Float32, true, false, "fg_b/pair pair_rarity_score of the pair shown; 0 without a row", "1 / (1 + sessions of the pair shown in the horizon)", pairUpstream},
	{"is_new_pair_flag", Int64, true, false, "fg_b/pair is_new_pair_flag of the pair shown; 0 without a row", "whether the row used says that the pair was never seen", pairUpstream},
	{"is_rare_pair_flag", Int64, true, false, "fg_b/pair is_rare_pair_flag of the pair shown; 0 without a row", "whether the row used says that the pair is rare", pairUpstream},
	{"pair_rarity_source", Text, true, false, "host, segment or missing", "the table with the row of the pair shown", pairUpstream},
	{"shown_dst_ip", Text, true, false, "argmax(pair_rarity_weight; ties: sessions, then dst_ip and dst_port ascending).dst_ip", "destination of the pair shown", pairUpstream},
	{"shown_dst_port", Int64, true, false, "argmax(pair_rarity_weight; ties: sessions, then dst_ip and dst_port ascending).dst_port", "port of the pair shown", pairUpstream},
	{"new_pair_flag", Int64, true, false, "1 if fg_b/pair/host (is_cold_start = 1: fg_b/pair/segment) has no row of the pair shown else 0", "whether the pair shown is new to the host", pairUpstream},
	{"pair_rarity_weight", Float32, true, false, "pair_rarity_score of the row used, 1 without one", "how rare the pair shown is", pairUpstream},
	{"rare_pair_flag", Int64, true, false, "max(is_rare_pair_flag, new_pair_flag)", "whether the pair shown is rare or new", []string{"is_rare_pair_flag", "new_pair_flag"}},
	{"rare_pair_weighted_z_sessions_cnt", Float32, true, false, "pair_rarity_weight * z_mad_clipped(sessions_cnt)", "deviation of the sessions, weighted by the rarity of the pair shown", []string{"pair_rarity_weight", "sessions_cnt"}},
	{"rare_pair_weighted_z_bytes_src_sum", Float32, true, false, "pair_rarity_weight * z_mad_clipped(bytes_src_sum)", "deviation of the bytes sent, weighted by the rarity of the pair shown", []string{"pair_rarity_weight", "bytes_src_sum"}},
}

// scoreSingles are the scores of the w_15m row. z is z_mad_clipped, z+ is max(0, z).
var scoreSingles = []fgcSingle{
	{"anomaly_strength_core", Float32, true, true, "max(abs(z(m)) of the outbound suspicion metrics, abs(rare_pair_weighted_z_sessions_cnt))", "the strongest of the deviations that matter most", []string{"fg_c.suspicion_metrics", "rare_pair_weighted_z_sessions_cnt"}},
	{"time_band_violation_flag", Int64, false, true, "1 if time_band not in typical_time_bands else 0; 0 without a row of fg_b/ip_metadata", "whether the host is active at a time of day at which it is not used to be", []string{"time_band", "fg_b/ip_metadata.typical_time_bands"}},
	{"beaconing_cadence_score", Float32, true, true, "max(cadence_score) over the pairs of w_24h", "how sure it is that one of the host's pairs is no random traffic", []string{DatasetBeaconEvidence + ".cadence_score"}},
	{"beacon_suspicion_score", Float32, true, true, "max(cadence_score * (0.5 + 0.5 * pair_rarity_weight) * duration) over the pairs of w_24h", "the same of pairs that last and are rare", []string{DatasetBeaconEvidence, "fg_b/pair/host", "fg_b/pair/segment"}},
	{"exfiltration_suspicion_score", Float32, true, true, "min(1, (z+(bytes_src_sum) + z+(bytes_asymmetry_ratio) + max(0, rare_pair_weighted_z_bytes_src_sum)) / (3 * z_max))", "how much the host sends more than it does, to whom it does not", []string{"bytes_src_sum", "bytes_asymmetry_ratio", "rare_pair_weighted_z_bytes_src_sum"}},
	{"lateral_movement_score", Float32, true, true, "internal peers / peers * max(z+(peer_ip_nunique), z+(peer_segment_nunique), z+(admin_port_sessions_cnt), z+(fileshare_port_sessions_cnt), z+(new_peer_cnt_lookback30d)) / z_max", "how much the host talks to more of its neighbours than it does", []string{"state.pairs", "internal_networks", "peer_ip_nunique", "peer_segment_nunique", "admin_port_sessions_cnt", "fileshare_port_sessions_cnt", "new_peer_cnt_lookback30d"}},
	{"exfiltration_indicator", Int64, true, true, "1 if exfiltration_suspicion_score >= thresholds.exfiltration else 0", "whether the score is at its threshold", []string{"exfiltration_suspicion_score"}},
	{"lateral_movement_indicator", Int64, true, true, "1 if lateral_movement_score >= thresholds.lateral_movement else 0", "whether the score is at its threshold", []string{"lateral_movement_score"}},
}

var supportSingles = []fgcSingle{
	{"baseline_min_support_count", Int64, true, false, "min(support_count) over the curated metrics of the rows chosen, both roles", "how few values a baseline of the row rests on", []string{"fg_b/host", "fg_b/segment"}},
	{"baseline_cold_start_any", Int64, false, false, "1 if the baseline of a role is not of fg_b/host else 0", "whether the host is not compared with itself", []string{"baseline_source", "in_baseline_source"}},
	{"top_reasons", Text, false, false, "the 5 largest abs(z_mad_clipped) of both roles, ties by feature_number, as JSON: feature, value, median, z, source", "what is unusual, in numbers", []string{DatasetFGA, "fg_b/host", "fg_b/segment"}},
}
