package fgb

import (
	"fmt"

	"ndr/feature"
	"ndr/sinks"
)

// rowWriter collects the rows of one table and writes them to a local file. Values are given in the order of the
// columns.
type rowWriter struct {
	*sinks.TableFile
	batch *feature.Batch
	col   int
	limit int
}

// batchValues is how many values are handed on at a time.
const batchValues = 64 << 10

func newRowWriter(dir string, t *feature.Table, meta map[string]string) (*rowWriter, error) {
	f, err := sinks.NewTableFile(dir, t, meta)
	if err != nil {
		return nil, err
	}
	return &rowWriter{TableFile: f, batch: feature.NewBatch(t), limit: max(16, batchValues/len(t.Columns))}, nil
}

func (w *rowWriter) text(v string) {
	w.batch.AddText(w.col, v)
	w.col++
}

func (w *rowWriter) int(v int64) {
	w.batch.AddInt(w.col, v)
	w.col++
}

func (w *rowWriter) flag(v bool) {
	if v {
		w.int(1)
	} else {
		w.int(0)
	}
}

func (w *rowWriter) float(v float64) {
	w.batch.AddFloat(w.col, v)
	w.col++
}

func (w *rowWriter) null() {
	w.batch.AddNull(w.col)
	w.col++
}

// end completes the row.
func (w *rowWriter) end() error {
	if w.col != len(w.batch.Cols) {
		return fmt.Errorf("write table %s: a row has %d of %d columns", w.batch.Table.Name, w.col, len(w.batch.Cols))
	}
	w.col = 0
	w.batch.EndRow()
	if w.batch.Rows < w.limit {
		return nil
	}
	return w.flush()
}

func (w *rowWriter) flush() error {
	if w.batch.Rows == 0 {
		return nil
	}
	if err := w.Write(w.batch); err != nil {
		return err
	}
	w.batch.Reset()
	return nil
}

// stats writes the bounds of the horizon and the statistics of all metrics.
func (w *rowWriter) stats(in *horizonInput, s *feature.BaselineStats) {
	w.int(in.start.UnixMicro())
	w.int(in.end.UnixMicro())
	for m := range s {
		b := &s[m]
		for _, x := range [...]float64{b.Median, b.P25, b.P75, b.P95, b.P99, b.MAD, b.IQR} {
			if b.Support == 0 {
				w.null()
			} else {
				w.float(x)
			}
		}
		w.int(b.Support)
		w.flag(b.Cold)
	}
}

// pair writes the columns after the port of a pair.
func (w *rowWriter) pair(t *totals, rarityThreshold float64) {
	p := feature.NewPairBaseline(t.seen, t.last, t.activeDays(), rarityThreshold)
	w.int(p.Seen)
	w.int(p.LastSeen)
	w.int(p.ActiveDays)
	w.float(p.DailyAvg)
	w.float(p.Rarity)
	w.flag(p.New)
	w.flag(p.Rare)
}
