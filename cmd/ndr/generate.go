package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ndr/flow"
	"ndr/flow/synth"
)

// generateFlags is the command line of generate.
type generateFlags struct {
	synth      synth.Config
	hours      float64
	start      string
	live       bool
	format     string
	to         string
	labels     string
	brokers    []string
	topic      string
	partitions int
}

const (
	toStdout = "stdout"
	toKafka  = "kafka"
)

func generateCommand(std stdio) *cobra.Command {
	f := &generateFlags{}
	c := &cobra.Command{
		Use:   "generate",
		Short: "Make labelled synthetic flows of a company that does not exist",
		Long: `Generate writes the flow logs of a small company: workstations with working hours, servers, a proxy, a resolver,
backups, a scanner that is known to be one and, with --attack, hosts that behave badly. The same flags give the same
flows. At the end it lists the labelled hosts on stderr; --labels writes them to a file.

To Kafka, records are keyed by the two addresses of the flow, so that both directions share a partition, and have the
time of the flow; the flows then end now, unless --start says otherwise. With --live they are sent at the pace of
the clock.`,
		Example: `  ndr generate --hosts 50 --hours 24 --attack all --format zeek-tsv --to conn.log.gz --labels labels.json
  ndr generate --length 10m --format panos-json | head
  ndr generate --to kafka --brokers 127.0.0.1:9092 --topic flows --partitions 3 --rate 200 --hours 48 --attack beacon
  ndr generate --to kafka --brokers 127.0.0.1:9092 --topic flows --live --length 8h`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.complete(cmd); err != nil {
				return usageError{err}
			}
			return generate(cmd.Context(), f, std)
		},
	}
	f.flags(c)
	return c
}

func (f *generateFlags) flags(c *cobra.Command) {
	s := c.Flags()
	s.Float64Var(&f.synth.Rate, "rate", 0, "mean flows per second (default: what so many hosts make)")
	s.IntVar(&f.synth.Hosts, "hosts", 100, "workstations of the company")
	s.Float64Var(&f.hours, "hours", 24, "hours of traffic")
	s.DurationVar(&f.synth.Length, "length", 0, "the same as a duration, e.g. 90m")
	s.Uint64Var(&f.synth.Seed, "seed", 1, "which of the possible companies")
	s.StringSliceVar(&f.synth.Attacks, "attack", nil, "bad habit of one host, may be repeated: "+strings.Join(synth.AttackNames(), ", ")+", or all")
	s.StringVar(&f.start, "start", "", "first time (default 2026-01-05T00:00Z, a Monday; to Kafka so that the flows end now)")
	s.BoolVar(&f.live, "live", false, "begin now and send every flow when it ends")
	s.StringVar(&f.format, "format", flow.FormatPANOSJSON, "format of the lines: "+strings.Join(synth.Formats(), ", "))
	s.StringVar(&f.to, "to", toStdout, "stdout, kafka, or a file; one that ends in .gz or .zst is compressed")
	s.StringVar(&f.labels, "labels", "", "file for the labels as JSON")
	s.StringSliceVar(&f.brokers, "brokers", nil, "brokers, host:port, for --to kafka")
	s.StringVar(&f.topic, "topic", "", "topic, for --to kafka")
	s.IntVar(&f.partitions, "partitions", 0, "make the topic with so many partitions if there is none")
}

// complete checks the flags and derives what depends on several of them.
func (f *generateFlags) complete(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	for i, name := range f.synth.Attacks {
		f.synth.Attacks[i] = strings.ReplaceAll(name, "-", "_")
	}
	switch {
	case given("hours") && given("length"):
		return errors.New("--hours and --length say the same: give one")
	case f.to == toKafka && (len(f.brokers) == 0 || f.topic == ""):
		return errors.New("--to kafka needs --brokers and --topic")
	case f.to != toKafka && (len(f.brokers) > 0 || f.topic != "" || f.partitions != 0):
		return errors.New("--brokers, --topic and --partitions go with --to kafka")
	case f.partitions < 0:
		return fmt.Errorf("--partitions %d is negative", f.partitions)
	case f.live && f.start != "":
		return errors.New("--live begins now: leave out --start")
	case f.synth.Hosts < 1:
		return fmt.Errorf("--hosts %d: want at least 1", f.synth.Hosts)
	}
	if f.synth.Length == 0 {
		f.synth.Length = time.Duration(f.hours * float64(time.Hour))
	}
	if f.synth.Length <= 0 {
		return errors.New("--hours or --length must be above 0")
	}
	if _, err := synth.NewEncoder(f.format); err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	if err := f.begin(); err != nil {
		return err
	}
	return f.synth.Validate()
}

