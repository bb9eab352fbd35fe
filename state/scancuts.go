package state

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"ndr/feature"
)

// late hands over the late rows of the consumed cuts and deletes them. Rows of later cuts lie between them and stay.
func (sc *scan) late() error {
	it, err := sc.s.iterate([]byte{kindLate}, []byte{kindLate + 1})
	if err != nil {
		return err
	}
	defer it.Close()
	var row feature.LateRow
	for ok := it.First(); ok; ok = it.Next() {
		if err := decodeLateKey(it.Key(), &row); err != nil {
			return err
		}
		if row.Cut > sc.close.Through[row.Partition] {
			continue
		}
		value, err := it.ValueAndErr()
		if err == nil {
			err = decodeCounters(value, &row.Counters)
		}
		if err != nil {
			return fmt.Errorf("late row: %w", err)
		}
		if err := sc.head.Delete(it.Key()); err != nil {
			return err
		}
		sc.stats.Late++
		if sc.v == nil {
			continue
		}
		if err := sc.v.Late(&row); err != nil {
			return err
		}
	}
	return it.Error()
}

// blobs returns the blobs of the consumed cuts and deletes them.
func (sc *scan) blobs() error {
	return sc.eachCut(kindBlob, func(partition string, cut uint64, value []byte) error {
		blob, err := decodeBlob(value)
		if err != nil {
			return err
		}
		sc.stats.Blobs = append(sc.stats.Blobs, CutBlob{partition, cut, bytes.Clone(blob)})
		return nil
	})
}

// rejects hands over the rejects of the consumed cuts and deletes them.
func (sc *scan) rejects() error {
	var r feature.Reject
	return sc.eachCut(kindReject, func(partition string, cut uint64, value []byte) error {
		if err := decodeReject(value, &r); err != nil {
			return err
		}
		sc.stats.Rejects++
		if sc.v == nil {
			return nil
		}
		return sc.v.Reject(partition, cut, &r)
	})
}

// eachCut visits the keys of a kind that belong to consumed cuts, by partition and number, and deletes them.
func (sc *scan) eachCut(kind byte, visit func(partition string, cut uint64, value []byte) error) error {
	for _, p := range slices.Sorted(maps.Keys(sc.close.Through)) {
		from := appendCut([]byte{kind}, p, 0)
		to := appendCut([]byte{kind}, p, sc.close.Through[p]+1)
		if err := sc.eachKey(from, to, func(key, value []byte) error {
			_, cut, _, err := splitCut(key[1:])
			if err != nil {
				return err
			}
			return visit(p, cut, value)
		}); err != nil {
			return fmt.Errorf("consume cuts of partition %s: %w", p, err)
		}
		sc.deleted = append(sc.deleted, keyRange{from, to})
	}
	return nil
}

func (sc *scan) eachKey(from, to []byte, visit func(key, value []byte) error) error {
	it, err := sc.s.iterate(from, to)
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err == nil {
			err = visit(it.Key(), value)
		}
		if err != nil {
			return err
		}
	}
	return it.Error()
}

// openRows deletes the open rows of the closing slice and of those before it, which no close record asked for, and
// counts the latter.
func (sc *scan) openRows() error {
	s := sc.close.Slice
	if err := sc.eachKey([]byte{kindOpenHost}, appendSlice([]byte{kindOpenHost}, s), func(_, _ []byte) error {
		sc.stats.LostRows++
		return nil
	}); err != nil {
		return err
	}
	for _, kind := range []byte{kindOpenHost, kindOpenPair} {
		sc.deleted = append(sc.deleted, keyRange{[]byte{kind}, appendSlice([]byte{kind}, s+1)})
	}
	return nil
}

// keyRange is the keys in [from, to).
type keyRange struct{ from, to []byte }

// deleteRanges writes the range deletions, which a table wants in order.
func (sc *scan) deleteRanges() error {
	slices.SortFunc(sc.deleted, func(a, b keyRange) int { return bytes.Compare(a.from, b.from) })
	for _, r := range sc.deleted {
		if err := sc.head.DeleteRange(r.from, r.to); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	return nil
}
