package feature

import "strconv"

// deltaRows writes the delta table: the shortest window is the closing slice.
type deltaRows struct {
	*tableWriter
	frame                                   *frame
	host, role, start, end, segment, approx int
	metrics                                 [NumDeltaMetrics]int
	id                                      []byte
}

// newDeltaRows makes the writer, nil without a sink.
func newDeltaRows(o *rowContext, sink RowSink) (*deltaRows, error) {
	if sink == nil {
		return nil, nil
	}
	w := o.writer(DeltaTable(), sink)
	r := &deltaRows{tableWriter: w, frame: o.frame,
		host: w.column("host_ip"), role: w.column("role"), start: w.column("slice_start_ts"),
		end: w.column("slice_end_ts"), segment: w.column("segment_id"), approx: w.column("is_approximate")}
	for m := range r.metrics {
		r.metrics[m] = w.column(Metrics[m].Name)
	}
	return r, w.check()
}

// add writes the row of the host's open role.
func (r *deltaRows) add(h *hostState, m *windowMetrics) error {
	r.id = recordID(r.id, h.text, h.role.String(), r.frame.sliceText)
	b := r.begin(r.id)
	b.AddText(r.host, h.text)
	b.AddText(r.role, h.role.String())
	b.AddInt(r.start, r.frame.startTime[0])
	b.AddInt(r.end, r.frame.endTime)
	b.AddText(r.segment, h.segment)
	for i, col := range r.metrics {
		addMetric(b, col, MetricID(i), m)
	}
	b.AddInt(r.approx, count(m.approximate))
	return r.tableWriter.end()
}

// lateRows writes the late table: the additive metrics of rows that came too late for their slice.
type lateRows struct {
	*tableWriter
	frame                                                 *frame
	source                                                string
	host, role, start, emit, sourceCol, partition, cutCol int
	sums                                                  [NumSums]int
	id                                                    []byte
}

// newLateRows makes the writer, nil without a sink.
func newLateRows(o *rowContext, sink RowSink, source string) (*lateRows, error) {
	if sink == nil {
		return nil, nil
	}
	w := o.writer(LateTable(), sink)
	r := &lateRows{tableWriter: w, frame: o.frame, source: source,
		host: w.column("host_ip"), role: w.column("role"), start: w.column("slice_start_ts"),
		emit: w.column("emit_slice_ts"), sourceCol: w.column("source"), partition: w.column("partition"),
		cutCol: w.column("cut")}
	for s := range r.sums {
		r.sums[s] = w.column(Metrics[sumMetric[s]].Name)
	}
	return r, w.check()
}

func (r *lateRows) add(row *LateRow) error {
	host, role, start := row.Host.String(), row.Role.String(), r.frame.clock.Start(row.Slice)
	r.id = recordID(r.id, host, role, rfc3339(start), r.frame.sliceText, r.source, row.Partition,
		strconv.FormatUint(row.Cut, 10))
	b := r.begin(r.id)
	b.AddText(r.host, host)
	b.AddText(r.role, role)
	b.AddInt(r.start, start/1000)
	b.AddInt(r.emit, r.frame.startTime[0])
	b.AddText(r.sourceCol, r.source)
	b.AddText(r.partition, row.Partition)
	b.AddInt(r.cutCol, int64(row.Cut))
	for s, col := range r.sums {
		if Sum(s) == DurationMillis {
			b.AddFloat(col, seconds(row.Counters.Sum[s]))
		} else {
			b.AddInt(col, row.Counters.Sum[s])
		}
	}
	return r.tableWriter.end()
}
