package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"ndr/feature"
)

// ShardState is the store of one shard. It belongs to the shard's goroutine.
type ShardState interface {
	// Last is the number of the last folded cut of a partition, 0 if there is none.
	Last(partition string) uint64
	// LastClosed is the last slice that was closed and rolled.
	LastClosed() (feature.Slice, bool)
	// Fold adds the rows of cut n atomically; n must be Last + 1. blob is kept until the cut's close. Rows of
	// closed slices become late; their number is returned.
	Fold(partition string, n uint64, watermark int64, blob []byte, s *feature.Section) (closedLate int, err error)
	// Close shows the slice's state to v and prepares the roll. The blobs are those of the cuts that the close
	// consumes: through[p] and before.
	Close(ctx context.Context, s feature.Slice, through map[string]uint64, v feature.CloseVisitor) (Roll, error)
	// FirstKnown is the start of what the state remembers (nanoseconds), from lookback30d or the first close.
	FirstKnown() (int64, bool)
	// Checkpoint saves the state under the name of the last closed slice.
	Checkpoint(ctx context.Context) error
	Shut() error
}

// Roll is a prepared step to the next slice.
type Roll interface {
	Commit() error
	Discard() error // nothing after Commit
	// Blobs are the consumed cuts' headers in (partition, number) order.
	Blobs() [][]byte
}

// Publisher makes the public objects of one slice and shard.
type Publisher interface {
	// Published reports whether the slice's manifest of the shard exists.
	Published(ctx context.Context, s feature.Slice, shard int) (bool, error)
	// Begin opens the outputs of the record's slice, for the configuration and the baselines that it names.
	// firstKnown is where the history begins, for lookback_days.
	Begin(ctx context.Context, r *CloseRecord, shard int, firstKnown int64) (Publication, error)
	// Complete creates the dataset manifest and _SUCCESS when every shard of the slice has its manifest.
	Complete(ctx context.Context, s feature.Slice, record []byte) error
}

// Publication receives the rows of one close. Finish completes the tables locally; Commit creates the objects, then
// the manifest.
type Publication interface {
	feature.CloseVisitor
	Finish(a *feature.CloseAccount) error
	Commit(ctx context.Context) error
	Discard()
}

// shard folds and closes one shard, in one goroutine.
type shard struct {
	number  int
	cfg     *FeaturesConfig
	ctl     *Control
	board   *board
	state   ShardState
	out     Publisher
	slots   chan struct{}   // closes that may run at a time in this process
	done    bool            // the final slice is closed
	known   map[string]bool // partitions that an applied close record, or topology entry 0 before the first, names
	rolled  *CloseRecord    // closed in the state, but perhaps not yet complete for the readers
	saved   time.Time       // of the last checkpoint
	dirty   bool            // closed something since
	log     *slog.Logger
	metrics *Metrics
}

// run works until ctx ends or the final slice is closed.
func (s *shard) run(ctx context.Context) error {
	for !s.done && ctx.Err() == nil {
		changed := s.board.watch()
		final, worked, err := s.step(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil && temporary(err):
			s.metrics.Errors.WithLabelValues("shard").Inc()
			s.log.Warn("shard failed, trying again", "shard", s.number, "err", err)
			if err := sleep(ctx, retryPause); err != nil {
				return nil
			}
		case err != nil:
			return fmt.Errorf("shard %d: %w", s.number, err)
		case final:
			s.done = true
			return s.checkpoint(ctx)
		case !worked && s.dirty:
			if err := s.checkpointIfQuiet(ctx, changed); err != nil {
				return fmt.Errorf("shard %d: %w", s.number, err)
			}
		case !worked:
			if wait(ctx, changed) != nil {
				return nil
			}
		}
	}
	return nil
}

// step closes the next slice if its record is there, else folds what the log has. A slice that was rolled is
// completed before anything else: the state does not lead back to it.
func (s *shard) step(ctx context.Context) (final, worked bool, err error) {
	if s.rolled != nil {
		return s.complete(ctx)
	}
	r, err := s.nextRecord(ctx)
	if err != nil {
		return false, false, err
	}
	if r == nil {
		worked, err = s.foldKnown(ctx)
		return false, worked, err
	}
	for partition, n := range r.Partitions {
		for s.state.Last(partition) < n {
			if err := s.foldNext(ctx, partition); err != nil {
				return false, false, err
			}
		}
		s.known[partition] = true
	}
	if err := s.close(ctx, r); err != nil {
		return false, false, err
	}
	return s.complete(ctx)
}

// nextRecord is the record after the last slice that the shard closed, nil if there is none yet.
func (s *shard) nextRecord(ctx context.Context) (*CloseRecord, error) {
	var after *feature.Slice
	if closed, ok := s.state.LastClosed(); ok {
		after = &closed
	}
	r, older := s.board.successor(after)
	if r != nil || !older {
		return r, nil
	}
	return s.ctl.nextClose(ctx, s.cfg.Clock, after)
}

