package feature

import (
	"cmp"
	"slices"
)

// fgcColumns are the columns that both layouts of FG-C have.
type fgcColumns struct {
	*tableWriter
	frame                *frame
	horizon              string
	host, label, end     int
	boundStart, boundEnd int
	bounds               [2]int64
	id                   []byte
}

func newFGCColumns(o *rowContext, f *fgcHorizon, w *tableWriter) fgcColumns {
	c := fgcColumns{tableWriter: w, frame: o.frame, horizon: f.label, host: w.column("host_ip"), label: w.column("window_label"),
		end: w.column("window_end_ts"), boundStart: w.column("baseline_start_ts"), boundEnd: w.column("baseline_end_ts")}
	c.bounds[0], c.bounds[1] = f.baselines.Bounds()
	return c
}

// addHost starts a row and adds its key and the bounds of the horizon.
func (c *fgcColumns) addHost(h *hostState, label string) *Batch {
	c.id = recordID(c.id, h.text, label, c.frame.endText, c.horizon)
	b := c.begin(c.id)
	b.AddText(c.host, h.text)
	b.AddText(c.label, label)
	b.AddInt(c.end, c.frame.endTime)
	b.AddInt(c.boundStart, c.bounds[0])
	b.AddInt(c.boundEnd, c.bounds[1])
	return b
}

// sourceColumns are the columns that say what a row was compared with, of both roles.
type sourceColumns struct{ source, cold [2]int }

func newSourceColumns(w *tableWriter, suffix string) (c sourceColumns) {
	for role := range c.source {
		prefix := Role(role).Prefix()
		c.source[role], c.cold[role] = w.column(prefix+"baseline_source"+suffix), w.column(prefix+"is_cold_start"+suffix)
	}
	return c
}

func (c *sourceColumns) add(b *Batch, from *[2]chosen) {
	for role := range from {
		b.AddText(c.source[role], sourceNames[from[role].source])
		b.AddInt(c.cold[role], count(from[role].cold))
	}
}

func (c *sourceColumns) addNull(b *Batch) {
	for role := range c.source {
		b.AddNull(c.source[role])
		b.AddNull(c.cold[role])
	}
}

// addCell adds a single feature.
func addCell(b *Batch, col int, t ColumnType, c *cell) {
	switch {
	case !c.ok:
		b.AddNull(col)
	case t == Float32:
		b.AddFloat(col, c.f)
	case t == Text:
		b.AddText(col, c.text)
	default:
		b.AddInt(col, c.i)
	}
}

// addTransforms adds the transforms of a metric to the columns from col on.
func (f *fgcHorizon) addTransforms(b *Batch, col int, d *comparison) {
	for _, t := range f.plan.transforms {
		if d.valid {
			b.AddFloat(col, f.rule.value(t, d))
		} else {
			b.AddNull(col)
		}
		col++
	}
}

// fgcRows writes FG-C in the long layout.
type fgcRows struct {
	fgcColumns
	order   []int // windows of the plan by label
	source  sourceColumns
	metrics [2][]int // first column of each metric of the plan, its transforms side by side
	singles []int
}

// newFGCRows makes the writer of a horizon, nil without a sink.
func newFGCRows(o *rowContext, f *fgcHorizon, sink RowSink) (*fgcRows, error) {
	if sink == nil {
		return nil, nil
	}
	w := o.writer(f.plan.table(), sink)
	r := &fgcRows{fgcColumns: newFGCColumns(o, f, w), order: slices.Clone(f.plan.windows), source: newSourceColumns(w, "")}
	slices.SortFunc(r.order, func(a, b int) int { return cmp.Compare(Windows[a].Label, Windows[b].Label) })
	for _, role := range catalogRoles {
		for _, m := range f.plan.metrics {
			for i, t := range f.plan.transforms {
				col := w.column(role.Prefix() + Metrics[m].Name + "_" + t.String())
				if i == 0 {
					r.metrics[role] = append(r.metrics[role], col)
				}
			}
		}
	}
	for _, s := range f.scores.singles.list {
		r.singles = append(r.singles, w.column(s.name))
	}
	return r, w.check()
}

// add writes the rows of a host, one for each window of the plan in which it is active.
func (r *fgcRows) add(h *hostState, f *fgcHorizon) error {
	for _, w := range r.order {
		if !h.active(w) {
			continue
		}
		v := &f.windows[w]
		b := r.addHost(h, r.frame.label[w])
		r.source.add(b, &f.chosen[w])
		for role := range r.metrics {
			for i, m := range f.plan.metrics {
				f.addTransforms(b, r.metrics[role][i], &v.of[role][m])
			}
		}
		for i, col := range r.singles {
			addCell(b, col, f.scores.singles.list[i].typ, &v.cells[i])
		}
		if err := r.tableWriter.end(); err != nil {
			return err
		}
	}
	return nil
}
