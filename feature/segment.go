package feature

import (
	"errors"
	"fmt"
	"net/netip"
)

// SegmentUnknown is the segment id of what has no valid address.
const SegmentUnknown = "SEG_UNKNOWN"

// Default prefix lengths of the segments of addresses that the table does not name.
const (
	DefaultSegmentBits4 = 24
	DefaultSegmentBits6 = 64
)

// SegmentEntry gives a network the id of its segment. Several networks may have the same id.
type SegmentEntry struct{ CIDR, ID string }

// Segments tells the segment of an address: the id of the longest matching entry, else the address's network of
// the default length. It is read-only after NewSegments.
type Segments struct {
	table        *prefixTable // values index ids
	ids          []string
	bits4, bits6 int
	mask4, mask6 Addr
	named        map[Addr]int32 // default networks whose text is also an id of the table
}

// SegmentKey stands for a segment id: two addresses have the same key exactly if their ids are the same text.
type SegmentKey struct {
	entry int32 // 1 + index of the id in the table, 0 for a default network
	net   Addr  // first address of the default network
}

// NewSegments makes the table; bits4 and bits6 are the lengths of default networks. The error names every fault.
func NewSegments(table []SegmentEntry, bits4, bits6 int) (*Segments, error) {
	var faults []error
	if bits4 < 0 || bits4 > 32 {
		faults = append(faults, fmt.Errorf("make segments: default IPv4 length %d is not within 0..32", bits4))
	}
	if bits6 < 0 || bits6 > 128 {
		faults = append(faults, fmt.Errorf("make segments: default IPv6 length %d is not within 0..128", bits6))
	}
	s := &Segments{bits4: bits4, bits6: bits6, named: map[Addr]int32{}}
	index := map[string]int32{}
	seen := map[netip.Prefix]string{}
	var entries []prefixEntry
	for _, e := range table {
		p, err := parsePrefix(e.CIDR)
		switch other, twice := seen[p]; {
		case err != nil:
			faults = append(faults, fmt.Errorf("make segments: %w", err))
		case e.ID == "":
			faults = append(faults, fmt.Errorf("make segments: entry %s has no id", e.CIDR))
		case twice && other != e.ID:
			faults = append(faults, fmt.Errorf("make segments: network %s is both %q and %q", p, other, e.ID))
		default:
			seen[p] = e.ID
			if _, ok := index[e.ID]; !ok {
				index[e.ID] = int32(len(s.ids))
				s.ids = append(s.ids, e.ID)
			}
			entries = append(entries, prefixEntry{p, index[e.ID]})
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	s.table = newPrefixTable(entries)
	s.mask4, s.mask6 = maskOf(96+bits4), maskOf(bits6)
	s.nameNetworks()
	return s, nil
}

// nameNetworks finds the ids that are the text of a default network.
func (s *Segments) nameNetworks() {
	for i, id := range s.ids {
		p, err := netip.ParsePrefix(id)
		if err != nil {
			continue
		}
		a := AddrFrom(p.Addr())
		key := SegmentKey{net: a.mask(s.maskFor(a))}
		if s.ID(key) == id {
			s.named[key.net] = int32(i)
		}
	}
}

func (s *Segments) maskFor(a Addr) Addr {
	if a.Is4() {
		return s.mask4
	}
	return s.mask6
}

// Key returns the key of the address's segment.
func (s *Segments) Key(a Addr) SegmentKey {
	if i := s.table.find(a); i != noPrefix {
		return SegmentKey{entry: i + 1}
	}
	net := a.mask(s.maskFor(a))
	if len(s.named) > 0 {
		if i, ok := s.named[net]; ok {
			return SegmentKey{entry: i + 1}
		}
	}
	return SegmentKey{net: net}
}

// ID returns the segment id of a key: the id of the table, or the network as CIDR text.
func (s *Segments) ID(k SegmentKey) string {
	if k.entry > 0 {
		return s.ids[k.entry-1]
	}
	bits := s.bits6
	if k.net.Is4() {
		bits = s.bits4
	}
	return netip.PrefixFrom(k.net.Netip(), bits).String()
}

// Of returns the segment id of an address, SegmentUnknown if it is not valid.
func (s *Segments) Of(a netip.Addr) string {
	if !a.IsValid() {
		return SegmentUnknown
	}
	return s.ID(s.Key(AddrFrom(a)))
}

// entries is the number of different ids of the table.
func (s *Segments) entries() int { return len(s.ids) }
