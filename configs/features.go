package configs

import (
	"math"
	"strings"

	"ndr/feature"
)

// Features is what is computed and in which form.
type Features struct {
	Layout      string // long, wide or both
	FGA         FGA
	PairContext PairContext
	FGC         FGC
}

// FGA are the options of feature group A: up to how many sessions in the lookback a peer or port is rare.
type FGA struct{ RarePeer, RarePort int64 }

// PairContext lists the windows for which pairs are published.
type PairContext struct{ Windows []string }

// FGC are the options of feature group C, deviation from the baselines.
type FGC struct {
	Transforms       []string
	Metrics          []string // added to the curated list
	Windows          []string
	Eps, ZMax        float64
	DegenerateScale  string // floor or zero
	ScaleFloor       map[string]float64
	SuspicionMetrics []string
	PairFeatures     bool
	Exfiltration     float64 // thresholds of the indicators
	LateralMovement  float64
}

func (c *Features) fields() []field {
	windows := windowLabels()
	return []field{
		leaf("layout", "long", one[string]{&c.Layout, oneOf("long", "wide", "both")},
			"Shape of fg_a and fg_c: a row per window, a row with all windows as columns, or both tables."),
		section("fg_a", []field{section("rare_thresholds", []field{
			leaf("peer", "1", one[int64]{&c.FGA.RarePeer, whole[int64](0, math.MaxInt64)},
				"Most sessions in the 30-day lookback with which a peer is rare."),
			leaf("port", "1", one[int64]{&c.FGA.RarePort, whole[int64](0, math.MaxInt64)},
				"Most sessions in the 30-day lookback with which a destination port is rare."),
		}, "What counts as rare.")}, "Feature group A: what a host did in a window."),
		section("pair_context", []field{leaf("windows", "[w_15m]",
			many[string]{&c.PairContext.Windows, oneOf(windows...), windows}, "Windows for which pairs are published.")},
			"The table of pairs per window."),
		section("fg_c", c.FGC.fields(), "Feature group C: deviation from the baselines."),
	}
}

func (c *FGC) fields() []field {
	windows := windowLabels()
	return []field{
		leaf("transforms", "[z_mad, ratio, log_ratio]", many[string]{to: &c.Transforms, of: oneOf("diff", "ratio",
			"log_ratio", "z_mad", "abs_dev_over_mad", "z_mad_clipped", "z_mad_signed_pow3")}, "Transforms of every metric."),
		leaf("metrics", "[]", many[string]{to: &c.Metrics, of: metric()}, "Metrics in addition to the curated 44."),
		leaf("windows", "all", many[string]{&c.Windows, oneOf(windows...), windows},
			"Windows that are compared; [w_15m, w_1h, w_24h] is the compact profile."),
		leaf("eps", "1e-6", one[float64]{&c.Eps, number(1e-300, 1)}, "Added to divisors and logarithms."),
		leaf("z_max", "6", one[float64]{&c.ZMax, number(1e-9, math.MaxFloat64)}, "Limit of a clipped z, either way."),
		leaf("degenerate_scale", "floor", one[string]{&c.DegenerateScale, oneOf("floor", "zero")},
			"What a baseline without spread gives: a z over scale_floor, or 0."),
		by(leaf("scale_floor", "{}", named[float64]{&c.ScaleFloor, metric(), number(0, math.MaxFloat64)},
			"Smallest scale of a metric, in its unit, where it is not the default."),
			"{}: 0.01 for ratios, shares, entropies, 1024 for byte sums, 1 for others"),
		leaf("suspicion_metrics", "[sessions_cnt, bytes_src_sum, bytes_dst_sum, deny_ratio, peer_ip_nunique]",
			many[string]{to: &c.SuspicionMetrics, of: metric()}, "Metrics of the anomaly strength and the excess features."),
		leaf("pair_features", "true", one[bool]{&c.PairFeatures, boolean()},
			"Whether pairs are compared with the pair baselines."),
		section("thresholds", []field{
			leaf("exfiltration", "0.7", one[float64]{&c.Exfiltration, number(0, 1)},
				"Score from which the exfiltration indicator is 1."),
			leaf("lateral_movement", "0.7", one[float64]{&c.LateralMovement, number(0, 1)},
				"Score from which the lateral movement indicator is 1."),
		}, "Scores from which indicators are set."),
	}
}

func windowLabels() (labels []string) {
	for _, w := range feature.Windows {
		labels = append(labels, w.Label)
	}
	return labels
}

// metricNames lists the metrics of FG-A that keep accepts; nil accepts all.
func metricNames(keep func(feature.Metric) bool) (names []string) {
	for _, m := range feature.Metrics {
		if keep == nil || keep(m) {
			names = append(names, m.Name)
		}
	}
	return names
}

// withoutNovelty is the default of the metrics that a baseline must have, as YAML.
func withoutNovelty() string {
	names := metricNames(func(m feature.Metric) bool { return m.Kind != feature.KindNovelty })
	return "[" + strings.Join(names, ", ") + "]"
}
