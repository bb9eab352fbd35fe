package feature

import (
	"fmt"
	"math"
	"slices"
)

// epsC is the eps_c of the definitions: what is added to the divisors of deviations.
const epsC = 1e-6

// BaselineRules is the arithmetic of FG-B that the configuration chooses. It is read-only once made.
type BaselineRules struct {
	KeyMetrics  []MetricID
	ZMax        float64
	LightWeight int64 // w_anom in thousandths
	Log         bool  // counts and bytes are capped as ln(1 + x)
	SupportMin  [NumMetrics]int64
	Required    []MetricID
	Rarity      float64 // rarity_threshold
}

// DefaultKeyMetrics are the metrics by which a row is judged to be an anomaly.
var DefaultKeyMetrics = [...]MetricID{MSessionsCnt, MBytesSrcSum, MBytesDstSum, MDenyRatio, MPeerIPEntropy, MHighRiskPortSessionsCnt,
	MMaxSessionsPerMinute}

// DefaultBaselineRules are the rules without any configuration.
func DefaultBaselineRules() BaselineRules {
	r := BaselineRules{KeyMetrics: slices.Clone(DefaultKeyMetrics[:]), ZMax: 6, LightWeight: 100, Rarity: 0.5}
	for m := range Metrics {
		r.SupportMin[m] = 50
		if Metrics[m].Kind != KindNovelty {
			r.Required = append(r.Required, MetricID(m))
		}
	}
	return r
}

// MetricsNamed returns the metrics of a list of names.
func MetricsNamed(names []string) (ids []MetricID, err error) {
	for _, name := range names {
		m, ok := MetricNamed(name)
		if !ok {
			return nil, fmt.Errorf("find metric %q: there is none of this name", name)
		}
		ids = append(ids, m)
	}
	return ids, nil
}

// Capped is the value of a metric on the scale of anomaly capping.
func (r *BaselineRules) Capped(m MetricID, x float64) float64 {
	if r.Log && Metrics[m].Type == Int64 {
		return math.Log(1 + x)
	}
	return x
}

// MarkAnomalies marks the rows whose value of a key metric, already on the scale of Capped, is further than z_max
// from the middle of its segment. A metric without spread marks none, nor does a null (NaN).
func (r *BaselineRules) MarkAnomalies(values []float64, s Spread, light []bool) {
	if !s.OK || s.MAD <= 0 {
		return
	}
	for i, x := range values {
		if math.Abs((x-s.Median)/(s.MAD+epsC)) > r.ZMax {
			light[i] = true
		}
	}
}

// Finish sets the cold-start flags of statistics.
func (r *BaselineRules) Finish(s *BaselineStats) {
	for m := range s {
		s[m].Cold = s[m].Support < r.SupportMin[m]
	}
}

// FullHistory reports whether every required metric has enough values (is_full_history).
func (r *BaselineRules) FullHistory(s *BaselineStats) bool {
	for _, m := range r.Required {
		if s[m].Support < r.SupportMin[m] {
			return false
		}
	}
	return true
}

// NewPairBaseline completes what is known of a pair: seen sessions in the horizon, the event_ts of the last one,
// and the number of UTC days with one.
func NewPairBaseline(seen, lastSeen, activeDays int64, rarityThreshold float64) PairBaseline {
	p := PairBaseline{Seen: seen, LastSeen: lastSeen, ActiveDays: activeDays, New: seen == 0,
		DailyAvg: float64(seen) / float64(max(1, activeDays)), Rarity: 1 / float64(1+seen)}
	p.Rare = p.Rarity >= rarityThreshold
	return p
}

// typicalShare is the share of a band's slices, in percent, from which a host that is active in them is typically so.
const typicalShare = 5

// IsTypicalBand reports whether a time band is typical of a host that was active in so many of its slices.
func IsTypicalBand(active, slices int64) bool { return slices > 0 && active*100 >= slices*typicalShare }

// BaselineGuard tells baselines that moved.
type BaselineGuard struct {
	Bound float64
	rule  deviationRule
}

// NewBaselineGuard makes a guard; floors replace the default scale floors of the metrics that they name.
func NewBaselineGuard(bound float64, floors map[string]float64) (*BaselineGuard, error) {
	g := &BaselineGuard{Bound: bound, rule: deviationRule{eps: epsC}}
	for m := range Metrics {
		g.rule.floor[m] = defaultFloor(MetricID(m))
		if f, ok := floors[Metrics[m].Name]; ok {
			g.rule.floor[m] = f
		}
	}
	for name := range floors {
		if _, err := MetricsNamed([]string{name}); err != nil {
			return nil, fmt.Errorf("make guard: %w", err)
		}
	}
	return g, nil
}

// Moved reports whether the median of a metric is further from the old one than the bound, in the old scale. A
// baseline without support has not moved.
func (g *BaselineGuard) Moved(m MetricID, old, now *MetricBaseline) bool {
	if old.Support == 0 || now.Support == 0 {
		return false
	}
	scale, _ := g.rule.scale(m, old)
	return math.Abs(now.Median-old.Median) > g.Bound*scale
}
