package stream

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cutAge is how long a cut is kept at least: what can be rebuilt when every checkpoint is lost.
const cutAge = 72 * time.Hour

// Garbage deletes cuts that no recovery can need. The times of objects are those of the store.
type Garbage struct {
	Control  *Control
	Modified func(ctx context.Context, key string) (time.Time, error)
	Delete   func(ctx context.Context, key string) error
	Now      func() time.Time
}

// CollectCuts deletes the cuts of a source that every kept checkpoint of every shard has folded and passed: cut N of p
// goes when folded[p] > N, a newer cut of p exists, and it is 72 hours old. folded is, by partition, the smallest
// number of the last folded cut over all kept checkpoints; a partition that it does not name keeps its cuts. Shards
// fold ahead of the closes, so the cuts from N_p of the newest close record on stay too: the next record is made
// from them. It returns how many went.
func (g *Garbage) CollectCuts(ctx context.Context, source string, folded map[string]uint64) (deleted int, err error) {
	newest, err := g.Control.newestClose(ctx)
	if err != nil || newest == nil {
		return 0, err
	}
	for partition, last := range folded {
		last = min(last, newest.Partitions[partition])
		prefix, err := g.Control.Layout.CutsPrefix(source, partition)
		if err != nil {
			return deleted, err
		}
		n, err := g.collectPartition(ctx, prefix, last)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("collect cuts of partition %s: %w", partition, err)
		}
	}
	return deleted, nil
}

// collectPartition goes through the cuts from the oldest on and stops at the first one to keep: numbers and ages run
// the same way.
func (g *Garbage) collectPartition(ctx context.Context, prefix string, folded uint64) (deleted int, err error) {
	const page = 100
	after := ""
	for {
		keys, err := g.Control.Objects.List(ctx, prefix, after, page)
		if err != nil || len(keys) < 2 { // the newest one always stays
			return deleted, err
		}
		for _, key := range keys[:len(keys)-1] {
			n, err := strconv.ParseUint(key[strings.LastIndexByte(key, '/')+1:], 10, 64)
			if err != nil {
				return deleted, fmt.Errorf("read the number of %s: %w", key, err)
			}
			if n >= folded {
				return deleted, nil
			}
			at, err := g.Modified(ctx, key)
			if err != nil {
				return deleted, err
			}
			if g.Now().Sub(at) < cutAge {
				return deleted, nil
			}
			if err := g.Delete(ctx, key); err != nil {
				return deleted, err
			}
			deleted++
			after = key
		}
	}
}
