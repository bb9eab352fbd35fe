package feature

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// fgcOracle computes FG-C straight from the definitions, number by number.
type fgcOracle struct {
	*world
	cfg        FGCConfig
	base       map[string]*fakeBaselines
	transforms []string
	metrics    []string
	windows    []string
	suspicion  []string
	internal   func(Addr) bool

	known map[string]row
	dark  map[string]bool // by host, role, window: the role has no flows
}

const oracleCurated = `sessions_cnt allow_cnt deny_cnt alert_cnt rst_cnt zero_reply_cnt short_session_cnt
	bytes_src_sum bytes_dst_sum duration_sum peer_ip_nunique peer_port_nunique peer_segment_nunique peer_ip_entropy
	peer_port_entropy peer_ip_top1_sessions_share peer_port_top1_sessions_share peer_ip_top1_bytes_share
	peer_port_top1_bytes_share max_sessions_per_minute high_risk_port_sessions_cnt admin_port_sessions_cnt
	fileshare_port_sessions_cnt directory_port_sessions_cnt db_port_sessions_cnt traffic_cnt threat_cnt
	duration_mean deny_ratio bytes_asymmetry_ratio transport_tcp_ratio transport_udp_ratio transport_icmp_ratio
	has_high_risk_port_activity new_peer_cnt_lookback30d rare_peer_cnt_lookback30d new_peer_ratio_lookback30d
	new_dst_port_cnt_lookback30d rare_dst_port_cnt_lookback30d new_pair_cnt_lookback30d
	new_src_dst_port_cnt_lookback30d high_risk_segment_sessions_cnt high_risk_segment_unique_dsts
	has_high_risk_segment_interaction`

var windowLength = map[string]time.Duration{"w_15m": 15 * time.Minute, "w_30m": 30 * time.Minute, "w_1h": time.Hour, "w_8h": 8 * time.Hour, "w_24h": 24 * time.Hour}

func (o *fgcOracle) from(win string) Slice {
	return o.slice + 1 - Slice(windowLength[win]/(15*time.Minute))
}

// role is the 48 metrics of a role; dark without flows.
func (o *fgcOracle) role(h Addr, role Role, win string) (m row, dark bool) {
	k := join(h, role, win)
	if o.known[k] == nil {
		m, _ := o.world.metrics(h, role, o.from(win), o.slice+1)
		if m == nil {
			m, o.dark[k] = silent(), true
		}
		o.known[k] = m
	}
	return o.known[k], o.dark[k]
}

func (o *fgcOracle) active(h Addr, win string) bool {
	_, a := o.role(h, Inbound, win)
	_, b := o.role(h, Outbound, win)
	return !a || !b
}

func (o *fgcOracle) lookbackDays(win string) float64 {
	return math.Floor(o.start(o.slice+1).Add(-windowLength[win]).Sub(time.Unix(0, o.first)).Hours() / 24)
}

// chosen is the baseline of a role.
func (o *fgcOracle) chosen(horizon string, h Addr, role Role, win string) (s *BaselineStats, source string, cold bool) {
	f := o.base[horizon]
	k := join(h, o.segment(h), role, win)
	if f.warm[k] {
		return f.stats[k], "host", false
	}
	if s := f.segStats[join(o.segment(h), role, win)]; s != nil {
		return s, "segment", true
	}
	return nil, "none", true
}

// compared is a metric and its baseline; nil where it is null.
type compared struct{ x, median, scale, iqr, p95, z, clipped float64 }

func (o *fgcOracle) compared(horizon string, h Addr, role Role, win, metric string) *compared {
	s, _, _ := o.chosen(horizon, h, role, win)
	m, _ := o.role(h, role, win)
	id, _ := MetricNamed(metric)
	if s == nil || s[id].Support == 0 || m[metric] == nil || strings.Contains(metric, "lookback30d") && o.lookbackDays(win) < 7 {
		return nil
	}
	c := &compared{x: number(m[metric]), median: s[id].Median, iqr: s[id].IQR, p95: s[id].P95}
	c.scale = o.scale(metric, s)
	c.z = (c.x - c.median) / (c.scale + 1e-6)
	c.clipped = min(o.cfg.ZMax, max(-o.cfg.ZMax, c.z))
	return c
}

