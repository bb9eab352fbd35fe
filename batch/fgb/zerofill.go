package fgb

import (
	"context"
	"math"

	"ndr/feature"
)

// zeroFiller adds a row of zeros for each window of every known slice between the first and the last activity of a
// host's role in which there is none. A slice is known when it was published, or passed over because nothing was in
// it. The row is of the segment in which the host was last active; if that is another part's, that part adds it.
type zeroFiller struct {
	p       *part
	run     *run
	known   []bool // by slice of the horizon
	bands   []int
	present [len(feature.Windows)][]bool
	active  []int // segment by slice, -1 without activity
}

// zeroFill goes through all hosts and then forgets the rows of other parts.
func (p *part) zeroFill(ctx context.Context) error {
	z, err := p.newZeroFiller()
	if err != nil {
		return err
	}
	p.spill.mu.Lock()
	chunks := p.spill.mu.chunks
	p.spill.mu.Unlock()
	merge := newHostMerge(p.spill.file, chunks, []int{columnSlice}, blockBytes)
	var h hostRows
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		ok, err := merge.nextHost(&h)
		if err != nil {
			return err
		}
		if !ok {
			return z.run.flush()
		}
		for _, role := range [...]feature.Role{feature.Inbound, feature.Outbound} {
			if err := z.fill(&h, role); err != nil {
				return err
			}
		}
	}
}

func (p *part) newZeroFiller() (*zeroFiller, error) {
	n := p.in.length()
	z := &zeroFiller{p: p, run: newRun(p.spill, p.job.cfg.Memory/4), known: make([]bool, n), bands: make([]int, n), active: make([]int, n)}
	for w := range z.present {
		z.present[w] = make([]bool, n)
	}
	for _, s := range p.in.known() {
		i := int(s - p.in.first)
		band, err := p.names.bandNumber(p.job.bandOf(s))
		if err != nil {
			return nil, err
		}
		z.known[i], z.bands[i] = true, band
	}
	return z, nil
}

// known lists the slices of the horizon of which it is known what was in them.
func (h *horizonInput) known() []feature.Slice {
	var list []feature.Slice
	for i := range h.slices {
		list = append(list, h.slices[i].slice)
	}
	return append(list, h.silent...)
}

// bandOf is the time band of the windows that end with a slice.
func (j *Job) bandOf(s feature.Slice) string { return j.cfg.Calendar.At(j.cfg.Clock.End(s)).Band }

// fill adds the zeros of a role.
func (z *zeroFiller) fill(h *hostRows, role feature.Role) error {
	for i := range z.active {
		z.active[i] = -1
	}
	for w := range z.present {
		clear(z.present[w])
	}
	first, last := len(z.active), -1
	for _, k := range h.keys {
		if k.group.role() != role {
			continue
		}
		for _, x := range k.cols[columnSlice] {
			s := int(x)
			z.present[k.group.window()][s] = true
			if k.group.window() == 0 {
				z.active[s] = k.group.segment()
				first, last = min(first, s), max(last, s)
			}
		}
	}
	segment, own := -1, false
	for s := first; s <= last; s++ {
		if now := z.active[s]; now >= 0 && now != segment {
			segment, own = now, z.p.names.own(z.p.names.segmentName(now))
		}
		if !own || !z.known[s] {
			continue
		}
		for w := range z.present {
			if !z.present[w][s] {
				if err := z.add(h.host, makeGroup(segment, role, z.bands[s], w), s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// add appends a row of zeros.
func (z *zeroFiller) add(host feature.Addr, g groupID, slice int) error {
	r := z.run
	if r.rows() >= r.limit {
		if err := r.flush(); err != nil {
			return err
		}
	}
	for m := range feature.Metrics {
		x := math.NaN()
		if k := feature.Metrics[m].Kind; k == feature.KindSum || k == feature.KindMax {
			x = 0
		}
		r.cols[m] = append(r.cols[m], x)
	}
	r.cols[columnSlice] = append(r.cols[columnSlice], float64(slice))
	r.hosts, r.group = append(r.hosts, host), append(r.group, g)
	return nil
}
