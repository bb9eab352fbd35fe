package feature

// ColumnType is the physical and logical type of a published column.
type ColumnType uint8

const (
	Int64     ColumnType = iota // INT64
	Float64                     // DOUBLE
	Float32                     // FLOAT
	Text                        // BYTE_ARRAY, UTF8
	Timestamp                   // INT64, TIMESTAMP(MICROS, UTC); the value is microseconds since the Unix epoch
)

// Column is one column of a published table.
type Column struct {
	Name     string
	Type     ColumnType
	Nullable bool
	Key      bool // part of the table's key
	Distinct bool // too many values for a dictionary to help (record_id)
}

// Table is the schema of a published dataset: every Parquet schema, schema manifest and check is derived from it.
// Rows are sorted by the key columns and the key is unique.
type Table struct {
	Name    string // dataset name, e.g. "fg_a"
	Version int    // major schema version
	Columns []Column
}

// Column returns the index of the named column, or -1.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Values holds one column of a Batch: Int for Int64 and Timestamp, Float for Float64 and Float32, Text for Text.
// Null marks null rows; nil means that there is none.
type Values struct {
	Int   []int64
	Float []float64
	Text  []string
	Null  []bool
}

// Batch is some rows of one table, by column, in key order. Its owner reuses it after the call that hands it on.
type Batch struct {
	Table *Table
	Rows  int
	Cols  []Values
}

// NewBatch makes an empty batch of the table.
func NewBatch(t *Table) *Batch { return &Batch{Table: t, Cols: make([]Values, len(t.Columns))} }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.Rows = 0
	for i := range b.Cols {
		c := &b.Cols[i]
		c.Int, c.Float, c.Text, c.Null = c.Int[:0], c.Float[:0], c.Text[:0], c.Null[:0]
	}
}

// AddInt, AddFloat, AddText and AddNull append the value of one column of the row under construction; EndRow
// counts the row. Every column gets exactly one value per row.
func (b *Batch) AddInt(col int, v int64) {
	c := &b.Cols[col]
	c.Int = append(c.Int, v)
	c.valid()
}

// AddFloat appends a value to a Float64 or Float32 column.
func (b *Batch) AddFloat(col int, v float64) {
	c := &b.Cols[col]
	c.Float = append(c.Float, v)
	c.valid()
}

// AddText appends a value to a Text column.
func (b *Batch) AddText(col int, v string) {
	c := &b.Cols[col]
	c.Text = append(c.Text, v)
	c.valid()
}

// AddNull appends a null to a column of any type.
func (b *Batch) AddNull(col int) {
	c := &b.Cols[col]
	for len(c.Null) < b.Rows {
		c.Null = append(c.Null, false)
	}
	c.Null = append(c.Null, true)
	switch b.Table.Columns[col].Type {
	case Float64, Float32:
		c.Float = append(c.Float, 0)
	case Text:
		c.Text = append(c.Text, "")
	default:
		c.Int = append(c.Int, 0)
	}
}

// EndRow completes the row.
func (b *Batch) EndRow() { b.Rows++ }

// valid marks the value just appended as present, where the column already has nulls.
func (c *Values) valid() {
	if len(c.Null) > 0 {
		c.Null = append(c.Null, false)
	}
}

// IsNull reports whether row i of the column is null.
func (c *Values) IsNull(i int) bool { return i < len(c.Null) && c.Null[i] }
