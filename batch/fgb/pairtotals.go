package fgb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
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

// pairTotals adds up totals by key. What does not fit into memory goes to sorted local files. Keys and totals lie in
// slabs without pointers, found by open addressing. It belongs to one goroutine.
type pairTotals struct {
	dir   string
	words int
	limit int // keys in memory
	files []*sinks.BlockFile

	seed  maphash.Seed
	table []uint32 // number of a key plus 1; 0 is empty
	ends  []uint32 // of each key in text
	text  []byte
	seen  []int64
	last  []int64
	days  []uint64
}

// totalsBytes is about the memory of a key with its totals but the days.
const totalsBytes = 80

func newPairTotals(dir string, days int, memory int64) *pairTotals {
	p := &pairTotals{dir: dir, words: dayWords(days), seed: maphash.MakeSeed(), table: make([]uint32, 1<<10)}
	p.limit = max(1024, int(memory/int64(totalsBytes+8*p.words)))
	return p
}

// key is the text of a key.
func (p *pairTotals) key(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = p.ends[i-1]
	}
	return p.text[from:p.ends[i]]
}

// add adds to the totals of a key.
func (p *pairTotals) add(key []byte, t *totals) error {
	i, err := p.find(key)
	if err != nil {
		return err
	}
	if p.seen[i] == 0 {
		p.last[i] = t.last
	}
	p.seen[i] += t.seen
	p.last[i] = max(p.last[i], t.last)
	for w, d := range t.days {
		p.days[i*p.words+w] |= d
	}
	return nil
}

// find returns the number of a key, which is new if it was not there.
func (p *pairTotals) find(key []byte) (int, error) {
	mask := uint32(len(p.table) - 1)
	at := uint32(maphash.Bytes(p.seed, key)) & mask
	for ; p.table[at] != 0; at = (at + 1) & mask {
		if i := int(p.table[at] - 1); bytes.Equal(p.key(i), key) {
			return i, nil
		}
	}
	const maxText = 1 << 31 // ends are of 32 bits
	if len(p.ends) >= p.limit || len(p.text) > maxText {
		if err := p.flush(); err != nil {
			return 0, err
		}
		return p.find(key)
	}
	if 2*len(p.ends) >= len(p.table) {
		p.grow()
		return p.find(key)
	}
	p.table[at] = uint32(len(p.ends) + 1)
	p.text = append(p.text, key...)
	p.ends = append(p.ends, uint32(len(p.text)))
	p.seen, p.last = append(p.seen, 0), append(p.last, 0)
	for range p.words {
		p.days = append(p.days, 0)
	}
	return len(p.ends) - 1, nil
}

// grow doubles the table.
func (p *pairTotals) grow() {
	p.table = make([]uint32, 2*len(p.table))
	mask := uint32(len(p.table) - 1)
	for i := range p.ends {
		at := uint32(maphash.Bytes(p.seed, p.key(i))) & mask
		for p.table[at] != 0 {
			at = (at + 1) & mask
		}
		p.table[at] = uint32(i + 1)
	}
}

// flush writes what is in memory as a sorted file.
func (p *pairTotals) flush() (err error) {
	if len(p.ends) == 0 {
		return nil
	}
	order := make([]uint32, len(p.ends))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return bytes.Compare(p.key(int(a)), p.key(int(b))) })
	w, err := sinks.NewBlockWriter(p.dir, "pairs")
	if err != nil {
		return err
	}
	var value []byte
	for _, n := range order {
		i := int(n)
		t := totals{p.seen[i], p.last[i], p.days[i*p.words : (i+1)*p.words]}
		value = t.append(value[:0])
		if err := w.Add(p.key(i), value); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	f, err := w.Finish()
	if err != nil {
		return errors.Join(err, w.Close())
	}
	p.files = append(p.files, f)
	clear(p.table)
	p.ends, p.text, p.seen, p.last, p.days = p.ends[:0], p.text[:0], p.seen[:0], p.last[:0], p.days[:0]
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
