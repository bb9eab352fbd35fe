package file

import (
	"context"
	"encoding/binary"
	"io"

	"ndr/feature"
	"ndr/stream"
)

const (
	batchRecords = 512
	batchBytes   = 4 << 20
)

// reader is one partition of the merged stream. Positions count the partition's own records from 0.
type reader struct {
	m         *merge
	partition int
	of        int
	position  int64
	batch     []stream.Record
	text      []byte // of the batch's values
	ended     bool
}

// Poll returns the next records of the partition. Their values are valid until the next Poll.
func (r *reader) Poll(ctx context.Context) ([]stream.Record, error) {
	if r.ended {
		return nil, io.EOF
	}
	r.batch, r.text = r.batch[:0], r.text[:0]
	for n := 0; len(r.batch) < batchRecords && len(r.text) < batchBytes; n++ {
		if n%64 == 63 && ctx.Err() != nil {
			break
		}
		l, err := r.m.next(ctx)
		if err == io.EOF {
			r.ended = true
			return r.batch, io.EOF
		}
		if err != nil { // what was read before has its positions and must not be lost
			return r.batch, err
		}
		if r.of > 1 && spread(l, r.of) != r.partition {
			continue
		}
		at := len(r.text)
		r.text = append(r.text, l.text...)
		r.batch = append(r.batch, stream.Record{Position: r.position, Value: r.text[at:len(r.text):len(r.text)], Origin: l.origin,
			Line: l.number, Fault: l.fault})
		r.position++
	}
	return r.batch, nil
}

// AtEnd is never true before Poll says io.EOF.
func (r *reader) AtEnd(context.Context) (bool, error) { return r.ended, nil }

// Behind is unknown: how much of the files is left is known at their end.
func (r *reader) Behind() (int64, bool) { return 0, false }

// spread is the partition of a line: by the addresses of both ends, the smaller first, so that both halves of a
// pair come in one. Lines without a flow go to the first.
func spread(l *line, partitions int) int {
	if !l.flow {
		return 0
	}
	var b [32]byte
	binary.BigEndian.PutUint64(b[0:], l.low.Hi)
	binary.BigEndian.PutUint64(b[8:], l.low.Lo)
	binary.BigEndian.PutUint64(b[16:], l.high.Hi)
	binary.BigEndian.PutUint64(b[24:], l.high.Lo)
	return int(feature.Fnv1a64(b[:]) % uint64(partitions))
}
