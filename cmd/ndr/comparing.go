package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ndr/configs"
	"ndr/feature"
	"ndr/sinks"
)

// closing is what the arithmetic of closes takes from a close configuration: this process's own, or the one that a
// close record names.
func (p *pipeline) closing(c *configs.CloseConfig) (feature.CloseConfig, feature.FGCConfig, error) {
	table := make([]feature.SegmentEntry, 0, len(c.Segments))
	for _, e := range c.Segments {
		table = append(table, feature.SegmentEntry{CIDR: e.CIDR, ID: e.ID})
	}
	segments, errSegments := feature.NewSegments(table, c.DefaultIPv4, c.DefaultIPv6)
	calendar, errCalendar := calendarNamed(c)
	fgc, errFGC := p.fgcConfig(c)
	if err := errors.Join(errSegments, errCalendar, errFGC); err != nil {
		return feature.CloseConfig{}, fgc, err
	}
	return feature.CloseConfig{
		Clock: p.clock, Segments: segments, HighRisk: feature.NewHighRisk(segments, c.HighRiskDeny, c.HighRiskAllow), Calendar: calendar,
		RarePeer: c.RarePeer, RarePort: c.RarePort, FeatureSpecVersion: p.cfg.FeatureSpecVersion,
		Source: p.cfg.Source.Name, PairContextWindows: c.PairContext,
	}, fgc, nil
}

func calendarNamed(c *configs.CloseConfig) (*feature.Calendar, error) {
	location, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, fmt.Errorf("calendar of the close configuration: %w", err)
	}
	calendar := &feature.Calendar{Location: location, Working: c.WorkingHours, Off: c.OffHours, SixBands: c.TimeBands == "six"}
	for d := range calendar.Weekend {
		calendar.Weekend[d] = slices.Contains(c.Weekend, time.Weekday(d).String())
	}
	return calendar, calendar.Validate()
}

// fgcConfig is what the comparison with baselines takes from a close configuration; the baselines themselves are those
// in force for a slice.
func (p *pipeline) fgcConfig(from *configs.CloseConfig) (feature.FGCConfig, error) {
	f := &from.FGC
	c := feature.DefaultFGCConfig()
	c.Eps, c.ZMax, c.DegenerateZero, c.PairFeatures = f.Eps, f.ZMax, f.DegenerateScale == "zero", f.PairFeatures
	c.Exfiltration, c.Lateral = f.Exfiltration, f.LateralMovement
	c.Windows = f.Windows
	c.Cadence.Kept = from.KeptFlows
	var err error
	if c.Cadence.MergeSlack, err = configs.ParseDuration(from.MergeSlack); err != nil {
		return c, fmt.Errorf("merge_slack of the close configuration: %w", err)
	}
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
