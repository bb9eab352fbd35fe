package feature

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The oracle computes the rows of a close straight from the definitions: from the list of all observations, with
// maps and time.Time, scanning everything for every number.

// observed is the TRAFFIC sessions of one pair in one slice; dropped ones are what a scanner made too many of.
type observed struct {
	slice              Slice
	host               Addr
	role               Role
	peer               Addr
	port               uint16
	sessions, src, dst int64
	dropped            bool
}

type world struct {
	clock    Clock
	slice    Slice
	first    int64
	entries  []SegmentEntry
	deny     []string
	allow    []string
	calendar *Calendar
	context  []string
	rare     int64
	kept     bool  // pairs have kept flows
	beat     int64 // seconds between them, if not 0

	seen     []observed
	counters map[hostKey]*HostCounters
	approx   map[hostKey]bool
}

type hostKey struct {
	slice Slice
	host  Addr
	role  Role
}

type row map[string]any

func (w *world) segment(a Addr) string {
	best, bits := "", -1
	for _, e := range w.entries {
		if p := netip.MustParsePrefix(e.CIDR); p.Contains(a.Netip()) && p.Bits() > bits {
			best, bits = e.ID, p.Bits()
		}
	}
	if bits >= 0 {
		return best
	}
	n := 64
	if a.Is4() {
		n = 24
	}
	p, _ := a.Netip().Prefix(n)
	return p.String()
}

func (w *world) risky(a Addr) bool {
	matches := func(list []string) bool {
		return slices.ContainsFunc(list, func(s string) bool {
			p, err := netip.ParsePrefix(s)
			return s == w.segment(a) || err == nil && p.Contains(a.Netip())
		})
	}
	return matches(w.deny) && !matches(w.allow)
}

func (w *world) start(s Slice) time.Time {
	return time.Unix(0, 0).UTC().Add(time.Duration(s) * 15 * time.Minute).Add(w.clock.Offset)
}

// spread is a distribution: sessions and bytes by member.
type spread[K comparable] struct {
	sessions, bytes map[K]int64
}

func spreadOf[K comparable](of []observed, key func(observed) K) spread[K] {
	s := spread[K]{map[K]int64{}, map[K]int64{}}
	for _, o := range of {
		s.sessions[key(o)] += o.sessions
		s.bytes[key(o)] += o.src + o.dst
	}
	return s
}

func (s spread[K]) entropy() float64 {
	total, e := 0.0, 0.0
	for _, n := range s.sessions {
		total += float64(n)
	}
	for _, n := range s.sessions {
		e -= float64(n) / total * math.Log(float64(n)/total)
	}
	return e
}

func topShare[K comparable](of map[K]int64) float64 {
	total, top := 0.0, 0.0
	for _, n := range of {
		total += float64(n)
		top = max(top, float64(n))
	}
	if total == 0 {
		return 0
	}
	return top / total
}

// unseen counts the members of now that then lacks, and those it has with few sessions.
func unseen[K comparable](now, then spread[K], few int64) (fresh, rare int64) {
	for k := range now.sessions {
		switch n := then.sessions[k]; {
		case n == 0:
			fresh++
		case n <= few:
			rare++
		}
	}
	return fresh, rare
}

