package feature

import (
	"encoding/json"
	"fmt"
)

// String is the type as schema manifests and the catalog write it.
func (t ColumnType) String() string {
	switch t {
	case Int64:
		return "INT64"
	case Float64:
		return "DOUBLE"
	case Float32:
		return "FLOAT"
	case Text:
		return "STRING"
	case Timestamp:
		return "TIMESTAMP(MICROS, UTC)"
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Schema is the schema manifest of a table, as it is stored beside the catalog.
type Schema struct {
	Version int            `json:"schema_version"` // major: readers refuse a newer one
	Dataset string         `json:"dataset"`
	Columns []SchemaColumn `json:"columns"`
}

// SchemaColumn is one column of a Schema.
type SchemaColumn struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
	Key      bool   `json:"key"`
}

// SchemaError says what of a dataset is not as its schema asks. Key is that of the first row at fault, empty where
// no row is.
type SchemaError struct {
	Dataset, Column, Expected, Found, Key string
}

// Error names all that is known of the fault.
func (e *SchemaError) Error() string {
	s := "check dataset " + e.Dataset
	if e.Column != "" {
		s += ": column " + e.Column
	}
	s += ": expected " + e.Expected + ", found " + e.Found
	if e.Key != "" {
		s += ", first key " + e.Key
	}
	return s
}

// SchemaOf derives the schema manifest of a table.
func SchemaOf(t *Table) Schema {
	s := Schema{Version: t.Version, Dataset: t.Name, Columns: make([]SchemaColumn, len(t.Columns))}
	for i, c := range t.Columns {
		s.Columns[i] = SchemaColumn{c.Name, c.Type.String(), c.Nullable, c.Key}
	}
	return s
}

// Encode writes the manifest as JSON, the same bytes for the same schema.
func (s Schema) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode schema of %s: %w", s.Dataset, err)
	}
	return append(b, '\n'), nil
}

// ParseSchema reads what Encode wrote; unknown fields are ignored.
func ParseSchema(b []byte) (Schema, error) {
	var s Schema
	if err := json.Unmarshal(b, &s); err != nil {
		return Schema{}, fmt.Errorf("parse schema: %w", err)
	}
	if s.Version < 1 || s.Dataset == "" || len(s.Columns) == 0 {
		return Schema{}, fmt.Errorf("parse schema: version %d of dataset %q with %d columns: want all three",
			s.Version, s.Dataset, len(s.Columns))
	}
	return s, nil
}

// CheckSchema compares a stored manifest with the table of this program, column by column. The error is a
// *SchemaError; it expects what the table has.
func CheckSchema(t *Table, s Schema) error {
	want := SchemaOf(t)
	fault := func(column, expected, found string) error {
		return &SchemaError{Dataset: t.Name, Column: column, Expected: expected, Found: found}
	}
	if s.Dataset != want.Dataset {
		return fault("", "dataset "+want.Dataset, "dataset "+s.Dataset)
	}
	if s.Version > want.Version {
		return fault("", fmt.Sprintf("schema version %d or older", want.Version),
			fmt.Sprintf("the newer schema version %d", s.Version))
	}
	for i, w := range want.Columns {
		if i >= len(s.Columns) {
			return fault(w.Name, w.describe(), "no column")
		}
		if got := s.Columns[i]; got != w {
			return fault(w.Name, w.describe(), got.Name+" "+got.describe())
		}
	}
	if extra := len(want.Columns); len(s.Columns) > extra {
		return fault(s.Columns[extra].Name, "no column", s.Columns[extra].describe())
	}
	return nil
}

func (c SchemaColumn) describe() string {
	s := c.Type
	if c.Nullable {
		s += " nullable"
	}
	if c.Key {
		s += " key"
	}
	return s
}
