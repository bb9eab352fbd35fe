package oracle

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"time"
)

// made is one flow of made-up traffic, before it is written in a format. Times are microseconds since the epoch.
type made struct {
	begin, end  int64
	arrival     int64 // order in the input
	src, dst    string
	sport       int
	dport       int
	proto       string
	up, down    int64 // bytes, -1 is absent
	state       string
	threat      bool
	action, why string
}

var (
	madeHosts = []string{"10.0.0.1", "10.0.0.2", "10.0.1.9", "192.168.7.20", "100.64.3.3", "fd00::a", "fd00:0:0:1::b"}
	madePeers = []string{"8.8.8.8", "1.1.1.1", "93.184.216.34", "93.184.216.35", "2001:db8::1", "224.0.0.251", "203.0.113.7"}
	madePorts = []int{53, 80, 443, 443, 443, 445, 22, 3389, 5432, 389, 123, 6667, 8443, 65535}
	madeState = []string{"SF", "SF", "SF", "S0", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "S1", "S2", "S3", "SH", "SHR", "OTH"}
)

// traffic makes n flows between the times, in order of arrival: a fifth of them up to 50 minutes after their end,
// one in a hundred hours after it, so that it is late.
func traffic(r *rand.Rand, from, to time.Time, n int) []made {
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	flows := make([]made, n)
	for i := range flows {
		m := &flows[i]
		m.end = from.UnixMicro() + r.Int64N(to.UnixMicro()-from.UnixMicro())
		if r.IntN(10) == 0 { // exactly on the edge of a minute, a slice or a day
			edge := []int64{60e6, 900e6, 86400e6}[r.IntN(3)]
			m.end -= m.end % edge
			m.end = max(m.end, from.UnixMicro())
		}
		m.begin = m.end - []int64{0, r.Int64N(2e6), 1e6, r.Int64N(300e6), r.Int64N(4 * 3600e6)}[r.IntN(5)]
		m.arrival = m.end
		switch k := r.IntN(100); {
		case k == 0:
			m.arrival += 3600e6 + r.Int64N(4*3600e6)
		case k < 20:
			m.arrival += r.Int64N(50 * 60e6)
		}
		m.src, m.dst = pick(madeHosts), pick(madePeers)
		switch r.IntN(10) {
		case 0, 1:
			m.dst = pick(madeHosts)
		case 2, 3:
			m.src, m.dst = m.dst, m.src
		case 4:
			m.src = pick(madePeers)
		}
		m.sport, m.dport = 1024+r.IntN(60000), madePorts[r.IntN(len(madePorts))]
		m.proto = []string{"tcp", "tcp", "tcp", "udp", "udp", "icmp", "sctp"}[r.IntN(7)]
		m.up, m.down = r.Int64N(5000), []int64{0, -1, r.Int64N(9e6), r.Int64N(2000)}[r.IntN(4)]
		m.state = pick(madeState)
		m.threat = r.IntN(12) == 0
		m.action = pick([]string{"allow", "allow", "deny", "drop", "reset-both", "Allow", "alert"})
		m.why = pick([]string{"tcp-fin", "aged-out", "tcp-rst-from-client", "tcp-rst-from-server", "policy-deny", "Aged-Out", "n/a"})
	}
	sort.SliceStable(flows, func(i, j int) bool { return flows[i].arrival < flows[j].arrival })
	return flows
}

