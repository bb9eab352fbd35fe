package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kfake"

	"ndr/configs"
	"ndr/flow"
	"ndr/flow/synth"
	"ndr/stream"
	"ndr/stream/kafka"
)

// demoFlags is the command line of demo.
type demoFlags struct {
	out   string
	hosts int
	hours int
	seed  uint64
}

const (
	demoTopic      = "flows"
	demoPartitions = 3
	demoFolder     = "ndr-demo"
)

func demoCommand(io stdio) *cobra.Command {
	f := &demoFlags{}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show everything on synthetic traffic, with nothing installed",
		Long: `Demo starts a small Kafka inside the process, on loopback, fills it with the synthetic traffic of a company (some of
its hosts do bad things, and are named at the end), and runs both stages over it as in production. The tables are
left in a folder to look at.`,
		Example: `  ndr demo
  ndr demo --out /tmp/demo --hosts 500 --hours 48`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := commandLogger(cmd, io.err, slog.LevelWarn)
			if err != nil {
				return err
			}
			return demo(cmd.Context(), f, io, log)
		},
	}
	c.Flags().StringVar(&f.out, "out", "", "folder for the tables; must be empty or new (default: "+demoFolder+", or the next free name)")
	c.Flags().IntVar(&f.hosts, "hosts", 60, "workstations of the company")
	c.Flags().IntVar(&f.hours, "hours", 25, "hours of traffic up to now")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "which of the possible companies")
	return c
}

// demo fills an embedded Kafka and runs both stages to its end.
func demo(ctx context.Context, f *demoFlags, io stdio, log *slog.Logger) (err error) {
	if f.hours < 1 || f.hours > 7*24 || f.hosts < 1 {
		return usageError{fmt.Errorf("--hours must be 1 to 168 and --hosts at least 1, got %d and %d", f.hours, f.hosts)}
	}
	out, err := freeFolder(f.out)
	if err != nil {
		return err
	}
	began := now()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(demoPartitions, demoTopic))
	if err != nil {
		return fmt.Errorf("start embedded Kafka: %w", err)
	}
	defer cluster.Close()
	fmt.Fprintf(io.err, "embedded Kafka on %s\n", cluster.ListenAddrs()[0])
	g, err := synth.New(synth.Config{Seed: f.seed, Hosts: f.hosts, Start: began.Add(-time.Duration(f.hours) * time.Hour).UTC().Truncate(time.Minute),
		Length: time.Duration(f.hours) * time.Hour, Attacks: []string{synth.AttackAll}})
	if err != nil {
		return fmt.Errorf("make traffic: %w", err)
	}
	n, err := produce(ctx, cluster.ListenAddrs(), demoTopic, flow.FormatPANOSJSON, g)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.err, "%d flows of %d workstations over %d hours produced in %s\n", n, f.hosts, f.hours, since(began))
	temp, err := os.MkdirTemp("", "ndr-demo-")
	if err != nil {
		return fmt.Errorf("make state folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	p, err := demoPipeline(ctx, cluster.ListenAddrs(), out, temp, log)
	if err != nil {
		return err
	}
	if err := p.demoRun(ctx, io); err != nil {
		return err
	}
	if err := p.summary(ctx, io, summaryInput{began: began, what: "the topic"}); err != nil {
		return err
	}
	return printLabels(io, g.Labels())
}

// freeFolder is the folder for the tables: the named one, which must be empty, or the first free default.
func freeFolder(named string) (string, error) {
	if named != "" {
		entries, err := os.ReadDir(named)
		if err == nil && len(entries) > 0 {
			return "", usageError{fmt.Errorf("--out %s is not empty: the demo writes only into a new folder", named)}
		}
		return filepath.Abs(named)
	}
	for i := 1; ; i++ {
		name := demoFolder
		if i > 1 {
			name += "-" + strconv.Itoa(i)
		}
		if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
			return filepath.Abs(name)
		}
	}
}

// demoPipeline is a production pipeline with one shard and a local root.
func demoPipeline(ctx context.Context, brokers []string, out, temp string, log *slog.Logger) (*pipeline, error) {
	cfg, _, err := configs.Load("", configs.Options{Flags: map[string]string{
		"root": "file://" + out, "source.type": configs.SourceKafka, "source.kafka.topic": demoTopic, "source.kafka.brokers": configs.List(brokers),
		"source.format": flow.FormatPANOSJSON, "shards": "1", "state.dir": temp,
	}})
	if err != nil {
		return nil, err
	}
	return newPipeline(ctx, cfg, log)
}

// demoRun reads the topic once, to its end, through both stages.
func (p *pipeline) demoRun(ctx context.Context, io stdio) error {
	if err := p.fix(ctx); err != nil {
		return err
	}
	k := &p.cfg.Source.Kafka
	src := kafka.New(kafka.Config{Brokers: k.Brokers, Topic: k.Topic}, kafka.Deps{Log: p.log, Metrics: kafka.NewMetrics(p.registry), Now: time.Now})
	d, err := src.Describe(ctx)
	if err != nil {
		return err
	}
	if _, err := p.control.Register(ctx, p.cfg.Source.Name, d, time.Now().UnixNano(), stream.NoWatermark); err != nil {
		return err
	}
	return p.bounded(ctx, src, 0, io)
}

// printLabels names the hosts whose traffic was made to be noticed.
func printLabels(io stdio, labels []synth.HostLabel) error {
	fmt.Fprintf(io.out, "\nThe labelled hosts of this traffic:\n")
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	for _, l := range labels {
		fmt.Fprintf(w, "  %s\t%s\tfrom %s\t%s\n", l.Host, l.Kind, l.Start.UTC().Format("2006-01-02 15:04"), l.About)
	}
	return w.Flush()
}

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }
