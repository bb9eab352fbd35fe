package stream

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ndr/feature"
)

var equateEmpty = cmpopts.EquateEmpty()

// wholePair names a pair by everything that tells it from others.
type wholePair struct {
	hostKey
	peer feature.Addr
	port uint16
}

// addWhole adds a pair and, if it is new, its host row.
func addWhole(t *rowTable, k wholePair, f *feature.Flow, keep bool, kept feature.KeptFlow) {
	t.add(pairKey{k.peer, t.host(k.hostKey), k.port}, f, keep, kept)
}

// plainRows is rowTable with Go's maps: slow and clear.
type plainRows struct {
	k     int
	hosts map[hostKey]*feature.HostCounters
	pairs map[wholePair]*feature.PairCounters
}

func newPlainRows(k int) *plainRows {
	return &plainRows{k: k, hosts: make(map[hostKey]*feature.HostCounters), pairs: make(map[wholePair]*feature.PairCounters)}
}

func (p *plainRows) counters(k hostKey) *feature.HostCounters {
	if p.hosts[k] == nil {
		p.hosts[k] = new(feature.HostCounters)
	}
	return p.hosts[k]
}

func (p *plainRows) add(k wholePair, f *feature.Flow, keep bool, kept feature.KeptFlow) {
	c := p.pairs[k]
	if c == nil {
		c = new(feature.PairCounters)
		p.pairs[k] = c
	}
	c.Sessions++
	c.BytesSrc += f.SrcBytes
	c.BytesDst += f.DstBytes
	c.Res = max(c.Res, f.Res)
	if keep {
		c.Kept = append(c.Kept, kept)
		slices.SortFunc(c.Kept, feature.KeptFlow.Compare)
		c.Kept = c.Kept[:min(len(c.Kept), p.k)]
	}
}

func (p *plainRows) sections(shards int) []feature.Section {
	out := make([]feature.Section, shards)
	for k, c := range p.hosts {
		s := &out[feature.ShardOf(k.host, shards)]
		s.Hosts = append(s.Hosts, feature.HostRow{Slice: k.slice, Host: k.host, Role: k.role, Counters: *c})
	}
	for k, c := range p.pairs {
		s := &out[feature.ShardOf(k.host, shards)]
		s.Pairs = append(s.Pairs, feature.PairRow{Slice: k.slice, Host: k.host, Role: k.role, Peer: k.peer, Port: k.port, Counters: *c})
	}
	for i := range out {
		slices.SortFunc(out[i].Hosts, func(a, b feature.HostRow) int {
			return cmp.Or(cmp.Compare(a.Slice, b.Slice), a.Host.Compare(b.Host), cmp.Compare(a.Role, b.Role))
		})
		slices.SortFunc(out[i].Pairs, func(a, b feature.PairRow) int {
			return cmp.Or(cmp.Compare(a.Slice, b.Slice), a.Host.Compare(b.Host), cmp.Compare(a.Role, b.Role), a.Peer.Compare(b.Peer),
				cmp.Compare(a.Port, b.Port))
		})
	}
	return out
}

// fillRows adds the same random flows to both.
func fillRows(rnd *rand.Rand, flows int, t *rowTable, p *plainRows) {
	addrs := make([]feature.Addr, 40)
	for i := range addrs {
		addrs[i] = feature.Addr{Lo: 0xffff<<32 | uint64(0x0a000000+i)}
		if i%3 == 0 {
			addrs[i] = feature.Addr{Hi: 0xfc00 << 48, Lo: uint64(i)}
		}
	}
	for range flows {
		k := hostKey{feature.Slice(rnd.IntN(3) - 1), addrs[rnd.IntN(len(addrs))], feature.Role(rnd.IntN(2))}
		f := feature.Flow{SrcBytes: rnd.Int64N(1000), DstBytes: rnd.Int64N(1000), Res: feature.TimeRes(rnd.IntN(5))}
		kept := feature.KeptFlow{Start: int32(rnd.IntN(30) - 9), Duration: uint32(rnd.IntN(3)), Bytes: int64(rnd.IntN(3)), Port: uint16(rnd.IntN(3))}
		pair := wholePair{k, addrs[rnd.IntN(6)], uint16(rnd.IntN(4))}
		keep := k.role == feature.Outbound
		t.counters(t.host(k)).Sum[feature.Sessions]++
		p.counters(k).Sum[feature.Sessions]++
		addWhole(t, pair, &f, keep, kept)
		p.add(pair, &f, keep, kept)
	}
}

