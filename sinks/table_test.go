package sinks

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files of testdata anew")

// everyType has a required and a nullable column of each type.
func everyType() *feature.Table {
	t := &feature.Table{Name: "every_type", Version: 3}
	t.Columns = append(t.Columns, feature.Column{Name: "id", Type: feature.Int64, Key: true},
		feature.Column{Name: "record_id", Type: feature.Text, Distinct: true})
	for _, c := range []feature.Column{{Name: "int", Type: feature.Int64}, {Name: "double", Type: feature.Float64},
		{Name: "float", Type: feature.Float32}, {Name: "text", Type: feature.Text}, {Name: "time", Type: feature.Timestamp}} {
		t.Columns = append(t.Columns, c)
		c.Name, c.Nullable = c.Name+"_or_null", true
		t.Columns = append(t.Columns, c)
	}
	return t
}

// fill adds rows [from, to) of a made-up sequence with extremes, nulls and repeated values.
func fill(b *feature.Batch, from, to int) {
	ints := []int64{0, 1, -1, math.MaxInt64, math.MinInt64, 1 << 53, 443}
	floats := []float64{0, 1, -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32, 0.25, math.Copysign(0, -1)}
	times := []int64{0, 1769903100_000000, 1769903100_123456, -1_000001, 253402300799_999999} // microseconds
	texts := []string{"", "10.0.0.1", "ümlaut 日本", "a\x00b", strings.Repeat("long", 50)}
	for i := from; i < to; i++ {
		for col := range b.Table.Columns {
			c := &b.Table.Columns[col]
			switch {
			case c.Name == "id":
				b.AddInt(col, int64(i))
			case c.Name == "record_id":
				b.AddText(col, fmt.Sprintf("record|%d|x", i))
			case c.Nullable && (i%3 == 0 || i%11 == 5):
				b.AddNull(col)
			case c.Type == feature.Text:
				b.AddText(col, texts[i%len(texts)])
			case c.Type == feature.Float64 || c.Type == feature.Float32:
				b.AddFloat(col, floats[i%len(floats)])
			case c.Type == feature.Timestamp:
				b.AddInt(col, times[i%len(times)])
			default:
				b.AddInt(col, ints[i%len(ints)])
			}
		}
		b.EndRow()
	}
}

// writeRows writes n rows in batches of the size and returns the file.
func writeRows(t testing.TB, table *feature.Table, n, batch int) ([]byte, Stats) {
	t.Helper()
	var buf bytes.Buffer
	w, err := NewTableWriter(&buf, table, map[string]string{MetaSlice: "20260131T2345Z", MetaShard: "3", MetaInputDigest: "ef"})
	if err != nil {
		t.Fatal(err)
	}
	b := feature.NewBatch(table)
	for from := 0; from < n; from += batch {
		b.Reset()
		fill(b, from, min(n, from+batch))
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	stats, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), stats
}

// readAll reads a file into one batch and returns the sizes of the batches it came in.
func readAll(t testing.TB, r *TableReader) (*feature.Batch, []int) {
	t.Helper()
	all := feature.NewBatch(r.Table())
	var sizes []int
	for b, err := range r.Batches() {
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, b.Rows)
		for row := range b.Rows {
			for col := range b.Cols {
				switch v := &b.Cols[col]; {
				case v.IsNull(row):
					all.AddNull(col)
				case len(v.Text) > 0:
					all.AddText(col, v.Text[row])
				case len(v.Float) > 0:
					all.AddFloat(col, v.Float[row])
				default:
					all.AddInt(col, v.Int[row])
				}
			}
			all.EndRow()
		}
	}
	return all, sizes
}

