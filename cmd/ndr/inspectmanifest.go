package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"ndr/feature"
	"ndr/sinks"
)

// manifestDocument is what inspect manifest prints: one of the three.
type manifestDocument struct {
	Schema   int                    `json:"schema"`
	Key      string                 `json:"key"`
	Kind     string                 `json:"kind"` // shard, dataset or success
	Manifest *sinks.Manifest        `json:"manifest,omitempty"`
	Datasets *sinks.DatasetManifest `json:"datasets,omitempty"`
	Success  *sinks.Success         `json:"success,omitempty"`
}

func inspectManifestCommand(io stdio) *cobra.Command {
	var f inspectFlags
	return f.objectCommand(&cobra.Command{
		Use:   "manifest KEY|PATH|SLICE[/SHARD]",
		Short: "Show what a manifest says: of a shard, of a whole slice, or _SUCCESS",
		Long: `Manifest shows what one shard published for a slice, with its inputs; or what all shards did (dataset.json); or what
_SUCCESS says. With --root or --config the slice, or the slice and the shard, are enough.`,
		Example: `  ndr inspect manifest --root s3://features 20261123T1045Z
  ndr inspect manifest --root s3://features 20261123T1045Z/0 --output json | jq .manifest.inputs
  ndr inspect manifest shard-0000.json`,
	}, func(ctx context.Context, v *rootView, key string) error {
		key, err := v.named(key, v.manifestNamed)
		if err != nil {
			return err
		}
		b, err := v.get(ctx, key)
		if err != nil {
			return err
		}
		d, err := parseAnyManifest(key, b)
		if err != nil {
			return err
		}
		return f.print(io.out, report{document: d, table: d.table})
	})
}

// manifestNamed is the manifest of a slice, or of a slice and shard.
func (v *rootView) manifestNamed(parts []string) (feature.Object, bool) {
	slice, err := v.sliceOf(parts[0])
	if err != nil || len(parts) > 2 {
		return feature.Object{}, false
	}
	if len(parts) == 1 {
		return feature.DatasetManifestObject(v.clock.Name(slice)), true
	}
	shard, err := strconv.Atoi(parts[1])
	return feature.ManifestObject(v.clock.Name(slice), shard, 0), err == nil
}

// parseAnyManifest tells the three kinds by the members that only one of them has.
func parseAnyManifest(key string, b []byte) (*manifestDocument, error) {
	d := &manifestDocument{Schema: outputSchema, Key: key}
	var has map[string]json.RawMessage
	err := json.Unmarshal(b, &has)
	switch {
	case err != nil:
	case has["shards"] != nil:
		d.Kind = "dataset"
		d.Datasets, err = sinks.ParseDatasetManifest(b)
	case has["manifest"] != nil:
		d.Kind = "success"
		d.Success, err = sinks.ParseSuccess(b)
	case has["datasets"] != nil:
		d.Kind = "shard"
		d.Manifest, err = sinks.ParseManifest(b)
	default:
		err = errors.New("not a manifest")
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", key, err)
	}
	return d, nil
}

func (d *manifestDocument) table(w io.Writer) {
	fmt.Fprintf(w, "manifest\t%s\n", d.Key)
	switch d.Kind {
	case "dataset":
		printDatasetManifest(w, d.Datasets)
	case "success":
		fmt.Fprintf(w, "slice\t%s is complete\nby\t%s\nsha256\t%s\n", d.Success.Slice, d.Success.Manifest, d.Success.SHA256)
	default:
		printShardManifest(w, d.Manifest)
	}
}

func printShardManifest(w io.Writer, m *sinks.Manifest) {
	fmt.Fprintf(w, "slice\t%s\nshard\t%d\nrevision\t%d\n", m.Slice, m.Shard, m.Revision)
	if m.Reason != "" {
		fmt.Fprintf(w, "reason\t%s\n", m.Reason)
	}
	fmt.Fprintf(w, "created\t%s\nwriter\t%s\nlogic version\t%s on %s\n", moment(m.CreatedAt.UnixNano()), m.Writer, m.LogicVersion, m.Architecture)
	fmt.Fprintf(w, "input digest\t%s\n", m.InputDigest)
	for _, name := range slices.Sorted(maps.Keys(m.ConfigDigests)) {
		fmt.Fprintf(w, "configuration %s\t%s\n", name, m.ConfigDigests[name])
	}
	if m.BaselinePublication != "" {
		fmt.Fprintf(w, "baseline\t%s\n", m.BaselinePublication)
	}
	fmt.Fprintf(w, "records\t%d\nsessions\t%d\nlate\t%d\n", m.Counters.Records, m.Counters.Sessions, m.Counters.Late)
	for _, reason := range slices.Sorted(maps.Keys(m.Counters.Rejected)) {
		fmt.Fprintf(w, "rejected: %s\t%d\n", reason, m.Counters.Rejected[reason])
	}
	for _, reason := range slices.Sorted(maps.Keys(m.Counters.Imputed)) {
		fmt.Fprintf(w, "imputed: %s\t%d\n", reason, m.Counters.Imputed[reason])
	}
	fmt.Fprintf(w, "\ndataset\trows\tbytes\tkey\n")
	for _, d := range m.Datasets {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", d.Name, d.Rows, d.Bytes, d.Key)
	}
	fmt.Fprintf(w, "\nsource\tpartition\tcuts\tpositions\n")
	for _, in := range m.Inputs {
		fmt.Fprintf(w, "%s\t%s\t%d to %d\t%d to %d\n", in.Source, in.Partition, in.FirstCut, in.LastCut, in.From, in.To)
	}
}

func printDatasetManifest(w io.Writer, m *sinks.DatasetManifest) {
	fmt.Fprintf(w, "slice\t%s\nclose record\t%s\n", m.Slice, m.CloseKey)
	printTotals(w, m.Datasets)
	fmt.Fprintf(w, "\nshard\trevision\tmanifest\n")
	for _, s := range m.Shards {
		fmt.Fprintf(w, "%d\t%d\t%s\n", s.Shard, s.Revision, s.Key)
	}
	var close bytes.Buffer
	if json.Compact(&close, m.Close) == nil {
		fmt.Fprintf(w, "\nclose\t%s\n", close.String())
	}
}

func printTotals(w io.Writer, totals []sinks.DatasetTotal) {
	fmt.Fprintf(w, "\ndataset\trows\tobjects\tbytes\n")
	for _, t := range totals {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", t.Name, t.Rows, t.Objects, t.Bytes)
	}
}
