package feature

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Addr is an IP address as its 16 bytes in two big-endian words. IPv4 is kept as ::ffff:a.b.c.d, so an
// IPv4-mapped IPv6 address and its IPv4 form are the same value. The zero Addr is "::".
type Addr struct{ Hi, Lo uint64 }

const mapped4 = 0xffff << 32

// AddrFrom converts a netip.Addr, dropping its zone. The result of an invalid address is "::".
func AddrFrom(a netip.Addr) Addr {
	if !a.IsValid() {
		return Addr{}
	}
	b := a.As16()
	return Addr{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// ParseAddr reads an address in text form; a zone is dropped.
func ParseAddr(s string) (Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return Addr{}, err
	}
	return AddrFrom(a), nil
}

// Is4 reports whether the address is IPv4 (or IPv4-mapped IPv6).
func (a Addr) Is4() bool { return a.Hi == 0 && a.Lo>>32 == 0xffff }

// As16 returns the 16 bytes of the address.
func (a Addr) As16() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return b
}

// Netip returns the address with IPv4-mapped addresses unmapped.
func (a Addr) Netip() netip.Addr { return netip.AddrFrom16(a.As16()).Unmap() }

// String writes the address as RFC 5952 asks, IPv4-mapped addresses as IPv4.
func (a Addr) String() string { return a.Netip().String() }

// Compare orders addresses as the published tables do: IPv4 before IPv6, then by value.
func (a Addr) Compare(b Addr) int {
	a4, b4 := a.Is4(), b.Is4()
	switch {
	case a4 != b4 && a4:
		return -1
	case a4 != b4:
		return 1
	case a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// AppendSorted appends a prefix-free encoding whose byte order is Compare's: 4 and the four bytes of an IPv4
// address, or 6 and the sixteen bytes of an IPv6 address.
func (a Addr) AppendSorted(dst []byte) []byte {
	if a.Is4() {
		return binary.BigEndian.AppendUint32(append(dst, 4), uint32(a.Lo))
	}
	dst = binary.BigEndian.AppendUint64(append(dst, 6), a.Hi)
	return binary.BigEndian.AppendUint64(dst, a.Lo)
}

var errSortedAddr = errors.New("decode address: cut short or unknown family")

// ReadSorted reads what AppendSorted wrote and returns the rest of b.
func ReadSorted(b []byte) (Addr, []byte, error) {
	switch {
	case len(b) >= 5 && b[0] == 4:
		return Addr{0, mapped4 | uint64(binary.BigEndian.Uint32(b[1:]))}, b[5:], nil
	case len(b) >= 17 && b[0] == 6:
		return Addr{binary.BigEndian.Uint64(b[1:]), binary.BigEndian.Uint64(b[9:])}, b[17:], nil
	}
	return Addr{}, nil, errSortedAddr
}
