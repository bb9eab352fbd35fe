package fgb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"ndr/sinks"
)

// totals is what the horizon's slices say of a pair: sessions, the latest event_ts, and the UTC days with one.
type totals struct {
	seen, last int64
	days       []uint64 // a bit per day
}

func (t *totals) activeDays() (n int64) {
	for _, w := range t.days {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// add takes what is known of the same pair elsewhere.
func (t *totals) add(o *totals) {
	t.seen += o.seen
	t.last = max(t.last, o.last)
	for i, w := range o.days {
		t.days[i] |= w
	}
}

func (t *totals) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t.seen))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t.last))
	for _, w := range t.days {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

var errTotals = errors.New("read totals of pairs: wrong length")

// read takes what append wrote; days has the length of the horizon.
func (t *totals) read(b []byte) error {
	if len(b) != 16+8*len(t.days) {
		return errTotals
	}
	t.seen, t.last = int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))
	for i := range t.days {
		t.days[i] = binary.LittleEndian.Uint64(b[16+8*i:])
	}
	return nil
}

// dayWords is the number of words for the days of a horizon. The first slice that ends in it may begin on the day
// before.
func dayWords(days int) int { return (days + 1 + 63) / 64 }

// pairTotals adds up totals by key. What does not fit into memory goes to sorted local files. It belongs to one
// goroutine.
type pairTotals struct {
	dir    string
	words  int
	limit  int // keys in memory
	index  map[string]int32
	keys   []string
	totals []totals
	days   []uint64 // of totals
	files  []*sinks.BlockFile
}

// totalsBytes is about the memory of a key with its totals.
const totalsBytes = 200

func newPairTotals(dir string, days int, memory int64) *pairTotals {
	p := &pairTotals{dir: dir, words: dayWords(days), index: make(map[string]int32)}
	p.limit = max(1024, int(memory/int64(totalsBytes+8*p.words)))
	return p
}

// at returns the totals of a key, to be added to before the next call.
func (p *pairTotals) at(key []byte) (*totals, error) {
	if i, ok := p.index[string(key)]; ok {
		return &p.totals[i], nil
	}
	if len(p.keys) >= p.limit {
		if err := p.flush(); err != nil {
			return nil, err
		}
	}
	text := string(key)
	p.index[text] = int32(len(p.keys))
	p.keys = append(p.keys, text)
	if len(p.days)+p.words > cap(p.days) { // a new array: the totals so far keep the old one
		p.days = make([]uint64, 0, max(1024*p.words, cap(p.days)))
	}
	n := len(p.days)
	p.days = p.days[:n+p.words]
	clear(p.days[n:])
	p.totals = append(p.totals, totals{days: p.days[n : n+p.words : n+p.words]})
	return &p.totals[len(p.totals)-1], nil
}

// flush writes what is in memory as a sorted file.
func (p *pairTotals) flush() (err error) {
	if len(p.keys) == 0 {
		return nil
	}
	slices.Sort(p.keys)
	w, err := sinks.NewBlockWriter(p.dir, "pairs")
	if err != nil {
		return err
	}
	var value []byte
	for _, k := range p.keys {
		value = p.totals[p.index[k]].append(value[:0])
		if err := w.Add([]byte(k), value); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	f, err := w.Finish()
	if err != nil {
		return errors.Join(err, w.Close())
	}
	p.files = append(p.files, f)
	clear(p.index)
	p.keys, p.totals, p.days = p.keys[:0], p.totals[:0], nil
	return nil
}

// close removes the files.
func (p *pairTotals) close() error {
	var errs []error
	for _, f := range p.files {
		errs = append(errs, f.Close())
	}
	p.files = nil
	return errors.Join(errs...)
}

// eachTotal calls f for every key of several pairTotals, in the order of keys, with the sums. Both arguments are
// valid during the call.
func eachTotal(all []*pairTotals, f func(key []byte, t *totals) error) error {
	var files []*sinks.BlockFile
	for _, p := range all {
		if err := p.flush(); err != nil {
			return err
		}
		files = append(files, p.files...)
	}
	if len(files) == 0 {
		return nil
	}
	m, err := sinks.MergeBlocks(files)
	if err != nil {
		return err
	}
	words := all[0].words
	sum, one := totals{days: make([]uint64, words)}, totals{days: make([]uint64, words)}
	for {
		ok, err := m.Next()
		if err != nil || !ok {
			return err
		}
		clear(sum.days)
		sum.seen, sum.last = 0, 0
		for i, v := range m.Values {
			if err := one.read(v); err != nil {
				return fmt.Errorf("merge pairs: %w", err)
			}
			if i == 0 {
				sum.last = one.last
			}
			sum.add(&one)
		}
		if err := f(m.Key, &sum); err != nil {
			return err
		}
	}
}
