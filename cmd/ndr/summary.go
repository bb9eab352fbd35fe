package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"ndr/feature"
	"ndr/sinks"
	"ndr/stream"
)

// summaryInput is what only the run itself knows.
type summaryInput struct {
	began    time.Time
	resumed  bool   // cuts were there before
	finished bool   // all of them
	what     string // was read
}

// summary prints what a person asks after a bounded run: the records by outcome, the time span, hosts, tables,
// rejects with an example each, late records with the lateness that would have saved them, and how to look at it.
func (p *pipeline) summary(ctx context.Context, io stdio, in summaryInput) error {
	a, err := p.control.SumCuts(ctx, p.cfg.Source.Name, p.cfg.Shards)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	switch {
	case in.finished:
		fmt.Fprintf(w, "Nothing to do: this input was read to its end before. What is there:\n\n")
	case in.resumed:
		fmt.Fprintf(w, "Resumed and finished in %s.\n\n", since(in.began))
	default:
		fmt.Fprintf(w, "Read %s in %s.\n\n", in.what, since(in.began))
	}
	printOutcomes(w, a)
	if a.First != nil {
		fmt.Fprintf(w, "time span\t%s to %s\n", instant(p.clock.Start(*a.First)), instant(p.clock.End(*a.Last)))
	}
	if err := p.printTables(ctx, w); err != nil {
		return err
	}
	printRejects(w, a)
	if a.Late > 0 {
		fmt.Fprintf(w, "\n%d late records are in data/quality/late; --allowed-lateness %s would have saved them all.\n", a.Late, roundUp(a.LateSaved))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	p.printLook(io.out)
	return nil
}

func printOutcomes(w io.Writer, a *stream.Account) {
	fmt.Fprintf(w, "records\t%d\n", a.Records)
	if a.Undecodable > 0 {
		fmt.Fprintf(w, "  undecodable\t%d\n", a.Undecodable)
	}
	fmt.Fprintf(w, "  accepted flows\t%d\n", a.Accepted)
	fmt.Fprintf(w, "  late flows\t%d\n", a.Late)
	if a.Absorbed > 0 || a.Unpaired > 0 {
		fmt.Fprintf(w, "  halves paired\t%d\n  halves unpaired\t%d\n", 2*a.Absorbed, a.Unpaired)
	}
	for _, reason := range slices.Sorted(maps.Keys(a.Filtered)) {
		fmt.Fprintf(w, "  filtered: %s\t%d\n", reason, a.Filtered[reason])
	}
	for _, reason := range slices.Sorted(maps.Keys(a.Rejected)) {
		fmt.Fprintf(w, "  rejected: %s\t%d\n", reason, a.Rejected[reason])
	}
}

func printRejects(w io.Writer, a *stream.Account) {
	if len(a.Examples) == 0 {
		return
	}
	fmt.Fprintf(w, "\nOne rejected record of each reason (all are in data/quality/rejects):\n")
	for _, reason := range slices.Sorted(maps.Keys(a.Examples)) {
		r := a.Examples[reason]
		fmt.Fprintf(w, "  %s\t%s\n\t%s\n", reason, r.Detail, clip(string(r.Raw), 100))
	}
}

// clip shortens s for a line and makes control characters visible.
func clip(s string, n int) string {
	cut := len(s) > n
	if cut {
		s = s[:n]
	}
	s = fmt.Sprintf("%q", s)
	s = s[1 : len(s)-1]
	if cut {
		s += "..."
	}
	return s
}

// printTables sums the dataset manifests, and counts the hosts of the delta table.
func (p *pipeline) printTables(ctx context.Context, w io.Writer) error {
	type total struct{ rows, bytes, files int64 }
	totals := make(map[string]*total)
	slicesSeen := 0
	hosts := make(map[string]bool)
	keys, err := p.store.List(ctx, p.layout.SlicesPrefix(), "", 0)
	if err != nil {
		return fmt.Errorf("list manifests: %w", err)
	}
	for _, k := range keys {
		o, err := p.layout.Parse(k)
		if err != nil || o.Kind != feature.KindManifest {
			continue
		}
		b, err := p.store.Get(ctx, k, 0, -1)
		if err != nil {
			return fmt.Errorf("read %s: %w", k, err)
		}
		m, err := sinks.ParseManifest(b)
		if err != nil {
			return fmt.Errorf("read %s: %w", k, err)
		}
		if o.Shard == 0 {
			slicesSeen++
		}
		for _, d := range m.Datasets {
			t := totals[d.Name]
			if t == nil {
				t = &total{}
				totals[d.Name] = t
			}
			t.rows += d.Rows
			t.bytes += d.Bytes
			t.files++
			if d.Name == feature.DatasetDelta && d.Rows > 0 {
				if err := p.addHosts(ctx, d.Key, hosts); err != nil {
					return err
				}
			}
		}
	}
	fmt.Fprintf(w, "hosts\t%d\n15-minute slices\t%d\n\ntable\trows\tfiles\tKiB\n", len(hosts), slicesSeen)
	for _, name := range slices.Sorted(maps.Keys(totals)) {
		t := totals[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", name, t.rows, t.files, (t.bytes+1023)/1024)
	}
	return nil
}

func (p *pipeline) addHosts(ctx context.Context, key string, hosts map[string]bool) error {
	o, err := p.store.Open(ctx, key)
	if err != nil {
		return fmt.Errorf("open %s: %w", key, err)
	}
	defer o.Close()
	t, err := sinks.ReadTable(o, "host_ip")
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	for b, err := range t.Batches() {
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		for _, h := range b.Cols[0].Text {
			hosts[strings.Clone(h)] = true
		}
	}
	return nil
}

// printLook tells how to open the tables.
func (p *pipeline) printLook(w io.Writer) {
	prefix, err := p.layout.DataPrefix(feature.DatasetFGA)
	if err != nil {
		return
	}
	root := strings.TrimPrefix(p.cfg.Root, "file://")
	fmt.Fprintf(w, `
Look at it with DuckDB:
  duckdb -c "SELECT host_ip, window_label, window_end_ts, sessions_cnt, peer_ip_nunique, new_peer_cnt_lookback30d
             FROM read_parquet('%s/%s**/*.parquet') WHERE window_label = 'w_1h' ORDER BY sessions_cnt DESC LIMIT 10"
`, strings.TrimSuffix(root, "/"), prefix)
}

func instant(nanos int64) string { return time.Unix(0, nanos).UTC().Format("2006-01-02 15:04") }

func roundUp(nanos int64) string {
	d := time.Duration(nanos)
	return (d.Truncate(time.Second) + time.Second).String()
}
