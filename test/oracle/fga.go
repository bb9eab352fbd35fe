package oracle

import (
	"net/netip"
	"time"
)

// windows of FG-A and their lengths in slices.
var windows = map[string]int64{"w_15m": 1, "w_30m": 2, "w_1h": 4, "w_8h": 32, "w_24h": 96}

// direction computes the 48 metrics of one role over the slices [from, to).
func (b *book) direction(hr hostRole, from, to int64) map[string]any {
	flows := b.between(hr, from, to)
	row := b.base(flows, hr.role)
	sessions := float64(len(flows)) + epsilon
	ratio := func(name string) float64 { return float64(row[name].(int64)) / sessions }
	row["duration_mean"] = row["duration_sum"].(float64) / sessions
	row["deny_ratio"] = ratio("deny_cnt")
	row["bytes_asymmetry_ratio"] = float64(row["bytes_src_sum"].(int64)) / float64(row["bytes_dst_sum"].(int64)+1)
	row["transport_tcp_ratio"] = ratio("tcp_cnt")
	row["transport_udp_ratio"] = ratio("udp_cnt")
	row["transport_icmp_ratio"] = ratio("icmp_cnt")
	row["has_high_risk_port_activity"] = flag(row["high_risk_port_sessions_cnt"].(int64) > 0)
	b.novelty(hr, flows, from, row)
	b.highRisk(hr, flows, row)
	if len(flows) == 0 {
		for _, name := range nullable {
			row[name] = nil
		}
	}
	return row
}

// nullable are the 13 metrics that are null for a role without flows.
var nullable = []string{"duration_mean", "deny_ratio", "bytes_asymmetry_ratio", "transport_tcp_ratio",
	"transport_udp_ratio", "transport_icmp_ratio", "new_peer_ratio_lookback30d", "peer_ip_entropy", "peer_port_entropy",
	"peer_ip_top1_sessions_share", "peer_port_top1_sessions_share", "peer_ip_top1_bytes_share",
	"peer_port_top1_bytes_share"}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// pair is a peer and a port of one host and role.
type pair struct {
	peer netip.Addr
	port int
}

// tally counts the TRAFFIC sessions of each peer, port and pair.
func tally(flows []*Flow, role string) (peers map[netip.Addr]int64, ports map[int]int64, pairs map[pair]int64) {
	peers, ports, pairs = map[netip.Addr]int64{}, map[int]int64{}, map[pair]int64{}
	for _, f := range flows {
		if f.Threat {
			continue
		}
		p := pair{peerOf(f, role), f.DestinationPort}
		peers[p.peer]++
		pairs[p]++
		if p.port != 0 {
			ports[p.port]++
		}
	}
	return peers, ports, pairs
}

// novelty compares the pairs of a window that starts with slice from with those of the lookback before it.
func (b *book) novelty(hr hostRole, flows []*Flow, from int64, row map[string]any) {
	begin := utc(b.o.sliceStart(from)).Truncate(24*time.Hour).AddDate(0, 0, -30)
	var before []*Flow
	for s, list := range b.flows[hr] {
		if len(flows) > 0 && s < from && !utc(b.o.sliceStart(s)).Before(begin) {
			before = append(before, list...)
		}
	}
	peers, ports, pairs := tally(flows, hr.role)
	oldPeers, oldPorts, oldPairs := tally(before, hr.role)
	var newPeers, rarePeers, newPorts, rarePorts, newPairs int64
	for p := range peers {
		newPeers += flag(oldPeers[p] == 0)
		rarePeers += flag(oldPeers[p] >= 1 && oldPeers[p] <= b.o.RarePeer)
	}
	for p := range ports {
		newPorts += flag(oldPorts[p] == 0)
		rarePorts += flag(oldPorts[p] >= 1 && oldPorts[p] <= b.o.RarePort)
	}
	for p := range pairs {
		newPairs += flag(oldPairs[p] == 0)
	}
	row["new_peer_cnt_lookback30d"] = newPeers
	row["rare_peer_cnt_lookback30d"] = rarePeers
	row["new_peer_ratio_lookback30d"] = float64(newPeers) / (float64(len(peers)) + epsilon)
	row["new_dst_port_cnt_lookback30d"] = newPorts
	row["rare_dst_port_cnt_lookback30d"] = rarePorts
	row["new_pair_cnt_lookback30d"] = newPairs
	row["new_src_dst_port_cnt_lookback30d"] = newPairs
	if hr.role == "outbound" {
		row["new_src_dst_port_cnt_lookback30d"] = newPorts
	}
}

// highRisk counts the sessions with peers of the configured segments.
func (b *book) highRisk(hr hostRole, flows []*Flow, row map[string]any) {
	peers, _, _ := tally(flows, hr.role)
	var sessions, unique int64
	for peer, n := range peers {
		if b.o.risky(peer) {
			sessions += n
			unique++
		}
	}
	row["high_risk_segment_sessions_cnt"] = sessions
	row["high_risk_segment_unique_dsts"] = unique
	row["has_high_risk_segment_interaction"] = flag(sessions > 0)
}

// lookbackDays is the number of whole days from the first closed slice to the start of a window, 0 to 30.
func (b *book) lookbackDays(from int64) int64 {
	return max(0, min(30, (from-b.first)/96))
}

// timeContext adds the columns of the local time of a window's end.
func (o *Options) timeContext(end time.Time, row Row) {
	local := end.In(o.Calendar)
	hour := local.Hour()
	working, off := hour >= 7 && hour < 17, hour >= 17 && hour < 22
	weekend := false
	for _, day := range o.Weekend {
		weekend = weekend || local.Weekday() == day
	}
	row["hour_of_day"] = int64(hour)
	row["is_working_hours"] = flag(working)
	row["is_off_hours"] = flag(off)
	row["is_night_hours"] = flag(!working && !off)
	row["is_weekend"] = flag(weekend)
	row["day_of_week"] = local.Format("Mon")
	row["time_band"] = o.timeBand(working, off, weekend)
}

func (o *Options) timeBand(working, off, weekend bool) string {
	if !o.SixBands {
		if working {
			return "working_hours"
		}
		return "off_hours"
	}
	band := "WD_"
	if weekend {
		band = "WE_"
	}
	switch {
	case working:
		return band + "WORKING"
	case off:
		return band + "OFF"
	}
	return band + "NIGHT"
}
