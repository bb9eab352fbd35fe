package flow

// IP protocol numbers that the features tell apart.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// TransportOf is the transport of an IP protocol number.
func TransportOf(proto uint8) Transport {
	switch proto {
	case protoTCP:
		return TCP
	case protoUDP:
		return UDP
	case protoICMP, protoICMPv6:
		return ICMP
	}
	return TransportOther
}

// ParseProtocol reads an IP protocol by name, in any case, or by number. The number is 0 for a name that is not
// known, which is TransportOther, and for "icmp" it is 1: the caller knows whether the addresses are IPv6. It
// reports false for a number above 255 only.
func ParseProtocol(b []byte) (Transport, uint8, bool) {
	if b = unquote(b); len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
		v, ok := ParseUint(b)
		if !ok || v > 255 {
			return TransportOther, 0, false
		}
		return TransportOf(uint8(v)), uint8(v), true
	}
	proto := protocolNumber(b)
	return TransportOf(proto), proto, true
}

// protocolNumber knows the names that the formats here use for IP protocols.
func protocolNumber(name []byte) uint8 {
	var buf [16]byte
	if len(name) > len(buf) {
		return 0
	}
	n := 0
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[n] = c
		n++
	}
	switch string(buf[:n]) {
	case "tcp":
		return protoTCP
	case "udp":
		return protoUDP
	case "icmp":
		return protoICMP
	case "icmp6", "icmpv6", "ipv6-icmp", "icmp-v6":
		return protoICMPv6
	case "igmp":
		return 2
	case "gre":
		return 47
	case "esp", "ipsec-esp":
		return 50
	case "ah":
		return 51
	case "ospf", "ospfigp":
		return 89
	case "sctp":
		return 132
	case "udplite":
		return 136
	}
	return 0
}

// is4 reports whether the address is IPv4 (or IPv4-mapped).
func (a Addr) is4() bool { return a.Hi == 0 && a.Lo>>32 == 0xffff }

// less orders addresses by their 16 bytes.
func (a Addr) less(b Addr) bool { return a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo }
