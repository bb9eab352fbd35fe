package stream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"ndr/feature"
)

// FeaturesConfig sets up the feature stage.
type FeaturesConfig struct {
	Source             string        // name of the source
	Shards             int           // of the root
	Clock              feature.Clock // of the root
	CloseConfig        []byte        // text of the close configuration, stored under its digest
	PollInterval       time.Duration // between looks at the cut log; 5 s
	CheckpointInterval time.Duration // while behind; 5 min
	Parallel           int           // closes at a time in this process, so that memory stays bounded; 2
	Now                func() time.Time
	OnClose            func(shard int, r *CloseRecord) // progress; may be nil
}

// Features is the feature stage of one process: it follows the cut log and runs the shards that it owns.
type Features struct {
	cfg      FeaturesConfig
	ctl      *Control
	open     func(ctx context.Context, shard int) (ShardState, error)
	out      Publisher
	baseline func(ctx context.Context, sliceStart int64) (string, error)
	log      *slog.Logger
	metrics  *Metrics
	notify   chan struct{}
	board    *board
	slots    chan struct{} // one for each scan that may run at a time
}

// FeaturesDeps is what the stage works with. Open restores a shard from its newest usable checkpoint.
type FeaturesDeps struct {
	Control   *Control
	Open      func(ctx context.Context, shard int) (ShardState, error)
	Publisher Publisher
	// Baseline names the publication of baselines in force for a slice, "" if there is none; nil when there never is.
	Baseline func(ctx context.Context, sliceStart int64) (string, error)
	Log      *slog.Logger
	Metrics  *Metrics
}

// NewFeatures makes the stage; Run starts it.
func NewFeatures(cfg FeaturesConfig, d FeaturesDeps) *Features {
	return &Features{cfg: cfg, ctl: d.Control, open: d.Open, out: d.Publisher, baseline: d.Baseline, log: d.Log, metrics: d.Metrics,
		notify: make(chan struct{}, 1), board: newBoard(), slots: make(chan struct{}, max(1, cfg.Parallel))}
}

// Notify tells the stage that a cut was made in this process. It never blocks.
func (f *Features) Notify() {
	select {
	case f.notify <- struct{}{}:
	default:
	}
}

// Run works on the shards that the channel names last, until ctx ends (nil), something breaks, or the channel is
// closed and the final slice of a bounded run is closed in all of them (nil). A shard that is no longer named is
// stopped before the next list is taken.
func (f *Features) Run(ctx context.Context, assigned <-chan []int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	digest, err := f.storeConfig(ctx)
	if err != nil {
		return err
	}
	follow := &follower{ctl: f.ctl, clock: f.cfg.Clock, source: f.cfg.Source, interval: f.cfg.PollInterval, board: f.board,
		notify: f.notify, baseline: f.baseline, log: f.log, metrics: f.metrics}
	follow.chain = chain{clock: f.cfg.Clock, config: digest}
	if err := follow.begin(ctx); err != nil {
		return fmt.Errorf("follow the cut log: %w", err)
	}
	var following sync.WaitGroup
	following.Go(func() {
		if err := follow.run(ctx); err != nil {
			cancel(err)
		}
	})
	f.manage(ctx, cancel, assigned)
	if ctx.Err() == nil { // all shards are done: nothing is left to follow
		cancel(nil)
	}
	following.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// running is a shard that works in a goroutine of its own.
type running struct {
	stop context.CancelFunc
	done chan struct{}
}

// manage starts and stops shards as they are assigned, and returns when none is left to run.
func (f *Features) manage(ctx context.Context, fail context.CancelCauseFunc, assigned <-chan []int) {
	shards := make(map[int]*running)
	defer func() {
		for _, r := range shards {
			<-r.done
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case list, open := <-assigned:
			if !open {
				return
			}
			for n, r := range shards {
				if !slices.Contains(list, n) {
					r.stop()
					<-r.done
					delete(shards, n)
				}
			}
			for _, n := range list {
				if shards[n] == nil {
					shards[n] = f.start(ctx, fail, n)
				}
			}
		}
	}
}

// start opens and runs one shard.
func (f *Features) start(ctx context.Context, fail context.CancelCauseFunc, n int) *running {
	ctx, stop := context.WithCancel(ctx)
	r := &running{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		defer stop()
		if err := f.runShard(ctx, n); err != nil && ctx.Err() == nil {
			fail(err)
		}
	}()
	return r
}

func (f *Features) runShard(ctx context.Context, n int) (err error) {
	st, err := f.open(ctx, n)
	if err != nil {
		return fmt.Errorf("open shard %d: %w", n, err)
	}
	defer func() { err = errors.Join(err, st.Shut()) }()
	s := &shard{number: n, cfg: &f.cfg, ctl: f.ctl, board: f.board, state: st, out: f.out, slots: f.slots,
		saved: f.cfg.Now(), log: f.log, metrics: f.metrics}
	if s.known, s.done, err = f.known(ctx, st); err != nil {
		return fmt.Errorf("open shard %d: %w", n, err)
	}
	return s.run(ctx)
}

// known lists the partitions whose cuts a shard may fold ahead: those of the last record that it applied, or of
// topology entry 0 before the first. done says that the record was the final one.
func (f *Features) known(ctx context.Context, st ShardState) (known map[string]bool, done bool, err error) {
	known = make(map[string]bool)
	if s, ok := st.LastClosed(); ok {
		r, err := f.ctl.loadClose(ctx, f.cfg.Clock.Name(s))
		if err != nil {
			return nil, false, err
		}
		for p := range r.Partitions {
			known[p] = true
		}
		return known, r.Final, nil
	}
	first, err := f.ctl.topologyEntry(ctx, f.cfg.Source, 0)
	if err != nil || first == nil {
		return known, false, err
	}
	for i := range first.Partitions {
		known[first.Partitions[i].Name] = true
	}
	return known, false, nil
}

// storeConfig puts the text of the close configuration under its digest, which every close record names.
func (f *Features) storeConfig(ctx context.Context) (string, error) {
	sum := sha256.Sum256(f.cfg.CloseConfig)
	digest := hex.EncodeToString(sum[:])
	_, err := f.ctl.createBytes(ctx, feature.ConfigObject(digest), f.cfg.CloseConfig)
	return digest, err
}
