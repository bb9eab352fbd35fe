package fgb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"ndr/feature"
	"ndr/sinks"
)

// pairReader adds up the pair counts of a part. It belongs to one goroutine.
type pairReader struct {
	job      *Job
	input    *horizonInput
	names    *names
	hosts    *pairTotals // by source address, destination, port
	segments *pairTotals // by segment, zero, destination, port
	ahead    []byte
	key      []byte
	one      totals // of a row
}

func newPairReader(j *Job, in *horizonInput, n *names, memory int64) *pairReader {
	return &pairReader{job: j, input: in, names: n, hosts: newPairTotals(j.cfg.TempDir, in.Days, memory/2),
		segments: newPairTotals(j.cfg.TempDir, in.Days, memory/2), one: totals{days: make([]uint64, dayWords(in.Days))}}
}

func (r *pairReader) close() error { return errors.Join(r.hosts.close(), r.segments.close()) }

// object reads one object of pair counts.
func (r *pairReader) object(ctx context.Context, key string, s feature.Slice) error {
	o, err := r.job.store.Open(ctx, key)
	if err != nil {
		return fmt.Errorf("open %s: %w", key, err)
	}
	defer o.Close()
	ahead := &readAhead{Object: o, buf: r.ahead[:0]}
	defer func() { r.ahead = ahead.buf }()
	t, err := sinks.ReadTable(ahead, "src_ip", "dst_ip", "dst_port", "event_ts", "segment_id", "sessions_cnt")
	if err == nil {
		err = t.Expect(feature.PairCountsTable())
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	day := r.day(s)
	for b, err := range t.Batches() {
		if err == nil {
			err = r.batch(b, day)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
	}
	return nil
}

// day is the number of a slice's UTC day, counted from the day before the horizon's first.
func (r *pairReader) day(s feature.Slice) int {
	const perDay = int64(24 * time.Hour / time.Second)
	first := r.input.start.Unix() / perDay
	return max(0, int(int64(r.job.cfg.Clock.Day(s))-first)+1)
}

func (r *pairReader) batch(b *feature.Batch, day int) error {
	src, dst, port, event, segment, sessions := b.Cols[0].Text, b.Cols[1].Text, b.Cols[2].Int, b.Cols[3].Int, b.Cols[4].Text, b.Cols[5].Int
	clear(r.one.days)
	r.one.days[day/64] |= 1 << (day % 64)
	lastSegment, own := "", false
	var from, to parsedAddress
	for row := range b.Rows {
		if segment[row] != lastSegment || row == 0 {
			lastSegment, own = segment[row], r.names.own(segment[row])
		}
		if !own || port[row] <= 0 {
			continue
		}
		if err := errors.Join(from.parse(src[row]), to.parse(dst[row])); err != nil {
			return err
		}
		r.key = appendPort(to.addr.AppendSorted(from.addr.AppendSorted(r.key[:0])), port[row])
		r.one.seen, r.one.last = sessions[row], event[row]
		if err := r.hosts.add(r.key, &r.one); err != nil {
			return err
		}
		r.key = appendPort(to.addr.AppendSorted(append(append(r.key[:0], lastSegment...), 0)), port[row])
		if err := r.segments.add(r.key, &r.one); err != nil {
			return err
		}
	}
	return nil
}

func appendPort(dst []byte, port int64) []byte {
	return binary.BigEndian.AppendUint16(dst, uint16(port))
}

// parsedAddress parses runs of the same text once.
type parsedAddress struct {
	text string
	addr feature.Addr
}

func (p *parsedAddress) parse(text string) error {
	if text == p.text && text != "" {
		return nil
	}
	a, err := feature.ParseAddr(text)
	*p = parsedAddress{text, a}
	return err
}

// Keys of peers: the destination, what it is a key of, and the address of a host or the name of a segment.
const (
	peerHost    = 0
	peerSegment = 1
)

// pairKey takes a key of pairs of hosts apart.
func pairKey(key []byte) (host, dst feature.Addr, port int64, err error) {
	if host, key, err = feature.ReadSorted(key); err != nil {
		return host, dst, 0, err
	}
	dst, port, err = dstKey(key)
	return host, dst, port, err
}

func dstKey(key []byte) (dst feature.Addr, port int64, err error) {
	if dst, key, err = feature.ReadSorted(key); err != nil {
		return dst, 0, err
	}
	if len(key) != 2 {
		return dst, 0, errTotals
	}
	return dst, int64(binary.BigEndian.Uint16(key)), nil
}
