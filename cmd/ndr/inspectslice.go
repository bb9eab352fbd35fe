package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ndr/feature"
	"ndr/sinks"
)

// sliceDocument is what inspect slice prints: what is published for a slice.
type sliceDocument struct {
	Schema    int                  `json:"schema"`
	Root      string               `json:"root"` // of the layout
	Slice     string               `json:"slice"`
	Start     string               `json:"start"`
	End       string               `json:"end"`
	Closed    bool                 `json:"closed"`   // it has a close record
	Complete  bool                 `json:"complete"` // it has _SUCCESS
	Shards    int                  `json:"shards"`   // of the root, 0 if not known
	Published []int                `json:"published"`
	Missing   []int                `json:"missing"` // shards without a manifest
	Revisions map[string]int       `json:"revisions,omitempty"`
	Datasets  []sinks.DatasetTotal `json:"datasets"`
	Faults    []string             `json:"faults"` // objects that are missing or have another size
}

func inspectSliceCommand(io stdio) *cobra.Command {
	var f inspectFlags
	c := &cobra.Command{
		Use:   "slice [TIME]",
		Short: "Show what is published for a slice, and which shards are missing",
		Long: `Slice shows what the shards published for the slice that contains a time, without one for the newest slice: tables
with rows, objects and bytes, whether the slice is complete, which shards are missing, and whether the objects that
the manifests name are there.`,
		Example: `  ndr inspect slice --root file://$PWD/out
  ndr inspect slice --root s3://features 2026-11-23T10:50Z
  ndr inspect slice --config ndr.yaml 20261123T1045Z --output json | jq .missing`,
		Args: wantArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			v, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			d, err := readSlice(cmd.Context(), v, strings.Join(args, ""))
			if err != nil {
				return err
			}
			return f.print(io.out, report{document: d, table: d.table})
		},
	}
	f.rootFlags.flags(c)
	f.output.flag(c)
	return c
}

// readSlice sums up the manifests of a slice; text "" is the newest one.
func readSlice(ctx context.Context, v *rootView, text string) (*sliceDocument, error) {
	s, err := v.sliceAsked(ctx, text)
	if err != nil {
		return nil, err
	}
	name := v.clock.Name(s)
	d := &sliceDocument{Schema: outputSchema, Root: v.layout.Root(), Slice: name, Start: moment(v.clock.Start(s)), End: moment(v.clock.End(s)),
		Shards: v.shards, Published: []int{}, Missing: []int{}, Faults: []string{}, Revisions: map[string]int{}}
	if d.Closed, err = v.has(ctx, feature.CloseObject(name)); err != nil {
		return nil, err
	}
	prefix, err := v.layout.ManifestsPrefix(name)
	if err != nil {
		return nil, err
	}
	keys, err := v.store.List(ctx, prefix, "", 0)
	if err != nil {
		return nil, fmt.Errorf("list manifests: %w", err)
	}
	totals := make(map[string]*sinks.DatasetTotal)
	for _, key := range keys {
		if err := d.add(ctx, v, key, totals); err != nil {
			return nil, err
		}
	}
	for shard := range d.Shards {
		if !slices.Contains(d.Published, shard) {
			d.Missing = append(d.Missing, shard)
		}
	}
	d.Datasets = make([]sinks.DatasetTotal, 0, len(totals))
	for _, t := range totals {
		d.Datasets = append(d.Datasets, *t)
	}
	slices.SortFunc(d.Datasets, func(a, b sinks.DatasetTotal) int { return strings.Compare(a.Name, b.Name) })
	return d, nil
}

// sliceAsked is the slice of a text, and of none the newest that has manifests.
func (v *rootView) sliceAsked(ctx context.Context, text string) (feature.Slice, error) {
	if text != "" {
		return v.sliceOf(text)
	}
	keys, err := v.store.List(ctx, v.layout.SlicesPrefix(), "", 0)
	if err != nil {
		return 0, fmt.Errorf("list manifests: %w", err)
	}
	for _, key := range slices.Backward(keys) {
		if o, err := v.layout.Parse(key); err == nil {
			return v.clock.ParseName(o.Slice)
		}
	}
	return 0, fmt.Errorf("find the newest slice: %s has none below %s", v.url, v.layout.Root())
}

// add takes one object of the slice's manifests into account.
func (d *sliceDocument) add(ctx context.Context, v *rootView, key string, totals map[string]*sinks.DatasetTotal) error {
	o, ok := v.object(key)
	switch {
	case ok && o.Kind == feature.KindSuccess:
		d.Complete = true
		return nil
	case ok && o.Kind == feature.KindManifestRevision:
		shard := fmt.Sprint(o.Shard)
		d.Revisions[shard] = max(d.Revisions[shard], o.Revision)
		return nil
	case !ok || o.Kind != feature.KindManifest:
		return nil
	}
	b, err := v.get(ctx, key)
	if err != nil {
		return err
	}
	m, err := sinks.ParseManifest(b)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	d.Published = append(d.Published, o.Shard)
	for _, one := range m.Datasets {
		t := totals[one.Name]
		if t == nil {
			t = &sinks.DatasetTotal{Name: one.Name}
			totals[one.Name] = t
		}
		t.Objects++
		t.Rows += one.Rows
		t.Bytes += one.Bytes
		if err := d.verify(ctx, v, &one); err != nil {
			return err
		}
	}
	return nil
}

// verify looks whether a published object is there with its size.
func (d *sliceDocument) verify(ctx context.Context, v *rootView, m *sinks.ManifestDataset) error {
	o, err := v.store.Open(ctx, m.Key)
	if errors.Is(err, fs.ErrNotExist) {
		d.Faults = append(d.Faults, m.Key+" is missing")
		return nil
	}
	if err != nil {
		return err
	}
	if n := o.Size(); n != m.Bytes {
		d.Faults = append(d.Faults, fmt.Sprintf("%s has %d bytes, its manifest says %d", m.Key, n, m.Bytes))
	}
	return o.Close()
}

// has reports whether an object exists.
func (v *rootView) has(ctx context.Context, o feature.Object) (bool, error) {
	key, err := v.layout.Path(o)
	if err != nil {
		return false, err
	}
	_, err = v.store.Get(ctx, key, 0, 1)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (d *sliceDocument) table(w io.Writer) {
	fmt.Fprintf(w, "slice\t%s\ntime\t%s to %s\nbelow\t%s\n", d.Slice, d.Start, d.End, d.Root)
	state := "not closed"
	switch {
	case d.Complete:
		state = "complete (_SUCCESS)"
	case d.Closed:
		state = "closed, not complete"
	}
	fmt.Fprintf(w, "state\t%s\n", state)
	if d.Shards > 0 {
		fmt.Fprintf(w, "shards\t%d of %d published\n", len(d.Published), d.Shards)
	} else {
		fmt.Fprintf(w, "shards\t%d published; how many there are is not known without root.json\n", len(d.Published))
	}
	if len(d.Missing) > 0 {
		fmt.Fprintf(w, "missing\t%s\n", strings.Trim(fmt.Sprint(d.Missing), "[]"))
	}
	for shard, n := range d.Revisions {
		fmt.Fprintf(w, "revision\t%d of shard %s\n", n, shard)
	}
	for _, f := range d.Faults {
		fmt.Fprintf(w, "fault\t%s\n", f)
	}
	printTotals(w, d.Datasets)
}
