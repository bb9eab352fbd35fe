package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Traffic describes a made-up input. The same value makes the same lines.
type Traffic struct {
	Seed    uint64
	Order   uint64 // another one makes the same records arrive in another order
	Flows   int
	From    time.Time
	Span    time.Duration // events end within [From, From+Span)
	Shuffle time.Duration // a record arrives up to this long after its event
	Late    int           // one record in so many arrives an hour and more after that; 0 is none
	Broken  int           // after so many records comes one that is of no use; 0 is none
	Silence bool          // nothing happens in the middle fifth of the span
}

// conversation is one flow before it is written in a format. Times are microseconds since the epoch.
type conversation struct {
	id                  int
	begin, end, arrival int64
	src, dst            string
	sport, dport        int
	proto               string
	up, down            int64 // bytes; down < 0 is unknown
	threat              bool
	action, reason      string
}

var (
	someHosts = []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.9", "10.0.2.77", "172.16.4.4", "192.168.7.20", "192.168.7.21",
		"100.64.3.3", "fd00::a", "fd00::b", "fd00:0:0:1::b"}
	somePeers = []string{"8.8.8.8", "1.1.1.1", "93.184.216.34", "93.184.216.35", "2001:db8::1", "224.0.0.251", "203.0.113.7",
		"198.51.100.23"}
	somePorts   = []int{53, 53, 80, 443, 443, 443, 445, 22, 3389, 5432, 389, 123, 6667, 8443, 65535}
	someActions = []string{"allow", "allow", "allow", "deny", "drop", "reset-both", "alert"}
	someReasons = []string{"tcp-fin", "aged-out", "tcp-rst-from-client", "tcp-rst-from-server", "policy-deny", "n/a"}
)

// conversations are in the order of their arrival.
func (t Traffic) conversations() []conversation {
	r, order := rand.New(rand.NewPCG(t.Seed, 1)), rand.New(rand.NewPCG(t.Seed, 2+t.Order))
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	span := t.Span.Microseconds()
	list := make([]conversation, t.Flows)
	for i := range list {
		c := &list[i]
		c.id = i
		at := r.Int64N(span)
		if t.Silence && at > 2*span/5 && at < 3*span/5 {
			at = r.Int64N(2 * span / 5)
		}
		c.end = t.From.UnixMicro() + at
		if r.IntN(10) == 0 { // on the edge of a minute or a slice
			edge := []int64{60e6, 900e6}[r.IntN(2)]
			c.end = max(c.end-c.end%edge, t.From.UnixMicro())
		}
		c.begin = c.end - []int64{0, r.Int64N(2e6), 1e6, r.Int64N(300e6), r.Int64N(4 * 3600e6)}[r.IntN(5)]
		c.arrival = c.end + order.Int64N(max(1, t.Shuffle.Microseconds()))
		if t.Late > 0 && i%t.Late == t.Late/2 {
			c.arrival += 3600e6 + order.Int64N(3*3600e6)
		}
		c.src, c.dst = pick(someHosts), pick(somePeers)
		switch r.IntN(10) {
		case 0, 1, 2:
			c.dst = pick(someHosts)
		case 3, 4:
			c.src, c.dst = c.dst, c.src
		case 5:
			c.src = pick(somePeers) // external at both ends
		}
		c.sport, c.dport = 1024+i%60000, somePorts[r.IntN(len(somePorts))]
		c.proto = []string{"tcp", "tcp", "tcp", "udp", "udp", "icmp", "sctp"}[r.IntN(7)]
		c.up, c.down = r.Int64N(5000), []int64{0, -1, r.Int64N(9e6), r.Int64N(2000)}[r.IntN(4)]
		c.threat = r.IntN(12) == 0
		c.action, c.reason = pick(someActions), pick(someReasons)
	}
	slices.SortStableFunc(list, func(a, b conversation) int { return int(max(-1, min(1, a.arrival-b.arrival))) })
	return list
}

