package fgb

import (
	"testing"

	"ndr/feature"
	"ndr/sinks"
)

// A host that moved is typically active where its activity in the segments of all parts together says so.
func TestTypicalBandsOfAllParts(t *testing.T) {
	w := newWorld(t)
	j := w.job(w.config(reference), 0)
	type active struct {
		host, band string
		slices     int64
	}
	var tables []sinks.BaselineTable
	for part, rows := range [][]active{
		{{"10.0.0.1", "off_hours", 3}, {"10.0.0.1", "working_hours", 1}, {"10.0.0.3", "off_hours", 100}},
		{{"10.0.0.1", "off_hours", 2}, {"10.0.0.1", "working_hours", 1}, {"10.0.0.4", "working_hours", 5}},
		{},
	} {
		f, err := newRowWriter(t.TempDir(), activePartial(), nil)
		w.check(err)
		for _, r := range rows {
			f.text(r.host)
			f.text(r.band)
			f.int(r.slices)
			w.check(f.end())
		}
		made, err := j.put(t.Context(), feature.BaselinePartialObject(partialActive, "1d", "2026-11", 1, part), f)
		w.check(err)
		w.check(f.Close())
		tables = append(tables, made)
	}
	rows, err := j.openMerge(t.Context(), tables, activePartial(), columnNames(activePartial())...)
	w.check(err)
	typical := &typicalBands{rows: rows, slices: map[string]int64{"off_hours": 100, "working_hours": 50}}
	for _, c := range []struct{ host, want string }{
		{"10.0.0.0", ""}, {"10.0.0.1", "off_hours"}, {"10.0.0.2", ""}, {"10.0.0.4", "working_hours"}, {"fd00::1", ""},
	} {
		if got, err := typical.of(addr(c.host)); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.host, got, err, c.want)
		}
	}
	w.check(rows.close())
}
