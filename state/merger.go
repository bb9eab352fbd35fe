package state

import (
	"fmt"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"ndr/feature"
)

// The names are stored with the data: another name, another store. They carry a version for that reason.
const (
	mergerName   = "ndr.merge.v1"
	comparerName = "ndr.bytes.v1"
)

// newMerger returns the merge operator: addition of open host counters; addition and the K-earliest union of open
// pairs; the union of the days of closed pairs. All of them are associative and commutative.
func newMerger(kept int) *pebble.Merger {
	pool := new(sync.Pool)
	return &pebble.Merger{
		Name: mergerName,
		Merge: func(key, value []byte) (pebble.ValueMerger, error) {
			o, _ := pool.Get().(*operands)
			if o == nil {
				o = &operands{pool: pool, keep: kept}
			}
			o.kind, o.n = key[0], 0
			return o, o.add(value)
		},
	}
}

// operands collects the operands of one key. A single one is handed back as it is, without decoding.
type operands struct {
	pool *sync.Pool
	keep int
	kind byte
	n    int
	buf  []byte // the first operand; the result

	host, nextHost feature.HostCounters
	pair, nextPair feature.PairCounters
	closed         pairValue
}

// MergeNewer adds an operand; the order does not matter.
func (o *operands) MergeNewer(value []byte) error { return o.add(value) }

// MergeOlder adds an operand; the order does not matter.
func (o *operands) MergeOlder(value []byte) error { return o.add(value) }

func (o *operands) add(value []byte) error {
	o.n++
	switch o.n {
	case 1:
		o.buf = append(o.buf[:0], value...)
		return nil
	case 2:
		if err := o.first(); err != nil {
			return err
		}
	}
	return o.next(value)
}

func (o *operands) first() error {
	switch o.kind {
	case kindOpenHost:
		return decodeCounters(o.buf, &o.host)
	case kindOpenPair:
		return decodeOpenPairValue(o.buf, &o.pair)
	case kindPair:
		return o.closed.decode(o.buf, minSlice, minDay)
	}
	return fmt.Errorf("merge key of kind %d: not a merged kind", o.kind)
}

func (o *operands) next(value []byte) error {
	switch o.kind {
	case kindOpenHost:
		err := decodeCounters(value, &o.nextHost)
		o.host.Merge(&o.nextHost)
		return err
	case kindOpenPair:
		err := decodeOpenPairValue(value, &o.nextPair)
		o.pair.Merge(&o.nextPair, o.keep)
		return err
	}
	var next pairValue // not reused: merge keeps its memory
	err := next.decode(value, minSlice, minDay)
	o.closed.merge(&next, o.keep)
	return err
}

// Finish returns the sum. Whether the oldest operand was part of it does not matter to an addition.
func (o *operands) Finish(bool) ([]byte, io.Closer, error) {
	if o.n == 1 {
		return o.buf, o, nil
	}
	switch o.kind {
	case kindOpenHost:
		o.buf = appendCounters(o.buf[:0], &o.host)
	case kindOpenPair:
		o.buf = appendOpenPairValue(o.buf[:0], &o.pair)
	default:
		o.buf = o.closed.append(o.buf[:0])
	}
	return o.buf, o, nil
}

// Close gives the memory back when the result is no longer needed.
func (o *operands) Close() error {
	o.pool.Put(o)
	return nil
}
