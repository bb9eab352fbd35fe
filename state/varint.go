package state

import (
	"encoding/binary"
	"fmt"
)

// valueVersion is the first byte of every value.
const valueVersion = 1

func appendUint(dst []byte, v uint64) []byte {
	if v < 0x80 {
		return append(dst, byte(v))
	}
	return binary.AppendUvarint(dst, v)
}

// appendInt appends a number that may be negative (zigzag).
func appendInt(dst []byte, v int64) []byte { return appendUint(dst, uint64(v)<<1^uint64(v>>63)) }

func appendString[T string | []byte](dst []byte, s T) []byte {
	return append(appendUint(dst, uint64(len(s))), s...)
}

func flags(bits ...bool) (b byte) {
	for i, set := range bits {
		if set {
			b |= 1 << i
		}
	}
	return b
}

// decoder reads a value from its front. After the first fault all reads give zeros, and end reports it.
type decoder struct {
	b       []byte
	bad     bool
	unknown byte // a value version that this program does not know
}

func (d *decoder) version() {
	if v := d.byte(); !d.bad && v != valueVersion {
		d.bad, d.unknown = true, v
	}
}

func (d *decoder) byte() byte {
	if d.bad || len(d.b) == 0 {
		d.bad = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) uint() uint64 {
	if len(d.b) > 0 && d.b[0] < 0x80 && !d.bad {
		v := d.b[0]
		d.b = d.b[1:]
		return uint64(v)
	}
	return d.longUint()
}

func (d *decoder) longUint() uint64 {
	v, n := binary.Uvarint(d.b)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v := d.uint()
	return int64(v>>1) ^ -int64(v&1)
}

// limited reads a number that must not be larger than the largest.
func (d *decoder) limited(largest uint64) uint64 {
	v := d.uint()
	if v > largest {
		d.bad = true
		return 0
	}
	return v
}

// count reads a number of things that take at least size bytes each, so that a broken value cannot ask for more
// memory than it has bytes.
func (d *decoder) count(size int) int {
	v := d.uint()
	if v > uint64(len(d.b)/size) {
		d.bad = true
		return 0
	}
	return int(v)
}

// bytes reads a string in place.
func (d *decoder) bytes() []byte {
	n := d.count(1)
	if d.bad {
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) string() string { return string(d.bytes()) }

// end reports a fault or bytes left over.
func (d *decoder) end(what string) error {
	switch {
	case d.unknown != 0:
		return fmt.Errorf("decode %s: unknown version %d", what, d.unknown)
	case d.bad:
		return fmt.Errorf("decode %s: broken value", what)
	case len(d.b) > 0:
		return fmt.Errorf("decode %s: %d bytes left over", what, len(d.b))
	}
	return nil
}
