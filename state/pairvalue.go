package state

import (
	"cmp"
	"slices"

	"ndr/feature"
)

// pairValue is what is known of a closed (host, role, peer, port). Its memory is reused from pair to pair.
type pairValue struct {
	First, Last feature.Slice // with traffic
	Res         feature.TimeRes
	Days        []feature.DayCount  // ascending
	Slices      []feature.PairSlice // ascending
	kept        []feature.KeptFlow  // the memory of the kept flows of Slices
}

func (v *pairValue) append(dst []byte) []byte {
	dst = append(dst, valueVersion)
	dst = appendInt(dst, int64(v.Last))
	dst = appendUint(dst, uint64(v.Last-v.First))
	dst = append(dst, byte(v.Res))
	dst = appendUint(dst, uint64(len(v.Days)))
	day := int32(0)
	for _, c := range v.Days {
		dst = appendInt(dst, int64(c.Day)-int64(day))
		dst = appendUint(dst, uint64(c.Sessions))
		day = c.Day
	}
	dst = appendUint(dst, uint64(len(v.Slices)))
	slice := feature.Slice(0)
	for i := range v.Slices {
		s := &v.Slices[i]
		dst = appendInt(dst, int64(s.Slice-slice))
		dst = appendTraffic(dst, s.Sessions, s.BytesSrc, s.BytesDst, s.Kept)
		slice = s.Slice
	}
	return dst
}

// lastSlice reads only the last slice of a pair, by which pairs expire.
func lastSlice(b []byte) (feature.Slice, error) {
	d := decoder{b: b}
	d.version()
	last := feature.Slice(d.int())
	d.b = nil
	return last, d.end("pair")
}

// decode replaces v by a value of which it keeps the slices and days from the given ones on.
func (v *pairValue) decode(b []byte, firstSlice feature.Slice, firstDay int32) error {
	v.reset()
	d := decoder{b: b}
	d.version()
	v.Last = feature.Slice(d.int())
	v.First = v.Last - feature.Slice(d.uint())
	v.Res = d.res()
	day := int64(0)
	for n := d.count(2); n > 0; n-- {
		day += d.int()
		d.bad = d.bad || day != int64(int32(day))
		sessions := int64(d.uint())
		if int32(day) >= firstDay {
			v.Days = append(v.Days, feature.DayCount{Day: int32(day), Sessions: sessions})
		}
	}
	slice := feature.Slice(0)
	for n := d.count(5); n > 0; n-- {
		slice += feature.Slice(d.int())
		p := feature.PairSlice{Slice: slice}
		from := len(v.kept)
		p.Sessions, p.BytesSrc, p.BytesDst, v.kept = d.traffic(v.kept)
		if slice < firstSlice {
			v.kept = v.kept[:from]
			continue
		}
		if n := len(v.kept); n > from {
			p.Kept = v.kept[from:n:n]
		}
		v.Slices = append(v.Slices, p)
	}
	return d.end("pair")
}

func (v *pairValue) reset() {
	*v = pairValue{Days: v.Days[:0], Slices: v.Slices[:0], kept: v.kept[:0]}
}

// closeSlice adds the counters of the closing slice, which is later than all others. The day's sessions are counted
// unless lookback30d gave them.
func (v *pairValue) closeSlice(s feature.Slice, day int32, countDay bool, c *feature.PairCounters) {
	if len(v.Days) == 0 && len(v.Slices) == 0 {
		v.First = s
	}
	v.Last = s
	v.Res = max(v.Res, c.Res)
	v.Slices = append(v.Slices, feature.PairSlice{
		Slice: s, Sessions: c.Sessions, BytesSrc: c.BytesSrc, BytesDst: c.BytesDst, Kept: c.Kept})
	if !countDay {
		return
	}
	if n := len(v.Days); n > 0 && v.Days[n-1].Day == day {
		v.Days[n-1].Sessions += c.Sessions
		return
	}
	v.Days = append(v.Days, feature.DayCount{Day: day, Sessions: c.Sessions})
}

// merge adds o to v: the same day or slice adds up. It does not depend on the order. v must not be decoded into
// again while it holds memory of o.
func (v *pairValue) merge(o *pairValue, kept int) {
	v.First, v.Last, v.Res = min(v.First, o.First), max(v.Last, o.Last), max(v.Res, o.Res)
	v.Days = append(v.Days, o.Days...)
	slices.SortFunc(v.Days, func(a, b feature.DayCount) int { return cmp.Compare(a.Day, b.Day) })
	days := v.Days[:0]
	for _, d := range v.Days {
		if n := len(days); n > 0 && days[n-1].Day == d.Day {
			days[n-1].Sessions += d.Sessions
			continue
		}
		days = append(days, d)
	}
	v.Days = days
	v.Slices = append(v.Slices, o.Slices...)
	slices.SortStableFunc(v.Slices, func(a, b feature.PairSlice) int { return cmp.Compare(a.Slice, b.Slice) })
	all := v.Slices[:0]
	for _, s := range v.Slices {
		if n := len(all); n > 0 && all[n-1].Slice == s.Slice {
			mergePairSlice(&all[n-1], &s, kept)
			continue
		}
		all = append(all, s)
	}
	v.Slices = all
}

func mergePairSlice(a, b *feature.PairSlice, kept int) {
	c := feature.PairCounters{Sessions: a.Sessions, BytesSrc: a.BytesSrc, BytesDst: a.BytesDst, Kept: a.Kept}
	c.Merge(&feature.PairCounters{Sessions: b.Sessions, BytesSrc: b.BytesSrc, BytesDst: b.BytesDst, Kept: b.Kept}, kept)
	a.Sessions, a.BytesSrc, a.BytesDst, a.Kept = c.Sessions, c.BytesSrc, c.BytesDst, c.Kept
}
