package feature

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Checker checks the rows of one file against their table before they are written: types, lengths, nulls, finite
// numbers, and keys that ascend and so are unique, from batch to batch. It belongs to one goroutine.
type Checker struct {
	table *Table
	keys  []checkedKey
	first bool // no row came yet
}

// checkedKey is a key column with its value in the row before.
type checkedKey struct {
	column  int
	address bool
	number  bool
	text    string
	addr    Addr // of text; each text is parsed once while it repeats
	n       int64
}

// NewChecker returns the checker of a new file of the table.
func NewChecker(t *Table) *Checker {
	c := &Checker{table: t, first: true}
	for i, col := range t.Columns {
		if col.Key {
			c.keys = append(c.keys, checkedKey{column: i, address: isAddressColumn(col.Name),
				number: col.Type != Text})
		}
	}
	return c
}

// isAddressColumn reports whether a key column sorts in address order and not as text.
func isAddressColumn(name string) bool {
	switch name {
	case "host_ip", "src_ip", "dst_ip", "peer_ip", "ip_address":
		return true
	}
	return false
}

// Check checks the next rows of the file. The error is a *SchemaError; after one the file is lost.
func (c *Checker) Check(b *Batch) error {
	if err := c.checkTable(b.Table); err != nil {
		return err
	}
	if len(b.Cols) != len(c.table.Columns) {
		return &SchemaError{Dataset: c.table.Name, Expected: fmt.Sprintf("%d columns", len(c.table.Columns)),
			Found: fmt.Sprintf("%d columns", len(b.Cols))}
	}
	for i := range b.Cols {
		if err := c.checkLength(b, i); err != nil {
			return err
		}
	}
	for i := range b.Cols {
		if err := c.checkValues(b, i); err != nil {
			return err
		}
	}
	for row := range b.Rows {
		if err := c.checkKey(b, row); err != nil {
			return err
		}
	}
	return nil
}

// checkTable takes any copy of the same table.
func (c *Checker) checkTable(t *Table) error {
	if t == c.table || t != nil && t.Name == c.table.Name && t.Version == c.table.Version &&
		slices.Equal(t.Columns, c.table.Columns) {
		return nil
	}
	if t == nil {
		return &SchemaError{Dataset: c.table.Name, Expected: "a batch of the table", Found: "no table"}
	}
	if err := CheckSchema(c.table, SchemaOf(t)); err != nil {
		return err
	}
	return &SchemaError{Dataset: c.table.Name, Expected: fmt.Sprintf("table version %d", c.table.Version),
		Found: fmt.Sprintf("table version %d", t.Version)}
}

// checkLength asks for one value per row, of the column's type only, and for no nulls or one flag per row.
func (c *Checker) checkLength(b *Batch, i int) error {
	col, v := &c.table.Columns[i], &b.Cols[i]
	ints, floats, texts := b.Rows, 0, 0
	switch col.Type {
	case Float64, Float32:
		ints, floats = 0, b.Rows
	case Text:
		ints, texts = 0, b.Rows
	}
	if len(v.Int) != ints || len(v.Float) != floats || len(v.Text) != texts ||
		len(v.Null) != 0 && len(v.Null) != b.Rows {
		return &SchemaError{Dataset: c.table.Name, Column: col.Name,
			Expected: fmt.Sprintf("%d values of %s", b.Rows, col.Type),
			Found: fmt.Sprintf("%d integers, %d floats, %d texts, %d null flags", len(v.Int), len(v.Float),
				len(v.Text), len(v.Null))}
	}
	return nil
}

// checkValues looks for a null where none may be and for numbers that are none.
func (c *Checker) checkValues(b *Batch, i int) error {
	col, v := &c.table.Columns[i], &b.Cols[i]
	if !col.Nullable {
		if row := slices.Index(v.Null, true); row >= 0 {
			return c.fault(b, i, row, col.Type.String()+" not null", "null")
		}
	}
	for row, f := range v.Float {
		if f-f != 0 { // only of NaN and of infinities
			return c.fault(b, i, row, "a finite "+col.Type.String(), fmt.Sprint(f))
		}
		if col.Type == Float32 && math.Abs(f) > math.MaxFloat32 {
			return c.fault(b, i, row, "a "+col.Type.String(), fmt.Sprint(f))
		}
	}
	return nil
}

// checkKey compares the row's key with that of the row before and keeps it.
func (c *Checker) checkKey(b *Batch, row int) error {
	order := 0
	for i := range c.keys {
		k := &c.keys[i]
		v := &b.Cols[k.column]
		o := 0
		if k.number {
			o = cmp.Compare(v.Int[row], k.n)
			k.n = v.Int[row]
		} else if text := v.Text[row]; text != k.text || c.first {
			before, at := k.addr, Addr{}
			if k.address {
				var err error
				if at, err = ParseAddr(text); err != nil {
					return c.fault(b, k.column, row, "an address", fmt.Sprintf("%q", text))
				}
				o = at.Compare(before)
			} else {
				o = strings.Compare(text, k.text)
			}
			k.text, k.addr = text, at
		}
		order = cmp.Or(order, o)
	}
	if order > 0 || c.first || len(c.keys) == 0 {
		c.first = false
		return nil
	}
	found := "the same key again"
	if order < 0 {
		found = "a key before that of the row before"
	}
	return c.fault(b, c.keys[0].column, row, "ascending unique keys", found)
}

func (c *Checker) fault(b *Batch, column, row int, expected, found string) error {
	return &SchemaError{Dataset: c.table.Name, Column: c.table.Columns[column].Name, Expected: expected,
		Found: found, Key: c.keyText(b, row)}
}

// keyText is the key of a row, its parts joined by |.
func (c *Checker) keyText(b *Batch, row int) string {
	parts := make([]string, 0, len(c.keys))
	for _, k := range c.keys {
		v := &b.Cols[k.column]
		switch {
		case v.IsNull(row):
			parts = append(parts, "null")
		case !k.number:
			parts = append(parts, v.Text[row])
		case c.table.Columns[k.column].Type == Timestamp:
			parts = append(parts, time.UnixMicro(v.Int[row]).UTC().Format(time.RFC3339Nano))
		default:
			parts = append(parts, fmt.Sprint(v.Int[row]))
		}
	}
	return strings.Join(parts, "|")
}
