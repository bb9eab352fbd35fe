package sinks

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"ndr/feature"
)

// TestTableWriteRefuses: rows that break the schema end the file, and the error stays.
func TestTableWriteRefuses(t *testing.T) {
	table := everyType()
	for _, c := range []struct {
		name  string
		spoil func(*feature.Batch)
		want  string
	}{
		{"null in a required column", func(b *feature.Batch) { b.Cols[2].Null = []bool{false, true} }, "not null"},
		{"a value short", func(b *feature.Batch) { b.Cols[4].Float = b.Cols[4].Float[:1] }, "column double"},
		{"not a number", func(b *feature.Batch) { b.Cols[4].Float[1] = math.NaN() }, "finite"},
		{"keys repeat", func(b *feature.Batch) { b.Cols[0].Int[1] = b.Cols[0].Int[0] }, "ascending unique keys"},
		{"another table", func(b *feature.Batch) { b.Table = &feature.Table{Name: "other"} }, "every_type"},
	} {
		w, err := NewTableWriter(io.Discard, table, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := feature.NewBatch(table)
		fill(b, 1, 3)
		c.spoil(b)
		err = w.Write(b)
		var fault *feature.SchemaError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if _, closeErr := w.Close(); closeErr == nil {
			t.Errorf("%s: the file can be finished", c.name)
		}
	}
}

// TestTableWriteFails: a full disk shows at the latest in Close, whichever write it hits.
func TestTableWriteFails(t *testing.T) {
	table := everyType()
	data, _ := writeRows(t, table, 2000, 2000)
	for room := 0; room < len(data); room += 1 + len(data)/50 {
		w, err := NewTableWriter(&fullDisk{room}, table, map[string]string{MetaSlice: "20260131T2345Z", MetaShard: "3", MetaInputDigest: "ef"})
		if err == nil {
			b := feature.NewBatch(table)
			fill(b, 0, 2000)
			err = w.Write(b)
			if _, closeErr := w.Close(); err == nil {
				err = closeErr
			}
		}
		if !errors.Is(err, errFull) {
			t.Fatalf("disk full after %d of %d bytes: %v", room, len(data), err)
		}
	}
}

var errFull = errors.New("disk full")

type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(d.room, len(p))
	d.room -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

// TestReadTableDamaged: no damage makes the reader panic or loop.
func TestReadTableDamaged(t *testing.T) {
	data, _ := writeRows(t, everyType(), 300, 300)
	read := func(b []byte) error {
		r, err := ReadTable(bytes.NewReader(b))
		if err != nil {
			return err
		}
		for _, err = range r.Batches() {
		}
		return err
	}
	if err := read(data); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 7, 8, 100, len(data) / 2, len(data) - 9, len(data) - 1} {
		if read(data[:n]) == nil {
			t.Errorf("%d of %d bytes are read without an error", n, len(data))
		}
	}
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x55
		read(bad) // some flips only change a value: the file's SHA-256 is what tells
	}
}

func TestTableFile(t *testing.T) {
	dir := t.TempDir()
	f, err := NewTableFile(dir, everyType(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := feature.NewBatch(everyType())
	fill(b, 0, 100)
	if err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	stats, body, err := f.Finish()
	if err != nil {
		t.Fatal(err)
	}
	s := NewFolder(t.TempDir(), Config{NoSync: true})
	for _, key := range []string{"a", "b"} { // the body can be sent again
		if err := s.Create(t.Context(), key, body); err != nil {
			t.Fatal(err)
		}
		info, err := s.Stat(t.Context(), key)
		if err != nil || info.Tag != stats.SHA256 || info.Size != stats.Bytes {
			t.Errorf("%s: %+v, %v; want %+v", key, info, err, stats)
		}
	}
	o, err := s.Open(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if r, err := ReadTable(o); err != nil || r.Footer().Rows != 100 {
		t.Errorf("read back: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestTableFileUnfinished: an abandoned file is removed as well.
func TestTableFileUnfinished(t *testing.T) {
	dir := t.TempDir()
	f, err := NewTableFile(dir, everyType(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