// TestRows compares rowTable with maps, over several fillings of the same table, so that a reset leaves nothing.
func TestRows(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for _, k := range []int{1, 5, 16, 255} {
		table := newRowTable(k)
		for _, flows := range []int{0, 1, 3000, 300, 1000} {
			plain := newPlainRows(k)
			table.reset()
			fillRows(rnd, flows, table, plain)
			shards := 1 + rnd.IntN(5)
			got, want := table.sections(shards), plain.sections(shards)
			if d := gocmp.Diff(got, want, equateEmpty); d != "" {
				t.Fatalf("k %d, %d flows: -got +want:\n%.3000s", k, flows, d)
			}
			if n := table.rows(); n != len(plain.hosts)+len(plain.pairs) {
				t.Errorf("%d rows, want %d", n, len(plain.hosts)+len(plain.pairs))
			}
			for i := range got {
				checkSectionCodec(t, &got[i])
			}
		}
	}
}

func checkSectionCodec(t *testing.T, s *feature.Section) {
	t.Helper()
	b := appendSection(nil, s)
	got, err := parseSection(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(got, *s, equateEmpty); d != "" {
		t.Fatalf("read back: -got +want:\n%.3000s", d)
	}
}

// longestProbe is the most slots that finding a key of the table looks at.
func longestProbe[K comparable, V any](t *table[K, V]) (longest uint64) {
	for i, s := range t.slots {
		if s.number != 0 {
			longest = max(longest, (uint64(i)-uint64(s.tag))&t.mask)
		}
	}
	return longest
}

// TestProbes: scans of ports and of addresses, the shapes that this program is made to see, must not run into each
// other in the table.
func TestProbes(t *testing.T) {
	host := hostKey{5, feature.Addr{Lo: 0xffff0a000001}, feature.Outbound}
	v4 := func(i int) feature.Addr { return feature.Addr{Lo: 0xffffc0000000 + uint64(i)} }
	for _, c := range []struct {
		name string
		key  func(i int) wholePair
	}{
		{"ports of one peer", func(i int) wholePair { return wholePair{host, v4(7), uint16(i)} }},
		{"one port of a network", func(i int) wholePair { return wholePair{host, v4(i), 445} }},
		{"256 ports of a small network", func(i int) wholePair { return wholePair{host, v4(i >> 8), uint16(i & 255)} }},
		{"the interface ids of a /64", func(i int) wholePair { return wholePair{host, feature.Addr{Hi: 0x20010db8 << 32, Lo: uint64(i)}, 22} }},
		{"the subnets of a /48", func(i int) wholePair { return wholePair{host, feature.Addr{Hi: 0x20010db8<<32 + uint64(i), Lo: 1}, 22} }},
		{"scanned from many hosts", func(i int) wholePair {
			return wholePair{hostKey{5, v4(i), feature.Inbound}, v4(7), 445}
		}},
		{"over many slices", func(i int) wholePair {
			return wholePair{hostKey{feature.Slice(i), host.host, feature.Outbound}, v4(7), 445}
		}},
	} {
		rows := newRowTable(1)
		var f feature.Flow
		for i := range 50_000 {
			k := c.key(i)
			addWhole(rows, k, &f, false, feature.KeptFlow{})
		}
		if n := longestProbe(&rows.pairs); n > 100 {
			t.Errorf("%s: a pair is %d slots from its place", c.name, n)
		}
		if n := longestProbe(&rows.hosts); n > 100 {
			t.Errorf("%s: a host is %d slots from its place", c.name, n)
		}
	}
}

// TestTableGivesBack: size counts the slots of an emptied table. After one burst they must not stay for ever, or the
// empty tables of several partitions use up the budget of all.
func TestTableGivesBack(t *testing.T) {
	rows := newRowTable(16)
	small := rows.size()
	var f feature.Flow
	burst := func(n int) {
		for i := range n {
			k := hostKey{1, feature.Addr{Lo: uint64(i)}, feature.Outbound}
			addWhole(rows, wholePair{k, feature.Addr{}, 1}, &f, true, feature.KeptFlow{Start: int32(i)})
		}
	}
	burst(200_000)
	large := rows.size()
	for range 20 {
		rows.reset()
		burst(10)
	}
	rows.reset()
	if got := rows.size(); got > 2*small {
		t.Errorf("%d bytes after the burst of %d, %d at first", got, large, small)
	}
	burst(200_000)
	rows.reset()
	if allocs := testing.AllocsPerRun(3, func() { burst(200_000); rows.reset() }); allocs > 10 {
		t.Errorf("a table that is used to the full gave its memory back: %.0f allocations", allocs)
	}
}

// TestSizeFollowsMemory: the estimate that triggers cuts must not stay below what the rows take.
func TestSizeFollowsMemory(t *testing.T) {
	rows := newRowTable(16)
	var f feature.Flow
	for i := range 20_000 {
		k := hostKey{1, feature.Addr{Lo: uint64(i % 100)}, feature.Outbound}
		addWhole(rows, wholePair{k, feature.Addr{Lo: uint64(i)}, 1}, &f, true, feature.KeptFlow{Start: int32(i)})
	}
	least := int64(100*(32+8*(feature.NumSums+feature.MinutesPerSlice)) + 20_000*(24+32+24))
	if got := rows.size(); got < least || got > 3*least {
		t.Errorf("size %d, want %d to %d", got, least, 3*least)
	}
}

func randomSection(rnd *rand.Rand) feature.Section {
	table := newRowTable(4)
	fillRows(rnd, 30, table, newPlainRows(4))
	s := table.sections(1)[0]
	for i := range s.Hosts {
		for j := range s.Hosts[i].Counters.Sum {
			s.Hosts[i].Counters.Sum[j] = rnd.Int64() >> rnd.IntN(64) * int64(rnd.IntN(2))
		}
		s.Hosts[i].Counters.Minute[rnd.IntN(15)] = rnd.Int64()
	}
	s.Late = slices.Clone(s.Hosts[:3])
	s.Rejects = []feature.Reject{{Position: 1 << 60, Item: 3, Reason: "malformed", Detail: "detail", Raw: []byte{0, 255}}, {}}
	return s
}

func TestSectionCodec(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 1))
	checkSectionCodec(t, &feature.Section{})
	for range 50 {
		s := randomSection(rnd)
		checkSectionCodec(t, &s)
		b := appendSection(nil, &s)
		for cut := 1; cut < len(b); cut += 1 + rnd.IntN(5) {
			if _, err := parseSection(b[:cut]); err == nil {
				t.Fatalf("%d of %d bytes were taken for a section", cut, len(b))
			}
		}
		if _, err := parseSection(append(b, 0)); err == nil {
			t.Fatal("a byte too many was not noticed")
		}
	}
}

func FuzzParseSection(f *testing.F) {
	rnd := rand.New(rand.NewPCG(3, 2))
	for range 3 {
		s := randomSection(rnd)
		f.Add(appendSection(nil, &s))
	}
	f.Add(binary.AppendUvarint(nil, 1<<63))
	f.Add([]byte{0, 0, 0, 1, 2, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSection(b)
		if err != nil {
			return
		}
		if rows := len(s.Hosts) + len(s.Pairs) + len(s.Late) + len(s.Rejects); rows*5 > len(b) {
			t.Fatalf("%d rows from %d bytes", rows, len(b))
		}
		once := appendSection(nil, &s)
		again, err := parseSection(once)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(appendSection(nil, &again), once) {
			t.Fatalf("read back otherwise: %x", once)
		}
	})
}
