package stream

import (
	"maps"
	"math"
	"slices"

	"ndr/feature"
)

// emptyCloses is how many slices in a row are closed without a row before the chain jumps to the next slice that
// a cut names: after a day of them every window is empty.
const emptyCloses = 96

// CloseRecord says for one slice what every shard closes it with. Whoever creates it first decides; records form a
// chain by Previous.
type CloseRecord struct {
	Format     int                `json:"format"`
	Slice      feature.Slice      `json:"slice"`
	Name       string             `json:"name"` // of the slice, for people
	Previous   *feature.Slice     `json:"previous,omitempty"`
	First      feature.Slice      `json:"first"`               // the first closed slice of the root
	Topology   uint64             `json:"topology"`            // the entry it was made from
	Partitions map[string]uint64  `json:"partitions"`          // N_p(S): first cut whose watermark is at or past the slice's end
	Open       []feature.Slice    `json:"open,omitempty"`      // later slices that these cuts name
	EmptyRun   int                `json:"empty_run,omitempty"` // closes without a row up to this one
	Final      bool               `json:"final,omitempty"`     // the last one of a bounded run
	Config     string             `json:"config"`              // digest of the close configuration
	Baseline   string             `json:"baseline,omitempty"`  // publication in force
	Cuts       map[string]CutSpan `json:"cuts,omitempty"`      // what this close consumes of each partition
}

// CutSpan is the cuts of one partition that a close consumes: their late rows, rejects and counters.
type CutSpan struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// partitionView is what the close logic knows of a partition: the headers of its cuts after those of the last
// record, without gaps.
type partitionView struct {
	last  uint64 // N_p of the last record, 0 if it names none
	heads []cutHead
}

// cutHead is the part of a cut header that decides closes.
type cutHead struct {
	n         uint64
	watermark int64
	touched   []feature.Slice
	largest   *feature.Slice
	odd       *int64
}

// through returns the number of the first cut at or past the time, from the heads or, when the last record's cut
// is past it already, that one.
func (v *partitionView) through(end int64, lastMark int64) (uint64, bool) {
	if v.last > 0 && lastMark >= end {
		return v.last, true
	}
	for i := range v.heads {
		if v.heads[i].watermark >= end {
			return v.heads[i].n, true
		}
	}
	return 0, false
}

// chain decides the next close record from the record before (nil: none) and the views of the partitions. It is
// pure; the follower feeds it.
type chain struct {
	clock    feature.Clock
	topology *Topology
	views    map[string]*partitionView
	marks    map[string]int64 // watermark of the cut N_p of the last record
	previous *CloseRecord
	config   string
}

// next returns the record to create, or nil when the watermarks do not allow one yet.
func (c *chain) next() *CloseRecord {
	s, empty, ok := c.candidate()
	if !ok || c.previous != nil && c.topology.N < c.previous.Topology {
		return nil
	}
	r := &CloseRecord{
		Format: CutFormat, Slice: s, Name: c.clock.Name(s), First: s, Topology: c.topology.N,
		Partitions: make(map[string]uint64), Cuts: make(map[string]CutSpan), EmptyRun: empty, Config: c.config,
	}
	if c.previous != nil {
		r.First = c.previous.First
		r.Previous = &c.previous.Slice
	}
	open := make(map[feature.Slice]bool)
	if c.previous != nil {
		for _, o := range c.previous.Open {
			open[o] = true
		}
	}
	for i := range c.topology.Partitions {
		p := &c.topology.Partitions[i]
		v := c.views[p.Name]
		mark, seen := c.marks[p.Name]
		if v.last > 0 && !seen { // the tail has not reached the last record's cut yet
			return nil
		}
		n, ok := v.through(c.clock.End(s), mark)
		if !ok && !p.Ended {
			return nil
		}
		if !ok { // ended: all it has
			n = v.newest()
		}
		r.Partitions[p.Name] = n
		if n > v.last {
			r.Cuts[p.Name] = CutSpan{v.last + 1, n}
		}
		for _, h := range v.heads {
			if h.n <= n {
				for _, t := range h.touched {
					open[t] = true
				}
			}
		}
	}
	if open[s] {
		r.EmptyRun = 0
	}
	maps.DeleteFunc(open, func(o feature.Slice, _ bool) bool { return o <= s })
	r.Open = slices.Sorted(maps.Keys(open))
	last, bounded := c.lastSlice()
	r.Final = bounded && s >= last
	return r
}

func (v *partitionView) newest() uint64 {
	if len(v.heads) == 0 {
		return v.last
	}
	return v.heads[len(v.heads)-1].n
}

// candidate is the slice of the next record and how many closes in a row would then be without a row.
func (c *chain) candidate() (s feature.Slice, empty int, ok bool) {
	if c.previous == nil {
		s, ok = c.smallest()
		if !ok {
			s, ok = c.oddSlice()
		}
		return s, 1, ok
	}
	if c.previous.Final {
		return 0, 0, false
	}
	if c.previous.EmptyRun < emptyCloses {
		return c.previous.Slice + 1, c.previous.EmptyRun + 1, true
	}
	s, ok = c.smallest()
	return s, c.previous.EmptyRun + 1, ok
}

// smallest is the smallest slice after the last record that any cut names.
func (c *chain) smallest() (least feature.Slice, ok bool) {
	consider := func(s feature.Slice) {
		if (c.previous == nil || s > c.previous.Slice) && (!ok || s < least) {
			least, ok = s, true
		}
	}
	if c.previous != nil {
		for _, s := range c.previous.Open {
			consider(s)
		}
	}
	for _, v := range c.views {
		for i := range v.heads {
			for _, s := range v.heads[i].touched {
				consider(s)
			}
		}
	}
	return least, ok
}

// lastSlice is the largest slice of the end cuts of a bounded run, once every partition has ended. A run without an
// on-time row ends with its first record, whatever its slice: then the last slice is the smallest that there is.
func (c *chain) lastSlice() (last feature.Slice, bounded bool) {
	last = math.MinInt64
	for i := range c.topology.Partitions {
		p := &c.topology.Partitions[i]
		v := c.views[p.Name]
		n := len(v.heads)
		ended := n > 0 && v.heads[n-1].watermark == EndOfInput || c.marks[p.Name] == EndOfInput && v.last > 0
		if !ended {
			return 0, false
		}
		if n > 0 && v.heads[n-1].largest != nil {
			last = max(last, *v.heads[n-1].largest)
		}
	}
	if c.previous != nil && len(c.previous.Open) > 0 {
		last = max(last, c.previous.Open[len(c.previous.Open)-1])
	}
	return last, true
}

// oddSlice is the slice of a bounded run that has no on-time row at all: that of its smallest late or rejected
// time, or of its first start when no item had a time.
func (c *chain) oddSlice() (feature.Slice, bool) {
	if _, bounded := c.lastSlice(); !bounded {
		return 0, false
	}
	least, found := int64(0), false
	for _, v := range c.views {
		for i := range v.heads {
			if o := v.heads[i].odd; o != nil && (!found || *o < least) {
				least, found = *o, true
			}
		}
	}
	if !found {
		least = c.topology.FirstStart
	}
	return c.clock.Of(least), true
}
