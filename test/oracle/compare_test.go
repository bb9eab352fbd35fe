package oracle

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

func TestCompareSeesEveryFault(t *testing.T) {
	now := time.Unix(1, 0).UTC()
	base := func() Row {
		return Row{"k": "a", "t": now, "n": int64(5), "x": 1.0, "z": 0.0, "none": nil, "s": "s"}
	}
	want := []Row{base(), {"k": "b", "t": now, "n": int64(1)}}
	same := []Row{{"k": "b", "t": now.In(time.FixedZone("", 3600)), "n": int64(1)}, base()}
	same[1]["x"], same[1]["z"] = 1+0.9e-9, 1e-13
	if diffs := Compare("d", want, same, []string{"k", "t"}); len(diffs) > 0 {
		t.Fatal(Report(diffs, 9))
	}
	for name, spoil := range map[string]func(Row){
		"integer":     func(r Row) { r["n"] = int64(6) },
		"float":       func(r Row) { r["x"] = 1 + 3e-9 },
		"near zero":   func(r Row) { r["z"] = 1e-11 },
		"nan":         func(r Row) { r["x"] = math.NaN() },
		"null":        func(r Row) { r["n"] = nil },
		"not null":    func(r Row) { r["none"] = int64(0) },
		"type":        func(r Row) { r["n"] = 5.0 },
		"time":        func(r Row) { r["s"] = now },
		"no column":   func(r Row) { delete(r, "s") },
		"one column":  func(r Row) { r["new"] = nil },
		"another key": func(r Row) { r["k"] = "c" },
	} {
		got := []Row{base(), want[1]}
		spoil(got[0])
		if n := len(Compare("d", want, got, []string{"k", "t"})); n == 0 || n > 2 {
			t.Errorf("%s: %d disagreements", name, n)
		}
	}
	if n := len(Compare("d", want, append(same, base()), []string{"k", "t"})); n != 1 {
		t.Errorf("a double row: %d disagreements, want 1", n)
	}
	if n := len(Compare("d", want, nil, []string{"k", "t"})); n != 2 {
		t.Errorf("no rows: %d disagreements, want 2", n)
	}
}

func TestReadDataset(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "data", "features", Delta, "dt=2023-01-02", "hh=03", "mm=15")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "host_ip", Type: arrow.BinaryTypes.String},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "x", Type: arrow.PrimitiveTypes.Float64},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	b.Field(0).(*array.StringBuilder).AppendValues([]string{"a", "b"}, nil)
	b.Field(1).(*array.Int64Builder).AppendValues([]int64{1, 0}, []bool{true, false})
	b.Field(2).(*array.Float64Builder).AppendValues([]float64{0.5, 2}, nil)
	b.Field(3).(*array.TimestampBuilder).AppendValues([]arrow.Timestamp{-1, 1e6}, nil)
	f, err := os.Create(filepath.Join(folder, "part-0000.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(schema, f, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(b.NewRecordBatch()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadDataset(root, Delta)
	if err != nil {
		t.Fatal(err)
	}
	path := Row{"dt": "2023-01-02", "hh": "03", "mm": "15"}
	want := []Row{{"host_ip": "a", "n": int64(1), "x": 0.5, "at": time.UnixMicro(-1).UTC()},
		{"host_ip": "b", "n": nil, "x": 2.0, "at": time.Unix(1, 0).UTC()}}
	for _, row := range want {
		for k, v := range path {
			row[k] = v
		}
	}
	if diffs := Compare(Delta, want, got, []string{"host_ip"}); len(diffs) > 0 {
		t.Error(Report(diffs, 9))
	}
	if rows, err := ReadDataset(root, Lookback); err != nil || len(rows) != 0 {
		t.Errorf("a dataset without files: %d rows, %v", len(rows), err)
	}
	if err := os.WriteFile(filepath.Join(folder, "part-0001.parquet"), []byte("no"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadDataset(root, Delta); err == nil || !strings.Contains(err.Error(), "part-0001") {
		t.Errorf("a broken file: %v, want an error that names it", err)
	}
}
