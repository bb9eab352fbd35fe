package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"ndr/configs"
	"ndr/feature"
	"ndr/stream"
	"ndr/stream/kafka"
)

// runFlags is the command line of run.
type runFlags struct {
	config string
	stage  string
	shards string
}

const (
	stageBoth     = "both"
	stageIngest   = "ingest"
	stageFeatures = "features"
)

func runCommand(io stdio) *cobra.Command {
	f := &runFlags{}
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the always-on consumers",
		Long: `Run reads the topic as a member of its consumer group, stores cuts, closes every slice when all partitions have
passed it, and publishes its tables. Start as many processes as you like: partitions and shards move between
them. SIGTERM stores the last cuts and stops. Metrics, /livez and /readyz are on admin.listen.`,
		Example: `  ndr run --config ndr.yaml
  ndr run --config ndr.yaml --stage ingest
  ndr run --config ndr.yaml --stage features --shards 0/2`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, origins, err := configs.Load(f.config, configs.Options{Environ: os.Environ()})
			if err != nil {
				return err
			}
			log, err := commandLogger(cmd, io.err, slog.LevelInfo)
			if err != nil {
				return err
			}
			logOrigins(log, origins)
			return run(cmd.Context(), cfg, f, log)
		},
	}
	c.Flags().StringVar(&f.config, "config", "", "configuration file")
	c.Flags().StringVar(&f.stage, "stage", stageBoth, "both, ingest or features")
	c.Flags().StringVar(&f.shards, "shards", "", "with --stage features: i/n, the shards s with s mod n = i")
	return c
}

// run starts what the stage asks for and waits until it ends.
func run(ctx context.Context, cfg *configs.Config, f *runFlags, log *slog.Logger) error {
	list, err := shardList(f, cfg.Shards)
	if err != nil {
		return usageError{err}
	}
	if cfg.Source.Type != configs.SourceKafka {
		return usageError{fmt.Errorf("run reads Kafka; for source.type %s use ndr replay", cfg.Source.Type)}
	}
	p, err := newPipeline(ctx, cfg, log)
	if err != nil {
		return err
	}
	l := &live{pipeline: p, stage: f.stage, list: list, assign: make(chan []int, 1)}
	err = p.fix(ctx)
	if err == nil {
		err = l.run(ctx)
	}
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		log.Info("stopped")
		return nil // SIGTERM is a clean stop
	}
	return err
}

// shardList is the shards of --stage features --shards i/n, nil when ownership follows the partitions.
func shardList(f *runFlags, shards int) ([]int, error) {
	switch {
	case !slices.Contains([]string{stageBoth, stageIngest, stageFeatures}, f.stage):
		return nil, fmt.Errorf("--stage %q is not both, ingest or features", f.stage)
	case f.stage != stageFeatures && f.shards != "":
		return nil, errors.New("--shards goes with --stage features")
	case f.stage != stageFeatures:
		return nil, nil
	}
	part, of := 0, 1
	if f.shards != "" {
		if _, err := fmt.Sscanf(f.shards, "%d/%d", &part, &of); err != nil || of < 1 || part < 0 || part >= of {
			return nil, fmt.Errorf("--shards %q is not i/n with 0 <= i < n", f.shards)
		}
	}
	list := []int{}
	for s := part; s < shards; s += of {
		list = append(list, s)
	}
	return list, nil
}

// logOrigins writes where each value that is no default came from.
func logOrigins(log *slog.Logger, o *configs.Origins) {
	for _, path := range o.Paths() {
		if from, ok := o.Of(path); ok && from.Kind != configs.FromDefault {
			log.Info("configuration", "key", path, "from", from.String())
		}
	}
}

// live is the running consumers.
type live struct {
	*pipeline
	stage  string
	list   []int      // fixed shards, nil when they follow the partitions
	assign chan []int // shards for the feature stage

	source *kafka.Source
	ingest *stream.Ingest
	mu     struct {
		sync.Mutex
		owned    []string
		topology *stream.Topology
	}
}

