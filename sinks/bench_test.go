package sinks

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"ndr/feature"
)

// benchBatches are 100,000 rows of a key and 97 numeric columns, half integers: counts that are mostly small, and
// ratios of such counts, as FG-A has them.
func benchBatches() (*feature.Table, []*feature.Batch) {
	table := &feature.Table{Name: "bench", Version: 1, Columns: []feature.Column{{Name: "id", Type: feature.Int64, Key: true}}}
	for i := range 97 {
		typ := feature.Int64
		if i%2 == 1 {
			typ = feature.Float64
		}
		table.Columns = append(table.Columns, feature.Column{Name: fmt.Sprintf("c%02d", i), Type: typ})
	}
	r := rand.New(rand.NewPCG(1, 1))
	var batches []*feature.Batch
	const rows, size = 100_000, 4096
	for from := 0; from < rows; from += size {
		b := feature.NewBatch(table)
		for i := from; i < min(rows, from+size); i++ {
			b.AddInt(0, int64(i))
			n := 1 + int64(r.ExpFloat64()*50)
			for col := 1; col < len(table.Columns); col++ {
				v := int64(r.ExpFloat64() * float64(n))
				if table.Columns[col].Type == feature.Int64 {
					if col%8 == 0 {
						v *= 1000 + r.Int64N(500) // bytes
					}
					b.AddInt(col, v)
				} else {
					b.AddFloat(col, float64(v)/float64(n+v))
				}
			}
			b.EndRow()
		}
		batches = append(batches, b)
	}
	return table, batches
}

// BenchmarkTableWrite writes 100,000 rows x 97 columns per operation.
func BenchmarkTableWrite(b *testing.B) {
	table, batches := benchBatches()
	var stats Stats
	b.ReportAllocs()
	for b.Loop() {
		w, err := NewTableWriter(io.Discard, table, nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, batch := range batches {
			if err := w.Write(batch); err != nil {
				b.Fatal(err)
			}
		}
		if stats, err = w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000/97, "ns/value")
	b.ReportMetric(float64(stats.Bytes)/1e6, "MB")
}

// BenchmarkTableRead reads the file of BenchmarkTableWrite.
func BenchmarkTableRead(b *testing.B) {
	table, batches := benchBatches()
	var buf bytes.Buffer
	w, err := NewTableWriter(&buf, table, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, batch := range batches {
		if err := w.Write(batch); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := ReadTable(bytes.NewReader(buf.Bytes()))
		if err != nil {
			b.Fatal(err)
		}
		for _, err := range r.Batches() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000/97, "ns/value")
}

// BenchmarkRowDigest digests the same rows: what the content digest adds to writing.
func BenchmarkRowDigest(b *testing.B) {
	table, batches := benchBatches()
	b.ReportAllocs()
	for b.Loop() {
		d := NewRowDigest(table)
		for _, batch := range batches {
			d.Add(batch)
		}
		d.Sum()
	}
}
