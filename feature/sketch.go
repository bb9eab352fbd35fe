package feature

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// Sketch is a dense HyperLogLog (Flajolet et al. 2007) of 64-bit hashes, with a standard error of 1.6%. Adding is
// idempotent, merging takes the larger register: neither depends on order.
type Sketch struct{ reg [1 << sketchBits]uint8 }

const (
	sketchBits    = 12
	sketchMaxRank = 64 - sketchBits + 1
)

// SketchBytes is the length of an encoded sketch.
const SketchBytes = 1 << sketchBits

// Add counts the thing of this hash.
func (s *Sketch) Add(hash uint64) {
	i := hash >> (64 - sketchBits)
	rank := uint8(bits.LeadingZeros64(hash<<sketchBits|1<<(sketchBits-1)) + 1)
	if rank > s.reg[i] {
		s.reg[i] = rank
	}
}

// AddPeer counts a peer, by the Hash of its 16 bytes.
func (s *Sketch) AddPeer(a Addr) {
	b := a.As16()
	s.Add(Hash(b[:]))
}

// AddPort counts a port, by the Hash of its two bytes, big-endian.
func (s *Sketch) AddPort(port uint16) {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], port)
	s.Add(Hash(b[:]))
}

// Merge makes s count what o counts too.
func (s *Sketch) Merge(o *Sketch) {
	for i, r := range o.reg {
		s.reg[i] = max(s.reg[i], r)
	}
}

// Estimate is the rounded number of different things. Small numbers are counted by the empty registers.
func (s *Sketch) Estimate() int64 {
	const m = 1 << sketchBits
	var ranks [sketchMaxRank + 1]int
	for _, r := range s.reg {
		ranks[r]++
	}
	sum := 0.0
	for r, n := range ranks {
		sum += math.Ldexp(float64(n), -r) // exact: no rounding but that of the sum, in one order
	}
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e <= 2.5*m && ranks[0] > 0 {
		e = m * math.Log(float64(m)/float64(ranks[0]))
	}
	return int64(math.Round(e))
}

// AppendBinary appends the registers, SketchBytes of them.
func (s *Sketch) AppendBinary(dst []byte) ([]byte, error) { return append(dst, s.reg[:]...), nil }

var errSketch = errors.New("decode sketch: cut short or a register out of range")

// ParseSketch reads what AppendBinary wrote and returns the rest of b.
func ParseSketch(b []byte) (*Sketch, []byte, error) {
	if len(b) < SketchBytes {
		return nil, nil, errSketch
	}
	s := new(Sketch)
	copy(s.reg[:], b)
	for _, r := range s.reg {
		if r > sketchMaxRank {
			return nil, nil, errSketch
		}
	}
	return s, b[SketchBytes:], nil
}
