package stream

import "unsafe"

// slab is a list that grows without being copied and without taking twice the memory it needs: in chunks.
type slab[T any] struct {
	chunks []*[chunkLen]T
	n      int
}

const chunkLen = 1 << 9

// add appends a zero element.
func (s *slab[T]) add() *T {
	if s.n == len(s.chunks)*chunkLen {
		s.chunks = append(s.chunks, new([chunkLen]T))
	}
	v := s.at(uint32(s.n))
	s.n++
	var zero T
	*v = zero
	return v
}

// at returns an element by its index. It stays where it is until the next reset.
func (s *slab[T]) at(i uint32) *T { return &s.chunks[i/chunkLen][i%chunkLen] }

// reset empties the slab and keeps its memory, but for what is more than eight times what was used: after a burst a
// quiet partition gives its part of the memory budget back.
func (s *slab[T]) reset() {
	if most := 8 * (s.n/chunkLen + 1); len(s.chunks) > most {
		clear(s.chunks[most:])
		s.chunks = s.chunks[:most]
	}
	s.n = 0
}

// size is the memory of the elements, in bytes.
func (s *slab[T]) size() int64 {
	var v T
	return int64(s.n) * int64(unsafe.Sizeof(v))
}
