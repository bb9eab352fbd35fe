package feature

import "slices"

// baselineSource is whose baseline a role of a row is compared with.
type baselineSource uint8

const (
	sourceHost baselineSource = iota
	sourceSegment
	sourceNone // of pairs: missing
)

var sourceNames = [...]string{"host", "segment", "none"}

// minLookback is how many lookback_days novelty takes to be trustworthy.
const minLookback = 7

// chosen is the baseline that a role of a row is compared with.
type chosen struct {
	stats  *BaselineStats // nil with sourceNone
	source baselineSource
	cold   bool // is_cold_start of the host's key
	full   bool // is_full_history of it
}

// choose takes the host's row where the host has a history there, else the segment's.
func choose(b Baselines, host *HostBaseline, segment string, role Role, window int) chosen {
	c := chosen{source: sourceNone, cold: true}
	if host != nil {
		c.cold, c.full = host.Cold[role][window], host.Full[role][window]
		if !c.cold {
			c.stats, c.source = host.Stats[role][window], sourceHost
			return c
		}
	}
	if c.stats = b.Segment(segment, role, window); c.stats != nil {
		c.source = sourceSegment
	}
	return c
}

// fallback is the reason for which another baseline than the host's own was taken; false for its own.
func (c *chosen) fallback() (imputation, bool) {
	switch {
	case c.source == sourceHost:
		return 0, false
	case c.source == sourceNone:
		return nullNoBaseline, true
	case c.full:
		return imputedNonPersistent, true
	}
	return imputedColdStart, true
}

// comparer compares the metrics of one role in one window with a baseline.
type comparer struct {
	rule     *deviationRule
	plan     *fgcPlan
	curated  [NumMetrics]bool
	counters *fgcCounters
}

func newComparer(plan *fgcPlan, rule *deviationRule, counters *fgcCounters) *comparer {
	c := &comparer{rule: rule, plan: plan, counters: counters}
	for _, m := range curatedMetrics {
		c.curated[m] = true
	}
	return c
}

// compare fills out for the metrics of the plan and returns the smallest support of the curated ones, -1 without a
// baseline. short tells that the window's history is too short for novelty.
func (c *comparer) compare(v *windowMetrics, b *BaselineStats, short bool, out *[NumMetrics]comparison) (support int64) {
	if b == nil {
		for _, m := range c.plan.evaluated {
			out[m] = comparison{}
		}
		return -1
	}
	support = -1
	for _, m := range c.plan.evaluated {
		s, d := &b[m], &out[m]
		if c.curated[m] && (support < 0 || s.Support < support) {
			support = s.Support
		}
		d.valid = false
		switch {
		case !v.flows && Metrics[m].Nullable:
			c.counters.imputed[nullNoFlows]++
		case short && Metrics[m].Kind == KindNovelty:
			c.counters.imputed[nullShortLookback]++
		case s.Support == 0:
			c.counters.imputed[nullNoSupport]++
		default:
			d.x, d.median, d.valid = v.value(m), s.Median, true
			var scale scaleSource
			d.z, scale = c.rule.z(m, d.x-d.median, s)
			c.counters.scales[scale]++
		}
	}
	return support
}

// value is a metric as a float.
func (v *windowMetrics) value(m MetricID) float64 {
	if Metrics[m].Type == Float64 {
		return v.floats[m]
	}
	return float64(v.ints[m])
}

// unusualTime reports whether the band is not typical of the host; known tells whether it is known at all.
func unusualTime(host *HostBaseline, band string) (unusual, known bool) {
	if host == nil || !host.HasMeta {
		return false, false
	}
	return !slices.Contains(host.Typical, band), true
}
