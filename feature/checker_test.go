package feature

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// smallTable has a column of each kind that a Checker treats in a way of its own.
func smallTable() *Table {
	return &Table{Name: "small", Version: 1, Columns: []Column{
		{Name: "host_ip", Type: Text, Key: true},
		{Name: "role", Type: Text, Key: true},
		{Name: "event_ts", Type: Timestamp, Key: true},
		{Name: "cnt", Type: Int64},
		{Name: "ratio", Type: Float64, Nullable: true},
		{Name: "score", Type: Float32, Nullable: true},
	}}
}

type smallRow struct {
	host, role string
	ts         int64
}

func smallBatch(t *Table, rows ...smallRow) *Batch {
	b := NewBatch(t)
	for _, r := range rows {
		b.AddText(0, r.host)
		b.AddText(1, r.role)
		b.AddInt(2, r.ts)
		b.AddInt(3, 1)
		b.AddFloat(4, 0.5)
		b.AddNull(5)
		b.EndRow()
	}
	return b
}

// goodRows ascend in address order and not as text.
var goodRows = []smallRow{
	{"9.0.0.1", "inbound", 5}, {"9.0.0.1", "inbound", 6}, {"9.0.0.1", "outbound", -7}, {"10.0.0.1", "inbound", 0},
	{"fd00::9", "inbound", 0}, {"fd00::10", "inbound", 0},
}

func TestCheckerTakesGoodRows(t *testing.T) {
	table := smallTable()
	for split := range len(goodRows) + 1 {
		c := NewChecker(table)
		for _, rows := range [][]smallRow{goodRows[:split], goodRows[split:]} {
			if err := c.Check(smallBatch(smallTable(), rows...)); err != nil {
				t.Errorf("split at %d: %v", split, err)
			}
		}
	}
	if err := NewChecker(table).Check(smallBatch(table, smallRow{"::", "", 0})); err != nil {
		t.Errorf("first row of zero values: %v", err)
	}
}

func TestCheckerKeys(t *testing.T) {
	again := "the same key again"
	before := "a key before that of the row before"
	at := "1970-01-01T00:00:00.000005Z"
	for _, c := range []struct {
		a, b       smallRow
		found, key string
	}{
		{smallRow{"9.0.0.1", "inbound", 5}, smallRow{"9.0.0.1", "inbound", 5}, again, "9.0.0.1|inbound|" + at},
		{smallRow{"9.0.0.1", "inbound", 5}, smallRow{"::ffff:9.0.0.1", "inbound", 5}, again,
			"::ffff:9.0.0.1|inbound|" + at},
		{smallRow{"9.0.0.1", "inbound", 6}, smallRow{"9.0.0.1", "inbound", 5}, before, "9.0.0.1|inbound|" + at},
		{smallRow{"9.0.0.1", "outbound", 4}, smallRow{"9.0.0.1", "inbound", 5}, before, "9.0.0.1|inbound|" + at},
		{smallRow{"10.0.0.1", "inbound", 4}, smallRow{"9.0.0.1", "outbound", 5}, before, "9.0.0.1|outbound|" + at},
		{smallRow{"::1", "inbound", 4}, smallRow{"9.0.0.1", "inbound", 5}, before, "9.0.0.1|inbound|" + at},
	} {
		table := smallTable()
		want := SchemaError{"small", "host_ip", "ascending unique keys", c.found, c.key}
		one := NewChecker(table).Check(smallBatch(table, c.a, c.b))
		checker := NewChecker(table)
		if err := checker.Check(smallBatch(table, c.a)); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{one, checker.Check(smallBatch(table, c.b))} {
			var got *SchemaError
			if !errors.As(err, &got) {
				t.Errorf("%v then %v: got %v, want a SchemaError", c.a, c.b, err)
			} else if d := cmp.Diff(*got, want); d != "" {
				t.Errorf("%v then %v: %s", c.a, c.b, d)
			}
		}
	}
}