// scale is infinite where a baseline without spread gives 0.
func (o *fgcOracle) scale(metric string, s *BaselineStats) float64 {
	id, _ := MetricNamed(metric)
	switch {
	case s[id].MAD > 1e-6:
		return s[id].MAD
	case s[id].IQR > 1e-6:
		return s[id].IQR
	case o.cfg.DegenerateZero:
		return math.Inf(1)
	case strings.Contains(metric, "transport_") || strings.HasSuffix(metric, "_share") || strings.HasSuffix(metric, "_entropy") ||
		metric == "deny_ratio" || metric == "new_peer_ratio_lookback30d":
		return 0.01
	case strings.HasPrefix(metric, "bytes_") && strings.HasSuffix(metric, "_sum"):
		return 1024
	}
	return 1
}

func number(v any) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return v.(float64)
}

func (o *fgcOracle) transform(name string, c *compared) any {
	if c == nil {
		return nil
	}
	switch name {
	case "diff":
		return c.x - c.median
	case "ratio":
		return c.x / (c.median + 1e-6)
	case "log_ratio":
		return math.Log(c.x/(c.median+1e-6) + 1e-6)
	case "z_mad":
		return c.z
	case "abs_dev_over_mad":
		return math.Abs(c.x-c.median) / (c.scale + 1e-6)
	case "z_mad_clipped":
		return c.clipped
	}
	return math.Copysign(math.Pow(math.Abs(c.clipped), 3), c.clipped)
}

// shown is the pair of a row.
type oraclePair struct {
	peer     Addr
	port     uint16
	sessions int64
	row      *PairBaseline
	source   string
	fresh    bool
	weight   float64
}

func (o *fgcOracle) rated(horizon string, h, peer Addr, port uint16, cold bool) oraclePair {
	f := o.base[horizon]
	host, inHost := f.pairs[join(h, peer, port)]
	seg, inSeg := f.segPairs[join(o.segment(h), peer, port)]
	p := oraclePair{peer: peer, port: port, source: "missing", weight: 1, fresh: !inHost}
	if cold {
		p.fresh = !inSeg
	}
	switch {
	case inHost && !cold:
		p.row, p.source, p.weight = &host, "host", host.Rarity
	case inSeg:
		p.row, p.source, p.weight = &seg, "segment", seg.Rarity
	}
	return p
}

func (o *fgcOracle) shown(horizon string, h Addr, win string) *oraclePair {
	_, _, cold := o.chosen(horizon, h, Outbound, win)
	all := map[string]*oraclePair{}
	for _, s := range o.seen {
		if s.host != h || s.role != Outbound || s.port == 0 || s.dropped || s.slice < o.from(win) || s.slice > o.slice {
			continue
		}
		k := join(s.peer, s.port)
		if all[k] == nil {
			p := o.rated(horizon, h, s.peer, s.port, cold)
			all[k] = &p
		}
		all[k].sessions += s.sessions
	}
	if len(all) == 0 || !o.cfg.PairFeatures {
		return nil
	}
	return slices.MinFunc(slices.Collect(maps.Values(all)), func(a, b *oraclePair) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(b.sessions, a.sessions), a.peer.Compare(b.peer), cmp.Compare(a.port, b.port))
	})
}

// rows are the tables of the close: fg_c by horizon, and beacon_evidence.
func (o *fgcOracle) fgc() map[string][]row {
	out := map[string][]row{}
	for _, h := range o.hosts() {
		evidence := o.evidence(h)
		for _, e := range evidence {
			out["beacon_evidence"] = append(out["beacon_evidence"], o.evidenceRow(h, e))
		}
		for _, win := range sortedWindows {
			if !slices.Contains(o.windows, win.label) || !o.active(h, win.label) {
				continue
			}
			for horizon := range o.base {
				out[horizon] = append(out[horizon], o.row(horizon, h, win.label, evidence))
			}
		}
	}
	return out
}

// evidence lets the scorer of pairs judge the views, peer by peer.
func (o *fgcOracle) evidence(h Addr) (found []Evidence) {
	c, err := NewCadence(o.cfg.Cadence, o.clock, o.slice)
	if err != nil {
		panic(err)
	}
	byPeer := map[Addr][]PairView{}
	for _, v := range o.views(h, Outbound) {
		if len(v.Slices) > 0 {
			byPeer[v.Peer] = append(byPeer[v.Peer], v)
		}
	}
	for _, peer := range slices.SortedFunc(maps.Keys(byPeer), Addr.Compare) {
		for i := range byPeer[peer] {
			if e, ok := c.Pair(&byPeer[peer][i]); ok {
				found = append(found, e)
			}
		}
		if e, ok := c.Pooled(peer); ok {
			found = append(found, e)
		}
	}
	return found
}

