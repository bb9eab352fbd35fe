package stream

import "unsafe"

// table maps keys to dense numbers in order of arrival, by open addressing with linear probing. Slots hold the
// number plus one and 32 bits of the hash, which also give the home slot: a table grows without hashing again,
// and most misses do not touch the keys. It shrinks only when it is emptied.
type table[K comparable] struct {
	keys  []K
	slots []slot
	mask  uint64
}

type slot struct{ tag, number uint32 }

const firstSlots = 1 << 10

func (t *table[K]) init() {
	t.slots = make([]slot, firstSlots)
	t.mask = firstSlots - 1
}

// reset empties the table. It halves one of which little was used, since size counts all slots: the memory budget
// must not be taken up by the empty tables of past bursts.
func (t *table[K]) reset() {
	used := len(t.keys)
	t.keys = emptied(t.keys)
	if len(t.slots) > firstSlots && used < len(t.slots)/8 {
		t.slots = make([]slot, len(t.slots)/2)
		t.mask = uint64(len(t.slots)) - 1
		return
	}
	clear(t.slots)
}

func (t *table[K]) size() int64 {
	var k K
	return int64(len(t.keys))*int64(unsafe.Sizeof(k)) + int64(len(t.slots))*int64(unsafe.Sizeof(slot{}))
}

// find returns the number of the key and whether it is new.
func (t *table[K]) find(k K, hash uint64) (number uint32, fresh bool) {
	tag := uint32(hash >> 32)
	for i := uint64(tag) & t.mask; ; i = (i + 1) & t.mask {
		s := &t.slots[i]
		if s.number == 0 {
			t.keys = append(t.keys, k)
			*s = slot{tag, uint32(len(t.keys))}
			if uint64(len(t.keys))*4 > (t.mask+1)*3 {
				t.grow()
			}
			return uint32(len(t.keys) - 1), true
		}
		if s.tag == tag && t.keys[s.number-1] == k {
			return s.number - 1, false
		}
	}
}

// grow doubles the slots.
func (t *table[K]) grow() {
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
