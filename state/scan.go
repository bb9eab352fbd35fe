package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sort"

	"ndr/feature"
)

// scan is the one pass of a close: open rows, rings and pairs are merged by host and role, handed to the visitor, and
// what changes goes into the tables of the roll. Memory is bounded by one host; it is kept from close to close.
type scan struct {
	s     *Store
	ctx   context.Context
	close Close
	v     feature.CloseVisitor // nil hands nothing over
	meta  Meta                 // after the roll
	stats CloseStats

	first    feature.Slice // of the last 96
	day      int32         // of the closing slice
	firstDay int32         // of the remembered ones
	countDay bool

	openHosts, openPairs, rings, pairs cursor
	head, ringOut, pairOut             tableWriter // the other kinds; rings; pairs
	deleted                            []keyRange  // by the head, in no order

	unit     []byte // host and role in work
	host     feature.Addr
	inHost   bool // BeginHost was called
	rows     openBuffer
	ring     [2][]feature.DeltaEntry // by role
	counters feature.HostCounters
	open     feature.PairCounters
	pair     pairValue
	view     feature.PairView
	key, buf []byte
}

// begin resets the scan for a close.
func (sc *scan) begin(ctx context.Context, c Close, v feature.CloseVisitor) error {
	s := sc.s
	sc.ctx, sc.close, sc.v, sc.stats, sc.inHost = ctx, c, v, CloseStats{}, false
	sc.deleted = sc.deleted[:0]
	sc.first = c.Slice - (feature.RingSlices - 1)
	sc.day = s.cfg.Clock.Day(c.Slice)
	sc.firstDay = sc.day - (lookbackDays - 1)
	sc.countDay = !s.meta.isBootDay(sc.day)
	sc.head = tableWriter{s: s, limit: 1 << 62}
	sc.ringOut = tableWriter{s: s, limit: tableBytes}
	sc.pairOut = tableWriter{s: s, limit: tableBytes}
	sc.meta = s.nextMeta(c.Slice, sc.firstDay)
	for _, k := range []struct {
		c      *cursor
		prefix []byte
	}{
		{&sc.openHosts, appendSlice([]byte{kindOpenHost}, c.Slice)},
		{&sc.openPairs, appendSlice([]byte{kindOpenPair}, c.Slice)},
		{&sc.rings, []byte{kindRing}},
		{&sc.pairs, []byte{kindPair}},
	} {
		if err := k.c.start(s, k.prefix); err != nil {
			return err
		}
	}
	return sc.head.Set([]byte{kindMeta, metaProgress}, sc.meta.appendProgress(nil))
}

// nextMeta is the meta after the close of slice c.
func (s *Store) nextMeta(c feature.Slice, firstDay int32) Meta {
	m := s.meta.clone()
	m.LogicVersion = s.cfg.LogicVersion
	m.HasClosed, m.LastClosed = true, c
	if start := s.cfg.Clock.Start(c); !m.HasFirst || start < m.FirstKnown {
		m.HasFirst, m.FirstKnown = true, start
	}
	old := sort.Search(len(m.BootDays), func(i int) bool { return m.BootDays[i] >= firstDay })
	if m.BootDays = m.BootDays[old:]; len(m.BootDays) == 0 {
		m.BootDays = nil
	}
	return m
}

func (sc *scan) tables() [3]*tableWriter {
	return [3]*tableWriter{&sc.head, &sc.ringOut, &sc.pairOut}
}

// release closes the iterators.
func (sc *scan) release() error {
	return errors.Join(sc.openHosts.close(), sc.openPairs.close(), sc.rings.close(), sc.pairs.close())
}

func (sc *scan) abandon() error {
	var errs []error
	for _, t := range sc.tables() {
		errs = append(errs, t.abandon())
	}
	return errors.Join(errs...)
}

// hosts scans all hosts.
func (sc *scan) hosts() error {
	for n := 0; ; n++ {
		if n%1024 == 0 && sc.ctx.Err() != nil {
			return context.Cause(sc.ctx)
		}
		unit := firstUnit(&sc.openHosts, &sc.rings, &sc.pairs)
		if sc.openPairs.ok && (unit == nil || bytes.Compare(sc.openPairs.unit, unit) < 0) {
			return fmt.Errorf("open pairs of host %x have no host row", sc.openPairs.unit)
		}
		if unit == nil {
			return sc.endHost()
		}
		sc.unit = append(sc.unit[:0], unit...)
		if err := sc.scanUnit(); err != nil {
			return err
		}
	}
}

