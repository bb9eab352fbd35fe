package feature

// HighRisk tells which peers lie in a high-risk segment. An entry of its lists is a segment id or a CIDR; what is
// both counts as both. An allow entry wins over any deny entry. It is read-only after NewHighRisk.
type HighRisk struct {
	deny, allow riskList
}

// riskList is one list: which ids of the segment table it names, and its networks. An id of a default segment is
// the CIDR of exactly its addresses, so networks cover it.
type riskList struct {
	entry    []bool // by 1 + index of the id in the segment table; entry 0 is unused
	networks *prefixTable
	empty    bool
}

// NewHighRisk makes the lists for the segments by whose keys Match is asked.
func NewHighRisk(s *Segments, deny, allow []string) *HighRisk {
	return &HighRisk{deny: newRiskList(s, deny), allow: newRiskList(s, allow)}
}

func newRiskList(s *Segments, list []string) riskList {
	l := riskList{entry: make([]bool, 1+s.entries()), empty: len(list) == 0}
	var networks []prefixEntry
	for _, text := range list {
		for i, id := range s.ids {
			if id == text {
				l.entry[1+i] = true
			}
		}
		if p, err := parsePrefix(text); err == nil {
			networks = append(networks, prefixEntry{p, 0})
		}
	}
	l.networks = newPrefixTable(networks)
	return l
}

// Match reports whether the peer, whose segment has the key, is in a high-risk segment.
func (h *HighRisk) Match(peer Addr, k SegmentKey) bool {
	return h.deny.match(peer, k) && !h.allow.match(peer, k)
}

func (l *riskList) match(peer Addr, k SegmentKey) bool {
	if l.empty {
		return false
	}
	return l.entry[k.entry] || l.networks.find(peer) != noPrefix
}
