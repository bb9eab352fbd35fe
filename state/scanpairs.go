package state

import (
	"bytes"
	"slices"

	"ndr/feature"
)

// openBuffer holds the kept open pairs of one unit, undecoded: at most the pairs of the limit.
type openBuffer struct {
	pairs []openPair
	mem   []byte
}

type openPair struct{ key, value, end int } // mem[key:value] is peer and port, mem[value:end] the counters

func (b *openBuffer) reset() { b.pairs, b.mem = b.pairs[:0], b.mem[:0] }

func (b *openBuffer) add(c *cursor) {
	p := openPair{key: len(b.mem)}
	b.mem = append(b.mem, c.rest...)
	p.value = len(b.mem)
	b.mem = append(b.mem, c.value...)
	p.end = len(b.mem)
	b.pairs = append(b.pairs, p)
}

func (b *openBuffer) peer(p openPair) []byte { return b.mem[p.key:p.value] }

// fill reads the open pairs of the unit and leaves out those beyond the limits; it returns their number. Only a host
// with more pairs than the buffer holds is read twice.
func (b *openBuffer) fill(c *cursor, unit []byte, l *feature.PairLimiter, host feature.Addr, role feature.Role, most int) (int, error) {
	l.Begin(host, role)
	n := 0
	for ; c.at(unit); n++ {
		peer, port, err := readPeer(c.rest)
		if err != nil {
			return 0, err
		}
		l.First(peer, port)
		if n < most {
			b.add(c)
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if !l.Decide() {
		return 0, nil
	}
	if n <= most {
		b.pairs = slices.DeleteFunc(b.pairs, func(p openPair) bool {
			peer, port, _ := readPeer(b.peer(p)) // it was read before
			return !l.Keep(peer, port)
		})
		return n - len(b.pairs), nil
	}
	b.reset()
	if err := c.seek(unit); err != nil {
		return 0, err
	}
	for c.at(unit) {
		peer, port, err := readPeer(c.rest)
		if err != nil {
			return 0, err
		}
		if l.Keep(peer, port) {
			b.add(c)
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	return n - len(b.pairs), nil
}

// skipPairs drops the expired pairs of a unit without flows in the last 96 slices; nobody asks for the others.
func (sc *scan) skipPairs() error {
	for sc.pairs.at(sc.unit) {
		if _, err := sc.expire(); err != nil {
			return err
		}
		if err := sc.pairs.next(); err != nil {
			return err
		}
	}
	return nil
}

// expire drops the stored pair if it has been silent for longer than pairs are remembered.
func (sc *scan) expire() (bool, error) {
	last, err := lastSlice(sc.pairs.value)
	if err != nil || !sc.expired(last) {
		return false, err
	}
	sc.stats.ExpiredPairs++
	return true, sc.pairOut.Delete(sc.pairs.it.Key())
}

func (sc *scan) expired(last feature.Slice) bool { return sc.s.cfg.Clock.Day(last) < sc.firstDay }

// mergePairs merges the stored pairs of the unit with its open ones.
func (sc *scan) mergePairs() error {
	for i := 0; ; {
		stored, open := sc.pairs.at(sc.unit), i < len(sc.rows.pairs)
		order := 0
		switch {
		case stored && open:
			order = bytes.Compare(sc.pairs.rest, sc.rows.peer(sc.rows.pairs[i]))
		case stored:
			order = -1
		case open:
			order = 1
		default:
			return nil
		}
		var err error
		if order < 0 {
			err = sc.keepPair()
		} else {
			err = sc.closePair(sc.rows.pairs[i], order == 0)
			i++
		}
		if err == nil && order <= 0 {
			err = sc.pairs.next()
		}
		if err != nil {
			return err
		}
	}
}

// keepPair hands over a stored pair without flows in the closing slice.
func (sc *scan) keepPair() error {
	if expired, err := sc.expire(); expired || err != nil {
		return err
	}
	sc.stats.Pairs++
	if sc.v == nil {
		return nil
	}
	if err := sc.pair.decode(sc.pairs.value, sc.first, sc.firstDay); err != nil {
		return err
	}
	if len(sc.pair.Days) == 0 && len(sc.pair.Slices) == 0 {
		return nil // traffic of a boot day on which lookback30d does not know the pair
	}
	return sc.visit(sc.pairs.rest)
}

// closePair adds the closing slice to a pair, which is stored already or new.
func (sc *scan) closePair(p openPair, stored bool) error {
	sc.pair.reset()
	if stored {
		if err := sc.pair.decode(sc.pairs.value, sc.first, sc.firstDay); err != nil {
			return err
		}
		if sc.expired(sc.pair.Last) { // it comes back as a new one, as if a close in between had dropped it
			sc.pair.reset()
		}
	}
	if err := decodeOpenPairValue(sc.rows.mem[p.value:p.end], &sc.open); err != nil {
		return err
	}
	sc.pair.closeSlice(sc.close.Slice, sc.day, sc.countDay, &sc.open)
	sc.key = append(append(append(sc.key[:0], kindPair), sc.unit...), sc.rows.peer(p)...)
	sc.buf = sc.pair.append(sc.buf[:0])
	if err := sc.pairOut.Set(sc.key, sc.buf); err != nil {
		return err
	}
	sc.stats.Pairs++
	sc.stats.ClosedPairs++
	if sc.v == nil {
		return nil
	}
	return sc.visit(sc.rows.peer(p))
}

func (sc *scan) visit(key []byte) (err error) {
	v := &sc.view
	if v.Peer, v.Port, err = readPeer(key); err != nil {
		return err
	}
	v.Res, v.Slices, v.Days = sc.pair.Res, sc.pair.Slices, sc.pair.Days
	return sc.v.Pair(v)
}
