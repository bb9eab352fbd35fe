package faults

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"ndr/feature"
	"ndr/sinks"
	"ndr/stream"
)

// Result is what a run published and what it says of its records.
type Result struct {
	Tables  map[string][]string // rows of each dataset as text, sorted; with the time of their path, without the shard
	Account stream.Counters     // of all cuts, without the carry between them
	Cuts    int
	Ended   bool     // every partition has its end cut
	Slices  int      // with manifests
	Faults  []string // of the publication: slices without _SUCCESS, objects that their manifest does not name
}

// The tables of Result that depend on where cuts fall: compared only between runs with the same cuts.
const (
	tableLate    = "late by cut"
	tableRejects = "rejects by cut"
)

// ReadResult reads everything that lies in a store.
func ReadResult(ctx context.Context, store sinks.Store, l feature.Layout, shards int) (*Result, error) {
	r := &Result{Tables: make(map[string][]string)}
	control := &stream.Control{Objects: store, Layout: l}
	a, err := control.SumCuts(ctx, sourceName, shards)
	if err != nil {
		return nil, err
	}
	r.Account, r.Cuts, r.Ended = a.Counters, a.Cuts, a.Ended
	r.Account.CarryIn, r.Account.CarryOut = 0, 0
	keys, err := store.List(ctx, l.Root()+"/", "", 0)
	if err != nil {
		return nil, err
	}
	p := publication{named: make(map[string]string), shards: make(map[string]int), success: make(map[string]bool)}
	for _, key := range keys {
		o, err := l.Parse(key)
		if err != nil {
			return nil, err
		}
		b, err := store.Get(ctx, key, 0, -1)
		if err != nil {
			return nil, err
		}
		if o.Kind == feature.KindData {
			p.data = append(p.data, dataObject{key, tagOf(b)})
			err = r.add(o, b)
		} else {
			err = p.add(o, b)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", key, err)
		}
	}
	r.Slices = len(p.shards)
	r.Faults = p.faults(shards)
	r.sum()
	return r, nil
}

// publication is what the manifests say.
type publication struct {
	named   map[string]string // key of each object to its digest
	shards  map[string]int    // shard manifests of each slice
	success map[string]bool
	data    []dataObject
}

type dataObject struct{ key, digest string }

func (p *publication) add(o feature.Object, b []byte) error {
	switch o.Kind {
	case feature.KindSuccess:
		p.success[o.Slice] = true
	case feature.KindManifest:
		p.shards[o.Slice]++
		m, err := sinks.ParseManifest(b)
		if err != nil {
			return err
		}
		for _, d := range m.Datasets {
			p.named[d.Key] = d.SHA256
		}
	}
	return nil
}

func (p *publication) faults(shards int) (list []string) {
	for _, s := range slices.Sorted(maps.Keys(p.shards)) {
		if p.shards[s] != shards {
			list = append(list, fmt.Sprintf("slice %s has manifests of %d of %d shards", s, p.shards[s], shards))
		}
		if !p.success[s] {
			list = append(list, fmt.Sprintf("slice %s has no _SUCCESS", s))
		}
	}
	for _, d := range p.data {
		if want, ok := p.named[d.key]; !ok {
			list = append(list, fmt.Sprintf("no manifest names %s", d.key))
		} else if want != d.digest {
			list = append(list, fmt.Sprintf("the manifest of %s tells digest %s, it has %s", d.key, want, d.digest))
		}
		delete(p.named, d.key)
	}
	for _, key := range slices.Sorted(maps.Keys(p.named)) {
		list = append(list, fmt.Sprintf("a manifest names %s, which does not exist", key))
	}
	return list
}

// add takes the rows of one object.
func (r *Result) add(o feature.Object, b []byte) error {
	if o.Dataset == feature.DatasetRejects {
		return r.addRejects(b)
	}
	t, err := sinks.ReadTable(bytes.NewReader(b))
	if err != nil {
		return err
	}
	name := o.Dataset
	if name == feature.DatasetLate {
		name = tableLate
	}
	for batch, err := range t.Batches() {
		if err != nil {
			return err
		}
		for i := range batch.Rows {
			r.Tables[name] = append(r.Tables[name], rowText(o.Minute, batch, i))
			if name == tableLate {
				r.Tables[feature.DatasetLate] = append(r.Tables[feature.DatasetLate], lateText(batch, i)...)
			}
		}
	}
	return nil
}

// rowText writes a row with its keys first, so that rows sort by key.
func rowText(minute int64, b *feature.Batch, row int) string {
	var keys, rest []byte
	for i, c := range b.Table.Columns {
		part := &rest
		if c.Key {
			part = &keys
		}
		*part = append(append(append(*part, c.Name...), '='), appendValue(nil, c.Type, &b.Cols[i], row)...)
		*part = append(*part, ' ')
	}
	return fmt.Sprintf("%sat=%d %s", keys, minute, rest)
}