// foldKnown folds ahead of the closes. A partition that no applied record names is left alone: its rows may
// belong to slices that others close without it.
func (s *shard) foldKnown(ctx context.Context) (worked bool, err error) {
	for partition := range s.known {
		for {
			if _, newest := s.board.cut(partition, 0); s.state.Last(partition) >= newest {
				break
			}
			if err := s.foldNext(ctx, partition); err != nil {
				return worked, err
			}
			worked = true
		}
	}
	return worked, nil
}

// foldNext folds the cut after the last one of a partition.
func (s *shard) foldNext(ctx context.Context, partition string) error {
	n := s.state.Last(partition) + 1
	c, _ := s.board.cut(partition, n)
	if c == nil {
		var err error
		c, err = openCut(ctx, s.ctl, s.cfg.Source, partition, n)
		if errors.Is(err, fs.ErrNotExist) { // the log was collected past what this state has folded
			return &BrokenError{fmt.Errorf("cut %d of partition %s is gone, and no usable checkpoint has folded it: %w", n, partition, err)}
		}
		if err != nil {
			return err
		}
	}
	section, err := c.ReadSection(ctx, s.ctl.Objects, s.number)
	if err != nil {
		return err
	}
	blob, err := json.Marshal(&c.Header)
	if err != nil {
		return fmt.Errorf("encode header of cut %d of %s: %w", n, partition, err)
	}
	late, err := s.state.Fold(partition, n, c.Header.Watermark, blob, &section)
	if err != nil { // a gap, unsorted rows or the local disk, nothing that passes
		return &BrokenError{fmt.Errorf("fold cut %d of %s: %w", n, partition, err)}
	}
	if late > 0 {
		s.metrics.ClosedLate.Add(float64(late))
		s.log.Warn("rows for closed slices became late", "shard", s.number, "partition", partition, "cut", n, "rows", late)
	}
	return nil
}

// close closes one slice by its record. The order is the protocol's: objects, manifest, roll. A slice that has its
// manifest is only rolled.
func (s *shard) close(ctx context.Context, r *CloseRecord) (err error) {
	began := s.cfg.Now()
	first, ok := s.state.FirstKnown()
	if start := s.cfg.Clock.Start(r.First); !ok || start < first {
		first = start
	}
	published, err := s.out.Published(ctx, r.Slice, s.number)
	if err != nil {
		return err
	}
	var visitor feature.CloseVisitor = ignore{}
	var pub Publication
	if !published {
		if pub, err = s.out.Begin(ctx, r, s.number, first); err != nil {
			return fmt.Errorf("open outputs of slice %s: %w", r.Name, err)
		}
		defer pub.Discard()
		visitor = pub
	}
	roll, err := s.scan(ctx, r, visitor, pub)
	if err != nil { // the state or the arithmetic, nothing that passes
		return &BrokenError{err}
	}
	defer func() { err = errors.Join(err, roll.Discard()) }()
	scanned := s.cfg.Now()
	s.metrics.CloseSeconds.WithLabelValues("scan").Observe(scanned.Sub(began).Seconds())
	if pub != nil {
		if err := pub.Commit(ctx); err != nil {
			return fmt.Errorf("publish slice %s: %w", r.Name, err)
		}
	}
	stored := s.cfg.Now()
	s.metrics.CloseSeconds.WithLabelValues("publish").Observe(stored.Sub(scanned).Seconds())
	if err := roll.Commit(); err != nil {
		return fmt.Errorf("roll slice %s: %w", r.Name, err)
	}
	s.metrics.CloseSeconds.WithLabelValues("roll").Observe(s.cfg.Now().Sub(stored).Seconds())
	s.rolled = r
	return nil
}

// complete tells the readers of the rolled slice when every shard has published it. Only then may a checkpoint hold
// the slice: recovery goes on after it.
func (s *shard) complete(ctx context.Context) (final, worked bool, err error) {
	r := s.rolled
	record, err := json.Marshal(r)
	if err != nil {
		return false, false, fmt.Errorf("encode close record %s: %w", r.Name, err)
	}
	if err := s.out.Complete(ctx, r.Slice, record); err != nil {
		return false, false, fmt.Errorf("complete slice %s: %w", r.Name, err)
	}
	s.rolled, s.dirty = nil, true
	s.metrics.closed(s.number, s.cfg.Clock.End(r.Slice))
	if s.cfg.OnClose != nil {
		s.cfg.OnClose(s.number, r)
	}
	return r.Final, true, s.checkpointIfDue(ctx)
}

