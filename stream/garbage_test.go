package stream

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

// TestCollectCuts has ten cuts of one partition, one a day old more than the next, and tries every bound that keeps
// them: folded by all checkpoints, named by the newest close record, age, and being the newest.
func TestCollectCuts(t *testing.T) {
	now := time.Unix(0, t0)
	for _, c := range []struct {
		name   string
		folded uint64 // by every checkpoint
		closed uint64 // N_p of the newest close record; 0: no record
		old    uint64 // cuts up to this one are 72 h old
		want   int    // deleted, from the first on
	}{
		{"folded far", 9, 9, 10, 8},
		{"the last folded cut stays", 4, 9, 10, 3},
		{"folded ahead of a stalled close", 9, 3, 10, 2},
		{"young cuts stay", 9, 9, 5, 5},
		{"the newest stays", 20, 20, 10, 9},
		{"no close record", 9, 0, 10, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore()
			ctl := newControl(t, s)
			ages := make(map[string]time.Time)
			var keys []string
			for n := uint64(1); n <= 10; n++ {
				key, err := ctl.Layout.Path(feature.CutObject("src", "0", n))
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Create(t.Context(), key, bytes.NewReader([]byte{1})); err != nil {
					t.Fatal(err)
				}
				keys = append(keys, key)
				ages[key] = now.Add(-time.Hour)
				if n <= c.old {
					ages[key] = now.Add(-73 * time.Hour)
				}
			}
			if c.closed > 0 {
				r := &CloseRecord{Format: CutFormat, Slice: s0, Name: feature.Clock{}.Name(s0), Partitions: map[string]uint64{"0": c.closed}}
				if _, err := ctl.create(t.Context(), feature.CloseObject(r.Name), r); err != nil {
					t.Fatal(err)
				}
			}
			var gone []string
			g := Garbage{Control: ctl, Now: func() time.Time { return now },
				Modified: func(_ context.Context, key string) (time.Time, error) { return ages[key], nil },
				Delete:   func(_ context.Context, key string) error { gone = append(gone, key); return nil }}
			n, err := g.CollectCuts(t.Context(), "src", map[string]uint64{"0": c.folded})
			if err != nil {
				t.Fatal(err)
			}
			if n != len(gone) {
				t.Errorf("reported %d of %d", n, len(gone))
			}
			if diff := cmp.Diff(fmt.Sprint(gone), fmt.Sprint(append([]string(nil), keys[:c.want]...))); diff != "" {
				t.Errorf("deleted (-got +want):\n%s", diff)
			}
		})
	}
}
