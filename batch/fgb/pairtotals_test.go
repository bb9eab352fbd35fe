package fgb

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDayWords(t *testing.T) {
	for days, want := range map[int]int{1: 1, 30: 1, 63: 1, 64: 2, 127: 2, 128: 3} {
		if got := dayWords(days); got != want {
			t.Errorf("%d days: %d words, want %d", days, got, want)
		}
	}
}

func TestDaysText(t *testing.T) {
	want := []uint64{1 | 1<<63, 0, 0xabc}
	got := []uint64{2, 0, 0}
	if err := addDays(got, daysText(want)); err != nil || got[0] != want[0]|2 || got[2] != want[2] {
		t.Errorf("got %x, %v", got, err)
	}
	for _, text := range []string{"", "00", "zz", daysText(want[:2])} {
		if err := addDays(got, text); err == nil {
			t.Errorf("%q: want an error", text)
		}
	}
}

// TestPairTotals adds random rows from several readers, of which most spill, and compares with a map.
func TestPairTotals(t *testing.T) {
	const days = 70
	r := rand.New(rand.NewPCG(1, 1))
	type sum struct {
		Seen, Last int64
		Days       string
	}
	want := map[string]*totals{}
	var all []*pairTotals
	for range 3 {
		p := newPairTotals(t.TempDir(), days, 0)
		all = append(all, p)
		for range 20_000 {
			key := fmt.Sprintf("key-%d", r.IntN(1+r.IntN(5000)))
			one := totals{1 + r.Int64N(5), r.Int64N(1000) - 500, make([]uint64, dayWords(days))}
			day := r.IntN(days + 1)
			one.days[day/64] |= 1 << (day % 64)
			if err := p.add([]byte(key), &one); err != nil {
				t.Fatal(err)
			}
			if w := want[key]; w == nil {
				want[key] = &one
			} else {
				w.add(&one)
			}
		}
		if len(p.files) < 2 {
			t.Errorf("nothing was spilled")
		}
	}
	got, wanted := map[string]sum{}, map[string]sum{}
	last := ""
	if err := eachTotal(all, func(key []byte, s *totals) error {
		if string(key) <= last {
			t.Errorf("%q after %q", key, last)
		}
		last = string(key)
		got[last] = sum{s.seen, s.last, daysText(s.days)}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for k, w := range want {
		wanted[k] = sum{w.seen, w.last, daysText(w.days)}
	}
	if d := cmp.Diff(got, wanted); d != "" {
		t.Errorf("%.1000s", d)
	}
	for _, p := range all {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}
	if err := eachTotal([]*pairTotals{newPairTotals(t.TempDir(), days, 0)}, func([]byte, *totals) error { return errTotals }); err != nil {
		t.Errorf("without any: %v", err)
	}
}
