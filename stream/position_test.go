package stream

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ndr/feature"
)

func TestPosition(t *testing.T) {
	ctx := context.Background()
	t.Run("start", func(t *testing.T) {
		b := newBench(t, nil)
		b.topology(TopologyPartition{Name: "p", Start: 42, Watermark: at(time.Hour)})
		if n, err := b.in.Position(ctx, "p"); n != 42 || err != nil {
			t.Error(n, err)
		}
		if p := b.in.mu.loaded["p"]; p.watermark != at(time.Hour) || p.cutMark != at(time.Hour) {
			t.Errorf("watermark %s", showTime(p.watermark))
		}
	})
	t.Run("last cut", func(t *testing.T) {
		b := newBench(t, nil)
		for n := range 3 {
			b.cut("p", CutHeader{To: int64(100 * n)})
		}
		if n, err := b.in.Position(ctx, "p"); n != 200 || err != nil {
			t.Error(n, err)
		}
	})
	var broken *BrokenError
	t.Run("not registered, ended, or lost", func(t *testing.T) {
		b := newBench(t, nil)
		b.topology(TopologyPartition{Name: "p"}, TopologyPartition{Name: "e", Ended: true})
		for _, name := range []string{"x", "e"} {
			if _, err := b.in.Position(ctx, name); !errors.As(err, &broken) {
				t.Errorf("%s: %v", name, err)
			}
		}
		r := CloseRecord{Format: 1, Slice: s0, Partitions: map[string]uint64{"p": 3}}
		if _, err := b.ctl.create(ctx, feature.CloseObject(feature.Clock{}.Name(s0)), &r); err != nil {
			t.Fatal(err)
		}
		if _, err := b.in.Position(ctx, "p"); !errors.As(err, &broken) {
			t.Errorf("a partition that lost its cuts: %v", err)
		}
	})
	t.Run("waits for the store", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			b.store.set(func(op, key string) error { return errors.New("503") }, nil)
			time.AfterFunc(time.Minute, func() { b.store.set(nil, nil) })
			if _, err := b.in.Position(ctx, "p"); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("consume without it", func(t *testing.T) {
		b := newBench(t, nil)
		if err := b.in.Consume(ctx, "p", newFeed()); err == nil {
			t.Error("no error")
		}
	})
}
