package feature

import (
	"errors"
	"fmt"
	"slices"
)

// FGCConfig is what FG-C and beacon_evidence depend on, beside the state. Without horizons there is no publication
// of baselines: FG-C is not written, and beacon_evidence is without prevalence.
type FGCConfig struct {
	FGCShape
	Eps            float64              // eps_c, 1e-6 by default
	ZMax           float64              // limit of z_mad_clipped, 6 by default
	DegenerateZero bool                 // degenerate_scale: zero
	ScaleFloor     map[MetricID]float64 // replaces the default floor of the metrics named
	PairFeatures   bool                 // features of pairs are wanted: the publication must have pair tables
	Exfiltration   float64              // thresholds.exfiltration, 0.7 by default
	Lateral        float64              // thresholds.lateral_movement, 0.7 by default
	Internal       *Networks            // internal_networks; required with horizons
	Cadence        CadenceConfig
	Horizons       []FGCHorizon
}

// FGCHorizon is one horizon of the publication in force.
type FGCHorizon struct {
	Label     string // 7d, 30d
	Baselines Baselines
	// MissingPairTables names the pair tables that the publication lacks in this horizon.
	MissingPairTables []string
}

// Horizons that features compare with each other and that prevalence is taken from.
const (
	horizonShort = "7d"
	horizonLong  = "30d"
)

// DefaultFGCConfig is the default of every field, without networks and horizons.
func DefaultFGCConfig() FGCConfig {
	return FGCConfig{Eps: 1e-6, ZMax: 6, PairFeatures: true, Exfiltration: 0.7, Lateral: 0.7, Cadence: DefaultCadence()}
}

// Validate reports all faults.
func (c *FGCConfig) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("check fg_c: "+format, args...)) }
	if _, err := c.plan(); err != nil {
		faults = append(faults, err)
	}
	if !(c.Eps > 0 && c.Eps < 1) {
		fault("eps is %g: want more than 0 and less than 1", c.Eps)
	}
	if !(c.ZMax > 0 && c.ZMax <= 1e6) {
		fault("z_max is %g: want more than 0 and at most 1e6", c.ZMax)
	}
	for m, f := range c.ScaleFloor {
		if !knownMetric(m) || !(f > 0 && f-f == 0) {
			fault("scale_floor of metric %d is %g: want a known metric and more than 0", m, f)
		}
	}
	for name, t := range map[string]float64{"exfiltration": c.Exfiltration, "lateral_movement": c.Lateral} {
		if !(t >= 0 && t <= 1) {
			fault("thresholds.%s is %g: want 0 to 1", name, t)
		}
	}
	if err := c.Cadence.Validate(); err != nil {
		faults = append(faults, err)
	}
	if len(c.Horizons) > 0 && c.Internal == nil {
		fault("internal networks are required")
	}
	for i, h := range c.Horizons {
		if h.Label == "" || h.Baselines == nil || slices.ContainsFunc(c.Horizons[:i], func(o FGCHorizon) bool { return o.Label == h.Label }) {
			fault("horizon %q has no baselines or comes twice", h.Label)
		}
		if c.PairFeatures && len(h.MissingPairTables) > 0 {
			faults = append(faults, &MissingPairTablesError{h.Label, h.MissingPairTables})
		}
	}
	return errors.Join(faults...)
}

// MissingPairTablesError says that pair features are wanted and the publication in force has no pair tables.
type MissingPairTablesError struct {
	Horizon string
	Tables  []string
}

// Error names the tables and the ways out.
func (e *MissingPairTablesError) Error() string {
	return fmt.Sprintf("check fg_c: the baseline publication lacks %q of horizon %s, which pair features need: publish it again with them, "+
		"or set features.fg_c.pair_features: false", e.Tables, e.Horizon)
}

// rule is the arithmetic of the configuration.
func (c *FGCConfig) rule() *deviationRule {
	r := &deviationRule{eps: c.Eps, zMax: c.ZMax, zero: c.DegenerateZero}
	for m := range r.floor {
		r.floor[m] = defaultFloor(MetricID(m))
		if f, ok := c.ScaleFloor[MetricID(m)]; ok {
			r.floor[m] = f
		}
	}
	return r
}
