package state

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ndr/feature"
)

// Close says which slice to close, and up to which cut of each partition late rows, rejects and blobs are handed over
// and consumed. A partition that is not named consumes nothing.
type Close struct {
	Slice   feature.Slice
	Through map[string]uint64
}

// CutBlob is the caller's bytes of a cut that a close consumed.
type CutBlob struct {
	Partition string
	N         uint64
	Blob      []byte
}

// CloseStats counts what a close found.
type CloseStats struct {
	Hosts, Roles, Pairs int // handed over to the visitor (or looked at without one)
	ClosedRoles         int // roles with flows in the slice
	ClosedPairs         int // kept pairs with flows in the slice
	ApproximateRoles    int // roles with more pairs than the limits
	DroppedPairs        int // their pairs that were not kept
	ExpiredPairs        int // silent for 32 days
	LostRows            int // open host rows of earlier slices: of no close record, dropped by the roll
	Late, Rejects       int
	Bytes               uint64    // of the roll
	Blobs               []CutBlob // by partition and number
}

// CloseSlice scans the store in one pass, hands everything known at the close of the slice to v, and prepares the
// roll to the next slice. Nothing has changed before Roll.Commit; until that or Roll.Discard, Fold and Checkpoint
// refuse to work. A nil v is for a slice that is published already.
//
// Hosts without flows in the last 96 slices are left out, although the contract of CloseVisitor allows them.
// ErrClosed, ErrBehind and ErrRolling change nothing; an error of v ends the scan and is wrapped.
func (s *Store) CloseSlice(ctx context.Context, c Close, v feature.CloseVisitor) (*Roll, CloseStats, error) {
	begin := time.Now()
	err := s.checkClose(c)
	var roll *Roll
	var stats CloseStats
	if err == nil {
		roll, stats, err = s.scanSlice(ctx, c, v)
	}
	if err != nil {
		s.cfg.Metrics.closes.WithLabelValues("failed").Inc()
		return nil, CloseStats{}, fmt.Errorf("close slice %s: %w", s.cfg.Clock.Name(c.Slice), err)
	}
	s.cfg.Metrics.scan.Observe(time.Since(begin).Seconds())
	s.roll = roll
	return roll, stats, nil
}

func (s *Store) checkClose(c Close) error {
	if s.roll != nil {
		return ErrRolling
	}
	if s.meta.HasClosed && c.Slice <= s.meta.LastClosed {
		return fmt.Errorf("%w: the last one is %s", ErrClosed, s.cfg.Clock.Name(s.meta.LastClosed))
	}
	for _, p := range slices.Sorted(maps.Keys(c.Through)) {
		if last := s.Last(p); last < c.Through[p] {
			return fmt.Errorf("%w: partition %s is at cut %d and must be at %d", ErrBehind, p, last, c.Through[p])
		}
	}
	return nil
}

func (s *Store) scanSlice(ctx context.Context, c Close, v feature.CloseVisitor) (_ *Roll, _ CloseStats, err error) {
	if s.scan == nil {
		s.scan = &scan{s: s}
	}
	sc := s.scan
	defer func() {
		err = errors.Join(err, sc.release())
		if err != nil {
			err = errors.Join(err, sc.abandon())
		}
	}()
	if err := sc.begin(ctx, c, v); err != nil {
		return nil, CloseStats{}, err
	}
	for _, step := range []func() error{sc.hosts, sc.late, sc.rejects, sc.blobs, sc.openRows, sc.deleteRanges, sc.end} {
		if err := step(); err != nil {
			return nil, CloseStats{}, err
		}
	}
	r := &Roll{s: s, meta: sc.meta, stats: sc.stats}
	for _, t := range sc.tables() {
		r.paths = append(r.paths, t.paths...)
	}
	return r, sc.stats, nil
}

// Roll is a closed slice that is not committed yet.
type Roll struct {
	s     *Store
	meta  Meta
	stats CloseStats
	paths []string
}

// Commit makes the close permanent: all of it or nothing. After an error the roll is still pending.
func (r *Roll) Commit(ctx context.Context) error {
	if r.s.roll != r {
		return errors.New("commit roll: it is committed or discarded already")
	}
	if err := r.s.db.Ingest(ctx, r.paths); err != nil {
		return fmt.Errorf("commit roll of slice %s: %w", r.s.cfg.Clock.Name(r.meta.LastClosed), err)
	}
	r.s.roll = nil
	r.s.meta = r.meta
	r.s.cfg.Metrics.committed(r.s.cfg.Shard, &r.stats, r.s.db.Metrics())
	return nil
}

// Discard gives the close up; the store is as before it.
func (r *Roll) Discard() error {
	if r.s.roll != r {
		return nil
	}
	r.s.roll = nil
	r.s.cfg.Metrics.closes.WithLabelValues("discarded").Inc()
	return r.s.removeTables(r.paths)
}
