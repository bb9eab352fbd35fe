package main

import (
	"encoding/json"
	"fmt"
	"math"
	"runtime"

	"ndr/batch/fgb"
	"ndr/configs"
	"ndr/feature"
)

// baselineRules is the arithmetic of baselines that a configuration describes.
func baselineRules(c *configs.Baselines) (r feature.BaselineRules, err error) {
	r.ZMax, r.LightWeight, r.Log, r.Rarity = c.Capping.ZMax, int64(math.Round(c.Capping.WAnom*feature.FullWeight)), c.Capping.Scale == "log", c.RarityThreshold
	if r.KeyMetrics, err = feature.MetricsNamed(c.Capping.KeyMetrics); err != nil {
		return r, err
	}
	if r.Required, err = feature.MetricsNamed(c.RequiredMetrics); err != nil {
		return r, err
	}
	for m := range feature.Metrics {
		r.SupportMin[m] = c.SupportMin["default"]
		if n, ok := c.SupportMin[feature.Metrics[m].Name]; ok {
			r.SupportMin[m] = n
		}
	}
	return r, nil
}

// fgbConfig is what the baselines' job takes from the configuration of a root; what is of one run is left to the
// caller.
func fgbConfig(v *rootView) (fgb.Config, error) {
	cfg := v.cfg
	rules, err := baselineRules(&cfg.Baselines)
	if err != nil {
		return fgb.Config{}, err
	}
	own := cfg.Close()
	calendar, err := calendarNamed(&own)
	if err != nil {
		return fgb.Config{}, err
	}
	digest, err := baselineDigest(cfg)
	if err != nil {
		return fgb.Config{}, err
	}
	c := fgb.Config{
		Layout: v.layout, Clock: v.clock, Calendar: calendar, FeatureSpecVersion: cfg.FeatureSpecVersion,
		ActivationDelay: cfg.Baselines.ActivationDelay, Rules: rules, ZeroFill: cfg.Baselines.ZeroFill,
		GuardBound: cfg.Baselines.Guard.Bound, GuardMaxShare: cfg.Baselines.Guard.MaxShare, ScaleFloors: cfg.Features.FGC.ScaleFloor,
		NonPersistentPrefixes: cfg.Baselines.NonPersistentPrefixes, RequireInventory: cfg.Baselines.RequireInventory,
		Memory: cfg.Limits.Memory / 2, Workers: runtime.GOMAXPROCS(0), ConfigDigest: digest, Writer: writer(), Now: now,
	}
	for name, h := range cfg.Baselines.Horizons {
		c.Horizons = append(c.Horizons, fgb.Horizon{Name: name, Days: h.Days, Gap: h.Gap})
	}
	return c, nil
}

// baselineDigest is the digest of what the rows of baselines depend on. The guard and the delay decide only whether
// and when they count.
func baselineDigest(cfg *configs.Config) (string, error) {
	b := cfg.Baselines
	b.Guard, b.ActivationDelay, b.RequireInventory = configs.Guard{}, 0, false
	c := cfg.Calendar
	text, err := json.Marshal(struct {
		Baselines configs.Baselines
		Timezone  string
		Calendar  configs.Calendar
	}{b, c.Timezone.String(), configs.Calendar{WorkingHours: c.WorkingHours, OffHours: c.OffHours, Weekend: c.Weekend, TimeBands: c.TimeBands}})
	if err != nil {
		return "", fmt.Errorf("encode configuration of baselines: %w", err)
	}
	return configs.Digest(text), nil
}
