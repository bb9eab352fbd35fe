package configs

import (
	"math"
	"time"
)

// Baselines are the options of the monthly baselines.
type Baselines struct {
	Horizons              map[string]Horizon
	Capping               Capping
	Guard                 Guard
	SupportMin            map[string]int64 // by metric; "default" is always there
	RequiredMetrics       []string
	RarityThreshold       float64
	ZeroFill              bool
	NonPersistentPrefixes []string
	RequireInventory      bool
	ActivationDelay       time.Duration
}

// Horizon is how far a baseline looks back: Days days that end Gap days before the reference time.
type Horizon struct{ Days, Gap int }

// Capping takes weight from anomalous rows.
type Capping struct {
	KeyMetrics  []string
	ZMax, WAnom float64
	Scale       string // raw or log
}

// Guard refuses a publication that moved too much.
type Guard struct{ Bound, MaxShare float64 }

// supportDefault is the key of support_min for the metrics that it does not name.
const supportDefault = "default"

func (c *Baselines) fields() []field {
	return []field{
		leaf("horizons", "{7d: {days: 7, gap: 2}, 30d: {days: 30, gap: 7}}",
			namedRecords[Horizon]{&c.Horizons, matching(`[a-z0-9]+`, "a name of small letters and digits"), (*Horizon).fields},
			"Horizons by name."),
		section("capping", c.Capping.fields(), "Less weight for anomalous rows."),
		section("guard", c.Guard.fields(), "Refusal of baselines that moved too much since the last ones."),
		leaf("support_min", "{default: 50}",
			named[int64]{&c.SupportMin, choice("the name of a metric, or default", append(metricNames(nil), supportDefault)),
				whole[int64](0, math.MaxInt64)},
			"Number of values with which a metric's statistics are no cold start: default, and by metric."),
		by(leaf("baseline_required_metrics", withoutNovelty(), many[string]{to: &c.RequiredMetrics, of: metric()},
			"Metrics that need enough values for a host to have its full history."), "all but the 7 novelty metrics"),
		leaf("rarity_threshold", "0.5", one[float64]{&c.RarityThreshold, number(0, 1)},
			"Rarity score from which a pair is rare."),
		leaf("zero_fill", "false", one[bool]{&c.ZeroFill, boolean()},
			"Whether slices in which an active host sent nothing count as zeros."),
		leaf("non_persistent_prefixes", "[]", many[string]{to: &c.NonPersistentPrefixes, of: matching(`.+`, "a prefix")},
			"Beginnings of the names of machines that are made anew each day, in any case."),
		leaf("require_inventory", "false", one[bool]{&c.RequireInventory, boolean()},
			"Whether a missing machine inventory is an error and not a warning."),
		leaf("activation_delay", "1h", one[time.Duration]{&c.ActivationDelay, duration(0)},
			"How long after its commit a publication comes into force."),
	}
}

func (c *Horizon) fields() []field {
	return []field{
		need(leaf("days", "", one[int]{&c.Days, whole[int](1, 400)}, "Length in days.")),
		need(leaf("gap", "", one[int]{&c.Gap, whole[int](0, 400)}, "Days between its end and the reference time.")),
	}
}

func (c *Capping) fields() []field {
	return []field{
		leaf("key_metrics", "[sessions_cnt, bytes_src_sum, bytes_dst_sum, deny_ratio, peer_ip_entropy, "+
			"high_risk_port_sessions_cnt, max_sessions_per_minute]",
			many[string]{to: &c.KeyMetrics, of: metric()}, "Metrics by which a row is judged."),
		leaf("z_max", "6", one[float64]{&c.ZMax, number(0, math.MaxFloat64)}, "Absolute z above which a row loses weight."),
		leaf("w_anom", "0.1", one[float64]{&c.WAnom, number(0, 1)}, "Weight of such a row; any other has 1."),
		leaf("scale", "raw", one[string]{&c.Scale, oneOf("raw", "log")},
			"Scale of counts and bytes for it: as they are, or ln(1 + x)."),
	}
}

func (c *Guard) fields() []field {
	return []field{
		leaf("bound", "3", one[float64]{&c.Bound, number(0, math.MaxFloat64)},
			"How many old scales a median may move."),
		leaf("max_share", "0.05", one[float64]{&c.MaxShare, number(0, 1)},
			"Share of hosts that may move further before a publication is refused."),
	}
}
