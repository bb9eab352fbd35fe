package feature

import (
	"math"
	"slices"
	"strings"
)

func (o *fgcOracle) pairCells(r row, horizon string, h Addr, win string) {
	for _, name := range strings.Fields(`pair_seen_count pair_last_seen_ts active_days pair_daily_avg pair_rarity_score is_new_pair_flag
		is_rare_pair_flag pair_rarity_source shown_dst_ip shown_dst_port new_pair_flag pair_rarity_weight rare_pair_flag
		rare_pair_weighted_z_sessions_cnt rare_pair_weighted_z_bytes_src_sum`) {
		r[name] = nil
	}
	p := o.shown(horizon, h, win)
	if p == nil {
		return
	}
	row := PairBaseline{}
	if p.row != nil {
		row = *p.row
		r["pair_last_seen_ts"] = row.LastSeen
	}
	r["pair_seen_count"], r["active_days"], r["pair_daily_avg"], r["pair_rarity_score"] = row.Seen, row.ActiveDays, row.DailyAvg, row.Rarity
	r["is_new_pair_flag"], r["is_rare_pair_flag"], r["pair_rarity_source"] = flag(row.New), flag(row.Rare), p.source
	r["shown_dst_ip"], r["shown_dst_port"], r["new_pair_flag"] = p.peer.String(), int64(p.port), flag(p.fresh)
	r["pair_rarity_weight"], r["rare_pair_flag"] = p.weight, flag(row.Rare || p.fresh)
	for _, m := range []string{"sessions_cnt", "bytes_src_sum"} {
		if c := o.compared(horizon, h, Outbound, win, m); c != nil {
			r["rare_pair_weighted_z_"+m] = p.weight * c.clipped
		}
	}
}

func (o *fgcOracle) driftCells(r row, h Addr, win string) {
	for _, m := range oracleCompared {
		r["baseline_drift_ratio_"+m], r["baseline_drift_z_"+m] = nil, nil
		if o.base["7d"] == nil || o.base["30d"] == nil {
			continue
		}
		id, _ := MetricNamed(m)
		week, _, _ := o.chosen("7d", h, Outbound, win)
		month, _, _ := o.chosen("30d", h, Outbound, win)
		if week == nil || month == nil || week[id].Support == 0 || month[id].Support == 0 {
			continue
		}
		r["baseline_drift_ratio_"+m] = week[id].Median / (month[id].Median + 1e-6)
		r["baseline_drift_z_"+m] = (week[id].Median - month[id].Median) / (o.scale(m, month) + 1e-6)
	}
}

// most is the largest of what is not nil, nil without any.
func most(of ...any) (out any) {
	for _, v := range of {
		if v != nil && (out == nil || v.(float64) > out.(float64)) {
			out = v
		}
	}
	return out
}

func (o *fgcOracle) scoreCells(r row, horizon string, h Addr, win string, evidence []Evidence) {
	cells := row{}
	z := func(role Role, m string) any {
		return o.transform("z_mad_clipped", o.compared(horizon, h, role, "w_15m", m))
	}
	above := func(m string) any { return most(z(Outbound, m), map[bool]any{true: 0.0}[z(Outbound, m) != nil]) }
	strength := []any{}
	for i, m := range slices.Concat(o.suspicion, o.suspicion[:3]) {
		role := Outbound
		if i >= len(o.suspicion) {
			role = Inbound
		} else if v := z(role, m); v != nil {
			strength = append(strength, math.Abs(v.(float64)))
		}
		n := role.Prefix() + m
		cells["excess_over_p95_"+n], cells["excess_ratio_p95_"+n], cells["iqr_dev_"+n] = nil, nil, nil
		if c := o.compared(horizon, h, role, "w_15m", m); c != nil {
			cells["excess_over_p95_"+n], cells["excess_ratio_p95_"+n] = max(0, c.x-c.p95), c.x/(c.p95+1e-6)
			cells["iqr_dev_"+n] = (c.x - c.median) / (c.iqr + 1e-6)
		}
	}
	if v := r["rare_pair_weighted_z_sessions_cnt"]; v != nil {
		strength = append(strength, math.Abs(v.(float64)))
	}
	cells["anomaly_strength_core"] = most(strength...)
	typical, has := o.base[horizon].typical[h]
	band := "off_hours"
	if hour := o.start(o.slice + 1).In(o.calendar.Location).Hour(); hour >= 7 && hour < 17 {
		band = "working_hours"
	}
	cells["time_band_violation_flag"] = flag(has && !slices.Contains(typical, band))
	_, _, cold := o.chosen(horizon, h, Outbound, "w_15m")
	cells["beaconing_cadence_score"], cells["beacon_suspicion_score"] = nil, nil
	for _, e := range evidence {
		weight := 1.0
		if o.cfg.PairFeatures {
			weight = o.rated(horizon, h, e.Peer, e.Port, cold).weight
		}
		cells["beaconing_cadence_score"] = most(cells["beaconing_cadence_score"], e.Score)
		cells["beacon_suspicion_score"] = most(cells["beacon_suspicion_score"], e.Score*(0.5+0.5*weight)*e.Duration)
	}
	o.attackCells(cells, r, h, above)
	for _, m := range oracleCompared {
		a, b := o.compared(horizon, h, Outbound, "w_15m", m), o.compared(horizon, h, Outbound, "w_1h", m)
		cells["window_disagreement_"+m] = nil
		if a != nil && b != nil {
			cells["window_disagreement_"+m] = a.z - b.z
		}
	}
	for k, v := range cells {
		if r[k] = v; win != "w_15m" {
			r[k] = nil
		}
	}
}

func (o *fgcOracle) attackCells(cells, r row, h Addr, above func(string) any) {
	terms, sum := 0, 0.0
	rare := r["rare_pair_weighted_z_bytes_src_sum"]
	if rare != nil {
		rare = max(0, rare.(float64))
	}
	for _, v := range []any{above("bytes_src_sum"), above("bytes_asymmetry_ratio"), rare} {
		if v != nil {
			terms, sum = terms+1, sum+v.(float64)
		}
	}
	peers, inside := map[Addr]bool{}, 0.0
	for _, s := range o.seen {
		if s.host == h && s.role == Outbound && s.slice == o.slice && !s.dropped && !peers[s.peer] {
			peers[s.peer] = true
			inside += float64(flag(o.internal(s.peer)))
		}
	}
	cells["exfiltration_suspicion_score"], cells["exfiltration_indicator"] = nil, nil
	if terms > 0 {
		score := min(1, sum/3/o.cfg.ZMax)
		cells["exfiltration_suspicion_score"], cells["exfiltration_indicator"] = score, flag(score >= o.cfg.Exfiltration)
	}
	cells["lateral_movement_score"], cells["lateral_movement_indicator"] = nil, nil
	best := most(above("peer_ip_nunique"), above("peer_segment_nunique"), above("admin_port_sessions_cnt"),
		above("fileshare_port_sessions_cnt"), above("new_peer_cnt_lookback30d"))
	if best != nil && len(peers) > 0 {
		score := inside / float64(len(peers)) * best.(float64) / o.cfg.ZMax
		cells["lateral_movement_score"], cells["lateral_movement_indicator"] = score, flag(score >= o.cfg.Lateral)
	}
}