func TestCheckerValues(t *testing.T) {
	const key = "10.0.0.1|inbound|1970-01-01T00:00:00Z"
	for name, c := range map[string]struct {
		change func(*Batch)
		want   SchemaError
	}{
		"null": {func(b *Batch) { b.Cols[3].Null = []bool{false, false, false, true, false, true} },
			SchemaError{"small", "cnt", "INT64 not null", "null", key}},
		"null key": {func(b *Batch) { b.Cols[1].Null = []bool{false, false, false, true, false, false} },
			SchemaError{"small", "role", "STRING not null", "null", "10.0.0.1|null|1970-01-01T00:00:00Z"}},
		"nan": {func(b *Batch) { b.Cols[4].Float[3] = math.NaN() },
			SchemaError{"small", "ratio", "a finite DOUBLE", "NaN", key}},
		"infinity": {func(b *Batch) { b.Cols[4].Float[3] = math.Inf(-1) },
			SchemaError{"small", "ratio", "a finite DOUBLE", "-Inf", key}},
		"float32": {func(b *Batch) { b.Cols[5].Float[3] = 1e39 },
			SchemaError{"small", "score", "a FLOAT", "1e+39", key}},
		"address": {func(b *Batch) { b.Cols[0].Text[3] = "ten" },
			SchemaError{"small", "host_ip", "an address", `"ten"`, "ten|inbound|1970-01-01T00:00:00Z"}},
		"short": {func(b *Batch) { b.Cols[3].Int = b.Cols[3].Int[:5] },
			SchemaError{"small", "cnt", "6 values of INT64", "5 integers, 0 floats, 0 texts, 0 null flags", ""}},
		"flags": {func(b *Batch) { b.Cols[4].Null = make([]bool, 4) },
			SchemaError{"small", "ratio", "6 values of DOUBLE", "0 integers, 6 floats, 0 texts, 4 null flags", ""}},
		"other type": {func(b *Batch) { b.Cols[3] = Values{Float: make([]float64, 6)} },
			SchemaError{"small", "cnt", "6 values of INT64", "0 integers, 6 floats, 0 texts, 0 null flags", ""}},
		"columns": {func(b *Batch) { b.Cols = b.Cols[:5] },
			SchemaError{"small", "", "6 columns", "5 columns", ""}},
		"no table": {func(b *Batch) { b.Table = nil },
			SchemaError{"small", "", "a batch of the table", "no table", ""}},
		"other table": {func(b *Batch) { b.Table = smallTable(); b.Table.Columns[4].Nullable = false },
			SchemaError{"small", "ratio", "DOUBLE nullable", "ratio DOUBLE", ""}},
		"older table": {func(b *Batch) { b.Table = smallTable(); b.Table.Version = 0 },
			SchemaError{"small", "", "table version 1", "table version 0", ""}},
	} {
		table := smallTable()
		b := smallBatch(table, goodRows...)
		c.change(b)
		var got *SchemaError
		if err := NewChecker(table).Check(b); !errors.As(err, &got) {
			t.Errorf("%s: got %v, want a SchemaError", name, err)
		} else if d := cmp.Diff(*got, c.want); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestCheckerAllocatesNothing(t *testing.T) {
	table := smallTable()
	b := smallBatch(table, goodRows...)
	c := NewChecker(table)
	if n := testing.AllocsPerRun(100, func() { *c = *NewChecker(table) }); n == 0 {
		t.Fatal("the measure is wrong")
	}
	got := testing.AllocsPerRun(100, func() {
		c.first = true
		if err := c.Check(b); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkChecker(b *testing.B) {
	table := FGATable()
	batch := NewBatch(table)
	for host := range 2000 {
		for _, w := range []string{"w_15m", "w_1h", "w_24h", "w_30m", "w_8h"} {
			for i, c := range table.Columns {
				switch {
				case c.Name == "host_ip":
					batch.AddText(i, fmt.Sprintf("10.0.%d.%d", host/256, host%256))
				case c.Name == "window_label":
					batch.AddText(i, w)
				case c.Type == Text:
					batch.AddText(i, "x")
				case c.Type == Float64:
					batch.AddFloat(i, 0.25)
				default:
					batch.AddInt(i, 1)
				}
			}
			batch.EndRow()
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := NewChecker(table).Check(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch.Rows), "ns/row")
}
