package state

import (
	"ndr/feature"
)

// appendRing encodes the closed slices of a (host, role), ascending, each as the distance to the one before.
func appendRing(dst []byte, ring []feature.DeltaEntry) []byte {
	dst = append(dst, valueVersion)
	dst = appendUint(dst, uint64(len(ring)))
	before := feature.Slice(0)
	for i := range ring {
		e := &ring[i]
		dst = appendInt(dst, int64(e.Slice-before))
		before = e.Slice
		dst = append(dst, flags(e.Approximate))
		dst = appendSparse(dst, e.Sum[:])
		dst = appendUint(dst, uint64(e.MaxPerMinute))
		if e.Approximate {
			dst, _ = e.Peers.AppendBinary(dst) // no error: the signature is that of the standard library
			dst, _ = e.Ports.AppendBinary(dst)
		}
	}
	return dst
}

// decodeRing appends the slices from the first wanted one on to ring, whose memory it reuses.
func decodeRing(b []byte, first feature.Slice, ring []feature.DeltaEntry) ([]feature.DeltaEntry, error) {
	d := decoder{b: b}
	d.version()
	slice := feature.Slice(0)
	for n := d.count(4); n > 0; n-- {
		ring = append(ring, feature.DeltaEntry{})
		e := &ring[len(ring)-1]
		slice += feature.Slice(d.int())
		e.Slice = slice
		f := d.byte()
		d.bad = d.bad || f > 1
		e.Approximate = f == 1
		d.sparse(e.Sum[:])
		e.MaxPerMinute = int64(d.uint())
		if e.Approximate {
			e.Peers, e.Ports = d.sketch(), d.sketch()
		}
		if slice < first {
			ring = ring[:len(ring)-1]
		}
	}
	return ring, d.end("ring")
}

func (d *decoder) sketch() *feature.Sketch {
	if d.bad {
		return nil
	}
	s, rest, err := feature.ParseSketch(d.b)
	if err != nil {
		d.bad = true
		return nil
	}
	d.b = rest
	return s
}
