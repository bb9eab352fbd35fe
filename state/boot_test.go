package state

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	gocmp "github.com/google/go-cmp/cmp"

	"ndr/feature"
)

func rowsOf(rows []BootRow, err error) iter.Seq2[BootRow, error] {
	return func(yield func(BootRow, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(BootRow{}, err)
		}
	}
}

func bootRow(c feature.Clock, h, peer string, port uint16, first, last feature.Slice, sessions int64) BootRow {
	return BootRow{Host: addr(h), Role: feature.Outbound, Peer: addr(peer), Port: port, Sessions: sessions,
		First: c.Start(first), Last: c.End(last)}
}

// TestBoot starts from lookback30d: days that it gave are not counted again, others are.
func TestBoot(t *testing.T) {
	const day = 96
	s := mustOpen(t, testConfig(vfs.NewMem()))
	defer s.Close()
	c := s.cfg.Clock
	for d := int32(1); d <= 2; d++ { // twice, as after an interruption
		for range 2 {
			first := feature.Slice(d) * day
			rows := []BootRow{bootRow(c, "10.0.0.1", "1.1.1.1", 80, first, first+95, int64(10*d)), bootRow(c, "10.0.0.1", "1.1.1.1", 443, first, first, 1)}
			if err := s.Boot(t.Context(), d, rowsOf(rows, nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if m := s.Meta(); m.FirstKnown != int64(24*time.Hour) || !slices.Equal(m.BootDays, []int32{1, 2}) {
		t.Errorf("meta is %+v, want boot days 1 and 2, known from day 1", m)
	}
	for n, slice := range []feature.Slice{2*day + 95, 3 * day} {
		mustFold(t, s, "p", uint64(n+1), feature.Section{
			Hosts: []feature.HostRow{hostRow(slice, "10.0.0.1", 1)},
			Pairs: []feature.PairRow{pairRow(slice, "10.0.0.1", "1.1.1.1", 80)},
		})
		lines, _ := closeAndCommit(t, s, Close{Slice: slice})
		want := []string{"  pair 1.1.1.1 80 res 0 days [{1 10} {2 20}]", "  pair 1.1.1.1 80 res 0 days [{1 10} {2 20} {3 1}]"}[n]
		if !slices.Contains(lines, want) || !slices.Contains(lines, "  pair 1.1.1.1 443 res 0 days [{1 1} {2 1}]") {
			t.Errorf("close %d: got %q, want %q", slice, lines, want)
		}
	}
	if err := s.Boot(t.Context(), 0, rowsOf(nil, nil)); !errors.Is(err, ErrClosed) {
		t.Errorf("boot after a close: got error %v, want ErrClosed", err)
	}
	closeAndCommit(t, s, Close{Slice: 33 * day})
	if m := s.Meta(); !slices.Equal(m.BootDays, []int32{2}) {
		t.Errorf("boot days are %v, want that of day 1 forgotten", m.BootDays)
	}
}

func TestBootRefuses(t *testing.T) {
	broken := errors.New("file is broken")
	for name, c := range map[string]struct {
		rows []BootRow
		err  error
	}{
		"unsorted":    {rows: []BootRow{bootRow(feature.Clock{}, "10.0.0.1", "1.1.1.1", 2, 96, 96, 1), bootRow(feature.Clock{}, "10.0.0.1", "1.1.1.1", 1, 96, 96, 1)}},
		"another day": {rows: []BootRow{bootRow(feature.Clock{}, "10.0.0.1", "1.1.1.1", 2, 96, 192, 1)}},
		"reader":      {rows: []BootRow{bootRow(feature.Clock{}, "10.0.0.1", "1.1.1.1", 2, 96, 96, 1)}, err: broken},
	} {
		s := mustOpen(t, testConfig(vfs.NewMem()))
		err := s.Boot(t.Context(), 1, rowsOf(c.rows, c.err))
		if err == nil || c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: got error %v", name, err)
		}
		if m := s.Meta(); m.HasFirst || len(m.BootDays) > 0 {
			t.Errorf("%s: meta is %+v after a refused day", name, m)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestBootAgainstModel boots random days and goes on with a random history.
func TestBootAgainstModel(t *testing.T) {
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 9))
		cfg := testConfig(vfs.NewMem())
		cfg.Kept, cfg.MaxPairsPerHost, cfg.MaxPortsPerPeer = 3, 100, 100
		m := &model{cfg: cfg, done: map[string]uint64{}, boot: map[int32][]BootRow{}}
		s := mustOpen(t, cfg)
		steps := history(seed, r, 12)
		first := slices.IndexFunc(steps, func(s step) bool { return s.close != nil })
		day := cfg.Clock.Day(steps[first].close.Slice)
		for _, d := range []int32{day - 20, day - 3, day - 1, day} {
			for _, h := range worldHosts[:3] {
				for _, p := range worldPeers[:3] {
					start := feature.Slice(d)*96 + feature.Slice(r.IntN(90))
					m.boot[d] = append(m.boot[d], bootRow(cfg.Clock, h.String(), p.String(), 443, start, start+3, int64(1+r.IntN(5))))
				}
			}
			slices.SortFunc(m.boot[d], func(a, b BootRow) int {
				if c := a.Host.Compare(b.Host); c != 0 {
					return c
				}
				return a.Peer.Compare(b.Peer)
			})
			if err := s.Boot(t.Context(), d, rowsOf(m.boot[d], nil)); err != nil {
				t.Fatal(err)
			}
		}
		for i, st := range steps {
			s = disturb(t, s, cfg, r, fmt.Sprintf("copy%d", i))
			if st.cut != nil {
				m.fold(st.cut)
				if _, err := s.Fold(st.cut.fold(cfg.Kept)); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, _ := m.close(*st.close)
			got, _ := closeAndCommit(t, s, *st.close)
			if d := gocmp.Diff(got, want); d != "" {
				t.Fatalf("seed %d, close of slice %d (-got +want):\n%s", seed, st.close.Slice, d)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
