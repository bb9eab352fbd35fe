package stream

import (
	"hash/maphash"
	"slices"
	"unsafe"

	"ndr/feature"
)

// rowTable folds flows into host rows and pair rows. It is open addressing over slabs without pointers: a flow
// costs two or three probes and no allocation. It belongs to one goroutine.
type rowTable struct {
	hosts table[hostKey, feature.HostCounters]
	pairs table[pairKey, pairCell]
	kept  []feature.KeptFlow // slab of the kept flows of all pairs
	k     int
	seed  uint64
}

type hostKey struct {
	slice feature.Slice
	host  feature.Addr
	role  feature.Role
}

// pairKey names a pair by the number of its host row, which every pair has.
type pairKey struct {
	peer feature.Addr
	host uint32
	port uint16
}

// pairCell is a pair's counters; its kept flows are kept[at : at+n] of the slab, with room for space.
type pairCell struct {
	sessions, src, dst int64
	at                 uint32
	n, space           uint8
	res                feature.TimeRes
}

func newRowTable(k int) *rowTable {
	seed := maphash.Bytes(maphash.MakeSeed(), nil)
	t := &rowTable{k: k, seed: seed | 1}
	t.hosts.init()
	t.pairs.init()
	return t
}

// reset empties the table and keeps its memory, as far as the rows had use for it.
func (t *rowTable) reset() {
	t.hosts.reset()
	t.pairs.reset()
	t.kept = emptied(t.kept)
}

// emptied returns s without elements, and without its memory when they filled less than an eighth of it, as slabs do.
func emptied[T any](s []T) []T {
	if cap(s) > firstSlots && len(s) < cap(s)/8 {
		return nil
	}
	return s[:0]
}

// size is the memory that the rows take, in bytes.
func (t *rowTable) size() int64 {
	return t.hosts.size() + t.pairs.size() + int64(len(t.kept))*int64(unsafe.Sizeof(feature.KeptFlow{}))
}

func (t *rowTable) rows() int { return t.hosts.rows.n + t.pairs.rows.n }

// host returns the number of the row of a (slice, host, role).
func (t *rowTable) host(k hostKey) uint32 { return t.hosts.find(k, k.hash(t.seed)) }

// counters are those of a host row.
func (t *rowTable) counters(host uint32) *feature.HostCounters { return &t.hosts.rows.at(host).value }

// add counts a TRAFFIC flow in its pair; keep says that the pair remembers its earliest flows.
func (t *rowTable) add(k pairKey, f *feature.Flow, keep bool, kept feature.KeptFlow) {
	c := &t.pairs.rows.at(t.pairs.find(k, k.hash(t.seed))).value
	c.sessions++
	c.src += f.SrcBytes
	c.dst += f.DstBytes
	c.res = max(c.res, f.Res)
	if keep {
		t.keep(c, kept)
	}
}

// keep inserts a flow among the k earliest of a pair. A cell that is full moves to the end of the slab with four
// times the room, so a pair with one flow takes one place.
func (t *rowTable) keep(c *pairCell, f feature.KeptFlow) {
	if int(c.n) == t.k {
		if f.Compare(t.kept[c.at+uint32(c.n)-1]) >= 0 {
			return
		}
		c.n--
	}
	if c.n == c.space {
		room := min(max(1, 4*int(c.space)), t.k)
		at := len(t.kept)
		t.kept = append(t.kept, t.kept[c.at:c.at+uint32(c.n)]...)
		t.kept = append(t.kept, make([]feature.KeptFlow, room-int(c.n))...)
		c.at, c.space = uint32(at), uint8(room)
	}
	cell := t.kept[c.at : c.at+uint32(c.n)+1]
	i := len(cell) - 1
	for ; i > 0 && f.Compare(cell[i-1]) < 0; i-- {
		cell[i] = cell[i-1]
	}
	cell[i] = f
	c.n++
}

// touched lists the slices of the host rows, ascending.
func (t *rowTable) touched() []feature.Slice {
	seen := make(map[feature.Slice]bool)
	for i := range t.hosts.rows.n {
		seen[t.hosts.rows.at(uint32(i)).key.slice] = true
	}
	out := make([]feature.Slice, 0, len(seen))
	for s := range seen {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func (k *hostKey) hash(seed uint64) uint64 {
	h := seed ^ uint64(k.slice)*0x9e3779b97f4a7c15 ^ uint64(k.role)<<61
	return mix(mix(h^k.host.Hi) ^ k.host.Lo)
}

func (k *pairKey) hash(seed uint64) uint64 {
	// The port is low before a round: only then it spreads over the bits that choose the slot, and the ports of a
	// scanned peer differ in nothing else.
	h := mix(seed ^ uint64(k.host)<<16 ^ uint64(k.port))
	return mix(mix(h^k.peer.Hi) ^ k.peer.Lo)
}

func mix(h uint64) uint64 {
	h *= 0xff51afd7ed558ccd
	return h ^ h>>32
}
