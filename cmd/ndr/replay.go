package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ndr/configs"
	"ndr/feature"
	"ndr/stream"
	"ndr/stream/file"
)

// replayFlags is the command line of replay.
type replayFlags struct {
	config string
	set    map[string]*string // by configuration path
	inputs []string
	nets   []string
	runID  string
	dryRun bool
}

func replayCommand(io stdio) *cobra.Command {
	f := &replayFlags{set: make(map[string]*string)}
	c := &cobra.Command{
		Use:   "replay",
		Short: "Read a bounded input to its end and publish every slice of it",
		Long: `Replay runs both stages over files, to the end, and closes every slice. It needs no configuration file. The same
command again resumes where it stopped or, when all is done, says so. Files are read in the order of time,
whatever their names; gzip and zstd are opened.`,
		Example: `  ndr replay --source file --input 'logs/*.gz' --format zeek-tsv --root file://$PWD/out
  ndr replay --source file --input s3://logs/2026/11/ --format vpc-text --root s3://features --internal 10.0.0.0/8
  ndr replay --source file --input flows.ndjson --format mapping.yaml --root file://$PWD/out --run-id test-1`,
		Args: cobra.ArbitraryArgs, // an unquoted glob: the shell gives the first file to --input and the rest as arguments
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && len(f.inputs) == 0 {
				return usageError{fmt.Errorf("unexpected argument %q: name files with --input", args[0])}
			}
			f.inputs = append(f.inputs, args...)
			cfg, err := f.load(cmd)
			if err != nil {
				return err
			}
			log, err := commandLogger(cmd, io.err, slog.LevelWarn)
			if err != nil {
				return err
			}
			return replay(cmd.Context(), cfg, f, io, log)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.config, "config", "", "configuration file; flags win over it")
	flags.StringArrayVar(&f.inputs, "input", nil, "file, glob or s3:// prefix to read; may be repeated")
	flags.StringSliceVar(&f.nets, "internal", nil, "internal network as CIDR; may be repeated (default: the private ranges)")
	flags.StringVar(&f.runID, "run-id", "", "write below runs/ID of the root and not into the root itself")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be read and written, and stop")
	for _, o := range []struct{ flag, path, help string }{
		{"source", "source.type", "kind of source: file"},
		{"format", "source.format", "panos-json, panos-csv, zeek-tsv, zeek-json, vpc-text, suricata-eve, ecs, ocsf, or a mapping file"},
		{"root", "root", "where to write: file:///dir or s3://bucket[/prefix]"},
		{"partitions", "source.file.partitions", "spread the input over so many partitions"},
		{"shards", "shards", "parts that the hosts are spread over; fixed for a root"},
		{"timezone", "source.timezone", "time zone of times without one"},
		{"allowed-lateness", "slices.allowed_lateness", "how far records may be out of order"},
		{"state-dir", "state.dir", "folder for working state (default: a temporary one)"},
		{"layout", "features.layout", "layout of FG-A: long, wide or both"},
		{"max-cut-records", "limits.max_cut_records", "cut after so many records"},
		{"memory", "limits.memory", "memory budget, e.g. 1GiB"},
	} {
		f.set[o.path] = flags.String(o.flag, "", o.help)
	}
	return c
}

// load makes the configuration of a replay from the file, if any, and the flags.
func (f *replayFlags) load(cmd *cobra.Command) (*configs.Config, error) {
	values := make(map[string]string)
	for path, v := range f.set {
		if *v != "" {
			values[path] = *v
		}
	}
	if v := values["source.format"]; strings.HasSuffix(v, ".yaml") || strings.HasSuffix(v, ".yml") {
		delete(values, "source.format")
		values["source.mapping"] = v
	}
	if len(f.inputs) > 0 {
		values["source.file.inputs"] = configs.List(f.inputs)
		if values["source.type"] == "" {
			values["source.type"] = configs.SourceFile
		}
	}
	if len(f.nets) > 0 {
		values["internal_networks"] = configs.List(f.nets)
	}
	cfg, origins, err := configs.Load(f.config, configs.Options{Environ: os.Environ(), Flags: values})
	if err != nil {
		return nil, err
	}
	if o, ok := origins.Of("state.dir"); ok && o.Kind == configs.FromDefault {
		cfg.State.Dir = ""
	}
	if cfg.Source.Type != configs.SourceFile {
		return nil, usageError{fmt.Errorf("replay reads files: --source file, got %q", cfg.Source.Type)}
	}
	return cfg, nil
}

