package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ndr/feature"
	"ndr/sinks"
)

// parquetDocument is what inspect parquet prints.
type parquetDocument struct {
	Schema    int               `json:"schema"`
	Key       string            `json:"key"`
	Dataset   string            `json:"dataset"`
	Bytes     int64             `json:"bytes"`
	Rows      int64             `json:"rows"`
	RowGroups int               `json:"row_groups"`
	Meta      map[string]string `json:"metadata"`
	Columns   []parquetColumn   `json:"columns"`
	First     []parquetRow      `json:"first"` // the first rows, of the chosen columns
	Known     string            `json:"known"` // ok, or how the schema differs from that of this build
}

type parquetColumn struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
	Key      bool   `json:"key"`
}

// parquetRow is one row, in the order of the columns.
type parquetRow struct {
	names  []string
	values []any // int64, float64, string, or nil; times are text
	line   bool  // alone on a line of JSONL: with "schema"
}

// MarshalJSON writes the row as an object. Numbers that JSON has no form for are text.
func (r parquetRow) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	if r.line {
		b = strconv.AppendInt(append(b, `"schema":`...), outputSchema, 10)
	}
	for i, v := range r.values {
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			v = fmt.Sprint(f)
		}
		name, err := json.Marshal(r.names[i])
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

func inspectParquetCommand(io stdio) *cobra.Command {
	var f inspectFlags
	var rows int
	var columns []string
	c := &cobra.Command{
		Use:   "parquet KEY|PATH|DATASET/SLICE/SHARD",
		Short: "Show a table file: schema, footer metadata and first rows",
		Long: `Parquet shows what a table file says of itself and its first rows. With --root or --config the dataset, the slice and
the shard are enough. As JSONL it prints the rows alone, one a line.`,
		Example: `  ndr inspect parquet --root file://$PWD/out fg_a/20261123T1045Z/0 --columns host_ip,window_label,sessions_cnt
  ndr inspect parquet part-0000.parquet --rows 0
  ndr inspect parquet --root s3://features delta/20261123T1045Z/3 --rows -1 --output jsonl | jq .host_ip`,
	}
	c.Flags().IntVar(&rows, "rows", 5, "show so many rows; -1 is all")
	c.Flags().StringSliceVar(&columns, "columns", nil, "show these columns of the rows (default: all)")
	return f.objectCommand(c, func(ctx context.Context, v *rootView, key string) error {
		key, err := v.named(key, v.tableNamed)
		if err != nil {
			return err
		}
		d, err := readParquet(ctx, v, key, rows, columns)
		if err != nil {
			return err
		}
		lines := []any{}
		for _, r := range d.First {
			r.line = true
			lines = append(lines, r)
		}
		return f.print(io.out, report{document: d, lines: lines, table: d.table})
	})
}

// tableNamed is the table of a dataset, a slice and a shard.
func (v *rootView) tableNamed(parts []string) (feature.Object, bool) {
	if len(parts) != 3 {
		return feature.Object{}, false
	}
	slice, err := v.sliceOf(parts[1])
	shard, err2 := strconv.Atoi(parts[2])
	return feature.SliceDataObject(parts[0], v.clock, slice, shard), err == nil && err2 == nil
}

