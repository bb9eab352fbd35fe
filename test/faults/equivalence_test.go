package faults

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestX(t *testing.T) {
	tr := Traffic{Seed: 1, Flows: 1500, From: time.Date(2023, 6, 2, 6, 0, 0, 0, time.UTC), Span: 42 * time.Hour, Shuffle: 9 * time.Minute, Broken: 40}
	for i := 0; i < 2; i++ {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := &Process{Setup: Setup{Format: "panos-json", Lines: tr.PANOS(), Partitions: 3, Shards: 8, CutRecords: 100, Lateness: 10 * time.Minute, PairTimeout: 2 * time.Minute}, Store: NewMemory(), Disk: vfs.NewMem()}
		if err := p.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		t.Log(time.Since(began))
		r, err := ReadResult(context.Background(), p.Store, layout(), 8)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(accountText(&r.Account), r.Slices, r.Faults)
		for n, x := range r.Tables {
			t.Log(n, len(x))
		}
	})
	}
}