func TestTableRoundTrip(t *testing.T) {
	table := everyType()
	for _, n := range []int{0, 1, 2, 1000, maxGroupRows, maxGroupRows + 1, 2*maxGroupRows + 77} {
		data, stats := writeRows(t, table, n, 1000)
		r, err := ReadTable(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%d rows: %v", n, err)
		}
		got, _ := readAll(t, r)
		want := feature.NewBatch(table)
		fill(want, 0, n)
		if d := cmp.Diff(texts(got), texts(want)); d != "" {
			t.Errorf("%d rows (-got +want):\n%s", n, d)
		}
		if stats.Rows != int64(n) || stats.Bytes != int64(len(data)) || r.Footer().Rows != int64(n) ||
			r.Footer().RowGroups != (n+maxGroupRows-1)/maxGroupRows {
			t.Errorf("%d rows: stats %+v, footer %+v", n, stats, r.Footer())
		}
		digest := NewRowDigest(table)
		digest.Add(got)
		if got, want := digest.Sum(), stats.ContentDigest; got != want || r.Footer().Meta[MetaContentDigest] != want {
			t.Errorf("%d rows: content digest of what was read %s, footer %s, want %s", n, got,
				r.Footer().Meta[MetaContentDigest], want)
		}
	}
}

// texts writes a batch's rows as text: floats by their bits, so that -0 differs from 0.
func texts(b *feature.Batch) []string {
	rows := make([]string, b.Rows)
	for row := range rows {
		var s strings.Builder
		for col := range b.Cols {
			switch v := &b.Cols[col]; {
			case v.IsNull(row):
				s.WriteString(" null")
			case b.Table.Columns[col].Type == feature.Text:
				fmt.Fprintf(&s, " %q", v.Text[row])
			case len(v.Float) > 0:
				fmt.Fprintf(&s, " %x", math.Float64bits(v.Float[row]))
			default:
				fmt.Fprintf(&s, " %d", v.Int[row])
			}
		}
		rows[row] = s.String()
	}
	return rows
}

// TestTableDeterminism: batching does not show in the file, and rows, metadata and schema do.
func TestTableDeterminism(t *testing.T) {
	table := everyType()
	n := maxGroupRows + 500
	want, stats := writeRows(t, table, n, n)
	for _, batch := range []int{1, 7, 4096, maxGroupRows} {
		got, s := writeRows(t, table, n, batch)
		if !bytes.Equal(got, want) || s != stats {
			t.Errorf("batches of %d rows: another file (%+v, want %+v)", batch, s, stats)
		}
	}
	_, fewer := writeRows(t, table, n-1, n)
	renamed := everyType()
	renamed.Columns[3].Name = "other"
	_, other := writeRows(t, renamed, n, n)
	nullable := everyType()
	nullable.Columns[1].Nullable = true
	for name, d := range map[string]string{"a row less": fewer.ContentDigest, "another name": other.ContentDigest,
		"another nullability": NewRowDigest(nullable).Sum()} {
		if d == stats.ContentDigest || d == NewRowDigest(table).Sum() {
			t.Errorf("%s: the same content digest", name)
		}
	}
}

// TestRowDigestSeparates: values do not run into each other.
func TestRowDigestSeparates(t *testing.T) {
	table := &feature.Table{Name: "t", Columns: []feature.Column{{Name: "a", Type: feature.Text, Nullable: true},
		{Name: "b", Type: feature.Text, Nullable: true}}}
	seen := map[string]string{}
	for _, row := range [][]string{{"ab", ""}, {"a", "b"}, {"", "ab"}, {"ab", "null"}, {"null", "ab"}, {"null", "null"}, {"", ""}} {
		b := feature.NewBatch(table)
		for col, s := range row {
			if s == "null" {
				b.AddNull(col)
			} else {
				b.AddText(col, s)
			}
		}
		b.EndRow()
		d := NewRowDigest(table)
		d.Add(b)
		if old, ok := seen[d.Sum()]; ok {
			t.Errorf("%q and %s have one digest", row, old)
		}
		seen[d.Sum()] = fmt.Sprintf("%q", row)
	}
}

// TestTableGolden pins the schema, the metadata, the encodings and the content digest.
func TestTableGolden(t *testing.T) {
	data, stats := writeRows(t, everyType(), 1000, 1000)
	f, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	schema.PrintSchema(f.MetaData().Schema.Root(), &out, 2)
	kv := f.MetaData().KeyValueMetadata()
	for i, k := range kv.Keys() {
		fmt.Fprintf(&out, "%s = %s\n", k, kv.Values()[i])
	}
	for i := range f.MetaData().Schema.NumColumns() {
		c, err := f.MetaData().RowGroup(0).ColumnChunk(i)
		if err != nil {
			t.Fatal(err)
		}
		st, err := c.Statistics()
		if err != nil || st == nil || !st.HasMinMax() {
			t.Errorf("column %s: no statistics (%v)", c.PathInSchema(), err)
			continue
		}
		fmt.Fprintf(&out, "%s: %s %s, %d nulls\n", c.PathInSchema(), c.Compression(), c.Encodings(), st.NullCount())
	}
	fmt.Fprintf(&out, "rows %d, content digest %s\n", stats.Rows, stats.ContentDigest)
	golden(t, "testdata/table.txt", out.Bytes())
}

