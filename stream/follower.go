package stream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"ndr/feature"
)

// follower tails the cut log of every registered partition, one GET of the next number at a time, follows the
// chain of close records and creates the next one when the watermarks allow it. One per process.
type follower struct {
	ctl      *Control
	clock    feature.Clock
	source   string
	interval time.Duration
	board    *board
	notify   <-chan struct{}                                             // something was cut in this process
	baseline func(ctx context.Context, sliceStart int64) (string, error) // the publication in force; nil: none ever
	chain    chain
	next     map[string]uint64 // next cut to look for
	log      *slog.Logger
	metrics  *Metrics
}

// run follows until ctx ends or the final record of a bounded run has been created or seen.
func (f *follower) run(ctx context.Context) error {
	if p := f.chain.previous; p != nil && p.Final {
		return nil
	}
	t := time.NewTicker(f.interval)
	defer t.Stop()
	for {
		final, err := f.step(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if !temporary(err) {
				return err
			}
			f.metrics.Errors.WithLabelValues("follow").Inc()
			f.log.Warn("follow the cut log failed, trying again", "err", err)
		}
		if final {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-f.notify:
		}
	}
}

// step reads what is new and extends the chain as far as it goes.
func (f *follower) step(ctx context.Context) (final bool, err error) {
	if err := f.readTopology(ctx); err != nil || f.chain.topology == nil {
		return false, err
	}
	if err := f.readCuts(ctx); err != nil {
		return false, err
	}
	for {
		r, err := f.extend(ctx)
		if err != nil || r == nil {
			return false, err
		}
		f.take(r)
		if r.Final {
			return true, nil
		}
	}
}

// readTopology reads the newest entry; a new partition is tailed from its first cut.
func (f *follower) readTopology(ctx context.Context) error {
	t, err := f.ctl.LoadTopology(ctx, f.source)
	if err != nil || t == nil {
		return err
	}
	f.chain.topology = t
	for i := range t.Partitions {
		name := t.Partitions[i].Name
		if f.chain.views[name] == nil {
			f.chain.views[name] = &partitionView{}
			f.next[name] = max(1, f.next[name])
		}
	}
	return nil
}

// readCuts tails every partition to the end of its log.
func (f *follower) readCuts(ctx context.Context) error {
	for i := range f.chain.topology.Partitions {
		name := f.chain.topology.Partitions[i].Name
		for {
			c, err := f.open(ctx, name, f.next[name])
			if errors.Is(err, fs.ErrNotExist) {
				break
			}
			if err != nil {
				return err
			}
			f.next[name]++
			h, v := &c.Header, f.chain.views[name]
			switch {
			case h.N > v.last:
				v.heads = append(v.heads, cutHead{h.N, h.Watermark, h.Touched, h.Largest, h.OddTime})
			case h.N == v.last: // another process made the record before this one had seen the cut
				f.chain.marks[name] = h.Watermark
			}
			f.board.addCut(c)
			f.metrics.watermark(name, h.Watermark)
		}
	}
	return nil
}

func (f *follower) open(ctx context.Context, partition string, n uint64) (*Cut, error) {
	return openCut(ctx, f.ctl, f.source, partition, n)
}

func openCut(ctx context.Context, ctl *Control, source, partition string, n uint64) (*Cut, error) {
	key, err := ctl.Layout.Path(feature.CutObject(source, partition, n))
	if err != nil {
		return nil, err
	}
	c, err := OpenCut(ctx, ctl.Objects, key)
	if err != nil {
		return nil, err
	}
	if h := &c.Header; h.Partition != partition || h.N != n || h.Source != source {
		return nil, fmt.Errorf("open cut %s: it says it is cut %d of %s/%s", key, h.N, h.Source, h.Partition)
	}
	return c, nil
}

// extend returns the next record of the chain: the one that exists, or one that it creates now.
func (f *follower) extend(ctx context.Context) (*CloseRecord, error) {
	r, err := f.stored(ctx)
	if r != nil || err != nil {
		return r, err
	}
	if r = f.chain.next(); r == nil {
		return nil, nil
	}
	// The topology is read afresh, so that a partition added before this record is in it.
	if err := f.readTopology(ctx); err != nil {
		return nil, err
	}
	if r = f.chain.next(); r == nil {
		return nil, nil
	}
	if f.baseline != nil {
		if r.Baseline, err = f.baseline(ctx, f.clock.Start(r.Slice)); err != nil {
			return nil, fmt.Errorf("find the baselines in force for slice %s: %w", r.Name, err)
		}
	}
	made, err := f.ctl.create(ctx, feature.CloseObject(r.Name), r)
	if err != nil {
		return nil, err
	}
	if !made {
		return f.stored(ctx)
	}
	f.log.Info("close record created", "slice", r.Name, "topology", r.Topology)
	return r, nil
}

// stored reads the record after the last one of the chain, nil if there is none yet.
func (f *follower) stored(ctx context.Context) (*CloseRecord, error) {
	var after *feature.Slice
	if f.chain.previous != nil {
		after = &f.chain.previous.Slice
	}
	return f.ctl.nextClose(ctx, f.clock, after)
}

// take makes r the last record: the heads of the cuts that it covers are not needed any more.
func (f *follower) take(r *CloseRecord) {
	for name, n := range r.Partitions {
		v := f.chain.views[name]
		if v == nil {
			v = &partitionView{}
			f.chain.views[name] = v
			f.next[name] = max(1, f.next[name])
		}
		for len(v.heads) > 0 && v.heads[0].n <= n {
			f.chain.marks[name] = v.heads[0].watermark
			v.heads = v.heads[1:]
		}
		v.last = n
	}
	f.chain.previous = r
	f.board.addRecord(r)
	f.metrics.Closes.Inc()
}

// begin places the follower: the chain goes on after the newest record that is stored, and the tails after that
// record's cuts. Shards that are behind read older records and cuts for themselves.
func (f *follower) begin(ctx context.Context) error {
	f.next = make(map[string]uint64)
	f.chain.views = make(map[string]*partitionView)
	f.chain.marks = make(map[string]int64)
	r, err := f.ctl.newestClose(ctx)
	if err != nil || r == nil {
		return err
	}
	f.chain.previous = r
	f.board.addRecord(r)
	for name, n := range r.Partitions {
		f.chain.views[name] = &partitionView{last: n}
		f.next[name] = n + 1
		if n == 0 {
			continue
		}
		c, err := f.open(ctx, name, n)
		if err != nil {
			return err
		}
		f.chain.marks[name] = c.Header.Watermark
	}
	return nil
}
