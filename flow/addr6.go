package flow

import "bytes"

// parse6 reads an IPv6 address without allocating: groups of one to four hexadecimal digits, at most one "::", and
// perhaps an IPv4 tail. A zone is dropped.
func parse6(b []byte) (a Addr, ok bool) {
	if i := bytes.IndexByte(b, '%'); i >= 0 {
		if i == len(b)-1 {
			return Addr{}, false
		}
		b = b[:i]
	}
	var groups [8]uint16
	n, gap := 0, -1 // groups read, and how many of them stand before "::"
	if bytes.HasPrefix(b, []byte("::")) {
		b, gap = b[2:], 0
	}
	for len(b) > 0 {
		end := bytes.IndexByte(b, ':')
		if end < 0 {
			end = len(b)
		}
		if v, ok := parseHex(b[:end]); ok && n < 8 {
			groups[n] = v
			n++
		} else if v4, ok := parse4(b); ok && n < 7 {
			groups[n], groups[n+1] = uint16(v4>>16), uint16(v4)
			n, end = n+2, len(b)
		} else {
			return Addr{}, false
		}
		if b = b[end:]; len(b) == 0 {
			break
		}
		switch b = b[1:]; {
		case len(b) == 0:
			return Addr{}, false // a single colon at the end
		case b[0] == ':' && gap >= 0:
			return Addr{}, false
		case b[0] == ':':
			b, gap = b[1:], n
		}
	}
	return joinGroups(&groups, n, gap)
}

// joinGroups makes the address of n groups, with zeros in the gap; gap is -1 if there is none.
func joinGroups(groups *[8]uint16, n, gap int) (a Addr, ok bool) {
	if gap < 0 && n != 8 || gap >= 0 && n > 7 {
		return Addr{}, false
	}
	if gap >= 0 {
		tail := n - gap
		copy(groups[8-tail:], groups[gap:n])
		clear(groups[gap : 8-tail])
	}
	for i, g := range groups {
		if i < 4 {
			a.Hi = a.Hi<<16 | uint64(g)
		} else {
			a.Lo = a.Lo<<16 | uint64(g)
		}
	}
	return a, true
}
