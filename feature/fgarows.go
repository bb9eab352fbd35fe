package feature

import (
	"cmp"
	"slices"
)

// fgaColumns are the columns that both layouts of FG-A have.
type fgaColumns struct {
	*tableWriter
	frame                                *frame
	time                                 TimeContext
	host, label, end, start, segment     int
	hour, day, working, off, night, rest int
	band, lookbackDays, approximate      int
	id                                   []byte
}

func newFGAColumns(o *rowContext, w *tableWriter) fgaColumns {
	return fgaColumns{tableWriter: w, frame: o.frame, time: o.time,
		host: w.column("host_ip"), label: w.column("window_label"), end: w.column("window_end_ts"),
		start: w.column("window_start_ts"), segment: w.column("segment_id"),
		hour: w.column("hour_of_day"), day: w.column("day_of_week"), working: w.column("is_working_hours"),
		off: w.column("is_off_hours"), night: w.column("is_night_hours"), rest: w.column("is_weekend"),
		band: w.column("time_band"), lookbackDays: w.column("lookback_days"), approximate: w.column("is_approximate")}
}

// addHost starts a row and adds all columns but the metrics; window w gives the start, lookback_days and
// is_approximate.
func (c *fgaColumns) addHost(h *hostState, w int, label string) *Batch {
	c.id = recordID(c.id, h.text, label, c.frame.endText)
	b := c.begin(c.id)
	b.AddText(c.host, h.text)
	b.AddText(c.label, label)
	b.AddInt(c.end, c.frame.endTime)
	b.AddInt(c.start, c.frame.startTime[w])
	b.AddText(c.segment, h.segment)
	b.AddInt(c.hour, c.time.Hour)
	b.AddText(c.day, c.time.DayOfWeek)
	b.AddInt(c.working, c.time.Working)
	b.AddInt(c.off, c.time.Off)
	b.AddInt(c.night, c.time.Night)
	b.AddInt(c.rest, c.time.Weekend)
	b.AddText(c.band, c.time.Band)
	b.AddInt(c.lookbackDays, c.frame.historical[w])
	b.AddInt(c.approximate, count(h.windows[Inbound][w].approximate || h.windows[Outbound][w].approximate))
	return b
}

// active reports whether the host has flows in window w, in either role.
func (h *hostState) active(w int) bool {
	return h.windows[Inbound][w].flows || h.windows[Outbound][w].flows
}

// fgaRows writes FG-A in the long layout.
type fgaRows struct {
	fgaColumns
	order   [numWindows]int // windows by label
	metrics [2][NumMetrics]int
}

// newFGARows makes the writer, nil without a sink.
func newFGARows(o *rowContext, sink RowSink) (*fgaRows, error) {
	if sink == nil {
		return nil, nil
	}
	w := o.writer(FGATable(), sink)
	r := &fgaRows{fgaColumns: newFGAColumns(o, w)}
	for i := range r.order {
		r.order[i] = i
	}
	slices.SortFunc(r.order[:], func(a, b int) int { return cmp.Compare(Windows[a].Label, Windows[b].Label) })
	for role := range r.metrics {
		for m := range r.metrics[role] {
			r.metrics[role][m] = w.column(Role(role).Prefix() + Metrics[m].Name)
		}
	}
	return r, w.check()
}

// add writes the rows of a host, one for each window in which it is active.
func (r *fgaRows) add(h *hostState) error {
	for _, w := range r.order {
		if !h.active(w) {
			continue
		}
		b := r.addHost(h, w, r.frame.label[w])
		for role := range r.metrics {
			v := &h.windows[role][w]
			for m, col := range r.metrics[role] {
				addMetric(b, col, MetricID(m), v)
			}
		}
		if err := r.tableWriter.end(); err != nil {
			return err
		}
	}
	return nil
}

// wideRows writes FG-A in the wide layout.
type wideRows struct {
	fgaColumns
	metrics [2][NumMetrics][numWindows]int
}

// newWideRows makes the writer, nil without a sink. only tells that there is no table in the long layout.
func newWideRows(o *rowContext, sink RowSink, only bool) (*wideRows, error) {
	if sink == nil {
		return nil, nil
	}
	t := FGAWideTable()
	if only {
		t.Name = DatasetFGA
	}
	w := o.writer(t, sink)
	r := &wideRows{fgaColumns: newFGAColumns(o, w)}
	for role := range r.metrics {
		for m := range r.metrics[role] {
			for i, win := range Windows {
				r.metrics[role][m][i] = w.column(FGAFeatureName(Role(role), Metrics[m].Name, win.Label))
			}
		}
	}
	return r, w.check()
}

// add writes the row of a host that is active in the longest window. A shorter one without flows is null.
func (r *wideRows) add(h *hostState) error {
	longest := numWindows - 1
	if !h.active(longest) {
		return nil
	}
	b := r.addHost(h, longest, WideWindowLabel)
	for role := range r.metrics {
		for m := range r.metrics[role] {
			for w, col := range r.metrics[role][m] {
				if h.active(w) {
					addMetric(b, col, MetricID(m), &h.windows[role][w])
				} else {
					b.AddNull(col)
				}
			}
		}
	}
	return r.tableWriter.end()
}
