package fgb

import (
	"context"
	"fmt"
	"time"

	"ndr/sinks"
)

// Report is what a job has done.
type Report struct {
	Month         string
	Revision      int
	Part, Parts   int
	Published     bool
	Key           string // of the publication
	EffectiveFrom time.Time
	Horizons      []sinks.BaselineHorizon // of a publication, also of one that the guard refused
	Guard         []GuardFinding
	Warnings      []string
}

// maxDownWeighted is the share of down-weighted rows above which a horizon is warned about.
const maxDownWeighted = 0.1

// Run does what the configuration asks: computes the part, publishes, or both. What is computed already with the same
// inputs is kept, so the same job again resumes. The report comes back also with an error.
func (j *Job) Run(ctx context.Context) (*Report, error) {
	r := &Report{Month: j.cfg.Month(), Part: j.cfg.Part, Parts: j.cfg.Parts}
	plans, err := j.plan(ctx)
	if err != nil {
		return r, err
	}
	empty := true
	for _, p := range plans {
		r.Warnings = append(r.Warnings, j.planWarnings(p)...)
		empty = empty && len(p.slices) == 0
	}
	if empty {
		return r, fmt.Errorf("read inputs: no slice is complete in any horizon of %s", j.cfg.Month())
	}
	inv, err := j.findInventory(ctx)
	if err != nil {
		return r, err
	}
	if inv.empty() {
		r.Warnings = append(r.Warnings, "there is no machine inventory: no machine is known to be non-persistent")
	}
	if r.Revision, err = j.nextRevision(ctx); err != nil {
		return r, err
	}
	if j.cfg.Compute {
		for _, p := range plans {
			if err := j.computePart(ctx, p, inv, r.Revision); err != nil {
				return r, err
			}
		}
	}
	if !j.cfg.Publish {
		return r, nil
	}
	err = j.publishAll(ctx, plans, inv, r.Revision, r)
	for i := range r.Horizons {
		if h := &r.Horizons[i]; h.Share > maxDownWeighted {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %.1f%% of the rows are down-weighted as anomalies: look for what changed, or raise capping.z_max",
				h.Name, 100*h.Share))
		}
	}
	return r, err
}

func (j *Job) planWarnings(p *horizonInput) (warnings []string) {
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	if p.beforeHistory > 0 {
		warn("%s: the history begins %s, %d slices after the horizon does", p.Name, j.sliceTime(p), p.beforeHistory)
	}
	if len(p.missing) > 0 {
		warn("%s: %d slices are missing and were let pass", p.Name, len(p.missing))
	}
	return warnings
}

// sliceTime is when the first slice of a horizon begins.
func (j *Job) sliceTime(p *horizonInput) string {
	s := p.last
	if len(p.slices) > 0 {
		s = p.slices[0].slice
	}
	return time.Unix(0, j.cfg.Clock.Start(s)).UTC().Format("2006-01-02 15:04")
}

// Plan is what a job would read.
type Plan struct {
	Horizon       string
	Start, End    time.Time
	Slices        int // complete
	Silent        int // passed over, because nothing was in them
	BeforeHistory int
	Missing       []string
}

// Plan finds the inputs and computes nothing. Missing slices are an error only of Run.
func (j *Job) Plan(ctx context.Context) ([]Plan, error) {
	loose := *j
	loose.cfg.AllowGaps = int(^uint(0) >> 1)
	plans, err := loose.plan(ctx)
	if err != nil {
		return nil, err
	}
	var out []Plan
	for _, p := range plans {
		one := Plan{Horizon: p.Name, Start: p.start, End: p.end, Slices: len(p.slices), Silent: len(p.silent), BeforeHistory: p.beforeHistory}
		for _, s := range p.missing {
			one.Missing = append(one.Missing, j.cfg.Clock.Name(s))
		}
		out = append(out, one)
	}
	return out, nil
}
