package state

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"ndr/feature"
)

// batchRows is the number of rows up to which a fold goes through the memtable: for fewer, a table of its own and the
// entry in Pebble's manifest cost more than the rows. Atomic are both; their order among themselves is Pebble's.
const batchRows = 512

// Fold is the section of one cut for this shard.
type Fold struct {
	Partition string
	N         uint64 // number of the cut, from 1
	Watermark int64  // of the cut, nanoseconds since the Unix epoch
	Blob      []byte // the caller's, handed back by the close that consumes the cut
	Section   feature.Section
}

// FoldResult counts what a fold did.
type FoldResult struct {
	Hosts, Pairs, Late, Rejects int
	// ClosedLate is the host rows for slices that were closed already; they are kept as late rows (beside Late) and
	// their pairs are left out. ClosedLateSessions is the sum of their sessions.
	ClosedLate         int
	ClosedLateSessions int64
}

// rowWriter takes the keys of a fold in ascending order.
type rowWriter interface {
	Set(key, value []byte) error
	Merge(key, value []byte) error
}

// Fold adds the section of cut N to the open rows and remembers N: all of it or nothing. N must be one more than the
// last of its partition; ErrDuplicate and ErrGap change nothing.
func (s *Store) Fold(f *Fold) (FoldResult, error) {
	r, err := s.fold(f)
	switch {
	case err == nil:
		s.meta.Partitions[f.Partition] = PartitionMeta{f.N, f.Watermark}
		s.cfg.Metrics.folded(&r)
		return r, nil
	case errors.Is(err, ErrDuplicate):
		s.cfg.Metrics.folds.WithLabelValues("duplicate").Inc()
	case errors.Is(err, ErrGap):
		s.cfg.Metrics.folds.WithLabelValues("gap").Inc()
	default:
		s.cfg.Metrics.folds.WithLabelValues("failed").Inc()
	}
	return FoldResult{}, fmt.Errorf("fold cut %d of partition %s: %w", f.N, f.Partition, err)
}

func (s *Store) fold(f *Fold) (FoldResult, error) {
	last := s.Last(f.Partition)
	switch {
	case s.roll != nil:
		return FoldResult{}, ErrRolling
	case strings.IndexByte(f.Partition, 0) >= 0 || f.Partition == "":
		return FoldResult{}, fmt.Errorf("partition name %q is empty or has a zero byte", f.Partition)
	case f.N <= last:
		return FoldResult{}, fmt.Errorf("%w: the last one is %d", ErrDuplicate, last)
	case f.N > last+1:
		return FoldResult{}, fmt.Errorf("%w: the last one is %d", ErrGap, last)
	}
	c := &f.Section
	if len(c.Hosts)+len(c.Pairs)+len(c.Late)+len(c.Rejects) <= s.small {
		return s.foldBatch(f)
	}
	return s.foldTable(f)
}

// foldTable writes the section as one table of merge operands and takes it in at once.
func (s *Store) foldTable(f *Fold) (FoldResult, error) {
	t := &tableWriter{s: s, limit: 1 << 62}
	r, err := s.writeFold(f, t)
	if err == nil {
		err = t.end()
	}
	if err == nil {
		err = s.db.Ingest(context.Background(), t.paths)
	}
	if err != nil {
		return r, errors.Join(err, t.abandon())
	}
	return r, nil
}

// foldBatch sends the section through the memtable.
func (s *Store) foldBatch(f *Fold) (FoldResult, error) {
	b := s.db.NewBatch()
	defer b.Close()
	r, err := s.writeFold(f, batchWriter{b})
	if err != nil {
		return r, err
	}
	return r, s.db.Apply(b, pebble.NoSync)
}

type batchWriter struct{ b *pebble.Batch }

// Set writes a key.
func (w batchWriter) Set(key, value []byte) error { return w.b.Set(key, value, nil) }

// Merge writes an operand of a key.
func (w batchWriter) Merge(key, value []byte) error { return w.b.Merge(key, value, nil) }