// brokenPANOS are records that are rejected or cannot be decoded, one per reason at least.
var brokenPANOS = []string{
	`{"event_name":`,
	`{"event_end":1685700000,"source_ip":"10.0.0.1"}`,
	`{"source_ip":"10.0.0.1","destination_ip":"10.0.0.2","source_port":1}`,
	`{"event_end":1685700000,"source_ip":"10.0.0.1","destination_ip":"10.0.0.2"}`,
	`{"event_end":1685700000,"source_ip":"10.0.0.1","destination_ip":"10.0.0.2","destination_port":65536}`,
	`{"event_end":32503680000,"source_ip":"10.0.0.1","destination_ip":"10.0.0.2","destination_port":1}`,
	`[]`,
}

// PANOS writes the traffic as parsed PAN-OS records.
func (t Traffic) PANOS() []string {
	var lines []string
	for i, c := range t.conversations() {
		name := "TRAFFIC"
		if c.threat {
			name = "THREAT"
		}
		var b strings.Builder
		fmt.Fprintf(&b, `{"event_name":%q,"event_start":%q,"event_end":%d,"source_ip":%q,"source_port":%d,"destination_ip":%q,`+
			`"destination_port":"%d","network_transport":%q,"event_action":%q,"event_reason":%q`,
			name, time.UnixMicro(c.begin).UTC().Format(time.RFC3339Nano), c.end*1000, c.src, c.sport, c.dst, c.dport,
			strings.ToUpper(c.proto), c.action, c.reason)
		if !c.threat {
			fmt.Fprintf(&b, `,"source_bytes":%d.0`, c.up)
			if c.down >= 0 {
				fmt.Fprintf(&b, `,"destination_bytes":%d`, c.down)
			}
		}
		lines = append(lines, b.String()+"}")
		if t.Broken > 0 && i%t.Broken == t.Broken/2 {
			lines = append(lines, brokenPANOS[i/t.Broken%len(brokenPANOS)])
		}
	}
	return lines
}

// brokenVPC are a window without traffic, a line that was cut, a bad address, and a time far ahead.
var brokenVPC = []string{
	"2 1 eni-1 - - - - - - - 1685700000 1685700060 - NODATA -",
	"2 1 eni-1 10.0.0.1",
	"2 1 eni-1 10.0.0.256 10.0.0.1 1 2 6 1 10 1685700000 1685700060 ACCEPT OK 2",
	"2 1 eni-1 10.0.0.2 10.0.0.1 1 2 6 1 10 32503680000 32503680000 ACCEPT OK 2",
}

// VPC writes each flow as the two halves of one window, not always next to each other; some have no mirror. A record
// in so many (Broken) has no data.
func (t Traffic) VPC() []string {
	lines := []string{"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags"}
	protocols := map[string]int{"tcp": 6, "udp": 17, "icmp": 1, "sctp": 132}
	var held []string // mirrors that come a little later
	for i, c := range t.conversations() {
		begin, end := max(c.begin, c.end-60e6)/1e6, c.end/1e6
		action, there, back := "ACCEPT", 2, 18
		if c.action == "deny" {
			action = "REJECT"
		}
		if c.proto != "tcp" || c.id%4 == 0 {
			there, back = 0, 0
		}
		if c.proto == "icmp" { // without ports only the addresses tell conversations apart: one window each
			c.proto = "udp"
		}
		half := func(src, dst string, sport, dport int, bytes, later int64, flags int) string {
			return fmt.Sprintf("2 1 eni-%d %s %s %d %d %d 1 %d %d %d %s OK %d", c.id%3, src, dst, sport, dport, protocols[c.proto],
				bytes, begin+later, end+later, action, flags)
		}
		client := half(c.src, c.dst, c.sport, c.dport, c.up, 0, there)
		server := half(c.dst, c.src, c.dport, c.sport, max(0, c.down), int64(c.id%2), back)
		lines = append(lines, held...)
		held = held[:0]
		switch {
		case c.down < 0 || action == "REJECT":
			lines = append(lines, client)
		case c.id%5 == 0:
			lines = append(lines, server)
			held = append(held, client)
		default:
			lines = append(lines, client)
			held = append(held, server)
		}
		if t.Broken > 0 && i%t.Broken == t.Broken/2 {
			lines = append(lines, brokenVPC[i/t.Broken%len(brokenVPC)])
		}
	}
	return append(lines, held...)
}
