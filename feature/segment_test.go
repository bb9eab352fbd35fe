package feature

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func TestNetworks(t *testing.T) {
	n, err := NewNetworks(DefaultInternalNetworks())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"9.255.255.255": false, "10.0.0.0": true, "10.255.255.255": true, "11.0.0.0": false,
		"100.63.255.255": false, "100.64.0.0": true, "100.127.255.255": true, "100.128.0.0": false,
		"172.15.255.255": false, "172.16.0.0": true, "172.31.255.255": true, "172.32.0.0": false,
		"192.167.255.255": false, "192.168.0.1": true, "192.169.0.0": false, "255.255.255.255": false, "0.0.0.0": false,
		"::": false, "::1": false, "fbff::": false, "fc00::": true, "fdff:ffff::1": true, "fe00::": false, "fe80::1": false,
		"::ffff:10.1.2.3": true, "::10.1.2.3": false, "2001:db8::1": false,
	} {
		if a := addrs(text)[0]; n.Contains(a) != want {
			t.Errorf("%s is internal: got %t, want %t", text, !want, want)
		}
	}
	if _, err := NewNetworks([]string{"10.0.0.0/33", "x", "10.0.0.0/8"}); err == nil || strings.Count(err.Error(), "parse CIDR") != 2 {
		t.Errorf("got error %v, want two faults", err)
	}
	none, err := NewNetworks(nil)
	if err != nil || none.Contains(Addr{}) || none.Contains(addrs("10.0.0.1")[0]) {
		t.Errorf("the empty set contains something (%v)", err)
	}
	all, err := NewNetworks([]string{"0.0.0.0/0", "::/0"})
	if err != nil || !all.Contains(addrs("255.255.255.255")[0]) || !all.Contains(Addr{^uint64(0), ^uint64(0)}) {
		t.Errorf("the set of everything lacks something (%v)", err)
	}
}

// The longest prefix is found like by looking at every prefix, with nested, touching and equal ranges.
func TestPrefixTableAgainstScan(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		random := func(six bool) netip.Addr { // few bits are free, at the start and at the end, so that ranges nest
			var b [16]byte
			binary.BigEndian.PutUint64(b[:], rnd.Uint64()&0x8000_0000_0000_0003)
			binary.BigEndian.PutUint64(b[8:], rnd.Uint64()&0xc000_0000_0000_0003)
			if rnd.IntN(9) == 0 {
				for i := range b {
					b[i] = 0xff
				}
			}
			if six {
				return netip.AddrFrom16(b)
			}
			return netip.AddrFrom4([4]byte{b[0], b[15] & 1, b[15] & 2, b[15]})
		}
		var entries []prefixEntry
		for i := range rnd.IntN(12) {
			a := random(rnd.IntN(2) == 0)
			p := netip.PrefixFrom(a, rnd.IntN(a.BitLen()+1)).Masked()
			entries = append(entries, prefixEntry{p, int32(i)})
		}
		table := newPrefixTable(entries)
		for range 200 {
			a := random(rnd.IntN(2) == 0)
			want, bits := noPrefix, -1
			for _, e := range entries {
				if e.prefix.Contains(a) && e.prefix.Bits() >= bits {
					want, bits = e.value, e.prefix.Bits()
				}
			}
			if got := table.find(AddrFrom(a)); got != want {
				t.Fatalf("round %d: %s in %v: got %d, want %d", round, a, entries, got, want)
			}
		}
	}
}

func TestSegments(t *testing.T) {
	s, err := NewSegments([]SegmentEntry{{"10.1.0.0/16", "hq"}, {"10.1.2.0/25", "dmz"}, {"10.1.2.16/28", "hq"},
		{"2001:db8::/48", "lab"}, {"198.51.100.0/28", "10.9.9.0/24"}, {"::ffff:172.16.0.0/112", "mapped"}}, 24, 64)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"10.1.2.3": "dmz", "10.1.2.16": "hq", "10.1.2.31": "hq", "10.1.2.32": "dmz", "10.1.2.128": "hq", "10.2.0.1": "10.2.0.0/24",
		"10.0.255.255": "10.0.255.0/24", "2001:db8:0:5::1": "lab", "2001:db8:1::1": "2001:db8:1::/64", "198.51.100.1": "10.9.9.0/24",
		"198.51.100.16": "198.51.100.0/24", "10.9.9.3": "10.9.9.0/24", "172.16.5.5": "mapped", "::": "::/64", "::ffff:10.1.2.3": "dmz",
		"fe80::1%eth0": "fe80::/64", "255.255.255.255": "255.255.255.0/24",
	} {
		if got := s.Of(netip.MustParseAddr(text)); got != want {
			t.Errorf("segment of %s: got %s, want %s", text, got, want)
		}
	}
	if got := s.Of(netip.Addr{}); got != SegmentUnknown {
		t.Errorf("segment of no address: got %s, want %s", got, SegmentUnknown)
	}
	// A default network and an entry of the same text are one segment.
	if a, b := s.Key(addrs("10.9.9.3")[0]), s.Key(addrs("198.51.100.1")[0]); a != b {
		t.Errorf("two keys of one segment: %v and %v", a, b)
	}
}

