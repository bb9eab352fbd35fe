package feature

import (
	"fmt"
	"slices"
)

// fgcHorizon compares hosts with one horizon of the publication.
type fgcHorizon struct {
	frame     *frame
	label     string
	baselines Baselines
	plan      *fgcPlan
	rule      *deviationRule
	compare   *comparer
	scores    *fgcScores
	counters  *fgcCounters
	pairs     bool
	long      *fgcRows     // nil if not wanted
	wide      *fgcWideRows // nil if not wanted

	host    *HostBaseline // of the open host, nil if the publication does not know it
	chosen  [numWindows][2]chosen
	rater   pairRater
	shown   [numWindows]shownPair
	beacons float64 // beacon_suspicion_score, -1 without a pair that qualifies

	windows [numWindows]fgcWindow
}

// fgcWindow is one window of the open host beside its baselines.
type fgcWindow struct {
	of      [2][NumMetrics]comparison
	support [2]int64
	cells   []cell // single features
}

// cell is a value of a single feature: f of FLOAT, i of integers and times, text of texts; null without ok.
type cell struct {
	f    float64
	i    int64
	text string
	ok   bool
}

func newFGCHorizon(o *rowContext, h FGCHorizon, plan *fgcPlan, rule *deviationRule, cfg *FGCConfig, counters *fgcCounters, sinks *CloseSinks) (*fgcHorizon, error) {
	f := &fgcHorizon{frame: o.frame, label: h.Label, baselines: h.Baselines, plan: plan, rule: rule, counters: counters, pairs: cfg.PairFeatures,
		compare: newComparer(plan, rule, counters), rater: pairRater{baselines: h.Baselines}}
	f.scores = newFGCScores(plan, rule, cfg, o.time.Band, counters)
	for w := range f.windows {
		f.windows[w].cells = make([]cell, len(f.scores.singles.list))
	}
	var err error
	if f.long, err = newFGCRows(o, f, sinks.FGC[h.Label]); err != nil {
		return nil, err
	}
	f.wide, err = newFGCWideRows(o, f, sinks.FGCWide[h.Label], sinks.FGC[h.Label] == nil)
	return f, err
}

// begin looks the host up.
func (f *fgcHorizon) begin(h *hostState) (err error) {
	if f.host, err = f.baselines.Host(h.addr, h.segment); err != nil {
		return fmt.Errorf("look up host %s in the baselines of %s: %w", h.text, f.label, err)
	}
	for w := range f.chosen {
		for role := range f.chosen[w] {
			c := &f.chosen[w][role]
			*c = choose(f.baselines, f.host, h.segment, Role(role), w)
			if c.source == sourceHost && c.stats == nil {
				return fmt.Errorf("look up host %s in the baselines of %s: fg_b/ip_metadata says that it has a full history, and fg_b/host has no row of %s %s",
					h.text, f.label, Role(role), Windows[w].Label)
			}
		}
		f.shown[w].ok = false
	}
	f.rater.host, f.rater.segment = f.host, h.segment
	f.beacons = -1
	return nil
}

// offer takes an outbound pair with a port as a candidate of all windows that have it.
func (f *fgcHorizon) offer(peer Addr, port uint16, t *tally, shortest int) error {
	f.rater.next()
	for w := shortest; w < numWindows; w++ {
		p, err := f.rater.rate(peer, port, f.chosen[w][Outbound].cold)
		if err != nil {
			return err
		}
		f.shown[w].offer(p, peer, port, t.sessions[w])
	}
	return nil
}

// beacon takes a pair that qualifies for cadence. The weight is that of the row which shows the score, and 1 of
// ports together, which no pair table knows.
func (f *fgcHorizon) beacon(e *Evidence) error {
	weight := 1.0
	if f.pairs && e.Port != 0 {
		f.rater.next()
		p, err := f.rater.rate(e.Peer, e.Port, f.chosen[0][Outbound].cold)
		if err != nil {
			return err
		}
		weight = p.weight
	}
	f.beacons = max(f.beacons, e.Score*(0.5+float64(0.5*weight))*e.Duration)
	return nil
}

// end writes the rows of the host.
func (f *fgcHorizon) end(h *hostState, facts *hostFacts) error {
	for _, w := range f.plan.windows {
		if h.active(w) {
			f.fill(h, w)
		}
	}
	if h.active(0) && !slices.Contains(f.plan.windows, windowHour) {
		before := *f.counters // it has no row: its nulls are nobody's
		f.fill(h, windowHour)
		*f.counters = before
	}
	for _, w := range f.plan.windows {
		if h.active(w) {
			f.scores.fill(f, w, facts)
		}
	}
	if f.long != nil {
		if err := f.long.add(h, f); err != nil {
			return err
		}
	}
	if f.wide != nil {
		return f.wide.add(h, f)
	}
	return nil
}

// windowHour is the window that the shortest one is compared with.
const windowHour = 2

// fill compares a window.
func (f *fgcHorizon) fill(h *hostState, w int) {
	v, short := &f.windows[w], f.frame.historical[w] < minLookback
	for role := range v.of {
		c := &f.chosen[w][role]
		v.support[role] = f.compare.compare(&h.windows[role][w], c.stats, short, &v.of[role])
		if reason, ok := c.fallback(); ok {
			f.counters.imputed[reason]++
		}
	}
}