// metrics are the 48 metrics of a role in [from, to); nil without flows.
func (w *world) metrics(host Addr, role Role, from, to Slice) (m row, approximate bool) {
	var sums HostCounters
	var most int64
	var peers, ports Sketch
	found := false
	for k, c := range w.counters {
		if k.host == host && k.role == role && k.slice >= from && k.slice < to {
			found = true
			sums.Merge(c)
			most = max(most, slices.Max(c.Minute[:]))
			approximate = approximate || w.approx[k]
		}
	}
	if !found {
		return nil, false
	}
	var now, then, nowPorts, thenPorts []observed
	begin := w.start(from)
	dayStart := time.Date(begin.Year(), begin.Month(), begin.Day()-30, 0, 0, 0, 0, time.UTC)
	for _, o := range w.seen {
		if o.host != host || o.role != role {
			continue
		}
		at := w.start(o.slice)
		inside := o.slice >= from && o.slice < to
		if inside {
			peers.AddPeer(o.peer)
			if o.port != 0 {
				ports.AddPort(o.port)
			}
		}
		before := at.Before(begin) && !at.Before(dayStart)
		for _, into := range []struct {
			ok bool
			to *[]observed
		}{{inside, &now}, {before, &then}, {inside && o.port > 0, &nowPorts}, {before && o.port > 0, &thenPorts}} {
			if into.ok && !o.dropped {
				*into.to = append(*into.to, o)
			}
		}
	}
	m = row{}
	for i, n := range sums.Sum {
		m[oracleSums[i]] = n
	}
	m["duration_sum"] = float64(sums.Sum[DurationMillis]) / 1000
	m["max_sessions_per_minute"] = most

	byPeer := func(o observed) Addr { return o.peer }
	byPort := func(o observed) uint16 { return o.port }
	byPair := func(o observed) string { return fmt.Sprint(o.peer, o.port) }
	peer, port := spreadOf(now, byPeer), spreadOf(nowPorts, byPort)
	m["peer_ip_nunique"], m["peer_port_nunique"] = int64(len(peer.sessions)), int64(len(port.sessions))
	if approximate {
		m["peer_ip_nunique"], m["peer_port_nunique"] = peers.Estimate(), ports.Estimate()
	}
	m["peer_segment_nunique"] = int64(len(spreadOf(now, func(o observed) string { return w.segment(o.peer) }).sessions))
	m["peer_ip_entropy"], m["peer_port_entropy"] = peer.entropy(), port.entropy()
	m["peer_ip_top1_sessions_share"], m["peer_port_top1_sessions_share"] = topShare(peer.sessions), topShare(port.sessions)
	m["peer_ip_top1_bytes_share"], m["peer_port_top1_bytes_share"] = topShare(peer.bytes), topShare(port.bytes)

	m["new_peer_cnt_lookback30d"], m["rare_peer_cnt_lookback30d"] = unseen(peer, spreadOf(then, byPeer), w.rare)
	m["new_dst_port_cnt_lookback30d"], m["rare_dst_port_cnt_lookback30d"] = unseen(port, spreadOf(thenPorts, byPort), w.rare)
	m["new_pair_cnt_lookback30d"], _ = unseen(spreadOf(now, byPair), spreadOf(then, byPair), w.rare)
	m["new_src_dst_port_cnt_lookback30d"] = m["new_pair_cnt_lookback30d"]
	if role == Outbound {
		m["new_src_dst_port_cnt_lookback30d"] = m["new_dst_port_cnt_lookback30d"]
	}
	var risky, riskyPeers int64
	for a, n := range peer.sessions {
		if w.risky(a) {
			risky, riskyPeers = risky+n, riskyPeers+1
		}
	}
	m["high_risk_segment_sessions_cnt"], m["high_risk_segment_unique_dsts"] = risky, riskyPeers
	m["has_high_risk_segment_interaction"] = flag(risky > 0)
	m["has_high_risk_port_activity"] = flag(sums.Sum[HighRiskPort] > 0)

	over := func(a any) float64 { return float64(a.(int64)) / (float64(sums.Sum[Sessions]) + 1e-9) }
	m["duration_mean"] = m["duration_sum"].(float64) / (float64(sums.Sum[Sessions]) + 1e-9)
	m["deny_ratio"] = over(m["deny_cnt"])
	m["transport_tcp_ratio"], m["transport_udp_ratio"], m["transport_icmp_ratio"] = over(m["tcp_cnt"]), over(m["udp_cnt"]), over(m["icmp_cnt"])
	m["bytes_asymmetry_ratio"] = float64(sums.Sum[BytesSrc]) / float64(sums.Sum[BytesDst]+1)
	m["new_peer_ratio_lookback30d"] = float64(m["new_peer_cnt_lookback30d"].(int64)) / (float64(m["peer_ip_nunique"].(int64)) + 1e-9)
	return m, approximate
}