func (o *fgcOracle) evidenceRow(h Addr, e Evidence) row {
	end := o.start(o.slice + 1)
	r := o.common(row{"host_ip": h.String(), "peer_ip": e.Peer.String(), "peer_port": int64(e.Port), "window_end_ts": micros(end),
		"record_id": join(h, e.Peer, e.Port, stamp(end)), "connections": e.Connections, "kept_connections": e.KeptConnections,
		"period_seconds": nanNull(e.Period), "jitter": nanNull(e.Jitter), "timing": e.Timing, "size": e.Size, "histogram": e.Histogram,
		"duration": e.Duration, "rita_score": e.Rita, "cadence_score": e.Score, "first_seen_ts": e.FirstSeen, "last_seen_ts": e.LastSeen,
		"prevalence_hosts_cnt": nil, "prevalence_hosts_share": nil, "expected_fp_per_1000": 1000 - 1000*e.Score})
	if f := o.base["30d"]; f != nil {
		r["prevalence_hosts_cnt"], r["prevalence_hosts_share"] = f.peers[e.Peer], float64(f.peers[e.Peer])/float64(f.hosts)
	}
	return r
}

func nanNull(v float64) any {
	if math.IsNaN(v) {
		return nil
	}
	return v
}

var oracleCompared = strings.Fields("sessions_cnt bytes_src_sum bytes_dst_sum deny_ratio peer_ip_entropy max_sessions_per_minute")

func (o *fgcOracle) row(horizon string, h Addr, win string, evidence []Evidence) row {
	end := o.start(o.slice + 1)
	r := o.common(row{"host_ip": h.String(), "window_label": win, "window_end_ts": micros(end), "record_id": join(h, win, stamp(end), horizon),
		"baseline_start_ts": int64(1_000_000), "baseline_end_ts": int64(2_000_000)})
	least, found, reasons := int64(math.MaxInt64), false, []map[string]any{}
	r["baseline_cold_start_any"] = int64(0)
	for prefix, role := range map[string]Role{"": Outbound, "in_": Inbound} {
		s, source, cold := o.chosen(horizon, h, role, win)
		r[prefix+"baseline_source"], r[prefix+"is_cold_start"] = source, flag(cold)
		if source != "host" {
			r["baseline_cold_start_any"] = int64(1)
		}
		for _, m := range o.metrics {
			c := o.compared(horizon, h, role, win, m)
			for _, t := range o.transforms {
				r[prefix+m+"_"+t] = o.transform(t, c)
			}
			if c != nil {
				reasons = append(reasons, map[string]any{"feature": prefix + m + "_" + win, "value": c.x, "median": c.median, "z": c.clipped, "source": source})
			}
		}
		for _, m := range strings.Fields(oracleCurated) {
			if id, _ := MetricNamed(m); s != nil {
				least, found = min(least, s[id].Support), true
			}
		}
	}
	r["baseline_min_support_count"] = nil
	if found {
		r["baseline_min_support_count"] = least
	}
	r["top_reasons"] = topOf(reasons)
	o.pairCells(r, horizon, h, win)
	o.driftCells(r, h, win)
	o.scoreCells(r, horizon, h, win, evidence)
	return r
}

// topOf sorts by abs z, then by the place of the feature among those of FG-A.
func topOf(reasons []map[string]any) []map[string]any {
	place := func(r map[string]any) int {
		name := r["feature"].(string)
		at := slices.IndexFunc(Metrics[:], func(m Metric) bool { return strings.HasPrefix(strings.TrimPrefix(name, "in_"), m.Name+"_w_") })
		if strings.HasPrefix(name, "in_") {
			at += 1000
		}
		return at
	}
	slices.SortFunc(reasons, func(a, b map[string]any) int {
		return cmp.Or(cmp.Compare(math.Abs(b["z"].(float64)), math.Abs(a["z"].(float64))), cmp.Compare(place(a), place(b)))
	})
	return reasons[:min(5, len(reasons))]
}
