package feature

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSchemaRoundTrip(t *testing.T) {
	for _, table := range Tables() {
		b, err := SchemaOf(table).Encode()
		if err != nil {
			t.Fatal(err)
		}
		s, err := ParseSchema(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckSchema(table, s); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"", "{", "{}", `{"schema_version":1,"dataset":"x"}`,
		`{"schema_version":"1","dataset":"x","columns":[{"name":"a"}]}`} {
		if s, err := ParseSchema([]byte(text)); err == nil {
			t.Errorf("parse %q: got %+v, want an error", text, s)
		}
	}
	if _, err := ParseSchema([]byte(`{"schema_version":1,"dataset":"x","columns":[{"name":"a"}],"new":1}`)); err != nil {
		t.Errorf("unknown field: %v", err)
	}
}

func TestCheckSchemaNamesTheFault(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Schema)
		want   SchemaError
	}{
		"dataset": {func(s *Schema) { s.Dataset = "x" }, SchemaError{"delta", "", "dataset delta", "dataset x", ""}},
		"newer": {func(s *Schema) { s.Version = 2 },
			SchemaError{"delta", "", "schema version 1 or older", "the newer schema version 2", ""}},
		"type": {func(s *Schema) { s.Columns[8].Type = "DOUBLE" },
			SchemaError{"delta", "sessions_cnt", "INT64", "sessions_cnt DOUBLE", ""}},
		"nullable": {func(s *Schema) { s.Columns[8].Nullable = true },
			SchemaError{"delta", "sessions_cnt", "INT64", "sessions_cnt INT64 nullable", ""}},
		"key": {func(s *Schema) { s.Columns[3].Key = false },
			SchemaError{"delta", "host_ip", "STRING key", "host_ip STRING", ""}},
		"renamed": {func(s *Schema) { s.Columns[8].Name = "sessions" },
			SchemaError{"delta", "sessions_cnt", "INT64", "sessions INT64", ""}},
		"cut": {func(s *Schema) { s.Columns = s.Columns[:39] },
			SchemaError{"delta", "is_approximate", "INT64", "no column", ""}},
		"extra": {func(s *Schema) { s.Columns = append(s.Columns, SchemaColumn{Name: "more", Type: "FLOAT"}) },
			SchemaError{"delta", "more", "no column", "FLOAT", ""}},
	} {
		s := SchemaOf(DeltaTable())
		c.change(&s)
		var got *SchemaError
		if err := CheckSchema(DeltaTable(), s); !errors.As(err, &got) {
			t.Errorf("%s: got %v, want a SchemaError", name, err)
		} else if d := cmp.Diff(*got, c.want); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestSchemaErrorText(t *testing.T) {
	e := SchemaError{"fg_a", "deny_ratio", "a finite DOUBLE", "NaN", "10.0.0.1|w_15m"}
	want := "check dataset fg_a: column deny_ratio: expected a finite DOUBLE, found NaN, first key 10.0.0.1|w_15m"
	if e.Error() != want {
		t.Errorf("got %q, want %q", e.Error(), want)
	}
}
