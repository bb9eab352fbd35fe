package bench

import (
	"encoding/json"
	"net/netip"
	"time"
)

// naiveFlow and naiveRows are what a program is that leaves decoding to encoding/json and grouping to Go maps: the
// reference for the speed of the real ones. It counts less than they do.
type naiveFlow struct {
	Start     time.Time  `json:"event_start"`
	End       time.Time  `json:"event_end"`
	SourceIP  netip.Addr `json:"source_ip"`
	SPort     uint16     `json:"source_port"`
	DestIP    netip.Addr `json:"destination_ip"`
	DPort     uint16     `json:"destination_port"`
	SBytes    int64      `json:"source_bytes"`
	DBytes    int64      `json:"destination_bytes"`
	Transport string     `json:"network_transport"`
	Action    string     `json:"event_action"`
	Reason    string     `json:"event_reason"`
	Name      string     `json:"event_name"`
}

func (f *naiveFlow) read(raw []byte) error {
	*f = naiveFlow{}
	return json.Unmarshal(raw, f)
}

type naiveHost struct {
	slice int64
	host  netip.Addr
	role  uint8
}

type naivePair struct {
	naiveHost
	peer netip.Addr
	port uint16
}

type naiveCounts struct {
	sessions, allow, deny, rst, aged, zeroReply, src, dst, millis, tcp, udp int64
	minute                                                                  [15]int64
}

type naivePairCounts struct{ sessions, src, dst int64 }

type naiveRows struct {
	hosts map[naiveHost]*naiveCounts
	pairs map[naivePair]*naivePairCounts
}

func newNaiveRows() *naiveRows {
	return &naiveRows{hosts: map[naiveHost]*naiveCounts{}, pairs: map[naivePair]*naivePairCounts{}}
}

func (n *naiveRows) add(f *naiveFlow) {
	slice := f.End.Unix() / 900
	for role, ends := range [2][2]netip.Addr{{f.SourceIP, f.DestIP}, {f.DestIP, f.SourceIP}} {
		if !ends[0].IsPrivate() {
			continue
		}
		k := naiveHost{slice, ends[0], uint8(role)}
		c := n.hosts[k]
		if c == nil {
			c = new(naiveCounts)
			n.hosts[k] = c
		}
		c.add(f)
		pk := naivePair{k, ends[1], f.DPort}
		p := n.pairs[pk]
		if p == nil {
			p = new(naivePairCounts)
			n.pairs[pk] = p
		}
		p.sessions++
		p.src += f.SBytes
		p.dst += f.DBytes
	}
}

func (c *naiveCounts) add(f *naiveFlow) {
	c.sessions++
	switch f.Action {
	case "allow":
		c.allow++
	case "deny":
		c.deny++
	}
	switch {
	case f.Reason == "aged-out":
		c.aged++
	case len(f.Reason) > 7 && f.Reason[:7] == "tcp-rst":
		c.rst++
	}
	if f.DBytes == 0 {
		c.zeroReply++
	}
	c.src += f.SBytes
	c.dst += f.DBytes
	c.millis += f.End.Sub(f.Start).Milliseconds()
	switch f.Transport {
	case "tcp":
		c.tcp++
	case "udp":
		c.udp++
	}
	c.minute[f.End.Unix()%900/60]++
}
