package fgb

import (
	"bytes"
	"context"

	"ndr/feature"
)

// pairs writes the tables of pairs and peers from what the readers added up.
func (p *part) pairs(ctx context.Context, readers []*objectReader) (err error) {
	cfg := &p.job.cfg
	var hosts, segments []*pairTotals
	for _, r := range readers {
		hosts, segments = append(hosts, r.pairs.hosts), append(segments, r.pairs.segments)
	}
	peers := newPairTotals(cfg.TempDir, p.in.Days, cfg.Memory/4)
	defer func() {
		if e := peers.close(); err == nil {
			err = e
		}
	}()
	for step, write := range []func() error{
		func() error { return p.hostPairs(ctx, hosts, peers) },
		func() error { return p.segmentPairs(ctx, segments, peers) },
		func() error { return p.peers(peers) },
	} {
		p.job.progress(p.in.Name+": pairs", int64(step), 3)
		if err := write(); err != nil {
			return err
		}
	}
	p.job.progress(p.in.Name+": pairs", 3, 3)
	return nil
}

// hostPairs writes the pairs of hosts and notes the peers of each.
func (p *part) hostPairs(ctx context.Context, hosts []*pairTotals, peers *pairTotals) error {
	w, err := p.table(pairPartial())
	if err != nil {
		return err
	}
	var from, to addressName
	var key []byte
	err = eachTotal(hosts, func(k []byte, t *totals) error {
		host, dst, port, err := pairKey(k)
		if err != nil {
			return err
		}
		w.text(from.of(host))
		w.text(to.of(dst))
		w.int(port)
		w.int(t.seen)
		w.int(t.last)
		w.text(daysText(t.days))
		key = host.AppendSorted(append(dst.AppendSorted(key[:0]), peerHost))
		return firstError(peers.add(key, t), ctx.Err(), w.end())
	})
	return firstError(err, w.flush())
}

// segmentPairs writes fg_b/pair/segment and notes the peers of each segment.
func (p *part) segmentPairs(ctx context.Context, segments []*pairTotals, peers *pairTotals) error {
	w, err := p.table(feature.FGBPairSegmentTable())
	if err != nil {
		return err
	}
	var to addressName
	var key []byte
	last := ""
	err = eachTotal(segments, func(k []byte, t *totals) error {
		segment, rest, _ := bytes.Cut(k, []byte{0})
		dst, port, err := dstKey(rest)
		if err != nil {
			return err
		}
		if string(segment) != last {
			last = string(segment)
		}
		w.text(p.job.cfg.FeatureSpecVersion)
		w.text(last)
		w.text(to.of(dst))
		w.int(port)
		w.pair(t, p.job.cfg.Rules.Rarity)
		key = append(append(dst.AppendSorted(key[:0]), peerSegment), segment...)
		_, err = peers.find(key)
		return firstError(err, ctx.Err(), w.end())
	})
	return firstError(err, w.flush())
}

// peers writes how many hosts and segments of the part reached each destination.
func (p *part) peers(peers *pairTotals) error {
	w, err := p.table(peerPartial())
	if err != nil {
		return err
	}
	sum := totals{days: make([]uint64, dayWords(p.in.Days))}
	var at feature.Addr
	var hosts, segments int64
	end := func() error {
		if hosts+segments == 0 {
			return nil
		}
		w.text(at.String())
		w.int(hosts)
		w.int(segments)
		w.int(sum.seen)
		w.text(daysText(sum.days))
		clear(sum.days)
		sum.seen, hosts, segments = 0, 0, 0
		return w.end()
	}
	err = eachTotal([]*pairTotals{peers}, func(k []byte, t *totals) error {
		dst, rest, err := feature.ReadSorted(k)
		if err != nil || len(rest) == 0 {
			return firstError(err, errTotals)
		}
		if dst != at {
			if err := end(); err != nil {
				return err
			}
			at = dst
		}
		if rest[0] == peerHost {
			hosts++
			sum.add(t)
		} else {
			segments++
		}
		return nil
	})
	return firstError(err, end(), w.flush())
}

// addressName writes runs of the same address once.
type addressName struct {
	addr feature.Addr
	text string
}

func (a *addressName) of(addr feature.Addr) string {
	if a.text == "" || addr != a.addr {
		*a = addressName{addr, addr.String()}
	}
	return a.text
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