var oracleSums = strings.Fields(`sessions_cnt allow_cnt deny_cnt alert_cnt rst_cnt aged_out_cnt zero_reply_cnt
	short_session_cnt bytes_src_sum bytes_dst_sum duration_sum tcp_cnt udp_cnt icmp_cnt threat_cnt traffic_cnt
	high_risk_port_sessions_cnt admin_port_sessions_cnt fileshare_port_sessions_cnt directory_port_sessions_cnt
	db_port_sessions_cnt`)

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// silent is the metrics of a role without flows.
func silent() row {
	m := row{}
	for _, x := range Metrics {
		m[x.Name] = int64(0)
		if x.Type == Float64 {
			m[x.Name] = 0.0
		}
	}
	for _, name := range strings.Fields(`duration_mean deny_ratio bytes_asymmetry_ratio transport_tcp_ratio
		transport_udp_ratio transport_icmp_ratio new_peer_ratio_lookback30d peer_ip_entropy peer_port_entropy
		peer_ip_top1_sessions_share peer_port_top1_sessions_share peer_ip_top1_bytes_share peer_port_top1_bytes_share`) {
		m[name] = nil
	}
	return m
}

func micros(t time.Time) int64 { return t.UnixMicro() }
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
func join(parts ...any) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprintf("%v", parts), " ", "|"), "[]")
}
func (w *world) common(r row) row {
	r["feature_spec_version"], r["mini_batch_id"] = "v1", w.start(w.slice).Format("20060102T1504Z")+"-r2"
	return r
}
func (w *world) hosts() []Addr { return slices.SortedFunc(maps.Keys(w.hostSet()), Addr.Compare) }
func (w *world) hostSet() map[Addr]bool {
	all := map[Addr]bool{}
	for k := range w.counters {
		all[k.host] = true
	}
	return all
}

var sortedWindows = []struct {
	label  string
	length time.Duration
}{{"w_15m", 15 * time.Minute}, {"w_1h", time.Hour}, {"w_24h", 24 * time.Hour}, {"w_30m", 30 * time.Minute}, {"w_8h", 8 * time.Hour}}

// rows are all rows of the close by table, in key order.
func (w *world) rows() map[string][]row {
	out := map[string][]row{}
	end, begin := w.start(w.slice+1), w.start(w.slice)
	for _, h := range w.hosts() {
		for _, role := range []Role{Inbound, Outbound} {
			if m, approx := w.metrics(h, role, w.slice, w.slice+1); m != nil {
				d := row{"host_ip": h.String(), "role": role.String(), "slice_start_ts": micros(begin), "slice_end_ts": micros(end),
					"segment_id": w.segment(h), "is_approximate": flag(approx), "record_id": join(h, role, stamp(begin))}
				for _, x := range Metrics[:NumDeltaMetrics] {
					d[x.Name] = m[x.Name]
				}
				out["delta"] = append(out["delta"], w.common(d))
			}
			w.pairTables(out, h, role)
		}
		w.fga(out, h)
	}
	return out
}