// scanUnit scans one host and role.
func (sc *scan) scanUnit() error {
	host, role, err := readUnit(sc.unit)
	if err != nil {
		return err
	}
	ring, err := sc.nextRing(host, role)
	if err != nil {
		return fmt.Errorf("host %s %s: %w", host, role, err)
	}
	if len(ring) == 0 {
		return sc.skipPairs()
	}
	if err := sc.beginRole(host, role, ring); err != nil {
		return err
	}
	return sc.mergePairs()
}

// nextRing returns the closed slices of the unit within the last 96, the closing one included, and stores them if
// they changed. The open pairs of the unit are in sc.rows afterwards.
func (sc *scan) nextRing(host feature.Addr, role feature.Role) ([]feature.DeltaEntry, error) {
	ring := sc.ring[role][:0]
	stored := sc.rings.at(sc.unit)
	if stored {
		var err error
		if ring, err = decodeRing(sc.rings.value, sc.first, ring); err != nil {
			return nil, err
		}
		if err := sc.rings.next(); err != nil {
			return nil, err
		}
	}
	sc.rows.reset()
	sc.key = append(append(sc.key[:0], kindRing), sc.unit...)
	switch closing := sc.openHosts.at(sc.unit); {
	case closing:
		e, err := sc.closeHost(host, role)
		if err != nil {
			return nil, err
		}
		ring = append(ring, e)
		sc.buf = appendRing(sc.buf[:0], ring)
		if err := sc.ringOut.Set(sc.key, sc.buf); err != nil {
			return nil, err
		}
	case sc.openPairs.at(sc.unit):
		return nil, errors.New("open pairs have no host row")
	case stored && len(ring) == 0:
		if err := sc.ringOut.Delete(sc.key); err != nil {
			return nil, err
		}
	}
	sc.ring[role] = ring
	return ring, nil
}

// closeHost makes the closed slice of the unit's open rows.
func (sc *scan) closeHost(host feature.Addr, role feature.Role) (e feature.DeltaEntry, err error) {
	if err := decodeCounters(sc.openHosts.value, &sc.counters); err != nil {
		return e, err
	}
	if err := sc.openHosts.next(); err != nil {
		return e, err
	}
	e = feature.DeltaEntry{Slice: sc.close.Slice, Sum: sc.counters.Sum, MaxPerMinute: sc.counters.MaxPerMinute()}
	dropped, err := sc.rows.fill(&sc.openPairs, sc.unit, sc.s.limiter, host, role, sc.s.cfg.MaxPairsPerHost)
	if err != nil {
		return e, err
	}
	if dropped > 0 {
		e.Approximate = true
		e.Peers, e.Ports = sc.s.limiter.Sketches()
		sc.stats.ApproximateRoles++
		sc.stats.DroppedPairs += dropped
	}
	sc.stats.ClosedRoles++
	return e, nil
}

func (sc *scan) beginRole(host feature.Addr, role feature.Role, ring []feature.DeltaEntry) error {
	if !sc.inHost || host != sc.host {
		if err := sc.endHost(); err != nil {
			return err
		}
		sc.host, sc.inHost = host, true
		sc.stats.Hosts++
		if sc.v != nil {
			if err := sc.v.BeginHost(host); err != nil {
				return err
			}
		}
	}
	sc.stats.Roles++
	if sc.v == nil {
		return nil
	}
	return sc.v.BeginRole(role, ring)
}

func (sc *scan) endHost() error {
	if !sc.inHost {
		return nil
	}
	sc.inHost = false
	if sc.v == nil {
		return nil
	}
	return sc.v.EndHost()
}

// end finishes the tables.
func (sc *scan) end() error {
	for _, t := range sc.tables() {
		if err := t.end(); err != nil {
			return err
		}
		sc.stats.Bytes += t.bytes
	}
	return nil
}
