package state

import (
	"math/bits"

	"ndr/feature"
)

// appendCounters encodes the counters of an open or late (slice, host, role): a mask of the non-zero sums and
// theirs, then the same of the minutes.
func appendCounters(dst []byte, c *feature.HostCounters) []byte {
	dst = append(dst, valueVersion)
	dst = appendSparse(dst, c.Sum[:])
	return appendSparse(dst, c.Minute[:])
}

func decodeCounters(b []byte, c *feature.HostCounters) error {
	d := decoder{b: b}
	d.version()
	d.sparse(c.Sum[:])
	d.sparse(c.Minute[:])
	return d.end("host counters")
}

// appendSparse appends up to 64 numbers of which many are zero.
func appendSparse(dst []byte, values []int64) []byte {
	mask := uint64(0)
	for i, v := range values {
		if v != 0 {
			mask |= 1 << i
		}
	}
	dst = appendUint(dst, mask)
	for _, v := range values {
		if v != 0 {
			dst = appendUint(dst, uint64(v))
		}
	}
	return dst
}

func (d *decoder) sparse(values []int64) {
	clear(values)
	mask := d.limited(1<<len(values) - 1)
	for ; mask != 0; mask &= mask - 1 {
		values[bits.TrailingZeros64(mask)] = int64(d.uint())
	}
}

// appendOpenPairValue encodes the counters of an open pair.
func appendOpenPairValue(dst []byte, c *feature.PairCounters) []byte {
	dst = append(dst, valueVersion, byte(c.Res))
	return appendTraffic(dst, c.Sessions, c.BytesSrc, c.BytesDst, c.Kept)
}

// decodeOpenPairValue reads into c and reuses the memory of its Kept.
func decodeOpenPairValue(b []byte, c *feature.PairCounters) error {
	d := decoder{b: b}
	d.version()
	c.Res = d.res()
	c.Sessions, c.BytesSrc, c.BytesDst, c.Kept = d.traffic(c.Kept[:0])
	return d.end("pair counters")
}

func (d *decoder) res() feature.TimeRes {
	r := feature.TimeRes(d.byte())
	d.bad = d.bad || r > feature.ResWindow
	return r
}

// appendTraffic encodes what a pair did in one slice; open and closed pairs share it.
func appendTraffic(dst []byte, sessions, src, dest int64, kept []feature.KeptFlow) []byte {
	dst = appendUint(dst, uint64(sessions))
	dst = appendUint(dst, uint64(src))
	dst = appendUint(dst, uint64(dest))
	dst = appendUint(dst, uint64(len(kept)))
	before := int32(0)
	for i := range kept {
		f := &kept[i]
		dst = appendInt(dst, int64(f.Start)-int64(before))
		dst = appendUint(dst, uint64(f.Duration))
		dst = appendUint(dst, uint64(f.Bytes))
		dst = appendUint(dst, uint64(f.Port))
		before = f.Start
	}
	return dst
}

// traffic appends the kept flows to kept and returns it.
func (d *decoder) traffic(kept []feature.KeptFlow) (sessions, src, dest int64, _ []feature.KeptFlow) {
	sessions, src, dest = int64(d.uint()), int64(d.uint()), int64(d.uint())
	start := int64(0)
	for n := d.count(4); n > 0; n-- {
		start += d.int()
		d.bad = d.bad || start != int64(int32(start))
		kept = append(kept, feature.KeptFlow{
			Start:    int32(start),
			Duration: uint32(d.limited(1<<32 - 1)),
			Bytes:    int64(d.uint()),
			Port:     uint16(d.limited(1<<16 - 1)),
		})
	}
	return sessions, src, dest, kept
}