func TestSegmentsOtherLengths(t *testing.T) {
	for _, c := range []struct {
		bits4, bits6 int
		addr, want   string
	}{{0, 0, "10.1.2.3", "0.0.0.0/0"}, {32, 128, "10.1.2.3", "10.1.2.3/32"}, {16, 48, "2001:db8:1:2::3", "2001:db8:1::/48"},
		{16, 0, "2001:db8::", "::/0"}, {16, 128, "2001:db8::3", "2001:db8::3/128"}} {
		s, err := NewSegments(nil, c.bits4, c.bits6)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Of(netip.MustParseAddr(c.addr)); got != c.want {
			t.Errorf("segment of %s by /%d, /%d: got %s, want %s", c.addr, c.bits4, c.bits6, got, c.want)
		}
	}
}

func TestNewSegmentsNamesEveryFault(t *testing.T) {
	_, err := NewSegments([]SegmentEntry{{"10.0.0.0/8", "a"}, {"10.5.0.0/8", "b"}, {"x", "c"}, {"11.0.0.0/8", ""}}, 33, -1)
	if err == nil {
		t.Fatal("a faulty table was taken")
	}
	for _, want := range []string{"length 33", "length -1", `10.0.0.0/8 is both "a" and "b"`, `"x"`, "11.0.0.0/8 has no id"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}

func TestHighRisk(t *testing.T) {
	s, err := NewSegments([]SegmentEntry{{"10.1.0.0/16", "hq"}, {"10.2.0.0/16", "10.3.0.0/24"}, {"10.4.0.0/16", "lab"}}, 24, 64)
	if err != nil {
		t.Fatal(err)
	}
	h := NewHighRisk(s, []string{"hq", "10.3.0.0/24", "203.0.113.0/28", "lab", "8.8.8.0/24", "nowhere"}, []string{"10.1.7.0/24", "lab"})
	for text, want := range map[string]bool{
		"10.1.2.3":     true,  // the id
		"10.1.7.1":     false, // an allowed network in a denied segment
		"10.2.0.9":     true,  // an id that looks like a network
		"10.3.0.9":     true,  // and the network of that text
		"10.4.0.1":     false, // denied and allowed
		"203.0.113.5":  true,  // a network smaller than the segment
		"203.0.113.77": false,
		"8.8.8.8":      true, // a default segment
		"2001:db8::1":  false,
	} {
		a := addrs(text)[0]
		if got := h.Match(a, s.Key(a)); got != want {
			t.Errorf("%s is high risk: got %t, want %t", text, got, want)
		}
	}
}

// Segments are counted like by a set of their ids, whatever entries lie in the middle of default networks.
func TestSegmentCount(t *testing.T) {
	s, err := NewSegments([]SegmentEntry{{"10.0.0.64/27", "a"}, {"10.0.0.128/28", "b"}, {"10.0.7.0/28", "a"}, {"10.0.9.0/25", "10.0.1.0/24"}}, 24, 64)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	c := newSegmentCount(s)
	for range 200 {
		var want [numWindows]int64
		ids := [numWindows]map[string]bool{}
		for a := uint64(0); a < 12<<8; a += 1 + rnd.Uint64N(90) {
			addr, shortest := Addr{0, mapped4 | 10<<24 | a}, rnd.IntN(numWindows)
			c.add(s.Key(addr), shortest)
			for w := shortest; w < numWindows; w++ {
				if ids[w] == nil {
					ids[w] = map[string]bool{}
				}
				ids[w][s.ID(s.Key(addr))] = true
			}
		}
		for w := range ids {
			want[w] = int64(len(ids[w]))
		}
		if got := c.end(); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func BenchmarkNetworksContains(b *testing.B) {
	n, err := NewNetworks(DefaultInternalNetworks())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	a, inside := Addr{0, mapped4}, 0
	for b.Loop() {
		a.Lo = mapped4 | (a.Lo+0x9e3779b9)&0xffffffff
		if n.Contains(a) {
			inside++
		}
	}
}
