package fgb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"

	"ndr/feature"
	"ndr/sinks"
)

// aheadBytes is how much of an object is read at a time: columns lie one after the other, so that one request gives
// many of them.
const aheadBytes = 4 << 20

// readAhead reads an object in large pieces. It belongs to one goroutine.
type readAhead struct {
	sinks.Object
	off int64
	buf []byte
}

// ReadAt implements io.ReaderAt.
func (r *readAhead) ReadAt(p []byte, off int64) (int, error) {
	if len(p) >= aheadBytes {
		return r.Object.ReadAt(p, off)
	}
	if off < r.off || off+int64(len(p)) > r.off+int64(len(r.buf)) {
		n := max(0, min(aheadBytes, r.Size()-off))
		r.off, r.buf = off, sized(r.buf, int(n))
		if k, err := r.Object.ReadAt(r.buf, off); err != nil && !(err == io.EOF && int64(k) == n) {
			r.buf = r.buf[:0]
			return 0, err
		}
	}
	n := copy(p, r.buf[off-r.off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// rowReader reads the rows of FG-A objects into a run. It belongs to one goroutine.
type rowReader struct {
	job   *Job
	input *horizonInput
	names *names
	run   *run

	segment   string // last seen
	segmentID int
	own       bool
	band      string
	bandID    int
	ahead     []byte
	picked    []pickedRow
	picks     []int32 // their rows
}

// pickedRow is a row of the batch that is an observation of a role.
type pickedRow struct {
	row   int
	host  feature.Addr
	group groupID
	own   bool
}

// object reads one FG-A object of a slice.
func (r *rowReader) object(ctx context.Context, key string, s feature.Slice) error {
	o, err := r.job.store.Open(ctx, key)
	if err != nil {
		return fmt.Errorf("open %s: %w", key, err)
	}
	defer o.Close()
	var only []bool
	if r.names.parts > 1 && !r.job.cfg.ZeroFill {
		if only, err = r.ownGroups(o); err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		if !slices.Contains(only, true) {
			return nil
		}
	}
	ahead := &readAhead{Object: o, buf: r.ahead[:0]}
	defer func() { r.ahead = ahead.buf }()
	footer, err := sinks.ReadFooter(ahead)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	cols := observationColumns(footer.Table)
	t, err := sinks.ReadTable(ahead, cols.names...)
	if err == nil {
		err = t.Expect(cols.table)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	t.Only(only)
	for b, err := range t.Batches() {
		if err == nil {
			err = r.batch(b, cols, s)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
	}
	return nil
}

// ownGroups reads the segments alone and tells which row groups have rows of the part.
func (r *rowReader) ownGroups(o sinks.Object) ([]bool, error) {
	t, err := sinks.ReadTable(o, "segment_id")
	if err != nil {
		return nil, err
	}
	only := make([]bool, t.Footer().RowGroups)
	for b, err := range t.Batches() {
		if err != nil {
			return nil, err
		}
		last := ""
		for _, s := range b.Cols[0].Text {
			if s == last {
				continue
			}
			if last = s; r.names.own(s) {
				only[t.Group()] = true
				break
			}
		}
	}
	return only, nil
}

// observation is what of a table's columns is one window of one role.
type observation struct {
	role     feature.Role
	window   int // -1: the window that the row says
	sessions int
	metrics  [feature.NumMetrics]int
}

// columnsOf are the columns of an FG-A table that are read, in the order of the file.
type columnsOf struct {
	table                                *feature.Table
	names                                []string
	host, label, segment, band, lookback int
	views                                []observation
}

// observationColumns chooses the columns of either layout.
func observationColumns(file *feature.Table) *columnsOf {
	c := &columnsOf{table: feature.FGATable()}
	wide := file.Column(feature.FGAFeatureName(feature.Outbound, feature.Metrics[0].Name, feature.Windows[0].Label)) >= 0
	if wide {
		c.table = feature.FGAWideTable()
	}
	c.table.Name = file.Name
	at := make(map[string]int)
	for _, col := range c.table.Columns {
		metric := col.Type == feature.Int64 || col.Type == feature.Float64
		switch col.Name {
		case "host_ip", "window_label", "segment_id", "time_band", "lookback_days":
		case "hour_of_day", "is_working_hours", "is_off_hours", "is_night_hours", "is_weekend", "is_approximate":
			continue
		default:
			if !metric {
				continue
			}
		}
		at[col.Name] = len(c.names)
		c.names = append(c.names, col.Name)
	}
	c.host, c.label, c.segment, c.band, c.lookback = at["host_ip"], at["window_label"], at["segment_id"], at["time_band"], at["lookback_days"]
	for _, role := range [...]feature.Role{feature.Outbound, feature.Inbound} {
		if !wide {
			c.addView(at, role, -1)
			continue
		}
		for w := range feature.Windows {
			c.addView(at, role, w)
		}
	}
	return c
}

func (c *columnsOf) addView(at map[string]int, role feature.Role, window int) {
	v := observation{role: role, window: window}
	for m := range feature.Metrics {
		name := role.Prefix() + feature.Metrics[m].Name
		if window >= 0 {
			name = feature.FGAFeatureName(role, feature.Metrics[m].Name, feature.Windows[window].Label)
		}
		v.metrics[m] = at[name]
	}
	v.sessions = v.metrics[feature.MSessionsCnt]
	c.views = append(c.views, v)
}

// batch takes the rows of a batch: a role without flows is no observation.
func (r *rowReader) batch(b *feature.Batch, c *columnsOf, s feature.Slice) error {
	for i := range c.views {
		v := &c.views[i]
		if err := r.pick(b, c, v); err != nil {
			return err
		}
		for from := 0; from < len(r.picked); {
			if r.run.rows() >= r.run.limit {
				if err := r.run.flush(); err != nil {
					return err
				}
			}
			to := min(len(r.picked), from+r.run.limit-r.run.rows())
			r.append(b, c, v, r.picked[from:to], s)
			from = to
		}
	}
	return nil
}

// pick finds the observations of a view. Rows of segments of other parts are picked only for zero_fill, which asks
// where a host was active at all.
func (r *rowReader) pick(b *feature.Batch, c *columnsOf, v *observation) error {
	r.picked = r.picked[:0]
	sessions := &b.Cols[v.sessions]
	hosts, segments, bands, labels := b.Cols[c.host].Text, b.Cols[c.segment].Text, b.Cols[c.band].Text, b.Cols[c.label].Text
	lastHost, lastLabel, window := "", "", v.window
	var host feature.Addr
	for row, n := range sessions.Int {
		if n <= 0 || sessions.IsNull(row) {
			continue
		}
		if err := r.turnTo(segments[row], bands[row]); err != nil {
			return err
		}
		if !r.own && !r.job.cfg.ZeroFill {
			continue
		}
		if text := hosts[row]; text != lastHost {
			var err error
			if host, err = feature.ParseAddr(text); err != nil {
				return err
			}
			lastHost = text
		}
		if label := labels[row]; v.window < 0 && label != lastLabel {
			if window = windowOf(label); window < 0 {
				return fmt.Errorf("window_label %q is unknown", label)
			}
			lastLabel = label
		}
		r.picked = append(r.picked, pickedRow{row, host, makeGroup(r.segmentID, v.role, r.bandID, window), r.own})
	}
	return nil
}

// turnTo looks up a segment and a band; both repeat.
func (r *rowReader) turnTo(segment, band string) (err error) {
	if segment != r.segment || r.segment == "" {
		if r.segmentID, err = r.names.segmentNumber(segment); err != nil {
			return err
		}
		r.segment, r.own = segment, r.names.own(segment)
	}
	if band != r.band || r.band == "" {
		if r.bandID, err = r.names.bandNumber(band); err != nil {
			return err
		}
		r.band = band
	}
	return nil
}

func windowOf(label string) int {
	return slices.IndexFunc(feature.Windows[:], func(w feature.Window) bool { return w.Label == label })
}

// minLookback is the lookback_days below which novelty is no observation.
const minLookback = 7

// append adds observations to the run. Of those of other parts only the slice matters.
func (r *rowReader) append(b *feature.Batch, c *columnsOf, v *observation, picked []pickedRow, s feature.Slice) {
	lookback := b.Cols[c.lookback].Int
	plain, long := true, true // all are of the part, and of all novelty counts
	r.picks = r.picks[:0]
	for i := range picked {
		plain = plain && picked[i].own
		long = long && lookback[picked[i].row] >= minLookback
		r.picks = append(r.picks, int32(picked[i].row))
		r.run.cols[columnSlice] = append(r.run.cols[columnSlice], float64(s-r.input.first))
		r.run.hosts = append(r.run.hosts, picked[i].host)
		r.run.group = append(r.run.group, picked[i].group)
	}
	for m := range v.metrics {
		src, dst := &b.Cols[v.metrics[m]], slices.Grow(r.run.cols[m], len(picked))
		novelty := feature.Metrics[m].Kind == feature.KindNovelty
		switch {
		case !plain || len(src.Null) > 0 || novelty && !long:
			for i := range picked {
				p := &picked[i]
				x := 0.0
				switch {
				case !p.own:
				case src.IsNull(p.row) || novelty && lookback[p.row] < minLookback:
					x = math.NaN()
				case feature.Metrics[m].Type == feature.Int64:
					x = float64(src.Int[p.row])
				default:
					x = src.Float[p.row]
				}
				dst = append(dst, x)
			}
		case feature.Metrics[m].Type == feature.Int64:
			for _, row := range r.picks {
				dst = append(dst, float64(src.Int[row]))
			}
		default:
			for _, row := range r.picks {
				dst = append(dst, src.Float[row])
			}
		}
		r.run.cols[m] = dst
	}
}

// objectsOf reads the manifest of a shard and returns the keys of its FG-A and its pair counts; of two layouts of
// FG-A the long one.
func (j *Job) objectsOf(ctx context.Context, manifest string) (fga, pairs string, err error) {
	b, err := j.store.Get(ctx, manifest, 0, -1)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("read manifest of a complete slice: %w", err)
	}
	if err != nil {
		return "", "", fmt.Errorf("read %s: %w", manifest, err)
	}
	m, err := sinks.ParseManifest(b)
	if err != nil {
		return "", "", fmt.Errorf("read %s: %w", manifest, err)
	}
	for _, d := range m.Datasets {
		switch {
		case d.Name == feature.DatasetFGA, d.Name == feature.DatasetFGAWide && fga == "":
			fga = d.Key
		case d.Name == feature.DatasetPairCounts:
			pairs = d.Key
		}
	}
	if fga == "" || pairs == "" {
		return "", "", fmt.Errorf("read %s: it names no %s or no %s", manifest, feature.DatasetFGA, feature.DatasetPairCounts)
	}
	return fga, pairs, nil
}
