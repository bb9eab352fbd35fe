package fgb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ndr/feature"
	"ndr/sinks"
)

// GuardError means that the baselines of too many hosts moved since the publication before: they may be poisoned.
// That publication stays in force.
type GuardError struct {
	Previous string // key of the publication before
	Horizons []GuardFinding
}

// GuardFinding is what the guard found in a horizon.
type GuardFinding struct {
	Horizon string
	sinks.BaselineGuardResult
	MaxShare float64
	Hosts    []string // that moved, in address order
}

func (f *GuardFinding) refused() bool { return f.Share > f.MaxShare }

// Error names the first hosts.
func (e *GuardError) Error() string {
	const shown = 20
	var b strings.Builder
	fmt.Fprintf(&b, "publish baselines: they moved too far from %s", e.Previous)
	for _, f := range e.Horizons {
		if !f.refused() {
			continue
		}
		fmt.Fprintf(&b, "; %s: %d of %d hosts moved (%.1f%%, at most %.1f%% may): %s", f.Horizon, f.Moved, f.Compared, 100*f.Share, 100*f.MaxShare,
			strings.Join(f.Hosts[:min(shown, len(f.Hosts))], " "))
		if n := len(f.Hosts) - shown; n > 0 {
			fmt.Fprintf(&b, " and %d more", n)
		}
	}
	b.WriteString("; look at these hosts, then publish with --accept")
	return b.String()
}

// guarded compares a horizon with the publication before.
func (j *Job) guarded(ctx context.Context, h *sinks.BaselineHorizon, before *sinks.BaselineMeta) (f *GuardFinding, err error) {
	old := before.Horizon(h.Name)
	if old == nil {
		return nil, nil
	}
	f = &GuardFinding{Horizon: h.Name, MaxShare: j.cfg.GuardMaxShare}
	columns := []string{"host_ip", "role", "segment_id", "time_band", "window_label"}
	for _, m := range j.cfg.Rules.KeyMetrics {
		for _, s := range [...]feature.Statistic{feature.StatMedian, feature.StatMAD, feature.StatIQR, feature.StatSupportCount} {
			columns = append(columns, feature.FGBColumn(m, s))
		}
	}
	oldTables, newTables := tablesOf(old, feature.DatasetFGBHost), tablesOf(h, feature.DatasetFGBHost)
	rows, err := j.openMerge(ctx, append(oldTables, newTables...), feature.FGBHostTable(), columns...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	c := guardComparison{job: j, found: f, olds: len(oldTables)}
	for {
		r, err := rows.next()
		if err != nil {
			return nil, err
		}
		if r == nil {
			break
		}
		c.add(r)
	}
	c.end()
	if f.Compared > 0 {
		f.Share = float64(f.Moved) / float64(f.Compared)
	}
	return f, nil
}

func tablesOf(h *sinks.BaselineHorizon, dataset string) (list []sinks.BaselineTable) {
	for _, t := range h.Tables {
		if t.Dataset == dataset {
			list = append(list, t)
		}
	}
	return list
}

// guardComparison goes through the rows of both publications, merged: of a key the old row comes first.
type guardComparison struct {
	job             *Job
	found           *GuardFinding
	olds            int // files of the old publication come first
	host            string
	compared, moved bool
	key             [5]string // of the old row
	old             []feature.MetricBaseline
}

const longestWindow = len(feature.Windows) - 1

func (c *guardComparison) add(r *mergedFile) {
	if h := r.text(0); h != c.host {
		c.end()
		c.host = h
	}
	if r.text(4) != feature.Windows[longestWindow].Label {
		return
	}
	var key [5]string
	for i := range key {
		key[i] = r.text(i)
	}
	if r.source < c.olds {
		c.key, c.old = key, c.metrics(r, c.old[:0])
		return
	}
	if key != c.key {
		return
	}
	c.compared = true
	for i, now := range c.metrics(r, nil) {
		if c.job.guard.Moved(c.job.cfg.Rules.KeyMetrics[i], &c.old[i], &now) {
			c.moved = true
		}
	}
}

func (c *guardComparison) metrics(r *mergedFile, dst []feature.MetricBaseline) []feature.MetricBaseline {
	for i := range c.job.cfg.Rules.KeyMetrics {
		at := 5 + 4*i
		dst = append(dst, feature.MetricBaseline{Median: r.float(at), MAD: r.float(at + 1), IQR: r.float(at + 2), Support: r.int(at + 3)})
	}
	return dst
}

// end counts the host that is complete.
func (c *guardComparison) end() {
	if c.compared {
		c.found.Compared++
	}
	if c.moved {
		c.found.Moved++
		c.found.Hosts = append(c.found.Hosts, c.host)
	}
	c.compared, c.moved = false, false
}