func number(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// zeekText writes the flows that Zeek would see; every hundredth line is broken in one way or another.
func zeekText(flows []made) string {
	var b strings.Builder
	b.WriteString(zeekHeader)
	for i, m := range flows {
		if m.threat {
			continue
		}
		duration := decimal(m.end - m.begin)
		if m.end == m.begin {
			duration = "-"
		}
		sport, dport := m.sport, m.dport
		if m.proto == "icmp" {
			sport, dport = 8, 0
		}
		cells := []string{decimal(m.begin), m.src, fmt.Sprint(sport), m.dst, fmt.Sprint(dport), m.proto, duration, m.state,
			number(m.up), number(m.down)}
		fmt.Fprintln(&b, strings.Join(cells, "\t"))
		if i%100 == 50 {
			fmt.Fprintln(&b, spoil(cells, i/100))
		}
	}
	return b.String()
}

// spoil breaks a row in the kth way.
func spoil(cells []string, k int) string {
	c := append([]string(nil), cells...)
	switch k % 6 {
	case 0:
		c = c[:7]
	case 1:
		c[0] = "yesterday"
	case 2:
		c[4] = "65536"
	case 3:
		c[3] = "300.1.1.1"
	case 4:
		c[0] = "-"
	case 5:
		c[2], c[4], c[8], c[9] = "-", "-", "-", "-"
	}
	return strings.Join(c, "\t")
}

func zeekJSONText(flows []made) string {
	var b strings.Builder
	for i, m := range flows {
		if m.threat {
			continue
		}
		open, sep, shut := "", ".", ""
		if i%3 == 0 {
			sep = "_"
		}
		if i%7 == 0 {
			open, shut = `{"conn":`, `}`
		}
		fmt.Fprintf(&b, `%s{"ts":%s,"uid":"C%d","id%sorig_h":%q,"id%sorig_p":%d,"id%sresp_h":%q,"id%sresp_p":%d,"proto":%q,"duration":%s,"conn_state":%q`,
			open, decimal(m.begin), i, sep, m.src, sep, m.sport, sep, m.dst, sep, m.dport, m.proto, decimal(m.end-m.begin)+"999", m.state)
		if m.up >= 0 {
			fmt.Fprintf(&b, `,"orig_ip_bytes":%d`, m.up)
		}
		if m.down >= 0 {
			fmt.Fprintf(&b, `,"resp_bytes":"%d"`, m.down)
		}
		fmt.Fprintf(&b, "}%s\n", shut)
	}
	return b.String()
}

func panosJSONText(flows []made) string {
	var b strings.Builder
	for i, m := range flows {
		name := "TRAFFIC"
		if m.threat {
			name = "THREAT"
		}
		begin := time.UnixMicro(m.begin).UTC().Format(time.RFC3339Nano)
		fmt.Fprintf(&b, `{"event_name":%q,"event_start":%q,"source_ip":%q,"source_port":%d,"destination_ip":%q,"destination_port":"%d","network_transport":%q,"event_action":%q,"event_reason":%q`,
			name, begin, m.src, m.sport, m.dst, m.dport, strings.ToUpper(m.proto), m.action, m.why)
		if i%5 > 0 { // else one missing time, which equals the other
			fmt.Fprintf(&b, `,"event_end":%d`, m.end*1000)
		}
		if !m.threat && m.up >= 0 {
			fmt.Fprintf(&b, `,"source_bytes":%d.0`, m.up)
		}
		if !m.threat && m.down >= 0 {
			fmt.Fprintf(&b, `,"destination_bytes":%d`, m.down)
		}
		b.WriteString("}\n")
		if i%100 == 50 {
			b.WriteString([]string{`{"event_name":`, `{"event_end":1,"source_ip":"10.0.0.1"}`, `{"source_ip":"10.0.0.1","destination_ip":"10.0.0.2","source_port":1}`,
				`{"event_end":1,"source_ip":"10.0.0.1","destination_ip":"10.0.0.2"}`, `[]`}[i/100%5] + "\n")
		}
	}
	return b.String()
}

// panosCSVText writes PAN-OS lines; the device knows whole seconds only.
func panosCSVText(flows []made) string {
	var b strings.Builder
	for i, m := range flows {
		second := func(micros int64) string { return time.UnixMicro(micros).UTC().Format("2006/01/02 15:04:05") }
		cells := make([]string, 117)
		set := map[int]string{0: "1", 1: second(m.end), 2: "00700", 3: "TRAFFIC", 4: "end", 5: "2816", 6: second(m.end), 7: m.src, 8: m.dst,
			24: fmt.Sprint(m.sport), 25: fmt.Sprint(m.dport), 29: m.proto, 30: strings.ToLower(m.action), 32: number(max(0, m.up)),
			33: number(max(0, m.down)), 35: second(m.begin), 36: fmt.Sprint((m.end - m.begin) / 1e6), 46: strings.ToLower(m.why),
			69: "{a,b,c}", 109: `"x,y"`}
		if m.threat {
			set[3], set[4], set[35], set[36], set[46] = "THREAT", "vulnerability", "", "", ""
		} else if i%20 == 0 {
			set[4] = "start"
		}
		for column, s := range set {
			cells[column] = s
		}
		if i%3 == 0 {
			b.WriteString("<14>Jun  2 00:00:00 PA-VM ")
		}
		fmt.Fprintln(&b, strings.Join(cells, ","))
	}
	return b.String()
}

func suricataText(flows []made) string {
	var b strings.Builder
	for i, m := range flows {
		when := func(micros int64) string {
			return time.UnixMicro(micros).In(time.FixedZone("", 7200)).Format("2006-01-02T15:04:05.000000-0700")
		}
		ends := fmt.Sprintf(`"src_ip":%q,"src_port":%d,"dest_ip":%q,"dest_port":%d,"proto":%q`, m.src, m.sport, m.dst, m.dport, strings.ToUpper(m.proto))
		if m.threat {
			action := []string{"allowed", "blocked"}[i%2]
			fmt.Fprintf(&b, `{"timestamp":%q,"event_type":"alert",%s,"alert":{"action":%q,"category":"Misc Attack"}}`+"\n", when(m.end), ends, action)
			continue
		}
		state := []string{"new", "established", "closed"}[i%3]
		flags := ""
		if m.proto == "tcp" {
			flags = fmt.Sprintf(`,"tcp":{"tcp_flags":"1f","tcp_flags_ts":%q,"tcp_flags_tc":%q}`, []string{"1b", "06"}[i%2], []string{"1b", "14"}[i/2%2])
		}
		fmt.Fprintf(&b, `{"timestamp":%q,"event_type":"flow",%s,"flow":{"bytes_toserver":%d,"bytes_toclient":%d,"start":%q,"end":%q,"state":%q,"reason":%q}%s}`+"\n",
			when(m.end+60e6), ends, max(0, m.up), max(0, m.down), when(m.begin), when(m.end), state, []string{"timeout", "shutdown", "forced"}[i/3%3], flags)
		if i%50 == 0 {
			b.WriteString(`{"event_type":"dns","src_ip":"10.0.0.1"}` + "\n")
		}
	}
	return b.String()
}

// vpcText writes each flow as the halves of one window; some are never answered, some come in the other order.
func vpcText(flows []made) string {
	var b strings.Builder
	b.WriteString("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags\n")
	protocols := map[string]int{"tcp": 6, "udp": 17, "icmp": 1, "sctp": 132}
	for i, m := range flows {
		if m.threat {
			fmt.Fprintf(&b, "2 1 eni-1 - - - - - - - %d %d - NODATA -\n", m.begin/1e6, m.end/1e6)
			continue
		}
		begin := max(m.begin, m.end-60e6) / 1e6
		action, there, back := "ACCEPT", "2", "18"
		if m.action == "deny" {
			action = "REJECT"
		}
		if m.proto != "tcp" || i%4 == 0 {
			there, back = "0", "0"
		}
		half := func(src, dst string, sport, dport int, bytes int64, later int64, flags string) string {
			return fmt.Sprintf("2 1 eni-%d %s %s %d %d %d 1 %d %d %d %s OK %s\n", i%3, src, dst, sport, dport, protocols[m.proto],
				bytes, begin+later, m.end/1e6+later, action, flags)
		}
		client := half(m.src, m.dst, m.sport, m.dport, max(0, m.up), 0, there)
		server := half(m.dst, m.src, m.dport, m.sport, max(0, m.down), int64(i%2), back)
		switch {
		case i%5 == 0:
			b.WriteString(server + client)
		case m.down < 0 || action == "REJECT":
			b.WriteString(client)
		default:
			b.WriteString(client + server)
		}
	}
	return b.String()
}
