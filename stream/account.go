package stream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"ndr/feature"
)

// Account is what the cut log of a source comes to, as far back as it is kept. It is read from the cuts, so it is the
// same whatever crashed and whoever read what.
type Account struct {
	Counters
	Cuts        int
	First, Last *feature.Slice // of the on-time rows
	Ended       bool           // every partition has its end cut
	Examples    map[string]feature.Reject
}

// SumCuts adds up the cuts of all registered partitions, with one example of each reason of rejection.
func (c *Control) SumCuts(ctx context.Context, source string, shards int) (*Account, error) {
	t, err := c.LoadTopology(ctx, source)
	if err != nil {
		return nil, err
	}
	a := &Account{Ended: t != nil, Examples: make(map[string]feature.Reject)}
	if t == nil {
		return a, nil
	}
	for i := range t.Partitions {
		if err := c.sumPartition(ctx, source, t.Partitions[i].Name, shards, a); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (c *Control) sumPartition(ctx context.Context, source, partition string, shards int, a *Account) error {
	ended := false
	first, err := c.firstCut(ctx, source, partition)
	if err != nil {
		return err
	}
	for n := first; ; n++ {
		cut, err := openCut(ctx, c, source, partition, n)
		if errors.Is(err, fs.ErrNotExist) {
			a.Ended = a.Ended && ended
			return nil
		}
		if err != nil {
			return err
		}
		h := &cut.Header
		ended = h.Watermark == EndOfInput
		a.Cuts++
		a.Counters.Add(&h.Counters)
		for _, s := range h.Touched {
			a.touch(s)
		}
		if total(h.Counters.Rejected)+h.Counters.Undecodable > 0 {
			if err := c.examples(ctx, cut, RejectShard(source, partition, shards), a); err != nil {
				return err
			}
		}
	}
}

func (a *Account) touch(s feature.Slice) {
	if a.First == nil || s < *a.First {
		a.First = &s
	}
	if a.Last == nil || s > *a.Last {
		a.Last = &s
	}
}

// examples keeps the first reject of each reason.
func (c *Control) examples(ctx context.Context, cut *Cut, shard int, a *Account) error {
	s, err := cut.ReadSection(ctx, c.Objects, shard)
	if err != nil {
		return fmt.Errorf("read rejects: %w", err)
	}
	for _, r := range s.Rejects {
		if _, ok := a.Examples[r.Reason]; !ok {
			a.Examples[r.Reason] = r
		}
	}
	return nil
}
