package synth

import "ndr/flow"

// The networks of the company. Each has an IPv4 and an IPv6 form; which one a flow has is up to its workstation.
//
//	workstations  10.1.0.0 - 10.199.255.255  fd00:0:1::/64   one in 16 speaks IPv6
//	servers       10.200.0.0/24              fd00:0:c8::/64
//	dmz           10.210.0.0/24              fd00:0:d2::/64
//	printers      10.220.0.0/24              fd00:0:dc::/64
//
// The internet is 203.0.113.0/24, 198.51.100.0/24 (popular), 11.0.0.0/8 (the rest), 2001:db8::/32, and
// 192.0.2.0/24, which only attacks know.
const (
	netWorkstations = 1
	netServers      = 200
	netDMZ          = 210
	netPrinters     = 220

	hostsPerBlock = 250 // workstations in a /24
	ulaPrefix     = 0xfd00 << 48
)

// server is a host of the server network, or the web server of the DMZ.
type server uint8

const (
	dc1 server = iota // domain controllers: directory, Kerberos, resolver
	dc2
	file1
	file2
	intranet
	db1
	db2
	mail
	clock // NTP
	proxy
	backup
	monitor
	scanner
	dmzWeb
	serverCount
)

func (s server) addr(v6 bool) flow.Addr {
	if s == dmzWeb {
		return internal(netDMZ, 10, v6)
	}
	return internal(netServers, 10+uint8(s), v6)
}

func v4(a, b, c, d uint8) flow.Addr {
	return flow.Addr{Lo: 0xffff<<32 | uint64(a)<<24 | uint64(b)<<16 | uint64(c)<<8 | uint64(d)}
}

func isV6(a flow.Addr) bool { return a.Hi != 0 }

func internal(net, n uint8, v6 bool) flow.Addr {
	if v6 {
		return flow.Addr{Hi: ulaPrefix | uint64(net)<<16, Lo: uint64(n)}
	}
	return v4(10, net, 0, n)
}

// workstation is the address of a workstation by its number.
func workstation(i int) flow.Addr {
	if i%16 == 7 {
		return flow.Addr{Hi: ulaPrefix | netWorkstations<<16, Lo: uint64(i) + 1}
	}
	block := i / hostsPerBlock
	return v4(10, uint8(netWorkstations+block>>8), uint8(block), uint8(1+i%hostsPerBlock))
}

// workstationOf is the inverse of workstation.
func workstationOf(a flow.Addr) (i int, ok bool) {
	if isV6(a) {
		return int(a.Lo) - 1, a.Hi == ulaPrefix|netWorkstations<<16
	}
	if zoneOf(a) != zoneUsers {
		return 0, false
	}
	block := int(uint8(a.Lo>>16)-netWorkstations)<<8 | int(uint8(a.Lo>>8))
	return block*hostsPerBlock + int(uint8(a.Lo)) - 1, true
}

// zone is where an address lies, seen from the firewall.
type zone uint8

const (
	zoneInternet zone = iota
	zoneUsers
	zoneServers
	zoneDMZ
	zonePrinters
)

var zoneNames = [...][]byte{[]byte("internet"), []byte("users"), []byte("servers"), []byte("dmz"), []byte("printers")}

func zoneOf(a flow.Addr) zone {
	net := uint8(a.Lo >> 16)
	switch {
	case isV6(a) && a.Hi>>48 == 0xfd00:
		net = uint8(a.Hi >> 16)
	case isV6(a) || uint8(a.Lo>>24) != 10:
		return zoneInternet
	}
	switch net {
	case netServers:
		return zoneServers
	case netDMZ:
		return zoneDMZ
	case netPrinters:
		return zonePrinters
	}
	return zoneUsers
}

// printers is how many printers the company has.
func (g *Generator) printers() int { return min(1+g.cfg.Hosts/40, 250) }

func (g *Generator) hash(i int) uint64 { return mix(g.cfg.Seed ^ mix(uint64(i))) }

// popularPeers is how many peers on the internet have a rank; beyond them is the long tail.
const popularPeers = 3000

// peer is an address on the internet by its rank.
func peer(rank uint64, v6 bool) flow.Addr {
	h := mix(rank)
	switch {
	case v6:
		return flow.Addr{Hi: 0x20010db8<<32 | rank&0xffff<<16, Lo: h&0xffff | 1}
	case rank < 250:
		return v4(203, 0, 113, uint8(rank)+1)
	case rank < 500:
		return v4(198, 51, 100, uint8(rank-250)+1)
	}
	return v4(11, uint8(h), uint8(h>>8), uint8(h>>16))
}

// hostile is an address on the internet that benign traffic never goes to.
func hostile(n uint64) flow.Addr { return v4(192, 0, 2, uint8(1+n%254)) }

// peerOf draws a peer that a workstation talks to: mostly what everybody visits, often one of its own twelve
// favourites, seldom one that it will hardly see again.
func (a *actor) peerOf(i int, v6 bool) flow.Addr {
	switch p := a.rng.IntN(100); {
	case p < 68:
		return peer(a.zipf.Uint64(), v6)
	case p < 98:
		return peer(popularPeers+mix(a.g.hash(i)+a.rng.Uint64N(12))%20000, v6)
	}
	return peer(popularPeers+20000+a.rng.Uint64N(1<<15), v6)
}