func appendValue(b []byte, t feature.ColumnType, v *feature.Values, row int) []byte {
	switch {
	case v.IsNull(row):
		return append(b, "null"...)
	case t == feature.Text:
		return append(b, v.Text[row]...)
	case t == feature.Float64 || t == feature.Float32:
		return strconv.AppendFloat(b, v.Float[row], 'g', -1, 64) // to the last bit
	}
	return strconv.AppendInt(b, v.Int[row], 10)
}

// lateText is a late row without the cut that brought it: one text per session, since cuts may split a row.
func lateText(b *feature.Batch, row int) (texts []string) {
	var text []byte
	sessions := int64(0)
	for i, c := range b.Table.Columns {
		switch c.Name {
		case "host_ip", "role", "slice_start_ts":
			text = append(append(text, ' '), appendValue(nil, c.Type, &b.Cols[i], row)...)
		case "sessions_cnt":
			sessions = b.Cols[i].Int[row]
		}
	}
	for range sessions {
		texts = append(texts, string(text))
	}
	return texts
}

// rejectLine is a rejected record as it is published.
type rejectLine struct {
	Source, Partition, Reason, Detail string
	Cut                               uint64
	Offset                            int64
	Item                              int
	Data                              []byte `json:"data_base64"`
}

// parseRejects opens an object of the rejects.
func parseRejects(b []byte) (lines []rejectLine, err error) {
	z, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	d := json.NewDecoder(z)
	for {
		var l rejectLine
		if err := d.Decode(&l); err == io.EOF {
			return lines, nil
		} else if err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
}

func (r *Result) addRejects(b []byte) error {
	lines, err := parseRejects(b)
	if err != nil {
		return err
	}
	for _, l := range lines {
		r.Tables[tableRejects] = append(r.Tables[tableRejects], fmt.Sprintf("%s %d %d %d %s %q", l.Partition, l.Cut, l.Offset, l.Item, l.Reason, l.Data))
		r.Tables[feature.DatasetRejects] = append(r.Tables[feature.DatasetRejects], fmt.Sprintf("%s %q", l.Reason, l.Data))
	}
	return nil
}

func (r *Result) sum() {
	for _, rows := range r.Tables {
		slices.Sort(rows)
	}
}

// Diff compares two results and describes what differs, "" for nothing. sameCuts says that both runs cut at the same
// records, so that late rows and rejects must be told of the same cuts, too.
func Diff(want, got *Result, sameCuts bool) string {
	var out strings.Builder
	if a, b := accountText(&want.Account), accountText(&got.Account); a != b {
		fmt.Fprintf(&out, "accounts differ:\n  want %s\n  got  %s\n", a, b)
	}
	if !got.Ended {
		out.WriteString("not every partition was read to its end\n")
	}
	if want.Slices != got.Slices {
		fmt.Fprintf(&out, "%d slices are published, want %d\n", got.Slices, want.Slices)
	}
	for i, f := range got.Faults {
		if i == 5 {
			fmt.Fprintf(&out, "and %d more\n", len(got.Faults)-i)
			break
		}
		fmt.Fprintln(&out, f)
	}
	names := make(map[string]bool)
	for _, t := range []map[string][]string{want.Tables, got.Tables} {
		for n := range t {
			names[n] = true
		}
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if byCut := n == tableLate || n == tableRejects; sameCuts || !byCut {
			diffRows(&out, n, want.Tables[n], got.Tables[n])
		}
	}
	return out.String()
}

func accountText(c *stream.Counters) string {
	b, err := json.Marshal(c)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// diffRows walks two sorted lists and writes the first rows that only one of them has.
func diffRows(out *strings.Builder, name string, want, got []string) {
	if slices.Equal(want, got) {
		return
	}
	fmt.Fprintf(out, "%s: %d rows, want %d\n", name, len(got), len(want))
	shown := 0
	for i, j := 0, 0; (i < len(want) || j < len(got)) && shown < 3; {
		order := 0
		switch {
		case i == len(want):
			order = 1
		case j == len(got):
			order = -1
		default:
			order = cmp.Compare(want[i], got[j])
		}
		switch {
		case order < 0:
			fmt.Fprintf(out, "  want %.400s\n", want[i])
			i++
			shown++
		case order > 0:
			fmt.Fprintf(out, "  got  %.400s\n", got[j])
			j++
			shown++
		default:
			i, j = i+1, j+1
		}
	}
}