// scan runs the state past the visitor and completes the tables, a few shards at a time: this is where the memory
// goes. What follows waits for the store only.
func (s *shard) scan(ctx context.Context, r *CloseRecord, v feature.CloseVisitor, pub Publication) (Roll, error) {
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	roll, err := s.state.Close(ctx, r.Slice, r.Partitions, v)
	if err != nil || pub == nil {
		return roll, err
	}
	account, err := s.account(roll.Blobs(), r)
	if err == nil {
		err = pub.Finish(account)
	}
	if err != nil {
		return nil, errors.Join(err, roll.Discard())
	}
	return roll, nil
}

// account sums up the consumed cuts for the manifest. A partition's records are reported by one shard, the one
// that publishes its rejects, so that the sum over shards is right.
func (s *shard) account(blobs [][]byte, r *CloseRecord) (*feature.CloseAccount, error) {
	a := &feature.CloseAccount{CloseConfig: r.Config, Baseline: r.Baseline}
	seen := make(map[string]bool)
	for _, b := range blobs {
		var h CutHeader
		if err := json.Unmarshal(b, &h); err != nil {
			return nil, fmt.Errorf("decode header of a folded cut: %w", err)
		}
		a.Inputs = addInput(a.Inputs, &h)
		if RejectShard(h.Source, h.Partition, s.cfg.Shards) == s.number {
			a.Records += h.Counters.Records
			a.Rejected = addCounts(a.Rejected, h.Counters.Rejected)
		}
		if !seen[h.ConfigDigest] {
			seen[h.ConfigDigest] = true
			a.IngestConfigs = append(a.IngestConfigs, h.ConfigDigest)
		}
	}
	return a, nil
}

func addInput(in []feature.CloseInput, h *CutHeader) []feature.CloseInput {
	if n := len(in); n > 0 && in[n-1].Partition == h.Partition {
		in[n-1].LastCut, in[n-1].To = h.N, h.To
		in[n-1].Digests = append(in[n-1].Digests, h.ContentDigest)
		return in
	}
	return append(in, feature.CloseInput{Source: h.Source, Partition: h.Partition, FirstCut: h.N, LastCut: h.N,
		From: h.From, To: h.To, Digests: []string{h.ContentDigest}})
}

// checkpointIfDue saves while behind, at most every CheckpointInterval.
func (s *shard) checkpointIfDue(ctx context.Context) error {
	if s.cfg.Now().Sub(s.saved) < s.cfg.CheckpointInterval {
		return nil
	}
	return s.checkpoint(ctx)
}

// checkpointIfQuiet saves when everything that can be closed is: nothing new comes for the time of one poll. While the
// records come one by one the shard is behind.
func (s *shard) checkpointIfQuiet(ctx context.Context, changed <-chan struct{}) error {
	t := time.NewTimer(s.cfg.PollInterval)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-changed:
		return nil
	case <-t.C:
		return s.checkpoint(ctx)
	}
}

func (s *shard) checkpoint(ctx context.Context) error {
	began := s.cfg.Now()
	err := s.state.Checkpoint(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil
	case err != nil && !temporary(err):
		return fmt.Errorf("checkpoint: %w", err)
	case err != nil: // the next one will do; recovery starts from an older one until then
		s.metrics.Errors.WithLabelValues("checkpoint").Inc()
		s.log.Warn("checkpoint failed", "shard", s.number, "err", err)
		return nil
	}
	s.saved, s.dirty = s.cfg.Now(), false
	s.metrics.CheckpointSeconds.Observe(s.saved.Sub(began).Seconds())
	s.metrics.CheckpointTime.WithLabelValues(fmt.Sprint(s.number)).Set(float64(s.saved.Unix()))
	return nil
}

// ignore is the visitor of a slice that is only rolled.
type ignore struct{}

func (ignore) BeginHost(feature.Addr) error                       { return nil }
func (ignore) BeginRole(feature.Role, []feature.DeltaEntry) error { return nil }
func (ignore) Pair(*feature.PairView) error                       { return nil }
func (ignore) EndHost() error                                     { return nil }
func (ignore) Late(*feature.LateRow) error                        { return nil }
func (ignore) Reject(string, uint64, *feature.Reject) error       { return nil }

const retryPause = 2 * time.Second

// temporary reports whether trying again can help: anything that the store or the log says, but no broken
// invariant and nothing else that calls itself permanent, such as rows that differ from what is published. An object
// of a format that this build does not know was written by a newer one: it is waited for until this build has been
// replaced too.
func temporary(err error) bool {
	var p interface{ Permanent() bool }
	return !errors.Is(err, ErrRefused) && !(errors.As(err, &p) && p.Permanent())
}

// BrokenError is an impossible state: the process stops, since going on could publish wrong rows.
type BrokenError struct{ Err error }

func (e *BrokenError) Error() string { return "broken invariant: " + e.Err.Error() }
func (e *BrokenError) Unwrap() error { return e.Err }

// Permanent tells callers not to try again.
func (e *BrokenError) Permanent() bool { return true }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
