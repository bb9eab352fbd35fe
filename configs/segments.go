package configs

import "net/netip"

// Segments is the table of network segments.
type Segments struct {
	Table                    []SegmentEntry
	DefaultIPv4, DefaultIPv6 int // prefix lengths
	HighRisk                 HighRisk
}

// SegmentEntry gives a network the id of its segment.
type SegmentEntry struct {
	CIDR netip.Prefix
	ID   string
}

// HighRisk lists segment ids and networks; Allow wins.
type HighRisk struct{ Deny, Allow []string }

func (c *Segments) fields() []field {
	return []field{
		leaf("table", "[]", records[SegmentEntry]{&c.Table, (*SegmentEntry).fields},
			"Named segments, the longest matching network wins."),
		leaf("default_ipv4", "24", one[int]{&c.DefaultIPv4, whole[int](1, 32)},
			"Length in bits of the network that is the segment of any other IPv4 address."),
		leaf("default_ipv6", "64", one[int]{&c.DefaultIPv6, whole[int](1, 128)},
			"Length in bits of the network that is the segment of any other IPv6 address."),
		section("high_risk", []field{
			leaf("deny", "[]", many[string]{to: &c.HighRisk.Deny, of: matching(`.+`, "a segment id or a network")},
				"Segment ids or networks whose contacts are counted as high-risk."),
			leaf("allow", "[]", many[string]{to: &c.HighRisk.Allow, of: matching(`.+`, "a segment id or a network")},
				"Exceptions to deny, which win."),
		}, "Peers that are counted apart."),
	}
}

func (c *SegmentEntry) fields() []field {
	return []field{
		need(leaf("cidr", "", one[netip.Prefix]{&c.CIDR, cidr()}, "Network.")),
		need(leaf("id", "", one[string]{&c.ID, matching(`.+`, "an id")}, "Id of its segment.")),
	}
}
