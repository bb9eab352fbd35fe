package stream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
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
	cfg     FeaturesConfig
	ctl     *Control
	open    func(ctx context.Context, shard int) (ShardState, error)
	out     Publisher
	log     *slog.Logger
	metrics *Metrics
	notify  chan struct{}
	board   *board
}

// FeaturesDeps is what the stage works with. Open restores a shard from its newest usable checkpoint.
type FeaturesDeps struct {
	Control   *Control
	Open      func(ctx context.Context, shard int) (ShardState, error)
	Publisher Publisher
	Log       *slog.Logger
	Metrics   *Metrics
}

// NewFeatures makes the stage; Run starts it.
func NewFeatures(cfg FeaturesConfig, d FeaturesDeps) *Features {
	return &Features{cfg: cfg, ctl: d.Control, open: d.Open, out: d.Publisher, log: d.Log, metrics: d.Metrics,
		notify: make(chan struct{}, 1), board: newBoard()}
}

// Notify tells the stage that a cut was made in this process. It never blocks.
func (f *Features) Notify() {
	select {
	case f.notify <- struct{}{}:
	default:
	}
}

// Run works on the given shards until ctx ends (nil), the final slice of a bounded run is closed in all of them
// (nil), or something breaks.
func (f *Features) Run(ctx context.Context, shards []int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	digest, err := f.storeConfig(ctx)
	if err != nil {
		return err
	}
	states, err := f.restore(ctx, shards)
	defer func() {
		for _, s := range states {
			if err := s.state.Shut(); err != nil {
				f.log.Error("close the store of a shard failed", "shard", s.number, "err", err)
			}
		}
	}()
	if err != nil {
		return err
	}
	follow := &follower{ctl: f.ctl, clock: f.cfg.Clock, source: f.cfg.Source, interval: f.cfg.PollInterval, board: f.board,
		notify: f.notify, log: f.log, metrics: f.metrics}
	follow.chain = chain{clock: f.cfg.Clock, config: digest}
	if err := follow.begin(ctx, oldest(states)); err != nil {
		return fmt.Errorf("follow the cut log: %w", err)
	}
	var wg sync.WaitGroup
	errs := make(chan error, len(states)+1)
	start := func(run func(context.Context) error) {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				errs <- err
				cancel()
			}
		})
	}
	start(follow.run)
	for _, s := range states {
		start(s.run)
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// restore opens the state of every shard.
func (f *Features) restore(ctx context.Context, shards []int) ([]*shard, error) {
	slots := make(chan struct{}, max(1, f.cfg.Parallel))
	var states []*shard
	for _, n := range shards {
		st, err := f.open(ctx, n)
		if err != nil {
			return states, fmt.Errorf("open shard %d: %w", n, err)
		}
		s := &shard{number: n, cfg: &f.cfg, ctl: f.ctl, board: f.board, state: st, out: f.out, slots: slots,
			saved: f.cfg.Now(), log: f.log, metrics: f.metrics}
		states = append(states, s)
		if s.known, s.done, err = f.known(ctx, st); err != nil {
			return states, fmt.Errorf("open shard %d: %w", n, err)
		}
	}
	return states, nil
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
	_, err := f.ctl.create(ctx, feature.ConfigObject(digest), json.RawMessage(f.cfg.CloseConfig))
	return digest, err
}

// oldest is the slice that all shards have closed, nil if one of them has closed none.
func oldest(states []*shard) *feature.Slice {
	var least *feature.Slice
	for _, s := range states {
		c, ok := s.state.LastClosed()
		if !ok {
			return nil
		}
		if least == nil || c < *least {
			least = &c
		}
	}
	return least
}
