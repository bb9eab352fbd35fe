package feature

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// prefixTable finds the value of the longest prefix that contains an address. The prefixes are laid out as ranges
// that do not overlap, one list per address family, so a look-up is one binary search.
type prefixTable struct {
	starts4 []uint64 // Lo words
	values4 []int32
	starts6 []Addr
	values6 []int32
}

// noPrefix is the value of an address that no prefix contains.
const noPrefix int32 = -1

type prefixEntry struct {
	prefix netip.Prefix
	value  int32 // >= 0
}

// parsePrefix reads a CIDR, clears its host bits and turns an IPv4-mapped prefix into its IPv4 form.
func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("parse CIDR %q: %w", s, err)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// newPrefixTable makes the table. Of equal prefixes the last one counts.
func newPrefixTable(entries []prefixEntry) *prefixTable {
	var of4, of6 []prefixRange
	for _, e := range entries {
		if e.prefix.Addr().Is4() {
			of4 = append(of4, rangeOf(e))
		} else {
			of6 = append(of6, rangeOf(e))
		}
	}
	t := new(prefixTable)
	starts, values := flatten(of4, AddrFrom(netip.IPv4Unspecified()))
	for _, s := range starts {
		t.starts4 = append(t.starts4, s.Lo)
	}
	t.values4 = values
	t.starts6, t.values6 = flatten(of6, Addr{})
	return t
}

// find returns the value of the longest prefix that contains a, or noPrefix.
func (t *prefixTable) find(a Addr) int32 {
	if a.Is4() {
		lo, hi := 0, len(t.starts4)
		for lo+1 < hi {
			if m := int(uint(lo+hi) >> 1); t.starts4[m] <= a.Lo {
				lo = m
			} else {
				hi = m
			}
		}
		return t.values4[lo]
	}
	lo, hi := 0, len(t.starts6)
	for lo+1 < hi {
		if m := int(uint(lo+hi) >> 1); !a.below(t.starts6[m]) {
			lo = m
		} else {
			hi = m
		}
	}
	return t.values6[lo]
}

type prefixRange struct {
	first, last Addr
	bits        int
	value       int32
}

func rangeOf(e prefixEntry) prefixRange {
	first, bits := AddrFrom(e.prefix.Addr()), e.prefix.Bits()
	if e.prefix.Addr().Is4() {
		bits += 96
	}
	m := maskOf(bits)
	return prefixRange{first, Addr{first.Hi | ^m.Hi, first.Lo | ^m.Lo}, bits, e.value}
}

// maskOf has the first bits of 128 set.
func maskOf(bits int) Addr {
	if bits <= 64 {
		return Addr{^uint64(0) << (64 - bits), 0}
	}
	return Addr{^uint64(0), ^uint64(0) << (128 - bits)}
}

func (a Addr) mask(m Addr) Addr { return Addr{a.Hi & m.Hi, a.Lo & m.Lo} }

// below orders the addresses of one family.
func (a Addr) below(b Addr) bool { return a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo }

// next is the address after a, and whether there is one. Behind the last IPv4 address it is one that is not IPv4,
// which no look-up of that family reaches.
func (a Addr) next() (Addr, bool) {
	n := Addr{a.Hi, a.Lo + 1}
	if n.Lo == 0 {
		n.Hi++
	}
	return n, n != Addr{}
}

// flatten cuts nested ranges into the starts of consecutive ones, from the family's first address on, each with
// the value of the innermost range there.
func flatten(in []prefixRange, first Addr) (starts []Addr, values []int32) {
	slices.SortStableFunc(in, func(a, b prefixRange) int {
		switch {
		case a.first.below(b.first):
			return -1
		case b.first.below(a.first):
			return 1
		}
		return cmp.Compare(a.bits, b.bits)
	})
	emit := func(start Addr, value int32) {
		if n := len(starts); n > 0 && starts[n-1] == start {
			values[n-1] = value
			return
		}
		starts, values = append(starts, start), append(values, value)
	}
	var open []prefixRange
	leave := func() {
		last := open[len(open)-1].last
		open = open[:len(open)-1]
		if after, ok := last.next(); ok && len(open) > 0 {
			emit(after, open[len(open)-1].value)
		} else if ok {
			emit(after, noPrefix)
		}
	}
	emit(first, noPrefix)
	for _, r := range in {
		for len(open) > 0 && open[len(open)-1].last.below(r.first) {
			leave()
		}
		emit(r.first, r.value)
		open = append(open, r)
	}
	for len(open) > 0 {
		leave()
	}
	return starts, values
}
