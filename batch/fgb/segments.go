package fgb

import (
	"context"
	"io"
	"maps"
	"slices"

	"ndr/feature"
)

// segmentGroup is the work on one group: how its rows are capped, and the statistics of its segment.
type segmentGroup struct {
	group  groupID
	chunks []chunk
	rows   int64
	caps   []feature.Spread // by key metric
	light  int64            // rows that lose weight
	stats  feature.BaselineStats
}

// groupReader reads the columns of a group. It belongs to one goroutine.
type groupReader struct {
	rules   *feature.BaselineRules
	calc    *feature.BaselineCalculator
	file    io.ReaderAt
	memory  int64
	readers []*chunkReader
	values  []float64
	light   []bool
	buf     []byte
	scaled  []float64
}

// groupRowBytes is about the memory of a row whose columns are worked on one at a time: the value, its key, a buffer
// of scaled values, and its mark.
const groupRowBytes = 8 + 8 + 8 + 1

// pieceRows is how many values of a long column are handed on at a time.
const pieceRows = 64 << 10

// compute works on a group.
func (r *groupReader) compute(g *segmentGroup) error {
	bytes := int64(0)
	for i := range g.chunks {
		bytes += g.chunks[i].bytes
		g.rows += int64(g.chunks[i].rows)
	}
	load := int64(0)
	if bytes <= r.memory/2 {
		load = bytes
	}
	for len(r.readers) < len(g.chunks) {
		r.readers = append(r.readers, &chunkReader{})
	}
	for i := range g.chunks {
		if err := r.readers[i].open(r.file, g.chunks[i], load); err != nil {
			return err
		}
	}
	if g.rows*groupRowBytes <= r.memory/2 {
		return r.short(g)
	}
	return r.long(g)
}

// short works on a group of which a column fits into memory.
func (r *groupReader) short(g *segmentGroup) error {
	n := int(g.rows)
	r.light = slices.Grow(r.light[:0], n)[:n]
	clear(r.light)
	g.caps = make([]feature.Spread, len(r.rules.KeyMetrics))
	for k, m := range r.rules.KeyMetrics {
		if err := r.column(g, int(m)); err != nil {
			return err
		}
		v := r.capped(m, r.values)
		g.caps[k] = r.calc.Spread(v)
		r.rules.MarkAnomalies(v, g.caps[k], r.light)
	}
	for _, l := range r.light {
		if l {
			g.light++
		}
	}
	light := r.light
	if g.light == 0 {
		light = nil
	}
	for m := range g.stats {
		if err := r.column(g, m); err != nil {
			return err
		}
		g.stats[m] = r.calc.Stats(r.values, light)
	}
	r.rules.Finish(&g.stats)
	return nil
}

// column reads a whole column.
func (r *groupReader) column(g *segmentGroup, m int) (err error) {
	r.values = slices.Grow(r.values[:0], int(g.rows))
	for i := range g.chunks {
		if r.values, r.buf, err = r.readers[i].column(m, 0, g.chunks[i].rows, r.values, r.buf); err != nil {
			return err
		}
	}
	return nil
}

// capped is values on the scale of anomaly capping.
func (r *groupReader) capped(m feature.MetricID, values []float64) []float64 {
	if !r.rules.Log {
		return values
	}
	r.scaled = r.scaled[:0]
	for _, x := range values {
		r.scaled = append(r.scaled, r.rules.Capped(m, x))
	}
	return r.scaled
}

// long works on a group of which not even a column fits: it is read in pieces, several times. Only a bit per row is
// kept.
func (r *groupReader) long(g *segmentGroup) (err error) {
	marks := make([]uint64, (g.rows+63)/64)
	limit := int(r.memory / 2 / 24)
	g.caps = make([]feature.Spread, len(r.rules.KeyMetrics))
	for k, m := range r.rules.KeyMetrics {
		column := func(yield func([]float64, []bool) error) error {
			return r.pieces(g, int(m), nil, func(_ int64, values []float64, _ []bool) error {
				return yield(r.capped(m, values), nil)
			})
		}
		if g.caps[k], err = r.calc.LongSpread(column, limit); err != nil {
			return err
		}
		err = r.pieces(g, int(m), marks, func(at int64, values []float64, light []bool) error {
			r.rules.MarkAnomalies(r.capped(m, values), g.caps[k], light)
			for i, l := range light {
				if l {
					marks[(at+int64(i))/64] |= 1 << ((at + int64(i)) % 64)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for m := range g.stats {
		column := func(yield func([]float64, []bool) error) error {
			return r.pieces(g, m, marks, func(_ int64, values []float64, light []bool) error { return yield(values, light) })
		}
		if g.stats[m], err = r.calc.LongStats(column, limit); err != nil {
			return err
		}
	}
	g.light = ones(marks)
	r.rules.Finish(&g.stats)
	return nil
}

// pieces hands over a column piece by piece, each with the number of its first row and, of marks, those of its rows.
func (r *groupReader) pieces(g *segmentGroup, m int, marks []uint64, f func(at int64, values []float64, light []bool) error) (err error) {
	at := int64(0)
	for i := range g.chunks {
		for from := 0; from < g.chunks[i].rows; from += pieceRows {
			n := min(pieceRows, g.chunks[i].rows-from)
			if r.values, r.buf, err = r.readers[i].column(m, from, n, r.values[:0], r.buf); err != nil {
				return err
			}
			r.light = r.light[:0]
			for k := range int64(n) {
				if marks == nil {
					break
				}
				r.light = append(r.light, marks[(at+k)/64]>>((at+k)%64)&1 == 1)
			}
			if err := f(at, r.values, r.light); err != nil {
				return err
			}
			at += int64(n)
		}
	}
	return nil
}

// segments computes all groups and writes fg_b/segment. It returns how their rows are capped.
func (p *part) segments(ctx context.Context) (caps map[groupID][]feature.Spread, err error) {
	cfg := &p.job.cfg
	w, err := p.table(feature.FGBSegmentTable())
	if err != nil {
		return nil, err
	}
	caps = make(map[groupID][]feature.Spread, len(p.groups))
	groups := slices.SortedFunc(maps.Keys(p.groups), p.names.compareSegments)
	readers := make([]*groupReader, cfg.Workers)
	for i := range readers {
		readers[i] = &groupReader{rules: &cfg.Rules, calc: feature.NewBaselineCalculator(cfg.Rules.LightWeight), file: p.spill.file,
			memory: cfg.Memory / int64(cfg.Workers)}
	}
	i := 0
	next := func(context.Context) (*segmentGroup, bool, error) {
		if i == len(groups) {
			return nil, false, nil
		}
		g := &segmentGroup{group: groups[i], chunks: p.groups[groups[i]]}
		i++
		return g, true, nil
	}
	work := func(worker int, g *segmentGroup) error { return readers[worker].compute(g) }
	n := int64(0)
	return caps, inOrder(ctx, cfg.Workers, next, work, func(g *segmentGroup) error {
		caps[g.group] = g.caps
		p.report.Observations += g.rows
		p.report.DownWeighted += g.light
		n++
		p.job.progress(p.in.Name+": segments", n, int64(len(groups)))
		w.text(cfg.FeatureSpecVersion)
		w.text(p.names.segmentName(g.group.segment()))
		w.text(g.group.role().String())
		w.text(p.names.bandName(g.group.band()))
		w.text(g.group.label())
		w.stats(p.in, &g.stats)
		return w.end()
	})
}