func readParquet(ctx context.Context, v *rootView, key string, rows int, columns []string) (*parquetDocument, error) {
	o, err := v.store.Open(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s: %w", v.url, key, err)
	}
	if err != nil {
		return nil, err
	}
	defer o.Close()
	footer, err := sinks.ReadFooter(o)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	for _, c := range columns {
		if footer.Table.Column(c) < 0 {
			return nil, usageError{fmt.Errorf("--columns %s: %s has no such column", c, footer.Table.Name)}
		}
	}
	d := &parquetDocument{Schema: outputSchema, Key: key, Dataset: footer.Table.Name, Bytes: o.Size(), Rows: footer.Rows, RowGroups: footer.RowGroups,
		Meta: footer.Meta, First: []parquetRow{}, Known: knownSchema(footer.Table)}
	for _, c := range footer.Table.Columns {
		d.Columns = append(d.Columns, parquetColumn{c.Name, c.Type.String(), c.Nullable, c.Key})
	}
	if rows == 0 {
		return d, nil
	}
	t, err := sinks.ReadTable(o, columns...)
	if err == nil {
		err = d.readRows(t, rows)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return d, nil
}

// knownSchema compares a file's schema with that of this build.
func knownSchema(t *feature.Table) string {
	known := "not a table of this build"
	for _, want := range feature.Tables() {
		wide := wideTables[want.Name] == t.Name
		if want.Name != t.Name && !wide {
			continue
		}
		want.Name = t.Name // alone, wide tables have the names of the long ones
		err := feature.CheckSchema(want, feature.SchemaOf(t))
		if err == nil {
			return "ok"
		}
		if !wide {
			known = err.Error()
		}
	}
	return known
}

// readRows reads the first n rows, all if n is negative.
func (d *parquetDocument) readRows(t *sinks.TableReader, n int) error {
	var names []string
	for _, c := range t.Table().Columns {
		names = append(names, c.Name)
	}
	for b, err := range t.Batches() {
		if err != nil {
			return err
		}
		for i := range b.Rows {
			if n >= 0 && len(d.First) == n {
				return nil
			}
			row := parquetRow{names: names, values: make([]any, len(names))}
			for c := range b.Cols {
				row.values[c] = cellOf(b.Table.Columns[c].Type, &b.Cols[c], i)
			}
			d.First = append(d.First, row)
		}
	}
	return nil
}

func cellOf(t feature.ColumnType, c *feature.Values, i int) any {
	switch {
	case c.IsNull(i):
		return nil
	case t == feature.Text:
		return strings.Clone(c.Text[i])
	case t == feature.Timestamp:
		return time.UnixMicro(c.Int[i]).UTC().Format(time.RFC3339Nano)
	case t == feature.Int64:
		return c.Int[i]
	}
	return c.Float[i]
}

// maxTableColumns is the number of columns that rows beside each other may have; with more, each row is a list.
const maxTableColumns = 8

func (d *parquetDocument) table(w io.Writer) {
	fmt.Fprintf(w, "table\t%s\ndataset\t%s\nbytes\t%d\nrows\t%d\nrow groups\t%d\nschema\t%s\n", d.Key, d.Dataset, d.Bytes, d.Rows, d.RowGroups, d.Known)
	fmt.Fprintf(w, "\nmetadata\n")
	for _, k := range slices.Sorted(maps.Keys(d.Meta)) {
		fmt.Fprintf(w, "%s\t%s\n", k, clip(d.Meta[k], 120))
	}
	fmt.Fprintf(w, "\ncolumn\ttype\n")
	for _, c := range d.Columns {
		notes := ""
		if c.Key {
			notes += "\tkey"
		}
		if c.Nullable {
			notes += "\tnullable"
		}
		fmt.Fprintf(w, "%s\t%s%s\n", c.Name, c.Type, notes)
	}
	d.tableRows(w)
}

func (d *parquetDocument) tableRows(w io.Writer) {
	if len(d.First) == 0 {
		return
	}
	if names := d.First[0].names; len(names) <= maxTableColumns {
		fmt.Fprintf(w, "\n%s\n", strings.Join(names, "\t"))
		for _, r := range d.First {
			for i, v := range r.values {
				if i > 0 {
					fmt.Fprint(w, "\t")
				}
				fmt.Fprint(w, cellText(v))
			}
			fmt.Fprintln(w)
		}
		return
	}
	for n, r := range d.First {
		fmt.Fprintf(w, "\nrow %d\n", n+1)
		for i, v := range r.values {
			fmt.Fprintf(w, "  %s\t%s\n", r.names[i], cellText(v))
		}
	}
}

func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return clip(v, 100)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}
