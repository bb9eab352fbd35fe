package sinks

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"ndr/feature"
)

// statsColumns are where a table of statistics has its columns.
type statsColumns struct {
	host, role, segment, band, window int // host is -1 in fg_b/segment
	stats                             [feature.NumMetrics][feature.NumStatistics]int
}

func newStatsColumns(t *feature.Table) (*statsColumns, error) {
	c := &statsColumns{host: t.Column("host_ip"), role: t.Column("role"), segment: t.Column("segment_id"), band: t.Column("time_band"),
		window: t.Column("window_label")}
	next := 0
	for m := range c.stats {
		for s := range c.stats[m] {
			name := feature.FGBColumn(feature.MetricID(m), feature.Statistic(s))
			for next < len(t.Columns) && t.Columns[next].Name != name { // they follow each other
				next++
			}
			if next == len(t.Columns) {
				return nil, fmt.Errorf("read table %s: no column %s", t.Name, name)
			}
			c.stats[m][s] = next
		}
	}
	return c, nil
}

// row reads the statistics of a row.
func (c *statsColumns) row(b *feature.Batch, row int, s *feature.BaselineStats) (role feature.Role, window int, err error) {
	switch text := b.Cols[c.role].Text[row]; text {
	case feature.Inbound.String():
		role = feature.Inbound
	case feature.Outbound.String():
		role = feature.Outbound
	default:
		return 0, 0, fmt.Errorf("role %q", text)
	}
	label := b.Cols[c.window].Text[row]
	if window = slices.IndexFunc(feature.Windows[:], func(w feature.Window) bool { return w.Label == label }); window < 0 {
		return 0, 0, fmt.Errorf("window %q", label)
	}
	for m := range s {
		at := &c.stats[m]
		number := func(k feature.Statistic) float64 { return b.Cols[at[k]].Float[row] } // 0 where null
		s[m] = feature.MetricBaseline{Median: number(feature.StatMedian), P25: number(feature.StatP25), P75: number(feature.StatP75),
			P95: number(feature.StatP95), P99: number(feature.StatP99), MAD: number(feature.StatMAD), IQR: number(feature.StatIQR),
			Support: b.Cols[at[feature.StatSupportCount]].Int[row], Cold: b.Cols[at[feature.StatColdStartFlag]].Int[row] == 1}
	}
	return role, window, nil
}

// hosts takes a part of fg_b/host with the same part of fg_b/ip_metadata, whose rows have the same keys.
func (b *localBuilder) hosts(ctx context.Context, hosts, machines BaselineTable) error {
	r, o, err := b.open(ctx, hosts, feature.FGBHostTable())
	if err != nil {
		return err
	}
	defer o.Close()
	mr, mo, err := b.open(ctx, machines, feature.FGBIPMetadataTable(), "host_ip", "role", "segment_id", "time_band", "window_label",
		"is_full_history", "is_cold_start", "typical_time_bands")
	if err != nil {
		return err
	}
	defer mo.Close()
	read, err := newStatsColumns(r.Table())
	if err != nil {
		return err
	}
	j := &hostJoin{b: b, w: b.writers(), read: read, machines: machineRows{reader: mr}, bands: make(map[string][]byte)}
	for batch, err := range r.Batches() {
		if err != nil {
			return fmt.Errorf("read %s: %w", hosts.Key, err)
		}
		for row := range batch.Rows {
			if err := j.add(batch, row); err != nil {
				return fmt.Errorf("read %s with %s: %w", hosts.Key, machines.Key, err)
			}
		}
	}
	if err := j.flush(); err != nil {
		return err
	}
	if ok, err := j.machines.next(); err != nil || ok {
		return errors.Join(err, fmt.Errorf("read %s: it has more rows than %s", machines.Key, hosts.Key))
	}
	return j.w.finish()
}

// machineRows steps through ip_metadata.
type machineRows struct {
	reader *TableReader
	batch  *feature.Batch
	row    int
}

func (m *machineRows) next() (bool, error) {
	m.row++
	for m.batch == nil || m.row >= m.batch.Rows {
		b, err := m.reader.Next()
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		m.batch, m.row = b, 0
	}
	return true, nil
}

// hostJoin collects the rows of one host.
type hostJoin struct {
	b        *localBuilder
	w        *localWriters
	read     *statsColumns
	machines machineRows
	host     string
	typical  string
	bands    map[string][]byte // rows by band
}

func (j *hostJoin) add(batch *feature.Batch, row int) error {
	if ok, err := j.machines.next(); err != nil || !ok {
		return errors.Join(err, errors.New("ip_metadata has fewer rows"))
	}
	m := j.machines.batch.Cols
	for i, col := range [...]int{j.read.host, j.read.role, j.read.segment, j.read.band, j.read.window} {
		if got, want := m[i].Text[j.machines.row], batch.Cols[col].Text[row]; got != want {
			return fmt.Errorf("ip_metadata has %q where the host's row has %q", got, want)
		}
	}
	if host := batch.Cols[j.read.host].Text[row]; host != j.host {
		if err := j.flush(); err != nil {
			return err
		}
		j.host, j.typical = host, m[7].Text[j.machines.row]
	}
	role, window, err := j.read.row(batch, row, &j.b.stats)
	if err != nil {
		return err
	}
	var flags byte
	if m[5].Int[j.machines.row] == 1 {
		flags |= flagFull
	}
	if m[6].Int[j.machines.row] == 1 {
		flags |= flagCold
	}
	band, segment := batch.Cols[j.read.band].Text[row], batch.Cols[j.read.segment].Text[row]
	rows := binary.AppendUvarint(j.bands[band], uint64(len(segment)))
	j.bands[band] = appendStats(append(rows, segment...), role, window, flags, &j.b.stats)
	return nil
}

// flush writes the host that is complete.
func (j *hostJoin) flush() error {
	if len(j.bands) == 0 {
		return nil
	}
	host, err := feature.ParseAddr(j.host)
	if err != nil {
		return err
	}
	j.b.key = host.AppendSorted(j.b.key[:0])
	for _, band := range slices.Sorted(maps.Keys(j.bands)) {
		if err := j.w.add("host\x00"+band, j.b.key, j.bands[band]); err != nil {
			return err
		}
	}
	clear(j.bands)
	// A host in the tables of several parts has the same bands in each; they are joined by a zero that readers cut.
	return j.w.add("machine", j.b.key, append(append(j.b.value[:0], j.typical...), 0))
}