// writeFold writes the keys of the fold in ascending order.
func (s *Store) writeFold(f *Fold, to rowWriter) (r FoldResult, err error) {
	w := &orderedWriter{to: to}
	w.key = appendPartition(append(w.key, kindMeta), f.Partition)
	w.set(PartitionMeta{f.N, f.Watermark}.append(w.value))
	w.key = appendCut(append(w.key, kindBlob), f.Partition, f.N)
	w.set(appendBlob(w.value, f.Blob))

	hosts, pairs := f.Section.Hosts, f.Section.Pairs
	late := f.Section.Late
	if s.meta.HasClosed {
		n := sort.Search(len(hosts), func(i int) bool { return hosts[i].Slice > s.meta.LastClosed })
		for i := range hosts[:n] {
			r.ClosedLateSessions += hosts[i].Counters.Sum[feature.Sessions]
		}
		r.ClosedLate = n
		late = joinLate(late, hosts[:n])
		hosts = hosts[n:]
		pairs = pairs[sort.Search(len(pairs), func(i int) bool { return pairs[i].Slice > s.meta.LastClosed }):]
	}
	r.Hosts, r.Pairs, r.Late, r.Rejects = len(hosts), len(pairs), len(f.Section.Late), len(f.Section.Rejects)
	w.late(late, f)
	w.rejects(f)
	for i := range hosts {
		h := &hosts[i]
		w.key = appendOpenHost(w.key, h.Slice, h.Host, h.Role)
		w.merge(appendCounters(w.value, &h.Counters))
	}
	for i := range pairs {
		w.key = appendOpenPair(w.key, &pairs[i])
		w.merge(appendOpenPairValue(w.value, &pairs[i].Counters))
	}
	return r, w.err
}

// joinLate returns the late rows and the on-time rows for closed slices, where both have a row their sum.
func joinLate(late, closed []feature.HostRow) []feature.HostRow {
	if len(closed) == 0 {
		return late
	}
	all := slices.Concat(late, closed)
	slices.SortStableFunc(all, compareLate)
	joined := all[:1]
	for i := range all[1:] {
		row := &all[1+i]
		if last := &joined[len(joined)-1]; compareLate(*last, *row) == 0 {
			last.Counters.Merge(&row.Counters)
			continue
		}
		joined = append(joined, *row)
	}
	return joined
}

// compareLate orders late rows as their keys.
func compareLate(a, b feature.HostRow) int {
	return cmp.Or(a.Host.Compare(b.Host), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Slice, b.Slice))
}

// orderedWriter writes keys that must ascend: an ingest stage that breaks its promise stops the shard instead of
// losing rows. After an error nothing is written.
type orderedWriter struct {
	to         rowWriter
	key, value []byte // the next key; empty memory for its value
	last       []byte
	err        error
}

func (w *orderedWriter) set(value []byte)   { w.put(value, w.to.Set) }
func (w *orderedWriter) merge(value []byte) { w.put(value, w.to.Merge) }

func (w *orderedWriter) put(value []byte, put func(key, value []byte) error) {
	switch {
	case w.err != nil:
	case bytes.Compare(w.key, w.last) <= 0:
		w.err = fmt.Errorf("rows are not sorted and unique: key %x after %x", w.key, w.last)
	default:
		w.err = put(w.key, value)
	}
	w.key, w.last = w.last[:0], w.key
	w.value = value[:0]
}

// late writes the late rows in the order in which the close hands them over.
func (w *orderedWriter) late(rows []feature.HostRow, f *Fold) {
	order := make([]*feature.HostRow, len(rows))
	for i := range rows {
		order[i] = &rows[i]
	}
	slices.SortFunc(order, func(a, b *feature.HostRow) int { return compareLate(*a, *b) })
	for _, r := range order {
		w.key = appendLateKey(w.key, r, f.Partition, f.N)
		w.set(appendCounters(w.value, &r.Counters))
	}
}

// rejects writes the rejects in the order of their positions.
func (w *orderedWriter) rejects(f *Fold) {
	order := make([]*feature.Reject, len(f.Section.Rejects))
	for i := range order {
		order[i] = &f.Section.Rejects[i]
	}
	slices.SortStableFunc(order, func(a, b *feature.Reject) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Item, b.Item))
	})
	for i, r := range order {
		w.key = appendUint64(appendCut(append(w.key, kindReject), f.Partition, f.N), uint64(i))
		w.set(appendReject(w.value, r))
	}
}
