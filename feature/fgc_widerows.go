package feature

// fgcWideRows writes FG-C in the wide layout.
type fgcWideRows struct {
	fgcColumns
	source  []sourceColumns // by window of the plan
	metrics [2][][]int      // by metric and window of the plan: the first column, its transforms side by side
	singles [][]int         // by window of the plan; one column of those of the shortest window
}

// newFGCWideRows makes the writer of a horizon, nil without a sink. only tells that there is no table in the long
// layout.
func newFGCWideRows(o *rowContext, f *fgcHorizon, sink RowSink, only bool) (*fgcWideRows, error) {
	if sink == nil {
		return nil, nil
	}
	t := f.plan.wideTable()
	if only {
		t.Name = DatasetFGC
	}
	w := o.writer(t, sink)
	r := &fgcWideRows{fgcColumns: newFGCColumns(o, f, w)}
	for _, win := range f.plan.windows {
		r.source = append(r.source, newSourceColumns(w, "_"+Windows[win].Label))
	}
	for _, role := range catalogRoles {
		for _, m := range f.plan.metrics {
			var first []int
			for _, win := range f.plan.windows {
				for i, t := range f.plan.transforms {
					col := w.column(FGCFeatureName(role, Metrics[m].Name, Windows[win].Label, t))
					if i == 0 {
						first = append(first, col)
					}
				}
			}
			r.metrics[role] = append(r.metrics[role], first)
		}
	}
	for _, s := range f.scores.singles.list {
		if s.shortest {
			r.singles = append(r.singles, []int{w.column(s.name)})
			continue
		}
		var cols []int
		for _, win := range f.plan.windows {
			cols = append(cols, w.column(s.name+"_"+Windows[win].Label))
		}
		r.singles = append(r.singles, cols)
	}
	return r, w.check()
}

// add writes the row of a host that is active in the longest window. A shorter one without flows is null.
func (r *fgcWideRows) add(h *hostState, f *fgcHorizon) error {
	b := r.addHost(h, WideWindowLabel)
	null := comparison{}
	for i, w := range f.plan.windows {
		if h.active(w) {
			r.source[i].add(b, &f.chosen[w])
		} else {
			r.source[i].addNull(b)
		}
	}
	for role := range r.metrics {
		for i, m := range f.plan.metrics {
			for j, w := range f.plan.windows {
				d := &f.windows[w].of[role][m]
				if !h.active(w) {
					d = &null
				}
				f.addTransforms(b, r.metrics[role][i][j], d)
			}
		}
	}
	for i, s := range f.scores.singles.list {
		for j, col := range r.singles[i] {
			w := f.plan.windows[j]
			if s.shortest {
				w = 0
			}
			if h.active(w) && (w != 0 || f.plan.windows[0] == 0) {
				addCell(b, col, s.typ, &f.windows[w].cells[i])
			} else {
				b.AddNull(col)
			}
		}
	}
	return r.tableWriter.end()
}
