package stream

import "unsafe"

// table holds rows by key, numbered in the order of their arrival, by open addressing with linear probing. Slots hold
// the number plus one and 32 bits of the hash, which also give the home slot: a table grows without hashing again,
// and most misses do not touch the rows. It shrinks only when it is emptied.
type table[K comparable, V any] struct {
	rows  slab[row[K, V]]
	slots []slot
	mask  uint64
}

type row[K comparable, V any] struct {
	key   K
	value V
}

type slot struct{ tag, number uint32 }

const firstSlots = 1 << 10

func (t *table[K, V]) init() {
	t.slots = make([]slot, firstSlots)
	t.mask = firstSlots - 1
}

// reset empties the table. It halves one of which little was used, since size counts all slots: the memory budget
// must not be taken up by the empty tables of past bursts.
func (t *table[K, V]) reset() {
	used := t.rows.n
	t.rows.reset()
	if len(t.slots) > firstSlots && used < len(t.slots)/8 {
		t.slots = make([]slot, len(t.slots)/2)
		t.mask = uint64(len(t.slots)) - 1
		return
	}
	clear(t.slots)
}

func (t *table[K, V]) size() int64 {
	return t.rows.size() + int64(len(t.slots))*int64(unsafe.Sizeof(slot{}))
}

// find returns the number of the key's row, which it makes if there is none.
func (t *table[K, V]) find(k K, hash uint64) uint32 {
	tag := uint32(hash >> 32)
	for i := uint64(tag) & t.mask; ; i = (i + 1) & t.mask {
		s := &t.slots[i]
		if s.number == 0 {
			t.rows.add().key = k
			*s = slot{tag, uint32(t.rows.n)}
			if uint64(t.rows.n)*4 > (t.mask+1)*3 {
				t.grow()
			}
			return uint32(t.rows.n - 1)
		}
		if s.tag == tag && t.rows.at(s.number-1).key == k {
			return s.number - 1
		}
	}
}

// grow doubles the slots.
func (t *table[K, V]) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	t.mask = uint64(len(t.slots)) - 1
	for _, s := range old {
		if s.number == 0 {
			continue
		}
		i := uint64(s.tag) & t.mask
		for t.slots[i].number != 0 {
			i = (i + 1) & t.mask
		}
		t.slots[i] = s
	}
}
