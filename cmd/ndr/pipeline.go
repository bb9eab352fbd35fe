package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ndr/configs"
	"ndr/feature"
	"ndr/flow"
	"ndr/sinks"
	"ndr/state"
	"ndr/stream"
)

// pipeline is everything that both streaming stages of a process need, made from a configuration.
type pipeline struct {
	cfg      *configs.Config
	log      *slog.Logger
	registry *prometheus.Registry
	store    sinks.Store
	layout   feature.Layout
	control  *stream.Control
	clock    feature.Clock
	metrics  *stream.Metrics
	state    *state.Metrics
	mapping  []byte // text of the mapping file, nil without one
	stateDir string
	temp     string // for tables on their way to the store
}

// newPipeline opens the store and makes the layout, and bounds the heap of the process. It writes nothing but the local
// folders.
func newPipeline(ctx context.Context, cfg *configs.Config, log *slog.Logger) (*pipeline, error) {
	boundHeap(cfg.Limits.Memory)
	p := &pipeline{cfg: cfg, log: log, registry: prometheus.NewRegistry(), clock: feature.Clock{Offset: cfg.Slices.Offset},
		stateDir: cfg.State.Dir}
	var err error
	if cfg.Source.Mapping != "" {
		if p.mapping, err = os.ReadFile(cfg.Source.Mapping); err != nil {
			return nil, fmt.Errorf("read mapping: %w", err)
		}
	}
	if p.layout, err = feature.NewLayout(cfg.ProjectName, cfg.FeatureSpecVersion, cfg.Locations()); err != nil {
		return nil, err
	}
	store, err := sinks.OpenStore(ctx, cfg.Root, sinks.Config{Endpoint: cfg.S3.Endpoint, Region: cfg.S3.Region, PathStyle: cfg.S3.PathStyle})
	if err != nil {
		return nil, err
	}
	storeMetrics, err := sinks.NewMetrics(p.registry)
	if err != nil {
		return nil, err
	}
	p.store = sinks.Instrument(store, storeMetrics)
	p.control = &stream.Control{Objects: p.store, Layout: p.layout}
	p.metrics = stream.NewMetrics(p.registry)
	p.state = state.NewMetrics(p.registry)
	p.temp = filepath.Join(p.stateDir, "tables")
	return p, nil
}

// within moves the pipeline below runs/<id>: a replay beside the live tables.
func (p *pipeline) within(run string) error {
	l, err := p.layout.Run(run)
	if err != nil {
		return err
	}
	p.layout = l
	p.control.Layout = l
	return nil
}

// fix creates or compares root.json, and makes the local folders.
func (p *pipeline) fix(ctx context.Context) error {
	if err := p.control.FixRoot(ctx, configs.Canonical(p.cfg.Fixed())); err != nil {
		return err
	}
	for _, dir := range []string{p.temp, filepath.Join(p.stateDir, "baselines")} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("empty the folder of temporary files: %w", err)
		}
	}
	if err := os.MkdirAll(p.temp, 0o700); err != nil {
		return fmt.Errorf("make the folder of temporary tables: %w", err)
	}
	return nil
}

// newDecoder makes the decoder of one partition or file.
func (p *pipeline) newDecoder(internal *feature.Networks) func() (flow.Decoder, error) {
	s := &p.cfg.Source
	c := flow.Config{
		Format: s.Format, Timezone: s.Timezone, FieldMapping: s.FieldMapping, Mapping: p.mapping,
		VPC: flow.VPCConfig{Fields: s.VPC.Fields, BothEnds: s.VPC.BothEnds,
			Internal: func(a flow.Addr) bool { return internal.Contains(feature.Addr(a)) }},
		Limits: flow.Limits{MaxInput: int(p.cfg.Limits.Decompression.MaxInput), MaxOutput: int(p.cfg.Limits.Decompression.MaxRecord)},
	}
	if p.mapping != nil {
		c.Format = flow.FormatMapping
	}
	return func() (flow.Decoder, error) { return flow.New(c) }
}

// ingestConfig is the ingest stage's part of the configuration. ceiling is the latest event time of files.
func (p *pipeline) ingestConfig(ceiling int64) (stream.IngestConfig, error) {
	internal, err := feature.NewNetworks(texts(p.cfg.InternalNetworks))
	if err != nil {
		return stream.IngestConfig{}, err
	}
	ports, err := feature.NewPortSets(feature.PortLists{HighRisk: ints(p.cfg.PortSets.HighRisk), Admin: ints(p.cfg.PortSets.Admin),
		Fileshare: ints(p.cfg.PortSets.Fileshare), Directory: ints(p.cfg.PortSets.Directory), DB: ints(p.cfg.PortSets.DB)})
	if err != nil {
		return stream.IngestConfig{}, err
	}
	s, l := &p.cfg.Slices, &p.cfg.Limits
	return stream.IngestConfig{
		Source: p.cfg.Source.Name, Shards: p.cfg.Shards, Clock: p.clock, EventByStart: s.EventTime == "event_start",
		AllowedLateness: s.AllowedLateness, MaxFutureSkew: s.MaxFutureSkew, MaxPast: s.MaxPast, PairTimeout: s.PairTimeout,
		IdleTimeout: s.IdleTimeout, MaxCutInterval: l.MaxCutInterval, MaxCutRecords: l.MaxCutRecords,
		Memory: l.Memory / 4, CarryBudget: l.Memory / 16, Kept: l.KeptFlows, Ceiling: ceiling, Internal: internal, Ports: ports,
		ConfigDigest: configs.Digest(configs.Canonical(p.cfg.Ingest(p.mapping))), Writer: writer(),
		NewDecoder: p.newDecoder(internal), Now: time.Now,
	}, nil
}

// features makes the feature stage.
func (p *pipeline) features(onClose func(int, *stream.CloseRecord)) (*stream.Features, error) {
	own := p.cfg.Close()
	closing, fgc, err := p.closing(&own)
	if err != nil {
		return nil, err
	}
	pub, err := sinks.NewPublisher(sinks.PublisherConfig{
		Layout: p.layout, Shards: p.cfg.Shards, Close: closing, Wide: own.Layout != "long", Long: own.Layout != "wide", TempDir: p.temp,
		FGC: fgc, BaselineDir: filepath.Join(p.stateDir, "baselines"), LogicVersion: feature.LogicVersion, Writer: writer(), Now: time.Now,
	}, p.store, p.log, p.registry)
	if err != nil {
		return nil, err
	}
	return stream.NewFeatures(stream.FeaturesConfig{
		Source: p.cfg.Source.Name, Shards: p.cfg.Shards, Clock: p.clock, CloseConfig: configs.Canonical(own),
		PollInterval: 5 * time.Second, CheckpointInterval: 5 * time.Minute, Parallel: runtime.GOMAXPROCS(0), Now: time.Now, OnClose: onClose,
	}, stream.FeaturesDeps{Control: p.control, Open: p.openShard, Publisher: newPublisher(p, pub, configs.Digest(configs.Canonical(own))), Baseline: p.baseline, Log: p.log, Metrics: p.metrics}), nil
}

// shards lists all shards of the root.
func (p *pipeline) shards() []int {
	out := make([]int, p.cfg.Shards)
	for i := range out {
		out[i] = i
	}
	return out
}

func texts(nets []netip.Prefix) []string {
	out := make([]string, len(nets))
	for i, n := range nets {
		out[i] = n.String()
	}
	return out
}

func ints(ports []uint16) []int {
	out := make([]int, len(ports))
	for i, p := range ports {
		out[i] = int(p)
	}
	return out
}