// begin sets the first time.
func (f *generateFlags) begin() error {
	switch {
	case f.start != "":
		at, err := parseTime(f.start)
		if err != nil {
			return fmt.Errorf("--start: %w", err)
		}
		f.synth.Start = at
	case f.live:
		f.synth.Start = now()
	case f.to == toKafka:
		f.synth.Start = now().Add(-f.synth.Length)
	}
	return nil
}

// flowSink takes the encoded flows.
type flowSink interface {
	// header is called once before all flows.
	header(text []byte) error
	// flow takes the lines of a flow, valid during the call; none if the format does not report it.
	flow(ctx context.Context, r *flow.Record, lines []byte) error
	// finish completes the output; footer ends a file.
	finish(ctx context.Context, footer []byte) error
	// close lets go of everything, finished or not.
	close() error
}

func (f *generateFlags) sink(ctx context.Context, std stdio) (flowSink, error) {
	switch f.to {
	case toKafka:
		return newTopicSink(ctx, f.brokers, f.topic, f.partitions)
	case toStdout, "-":
		return newStreamSink(std.out, ""), nil
	}
	return newFileSink(f.to)
}

// generated counts what was made.
type generated struct {
	flows, lines, bytes int64
	byHost              map[synth.Label]int64
}

// generate writes the flows and then the labels.
func generate(ctx context.Context, f *generateFlags, std stdio) (err error) {
	began := now()
	g, err := synth.New(f.synth)
	if err != nil {
		return usageError{err}
	}
	enc, err := synth.NewEncoder(f.format)
	if err != nil {
		return usageError{err}
	}
	sink, err := f.sink(ctx, std)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.close()) }()
	n := generated{byHost: make(map[synth.Label]int64)}
	if err := f.write(ctx, g, enc, sink, &n); err != nil {
		return err
	}
	if err := printGenerated(std.err, g, &n, time.Since(began)); err != nil {
		return err
	}
	if f.labels != "" {
		return writeLabels(f.labels, g, &n)
	}
	return nil
}

func (f *generateFlags) write(ctx context.Context, g *synth.Generator, enc *synth.Encoder, sink flowSink, n *generated) error {
	from, to := g.Span()
	if err := sink.header(enc.AppendHeader(nil, from)); err != nil {
		return err
	}
	var lines []byte
	for fl, ok := g.Next(); ok; fl, ok = g.Next() {
		if f.live {
			if err := waitUntil(ctx, fl.Record.End); err != nil {
				return err
			}
		}
		lines = enc.Append(lines[:0], &fl)
		if err := sink.flow(ctx, &fl.Record, lines); err != nil {
			return err
		}
		n.flows++
		n.lines += int64(bytes.Count(lines, []byte{'\n'}))
		n.bytes += int64(len(lines))
		n.byHost[fl.Label]++
	}
	return sink.finish(ctx, enc.AppendFooter(nil, to))
}

// waitUntil waits for a time in nanoseconds, or for the end of ctx, which is its error.
func waitUntil(ctx context.Context, nanos int64) error {
	d := time.Until(time.Unix(0, nanos))
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// printGenerated tells people what was made.
func printGenerated(w io.Writer, g *synth.Generator, n *generated, took time.Duration) error {
	from, to := g.Span()
	fmt.Fprintf(w, "%d flows, %d lines, %s, %s to %s, in %s\n", n.flows, n.lines, size(n.bytes), moment(from.UnixNano()), moment(to.UnixNano()),
		took.Round(10*time.Millisecond))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "label\thost\tflows\tfrom\twhat it does")
	for _, l := range g.Labels() {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", l.Kind, l.Host, n.byHost[l.Label], moment(l.Start.UnixNano()), l.About)
	}
	return t.Flush()
}

// labelDocument is a labelled host as --labels writes it.
type labelDocument struct {
	Kind      string    `json:"kind"`
	Host      string    `json:"host_ip"`
	Attack    string    `json:"attack,omitempty"`
	Malicious bool      `json:"malicious"`
	Start     time.Time `json:"start"`
	Flows     int64     `json:"flows"`
	About     string    `json:"about"`
}

func writeLabels(name string, g *synth.Generator, n *generated) error {
	d := struct {
		Schema int             `json:"schema"`
		From   time.Time       `json:"from"`
		To     time.Time       `json:"to"`
		Flows  int64           `json:"flows"`
		Labels []labelDocument `json:"labels"`
	}{Schema: outputSchema, Flows: n.flows, Labels: []labelDocument{}}
	d.From, d.To = g.Span()
	for _, l := range g.Labels() {
		d.Labels = append(d.Labels, labelDocument{l.Kind, l.Host, l.Attack, l.Malicious(), l.Start.UTC(), n.byHost[l.Label], l.About})
	}
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("encode labels: %w", err)
	}
	if err := os.WriteFile(name, append(b, '\n'), 0o666); err != nil {
		return fmt.Errorf("write labels: %w", err)
	}
	return nil
}