// replay reads the files to their end.
func replay(ctx context.Context, cfg *configs.Config, f *replayFlags, io stdio, log *slog.Logger) (err error) {
	if cfg.State.Dir == "" {
		if cfg.State.Dir, err = os.MkdirTemp("", "ndr-replay-"); err != nil {
			return fmt.Errorf("make state folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.State.Dir)) }()
	}
	p, err := newPipeline(ctx, cfg, log)
	if err != nil {
		return err
	}
	if f.runID != "" {
		if err := p.within(f.runID); err != nil {
			return usageError{err}
		}
	}
	inputs, err := findInputs(ctx, cfg)
	if err != nil {
		return err
	}
	if f.dryRun {
		return dryRun(p, inputs, io)
	}
	return p.replayFiles(ctx, inputs, io)
}

func dryRun(p *pipeline, inputs []file.Input, io stdio) error {
	fmt.Fprintf(io.out, "would read %d files as %s into %s/%s with %d shards\n", len(inputs), p.formatName(), p.cfg.Root, p.layout.Root(), p.cfg.Shards)
	for _, in := range inputs {
		fmt.Fprintln(io.out, " ", in.Name)
	}
	return nil
}

func (p *pipeline) formatName() string {
	if p.cfg.Source.Mapping != "" {
		return p.cfg.Source.Mapping
	}
	return p.cfg.Source.Format
}

// replayFiles runs both stages over the inputs and prints what came of it.
func (p *pipeline) replayFiles(ctx context.Context, inputs []file.Input, io stdio) error {
	began := now()
	if err := p.fix(ctx); err != nil {
		return err
	}
	ic, err := p.ingestConfig(0)
	if err != nil {
		return err
	}
	src := file.New(file.Config{Inputs: inputs, Partitions: p.cfg.Source.File.Partitions, EventByStart: ic.EventByStart,
		MaxLine: int(p.cfg.Limits.Decompression.MaxInput), NewDecoder: ic.NewDecoder})
	d, err := src.Describe(ctx)
	if err != nil {
		return err
	}
	before, err := p.control.SumCuts(ctx, ic.Source, ic.Shards)
	if err != nil {
		return err
	}
	published, err := p.published(ctx)
	if err != nil {
		return err
	}
	t, err := p.control.Register(ctx, ic.Source, d, began.UnixNano(), stream.NoWatermark)
	if err != nil {
		return err
	}
	if err := p.bounded(ctx, src, t.FirstStart+int64(ic.MaxFutureSkew), io); err != nil {
		return err
	}
	return p.summary(ctx, io, summaryInput{began: began, resumed: before.Cuts > 0, finished: before.Ended && published, what: plural(len(inputs), "file")})
}

// published reports whether a bounded run has published its last slice in all shards.
func (p *pipeline) published(ctx context.Context) (bool, error) {
	keys, err := p.store.List(ctx, p.layout.ClosePrefix(), "", 0)
	if err != nil || len(keys) == 0 {
		return false, err
	}
	b, err := p.store.Get(ctx, keys[len(keys)-1], 0, -1)
	if err != nil {
		return false, err
	}
	var last stream.CloseRecord
	if err := json.Unmarshal(b, &last); err != nil {
		return false, fmt.Errorf("read close record %s: %w", keys[len(keys)-1], err)
	}
	key, err := p.layout.Path(feature.SuccessObject(last.Name))
	if err != nil || !last.Final {
		return false, err
	}
	_, err = p.store.Get(ctx, key, 0, 1)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// bounded runs both stages over a registered, bounded source until everything is published. ceiling is the latest
// event time of records without a time of their own.
func (p *pipeline) bounded(ctx context.Context, src stream.Source, ceiling int64, io stdio) error {
	ic, err := p.ingestConfig(ceiling)
	if err != nil {
		return err
	}
	progress := newProgress(io.err, p.clock)
	feats, err := p.features(progress.closed)
	if err != nil {
		return err
	}
	ingest := stream.NewIngest(ic, stream.IngestDeps{Control: p.control, OnCut: feats.Notify, Log: p.log, Metrics: p.metrics})
	progress.watch(ctx, p.metrics)
	err = both(ctx, func(ctx context.Context) error { return src.Run(ctx, ingest) },
		func(ctx context.Context) error { return feats.Run(ctx, always(p.shards())) })
	progress.stop()
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// both runs two stages until both have ended; the first error ends the other.
func both(ctx context.Context, stages ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(stages))
	for _, run := range stages {
		go func() {
			err := run(ctx)
			if err != nil {
				cancel()
			}
			errs <- err
		}()
	}
	var first error
	for range stages {
		if err := <-errs; err != nil && (first == nil || errors.Is(first, context.Canceled)) {
			first = err
		}
	}
	return first
}

// always is the assignment of shards that never changes.
func always(shards []int) <-chan []int {
	c := make(chan []int, 1)
	c <- shards
	close(c)
	return c
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
