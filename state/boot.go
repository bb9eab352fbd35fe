package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"ndr/feature"
)

// BootRow is one row of lookback30d: a pair on a closed UTC day. First and Last are the start of its first slice and
// the end of its last slice of that day, in nanoseconds since the Unix epoch.
type BootRow struct {
	Host        feature.Addr
	Role        feature.Role
	Peer        feature.Addr
	Port        uint16
	Sessions    int64
	First, Last int64
}

// Boot gives a store that has closed nothing yet the pairs of one closed UTC day (days since the Unix epoch), sorted
// by host, role, peer and port: all of the day or nothing. The closes of that day do not add to its session counts
// again. A day given before is skipped, so an interrupted boot may start over. An error of the rows is wrapped.
func (s *Store) Boot(ctx context.Context, day int32, rows iter.Seq2[BootRow, error]) error {
	if err := s.boot(ctx, day, rows); err != nil {
		return fmt.Errorf("boot day %s: %w", time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly), err)
	}
	return nil
}

func (s *Store) boot(ctx context.Context, day int32, rows iter.Seq2[BootRow, error]) error {
	switch {
	case s.roll != nil:
		return ErrRolling
	case s.meta.isBootDay(day):
		return nil
	case s.meta.HasClosed:
		return ErrClosed
	}
	m := s.meta.clone()
	m.BootDays = append(m.BootDays, day)
	slices.Sort(m.BootDays)
	if start := int64(day) * int64(24*time.Hour); !m.HasFirst || start < m.FirstKnown {
		m.HasFirst, m.FirstKnown = true, start
	}
	head := &tableWriter{s: s, limit: 1 << 62}
	pairs := &tableWriter{s: s, limit: tableBytes}
	err := head.Set([]byte{kindMeta, metaProgress}, m.appendProgress(nil))
	if err == nil {
		err = s.writeBoot(ctx, pairs, day, rows)
	}
	for _, t := range []*tableWriter{head, pairs} {
		if err == nil {
			err = t.end()
		}
	}
	if err == nil {
		err = s.db.Ingest(ctx, append(head.paths, pairs.paths...))
	}
	if err != nil {
		return errors.Join(err, head.abandon(), pairs.abandon())
	}
	s.meta = m
	return nil
}

// writeBoot writes the rows as operands: the days of a pair add up when they are read.
func (s *Store) writeBoot(ctx context.Context, t *tableWriter, day int32, rows iter.Seq2[BootRow, error]) error {
	var key, last, buf []byte
	v := pairValue{Days: make([]feature.DayCount, 1)}
	n := 0
	for r, err := range rows {
		if err != nil {
			return err
		}
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		key, last = last[:0], key
		key = appendPeer(appendUnit(append(key, kindPair), r.Host, r.Role), r.Peer, r.Port)
		if bytes.Compare(key, last) <= 0 {
			return fmt.Errorf("rows are not sorted and unique: host %s %s, peer %s, port %d", r.Host, r.Role, r.Peer, r.Port)
		}
		v.First, v.Last = s.cfg.Clock.Of(r.First), s.cfg.Clock.Of(r.Last-1)
		if v.First > v.Last || s.cfg.Clock.Day(v.First) != day || s.cfg.Clock.Day(v.Last) != day {
			return fmt.Errorf("pair is not of this day: host %s %s, peer %s, port %d", r.Host, r.Role, r.Peer, r.Port)
		}
		v.Days[0] = feature.DayCount{Day: day, Sessions: r.Sessions}
		buf = v.append(buf[:0])
		if err := t.Merge(key, buf); err != nil {
			return err
		}
	}
	return nil
}
