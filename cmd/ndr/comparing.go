package main

import (
	"context"
	"fmt"
	"time"

	"ndr/feature"
	"ndr/sinks"
)

// fgcConfig is what the comparison with baselines takes from the configuration; the baselines themselves are those in
// force for a slice.
func (p *pipeline) fgcConfig() (feature.FGCConfig, error) {
	f := &p.cfg.Features.FGC
	c := feature.DefaultFGCConfig()
	c.Eps, c.ZMax, c.DegenerateZero, c.PairFeatures = f.Eps, f.ZMax, f.DegenerateScale == "zero", f.PairFeatures
	c.Exfiltration, c.Lateral = f.Exfiltration, f.LateralMovement
	c.Windows = f.Windows
	c.Cadence.Kept, c.Cadence.MergeSlack = p.cfg.Limits.KeptFlows, p.cfg.Slices.MergeSlack
	var err error
	if c.Internal, err = feature.NewNetworks(texts(p.cfg.InternalNetworks)); err != nil {
		return c, err
	}
	for _, name := range f.Transforms {
		t, ok := feature.TransformNamed(name)
		if !ok {
			return c, fmt.Errorf("features.fg_c.transforms: unknown transform %q", name)
		}
		c.Transforms = append(c.Transforms, t)
	}
	if c.Metrics, err = metricsNamed(f.Metrics); err != nil {
		return c, err
	}
	if c.Suspicion, err = metricsNamed(f.SuspicionMetrics); err != nil {
		return c, err
	}
	c.ScaleFloor = make(map[feature.MetricID]float64)
	for name, floor := range f.ScaleFloor {
		ids, err := metricsNamed([]string{name})
		if err != nil {
			return c, err
		}
		c.ScaleFloor[ids[0]] = floor
	}
	return c, c.Validate()
}

func metricsNamed(names []string) ([]feature.MetricID, error) {
	var ids []feature.MetricID
	for _, name := range names {
		id, ok := feature.MetricNamed(name)
		if !ok {
			return nil, fmt.Errorf("features.fg_c: unknown metric %q", name)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// baseline names the publication of baselines in force for a slice, "" before the first.
func (p *pipeline) baseline(ctx context.Context, sliceStart int64) (string, error) {
	ref, ok, err := sinks.FindPublication(ctx, p.store, p.layout, time.Unix(0, sliceStart).UTC())
	if err != nil || !ok {
		return "", err
	}
	return ref.Key, nil
}
