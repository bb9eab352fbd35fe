package oracle

import (
	"math"
	"net/netip"
	"slices"
)

// epsilon of the ratios of FG-A.
const epsilon = 1e-9

// peerOf is the other end of a flow.
func peerOf(f *Flow, role string) netip.Addr {
	if role == "outbound" {
		return f.Destination
	}
	return f.Source
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// base counts the 31 metrics of delta over a list of flows of one host and role.
func (b *book) base(flows []*Flow, role string) map[string]any {
	n := map[string]int64{}
	minutes := map[int64]int64{}
	durationMillis := int64(0)
	for _, f := range flows {
		n["sessions_cnt"]++
		n[map[string]string{"allow": "allow_cnt", "deny": "deny_cnt", "reset": "deny_cnt", "alert": "alert_cnt"}[f.Action]]++
		if len(f.Reason) >= 7 && f.Reason[:7] == "tcp-rst" {
			n["rst_cnt"]++
		}
		if f.Reason == "aged-out" {
			n["aged_out_cnt"]++
		}
		if f.DestinationBytes != nil && *f.DestinationBytes == 0 {
			n["zero_reply_cnt"]++
		}
		if !f.Threat && f.BothTimes && f.End-f.Start <= 1e9 {
			n["short_session_cnt"]++
		}
		n["bytes_src_sum"] += value(f.SourceBytes)
		n["bytes_dst_sum"] += value(f.DestinationBytes)
		durationMillis += (f.End - f.Start) / 1e6
		n[map[string]string{"TCP": "tcp_cnt", "UDP": "udp_cnt", "ICMP": "icmp_cnt"}[f.Transport]]++
		if f.Threat {
			n["threat_cnt"]++
		} else {
			n["traffic_cnt"]++
		}
		for set, ports := range b.o.PortSets {
			if slices.Contains(ports, f.DestinationPort) {
				n[set+"_port_sessions_cnt"]++
			}
		}
		minutes[floorMinute(b.o.eventTime(f))]++
	}
	row := map[string]any{"duration_sum": float64(durationMillis) / 1000}
	for _, name := range sums {
		row[name] = n[name]
	}
	most := int64(0)
	for _, count := range minutes {
		most = max(most, count)
	}
	row["max_sessions_per_minute"] = most
	b.distributions(flows, role, row)
	return row
}

var sums = []string{"sessions_cnt", "allow_cnt", "deny_cnt", "alert_cnt", "rst_cnt", "aged_out_cnt", "zero_reply_cnt",
	"short_session_cnt", "bytes_src_sum", "bytes_dst_sum", "tcp_cnt", "udp_cnt", "icmp_cnt", "threat_cnt", "traffic_cnt",
	"high_risk_port_sessions_cnt", "admin_port_sessions_cnt", "fileshare_port_sessions_cnt", "directory_port_sessions_cnt",
	"db_port_sessions_cnt"}

func floorMinute(nanos int64) int64 {
	m := nanos / 60e9
	if nanos%60e9 < 0 {
		m--
	}
	return m
}

// share is one slot of a distribution.
type share struct{ sessions, bytes int64 }

// distributions adds the metrics of the peers, ports and segments of the TRAFFIC flows.
func (b *book) distributions(flows []*Flow, role string, row map[string]any) {
	peers, ports, segments := map[any]share{}, map[any]share{}, map[string]bool{}
	for _, f := range flows {
		if f.Threat {
			continue
		}
		peer := peerOf(f, role)
		add := func(m map[any]share, key any) {
			s := m[key]
			m[key] = share{s.sessions + 1, s.bytes + value(f.SourceBytes) + value(f.DestinationBytes)}
		}
		add(peers, peer)
		segments[b.o.segment(peer)] = true
		if f.DestinationPort != 0 {
			add(ports, f.DestinationPort)
		}
	}
	row["peer_segment_nunique"] = int64(len(segments))
	for name, m := range map[string]map[any]share{"peer_ip": peers, "peer_port": ports} {
		row[name+"_nunique"] = int64(len(m))
		row[name+"_entropy"], row[name+"_top1_sessions_share"], row[name+"_top1_bytes_share"] = concentration(m)
	}
}

// concentration is the entropy of the sessions (natural logarithm) and the largest share of sessions and bytes.
func concentration(m map[any]share) (entropy, topSessions, topBytes float64) {
	var sessions, bytes int64
	for _, s := range m {
		sessions += s.sessions
		bytes += s.bytes
	}
	for _, s := range m {
		p := float64(s.sessions) / float64(sessions)
		entropy -= p * math.Log(p)
		topSessions = max(topSessions, p)
		if bytes > 0 {
			topBytes = max(topBytes, float64(s.bytes)/float64(bytes))
		}
	}
	return entropy, topSessions, topBytes
}