func (w *world) fga(out map[string][]row, h Addr) {
	end := w.start(w.slice + 1)
	local := end.In(w.calendar.Location)
	hour, weekend := local.Hour(), w.calendar.Weekend[local.Weekday()]
	working, off := hour >= 7 && hour < 17, hour >= 17 && hour < 22
	wide := row{"window_label": "all", "record_id": join(h, "all", stamp(end))}
	for _, win := range sortedWindows {
		from := w.slice + 1 - Slice(win.length/(15*time.Minute))
		mIn, aIn := w.metrics(h, Inbound, from, w.slice+1)
		mOut, aOut := w.metrics(h, Outbound, from, w.slice+1)
		r := row{"window_label": win.label, "record_id": join(h, win.label, stamp(end)), "host_ip": h.String(),
			"window_end_ts": micros(end), "window_start_ts": micros(end.Add(-win.length)), "segment_id": w.segment(h),
			"hour_of_day": int64(hour), "day_of_week": local.Format("Mon"), "is_working_hours": flag(working),
			"is_off_hours": flag(off), "is_night_hours": flag(!working && !off), "is_weekend": flag(weekend),
			"time_band": "off_hours", "is_approximate": flag(aIn || aOut)}
		if working {
			r["time_band"] = "working_hours"
		}
		known := int64(math.Floor(end.Add(-win.length).Sub(time.Unix(0, w.first)).Hours() / 24))
		r["lookback_days"] = min(30, max(0, known))
		w.common(r)
		if win.label == "w_24h" {
			for k, v := range r {
				if _, own := wide[k]; !own {
					wide[k] = v
				}
			}
		}
		for prefix, m := range map[string]row{"": mOut, "in_": mIn} {
			if m == nil {
				m = silent()
			}
			for _, x := range Metrics {
				r[prefix+x.Name] = m[x.Name]
				wide[prefix+x.Name+"_"+win.label] = m[x.Name]
				if mIn == nil && mOut == nil {
					wide[prefix+x.Name+"_"+win.label] = nil
				}
			}
		}
		if mIn != nil || mOut != nil {
			out["fg_a"] = append(out["fg_a"], r)
			if win.label == "w_24h" {
				out["fg_a_wide"] = append(out["fg_a_wide"], wide)
			}
		}
	}
}

func (w *world) pairTables(out map[string][]row, h Addr, role Role) {
	type pair struct {
		peer Addr
		port uint16
	}
	group := func(from Slice) ([]pair, map[pair][]observed) {
		of := map[pair][]observed{}
		for _, o := range w.seen {
			if o.host == h && o.role == role && o.slice >= from && o.slice <= w.slice && !o.dropped {
				of[pair{o.peer, o.port}] = append(of[pair{o.peer, o.port}], o)
			}
		}
		keys := slices.SortedFunc(maps.Keys(of), func(a, b pair) int { return cmp.Or(a.peer.Compare(b.peer), cmp.Compare(a.port, b.port)) })
		return keys, of
	}
	end := w.start(w.slice + 1)
	keys, of := group(w.slice)
	for _, k := range keys {
		if o := of[k][0]; role == Outbound && k.port > 0 {
			out["pair_counts"] = append(out["pair_counts"], w.common(row{"src_ip": h.String(), "dst_ip": k.peer.String(),
				"dst_port": int64(k.port), "event_ts": micros(end), "segment_id": w.segment(h), "sessions_cnt": o.sessions,
				"bytes_src_sum": o.src, "bytes_dst_sum": o.dst, "record_id": join(h, k.peer, k.port, stamp(end))}))
		}
	}
	total := func(of []observed) (n int64, first, last Slice) {
		first, last = of[0].slice, of[0].slice
		for _, o := range of {
			n, first, last = n+o.sessions, min(first, o.slice), max(last, o.slice)
		}
		return n, first, last
	}
	for _, win := range sortedWindows {
		if !slices.Contains(w.context, win.label) {
			continue
		}
		keys, of := group(w.slice + 1 - Slice(win.length/(15*time.Minute)))
		for _, k := range keys {
			if n, _, last := total(of[k]); k.port > 0 {
				out["pair_context"] = append(out["pair_context"], w.common(row{"host_ip": h.String(), "role": role.String(),
					"window_label": win.label, "window_end_ts": micros(end), "dst_ip": k.peer.String(), "dst_port": int64(k.port),
					"sessions_cnt": n, "event_ts": micros(w.start(last + 1)),
					"record_id": join(h, role, win.label, stamp(end), k.peer, k.port)}))
			}
		}
	}
	day := w.start(w.slice).Format("2006-01-02")
	if w.start(w.slice+1).Format("2006-01-02") == day {
		return
	}
	keys, of = group(w.slice - 95)
	for _, k := range keys {
		n, first, last := total(of[k])
		out["lookback30d"] = append(out["lookback30d"], w.common(row{"host_ip": h.String(), "role": role.String(),
			"peer_ip": k.peer.String(), "peer_port": int64(k.port), "sessions_cnt": n, "first_seen_ts": micros(w.start(first)),
			"last_seen_ts": micros(w.start(last + 1)), "record_id": join(h, role, k.peer, k.port, day)}))
	}
}
