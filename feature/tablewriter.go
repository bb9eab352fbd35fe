package feature

import (
	"errors"
	"fmt"
)

// RowSink takes the rows of one dataset in key order. The batch is valid during the call.
type RowSink interface {
	Write(*Batch) error
}

// batchRows is how many rows are handed on at a time, fewer of a table with many columns: at most about batchValues
// values, so that a batch stays small beside the row group that it goes to.
const (
	batchRows    = 4096
	batchValues  = 1 << 20
	minBatchRows = 64
)

// tableWriter collects the rows of one table and hands them on. Column positions are looked up by name once, and
// check finds those that nobody writes.
type tableWriter struct {
	sink                 RowSink
	batch                *Batch
	specVersion, batchID string

	limit                          int // rows of a batch
	next                           int // where column looks first
	specCol, batchIDCol, recordCol int
	written                        []bool // columns that were looked up
	faults                         []error
}

// newTableWriter makes a writer of the table.
func newTableWriter(t *Table, sink RowSink, specVersion, batchID string) *tableWriter {
	w := &tableWriter{sink: sink, batch: NewBatch(t), specVersion: specVersion, batchID: batchID,
		limit: max(minBatchRows, min(batchRows, batchValues/len(t.Columns))), written: make([]bool, len(t.Columns))}
	w.specCol, w.batchIDCol = w.column("feature_spec_version"), w.column("mini_batch_id")
	w.recordCol = w.column("record_id")
	return w
}

// column is the position of the named column. Those of a wide table are mostly asked for in their order.
func (w *tableWriter) column(name string) int {
	i := w.next
	if i >= len(w.written) || w.batch.Table.Columns[i].Name != name {
		i = w.batch.Table.Column(name)
	}
	w.next = i + 1
	if i < 0 {
		w.faults = append(w.faults, fmt.Errorf("write table %s: it has no column %s", w.batch.Table.Name, name))
		return -1
	}
	w.written[i] = true
	return i
}

// check reports the columns that the table lacks or that have no writer.
func (w *tableWriter) check() error {
	for i, ok := range w.written {
		if !ok {
			w.faults = append(w.faults, fmt.Errorf("write table %s: nothing writes its column %s", w.batch.Table.Name,
				w.batch.Table.Columns[i].Name))
		}
	}
	return errors.Join(w.faults...)
}

// begin starts a row: the common columns.
func (w *tableWriter) begin(recordID []byte) *Batch {
	w.batch.AddText(w.specCol, w.specVersion)
	w.batch.AddText(w.batchIDCol, w.batchID)
	w.batch.AddText(w.recordCol, string(recordID))
	return w.batch
}

// end completes the row and hands a full batch on.
func (w *tableWriter) end() error {
	w.batch.EndRow()
	if w.batch.Rows < w.limit {
		return nil
	}
	return w.flush()
}

// flush hands on what there is.
func (w *tableWriter) flush() error {
	if w.batch.Rows == 0 {
		return nil
	}
	if err := w.sink.Write(w.batch); err != nil {
		return fmt.Errorf("write rows of %s: %w", w.batch.Table.Name, err)
	}
	w.batch.Reset()
	return nil
}

// addMetric adds a metric of a role in a window, null where the catalog says so.
func addMetric(b *Batch, col int, m MetricID, v *windowMetrics) {
	switch {
	case !v.flows && Metrics[m].Nullable:
		b.AddNull(col)
	case Metrics[m].Type == Float64:
		b.AddFloat(col, v.floats[m])
	default:
		b.AddInt(col, v.ints[m])
	}
}
