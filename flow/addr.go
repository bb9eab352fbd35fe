package flow

import (
	"encoding/binary"
	"net/netip"
)

// Addr is an IP address as its 16 bytes in two big-endian words, IPv4 as ::ffff:a.b.c.d, so that decoders write
// it without an allocation and aggregation hashes it without a conversion.
type Addr struct{ Hi, Lo uint64 }

// Netip returns the address with IPv4-mapped addresses unmapped.
func (a Addr) Netip() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return netip.AddrFrom16(b).Unmap()
}

// String writes the address as RFC 5952 asks, IPv4-mapped addresses as IPv4.
func (a Addr) String() string { return a.Netip().String() }

// ParseAddr reads an IPv4 or IPv6 address in text form, without allocation. A zone is dropped. It reports false for
// anything else, leading zeros in a dotted quad included.
func ParseAddr(b []byte) (Addr, bool) {
	if v, ok := parse4(b); ok {
		return Addr{0, 0xffff<<32 | uint64(v)}, true
	}
	return parse6(b)
}

func parse4(b []byte) (v uint32, ok bool) {
	if len(b) < 7 || len(b) > 15 {
		return 0, false
	}
	octet, digits, dots := uint32(0), 0, 0
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			if digits > 0 && octet == 0 {
				return 0, false
			}
			octet = octet*10 + uint32(c-'0')
			if digits++; octet > 255 {
				return 0, false
			}
		case c == '.' && digits > 0 && dots < 3:
			v, octet, digits = v<<8|octet, 0, 0
			dots++
		default:
			return 0, false
		}
	}
	return v<<8 | octet, dots == 3 && digits > 0
}
