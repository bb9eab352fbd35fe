package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"ndr/feature"
	"ndr/stream"
)

// closeDocument is what inspect close prints.
type closeDocument struct {
	Schema int                 `json:"schema"`
	Key    string              `json:"key"`
	Record *stream.CloseRecord `json:"record"`
	clock  feature.Clock
}

func inspectCloseCommand(io stdio) *cobra.Command {
	var f inspectFlags
	return f.objectCommand(&cobra.Command{
		Use:   "close KEY|PATH|SLICE",
		Short: "Show a close record: which cuts each shard closes a slice with",
		Long: `Close shows what was decided for one slice: the cut of every partition up to which it reaches, and the record before
it. With --root or --config the slice or a time in it is enough.`,
		Example: `  ndr inspect close --root s3://features 20261123T1045Z
  ndr inspect close --root file://$PWD/out 2026-11-23T10:50Z --output json | jq .record.partitions`,
	}, func(ctx context.Context, v *rootView, key string) error {
		d, err := readClose(ctx, v, key)
		if err != nil {
			return err
		}
		return f.print(io.out, report{document: d, table: d.table})
	})
}

func readClose(ctx context.Context, v *rootView, key string) (*closeDocument, error) {
	key, err := v.named(key, func(parts []string) (feature.Object, bool) {
		slice, err := v.sliceOf(parts[0])
		return feature.CloseObject(v.clock.Name(slice)), err == nil && len(parts) == 1
	})
	if err != nil {
		return nil, err
	}
	b, err := v.get(ctx, key)
	if err != nil {
		return nil, err
	}
	d := &closeDocument{Schema: outputSchema, Key: key, Record: new(stream.CloseRecord), clock: v.clock}
	if err := json.Unmarshal(b, d.Record); err != nil || d.Record.Name == "" {
		return nil, fmt.Errorf("read close record %s: not a close record: %w", key, orNoName(err))
	}
	if d.Record.Format > stream.CutFormat+1 {
		return nil, fmt.Errorf("read close record %s: format %d, this build knows up to %d", key, d.Record.Format, stream.CutFormat+1)
	}
	return d, nil
}

func orNoName(err error) error {
	if err == nil {
		err = fmt.Errorf("it names no slice")
	}
	return err
}

func (d *closeDocument) table(w io.Writer) {
	r := d.Record
	fmt.Fprintf(w, "close record\t%s\nslice\t%s\ntime\t%s to %s\n", d.Key, r.Name, moment(d.clock.Start(r.Slice)), moment(d.clock.End(r.Slice)))
	previous := "none, it is the first"
	if r.Previous != nil {
		previous = d.clock.Name(*r.Previous)
	}
	fmt.Fprintf(w, "previous\t%s\nfirst\t%s\ntopology\t%d\n", previous, d.clock.Name(r.First), r.Topology)
	if r.Final {
		fmt.Fprintf(w, "final\tyes, a bounded run ends with it\n")
	}
	if r.EmptyRun > 0 {
		fmt.Fprintf(w, "empty closes\t%d in a row\n", r.EmptyRun)
	}
	open := make([]string, len(r.Open))
	for i, s := range r.Open {
		open[i] = d.clock.Name(s)
	}
	fmt.Fprintf(w, "open slices\t%s\nconfiguration\t%s\n", listOr(open, "none"), r.Config)
	if r.Baseline != "" {
		fmt.Fprintf(w, "baseline\t%s\n", r.Baseline)
	}
	fmt.Fprintf(w, "\npartition\tthrough cut\tnew cuts\n")
	for _, p := range slices.Sorted(maps.Keys(r.Partitions)) {
		span := "none"
		if c, ok := r.Cuts[p]; ok {
			span = fmt.Sprintf("%d to %d", c.First, c.Last)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", p, r.Partitions[p], span)
	}
}