func (l *live) run(ctx context.Context) error {
	stages := []func(context.Context) error{l.admin, l.collect}
	var feats *stream.Features
	onCut := func() {}
	if l.stage != stageIngest {
		var err error
		if feats, err = l.features(nil); err != nil {
			return err
		}
		onCut = feats.Notify
		stages = append(stages, func(ctx context.Context) error { return feats.Run(ctx, l.assign) })
	}
	if l.stage == stageFeatures {
		l.assign <- l.list
	} else {
		if err := l.openSource(ctx, onCut); err != nil {
			return err
		}
		stages = append(stages, func(ctx context.Context) error { return l.source.Run(ctx, l.ingest) })
	}
	return both(ctx, stages...)
}

// openSource registers the partitions of the topic and makes the ingest stage.
func (l *live) openSource(ctx context.Context, onCut func()) error {
	ic, err := l.ingestConfig(0)
	if err != nil {
		return err
	}
	kc := l.kafkaConfig()
	if err := kc.Validate(); err != nil {
		return fmt.Errorf("source.kafka: %w", err)
	}
	l.source = kafka.New(kc, kafka.Deps{Log: l.log, Metrics: kafka.NewMetrics(l.registry), Now: time.Now,
		Announce: l.register, OwnershipChanged: l.own})
	d, err := l.source.Describe(ctx)
	if err != nil {
		return err
	}
	if err := l.register(ctx, d); err != nil {
		return err
	}
	l.ingest = stream.NewIngest(ic, stream.IngestDeps{Control: l.control, OnCut: onCut, Log: l.log, Metrics: l.metrics})
	return nil
}

func (l *live) kafkaConfig() kafka.Config {
	k := &l.cfg.Source.Kafka
	return kafka.Config{
		Brokers: k.Brokers, Topic: k.Topic, Group: k.Group, Memory: max(16<<20, l.cfg.Limits.Memory/4),
		TLS:  kafka.TLS{Enabled: k.TLS.Enabled, CAFile: k.TLS.CAFile, CertFile: k.TLS.CertFile, KeyFile: k.TLS.KeyFile, ServerName: k.TLS.ServerName},
		SASL: kafka.SASL{Mechanism: k.SASL.Mechanism, User: k.SASL.User, Password: k.SASL.Password.Value()},
	}
}

// register makes the topology name every partition of the topic. An added one begins at the smallest watermark of
// the others: what it brings for slices that are closed is late.
func (l *live) register(ctx context.Context, d stream.Description) error {
	mark, err := l.control.SmallestWatermark(ctx, l.cfg.Source.Name)
	if err != nil {
		return err
	}
	t, err := l.control.Register(ctx, l.cfg.Source.Name, d, time.Now().UnixNano(), mark)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.mu.topology = t
	l.mu.Unlock()
	l.own(l.source.Owned())
	return nil
}

// own gives the feature stage the shards that follow this process's partitions: a shard belongs to the owner of the
// registered partition with the largest hash of both.
func (l *live) own(partitions []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.owned = partitions
	if l.stage != stageBoth || l.mu.topology == nil {
		return
	}
	list := []int{}
	for s := range l.cfg.Shards {
		if slices.Contains(partitions, l.mu.topology.Owner(s)) {
			list = append(list, s)
		}
	}
	select { // only the newest assignment counts
	case <-l.assign:
	default:
	}
	l.assign <- list
	l.log.Info("assignment", "partitions", strings.Join(partitions, ","), "shards", fmt.Sprint(list))
}

// ready lists what keeps the process from doing its work.
func (l *live) ready(ctx context.Context) error {
	var errs []error
	if l.ingest != nil {
		errs = append(errs, l.ingest.Failing())
	}
	key, err := l.layout.Path(feature.RootObject())
	if err == nil {
		_, err = l.store.Get(ctx, key, 0, 1)
	}
	if err != nil {
		errs = append(errs, fmt.Errorf("object store: %w", err))
	}
	return errors.Join(errs...)
}
