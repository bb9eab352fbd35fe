package sinks

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

func writeBlocks(t *testing.T, records map[string]string) *BlockFile {
	t.Helper()
	w, err := NewBlockWriter(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for k := range records {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if err := w.Add([]byte(k), []byte(records[k])); err != nil {
			t.Fatal(err)
		}
	}
	f, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func randomRecords(r *rand.Rand, n int) map[string]string {
	records := map[string]string{}
	for range n {
		value := make([]byte, r.IntN(50))
		if r.IntN(100) == 0 {
			value = make([]byte, 2*recordBlockBytes)
		}
		records[fmt.Sprintf("key-%x", r.IntN(10*n))] = string(value)
	}
	return records
}

func TestBlockFileFind(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	records := randomRecords(r, 5000)
	f := writeBlocks(t, records)
	if f.Keys() != int64(len(records)) || len(f.first) < 10 {
		t.Fatalf("got %d keys in %d blocks", f.Keys(), len(f.first))
	}
	c := f.Cursor()
	for range 20000 { // in any order, also keys that are not there
		key := fmt.Sprintf("key-%x", r.IntN(60000))
		value, ok, err := c.Find([]byte(key))
		want, there := records[key]
		if err != nil || ok != there || string(value) != want && there {
			t.Fatalf("%s: got %q, %t, %v, want %q, %t", key, value, ok, err, want, there)
		}
	}
	for _, key := range []string{"", "a", "key-", "zzz"} {
		if _, ok, err := c.Find([]byte(key)); ok || err != nil {
			t.Errorf("%q: found %t, %v", key, ok, err)
		}
	}
	if _, ok, err := (*BlockFile)(nil).Cursor().Find([]byte("x")); ok || err != nil {
		t.Errorf("a file that is none: %t, %v", ok, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(f.file.Name()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
}

func TestBlockWriterRefusesDisorder(t *testing.T) {
	w, err := NewBlockWriter(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Add([]byte("b"), nil); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"b", "a", ""} {
		if err := w.Add([]byte(key), nil); !errors.Is(err, errKeyOrder) {
			t.Errorf("%q: got %v", key, err)
		}
	}
}

func TestBlockFileDamaged(t *testing.T) {
	f := writeBlocks(t, map[string]string{"a": "one", "b": "two"})
	if err := os.WriteFile(f.file.Name(), bytes.Repeat([]byte{0xff}, 10), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Cursor().Find([]byte("b")); err == nil {
		t.Error("want an error")
	}
	if err := os.Truncate(f.file.Name(), 3); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Cursor().Next(); err == nil {
		t.Error("want an error")
	}
}

func TestJoinBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	want := map[string]string{}
	var files []*BlockFile
	for i := range 5 {
		records := randomRecords(r, 300*i) // the first has none
		files = append(files, writeBlocks(t, records))
		for k, v := range records {
			want[k] += v
		}
	}
	joined, err := JoinBlocks(t.TempDir(), "joined", files, false)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	last := ""
	c := joined.Cursor()
	for {
		ok, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if string(c.Key) <= last {
			t.Fatalf("%q after %q", c.Key, last)
		}
		last = string(c.Key)
		got[last] = string(c.Value)
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Error(d)
	}
	for _, f := range files {
		if _, err := os.Stat(f.file.Name()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a part is left: %v", err)
		}
	}
	same := []*BlockFile{writeBlocks(t, map[string]string{"a": "1"}), writeBlocks(t, map[string]string{"a": "2"})}
	if _, err := JoinBlocks(t.TempDir(), "joined", same, true); err == nil {
		t.Error("want an error for a key that is there twice")
	}
}

func TestBaselineCodec(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	number := func() float64 {
		switch r.IntN(5) {
		case 0:
			return float64(r.IntN(1000))
		case 1:
			return r.Float64()
		case 2:
			return -r.Float64()
		case 3:
			return float64(r.Uint64N(1 << 60))
		}
		return [...]float64{0, 1 << 53, 1<<53 - 1, math.MaxFloat64, math.SmallestNonzeroFloat64, 1e300}[r.IntN(6)]
	}
	var row []byte
	for range 2000 {
		var want, got feature.BaselineStats
		for m := range want {
			b := &want[m]
			b.Cold = r.IntN(2) == 0
			if r.IntN(4) > 0 {
				*b = feature.MetricBaseline{Median: number(), P25: number(), P75: number(), P95: number(), P99: number(), MAD: number(),
					IQR: number(), Support: 1 + r.Int64N(1<<40), Cold: b.Cold}
			}
		}
		role, window, flags := feature.Role(r.IntN(2)), r.IntN(5), byte(r.IntN(4))
		row = appendStats(row[:0], role, window, flags, &want)
		gotRole, gotWindow, gotFlags, rest, err := readStats(append(row, 7), &got)
		if err != nil || gotRole != role || gotWindow != window || gotFlags != flags || len(rest) != 1 || got != want {
			t.Fatalf("got %d %d %d, %d bytes left, %v: %s", gotRole, gotWindow, gotFlags, len(rest), err, cmp.Diff(got, want))
		}
		if _, _, _, _, err := readStats(row[:r.IntN(len(row))], &got); err == nil {
			t.Fatal("want an error for a row cut short")
		}
		p := feature.PairBaseline{Seen: r.Int64(), LastSeen: -r.Int64(), ActiveDays: r.Int64N(32), DailyAvg: number(), Rarity: number(),
			New: r.IntN(2) == 0, Rare: r.IntN(2) == 0}
		b := appendPairBaseline(nil, &p)
		if back, err := readPairBaseline(b); err != nil || back != p {
			t.Fatalf("got %+v, %v, want %+v", back, err, p)
		}
		if _, err := readPairBaseline(b[:r.IntN(len(b))]); err == nil {
			t.Fatal("want an error for a pair cut short")
		}
	}
}
