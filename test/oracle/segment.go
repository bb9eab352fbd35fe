package oracle

import "net/netip"

// segment is the id of the longest matching entry of the table, else the address's /24 or /64.
func (o *Options) segment(a netip.Addr) string {
	id, longest := "", -1
	for _, s := range o.Segments {
		if s.Prefix.Contains(a) && s.Prefix.Bits() > longest {
			id, longest = s.ID, s.Prefix.Bits()
		}
	}
	if longest >= 0 {
		return id
	}
	bits := 64
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "SEG_UNKNOWN"
	}
	return p.String()
}

// risky reports whether a peer is in a denied segment and in no allowed one.
func (o *Options) risky(peer netip.Addr) bool {
	return o.listed(peer, o.HighRiskDeny) && !o.listed(peer, o.HighRiskAllow)
}

func (o *Options) listed(peer netip.Addr, entries []string) bool {
	for _, e := range entries {
		if e == o.segment(peer) {
			return true
		}
		if p, err := netip.ParsePrefix(e); err == nil && p.Contains(peer) {
			return true
		}
	}
	return false
}