// TestTableOldFile: a stored file of this format version stays readable.
func TestTableOldFile(t *testing.T) {
	const name = "testdata/table_v1.parquet"
	if *rewrite {
		data, _ := writeRows(t, everyType(), 50, 50)
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ReadTable(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := readAll(t, r)
	want := feature.NewBatch(everyType())
	fill(want, 0, 50)
	if d := cmp.Diff(texts(got), texts(want)); d != "" {
		t.Errorf("-got +want:\n%s", d)
	}
}

func TestReadFooter(t *testing.T) {
	data, stats := writeRows(t, everyType(), 10, 10)
	got, err := ReadFooter(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	table := everyType()
	table.Columns[1].Distinct = false // not stored
	want := &Footer{Table: table, Rows: 10, RowGroups: 1, Meta: map[string]string{MetaDataset: "every_type",
		MetaSchemaVersion: "3", MetaKey: "id", MetaContentDigest: stats.ContentDigest, MetaSlice: "20260131T2345Z",
		MetaShard: "3", MetaInputDigest: "ef"}}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("-got +want:\n%s", d)
	}
}

func TestReadTableColumns(t *testing.T) {
	n := maxGroupRows + 10
	data, _ := writeRows(t, everyType(), n, n)
	r, err := ReadTable(bytes.NewReader(data), "text_or_null", "id")
	if err != nil {
		t.Fatal(err)
	}
	got, sizes := readAll(t, r)
	if d := cmp.Diff(sizes, []int{maxGroupRows, 10}); d != "" {
		t.Errorf("batches (-got +want):\n%s", d)
	}
	last := texts(got)[n-1]
	if want := fmt.Sprintf(` "a\x00b" %d`, n-1); len(got.Cols) != 2 || last != want {
		t.Errorf("last row %s of %d columns, want %s", last, len(got.Cols), want)
	}
	if _, err := ReadTable(bytes.NewReader(data), "id", "nothing"); err == nil || !strings.Contains(err.Error(), "no column nothing") {
		t.Errorf("an unknown column: %v", err)
	}
}

func TestTableExpect(t *testing.T) {
	data, _ := writeRows(t, everyType(), 1, 1)
	r, err := ReadTable(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	older, other := everyType(), everyType()
	older.Version = 2
	other.Columns[4].Type = feature.Int64
	var fault *feature.SchemaError
	if err := r.Expect(everyType()); err != nil {
		t.Errorf("the same table: %v", err)
	}
	if err := r.Expect(older); !errors.As(err, &fault) || !strings.Contains(err.Error(), "newer") {
		t.Errorf("a file newer than the program: %v", err)
	}
	if err := r.Expect(other); !errors.As(err, &fault) || fault.Column != other.Columns[4].Name {
		t.Errorf("another type: %v", err)
	}
}

// TestGroupRows: wide tables have shorter groups, so that memory stays bounded.
func TestGroupRows(t *testing.T) {
	for _, c := range []struct{ columns, want int }{{1, maxGroupRows}, {128, maxGroupRows}, {256, 8192}, {500, 4194}, {1500, minGroupRows}} {
		if got := groupRows(&feature.Table{Columns: make([]feature.Column, c.columns)}); got != c.want {
			t.Errorf("%d columns: %d rows, want %d", c.columns, got, c.want)
		}
	}
}

// TestOurTables: each published table makes a valid file.
func TestOurTables(t *testing.T) {
	for _, table := range []*feature.Table{feature.DeltaTable(), feature.PairCountsTable(), feature.FGATable(), feature.FGAWideTable()} {
		var buf bytes.Buffer
		w, err := NewTableWriter(&buf, table, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := ReadTable(bytes.NewReader(buf.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Expect(table); err != nil {
			t.Error(err)
		}
	}
}
