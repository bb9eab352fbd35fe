package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"ndr/feature"
	"ndr/sinks"
	"ndr/stream"
)

// The wrappers below take one guard each away from the program around which they are put. With any of them the
// comparison with an undisturbed run must notice.

// overwriting creates objects over existing ones: if-none-match is gone for the keys that hold the text.
type overwriting struct {
	sinks.Store
	memory *Memory
	text   string
}

func (s overwriting) Create(ctx context.Context, key string, body io.ReadSeeker) error {
	if strings.Contains(key, s.text) {
		return s.memory.overwrite(key, body)
	}
	return s.Store.Create(ctx, key, body)
}

// trusting takes an existing object for its own: nothing is compared after a lost creation.
type trusting struct{ sinks.Store }

func (s trusting) Create(ctx context.Context, key string, body io.ReadSeeker) error {
	if err := s.Store.Create(ctx, key, body); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// forgetful says that objects exist which it never stored: the creation of half of the keys with the text.
type forgetful struct {
	sinks.Store
	text string
}

func (s forgetful) Create(ctx context.Context, key string, body io.ReadSeeker) error {
	if strings.Contains(key, s.text) && feature.Hash(key)%2 == 0 {
		return nil
	}
	return s.Store.Create(ctx, key, body)
}

// hiding does not find the manifest of a shard when the program looks whether there is one: then it reads one byte.
type hiding struct{ sinks.Store }

func (s hiding) Get(ctx context.Context, key string, off, n int64) ([]byte, error) {
	if n == 1 && strings.Contains(key, "/shard-") {
		return nil, fmt.Errorf("get object %s: %w", key, fs.ErrNotExist)
	}
	return s.Store.Get(ctx, key, off, n)
}

// flipping changes a byte in the middle of what it reads of the keys with the text.
type flipping struct {
	sinks.Store
	text string
}

func (s flipping) Get(ctx context.Context, key string, off, n int64) ([]byte, error) {
	b, err := s.Store.Get(ctx, key, off, n)
	if err == nil && len(b) > 0 && strings.Contains(key, s.text) {
		b = slices.Clone(b)
		b[len(b)/2] ^= 0x10
	}
	return b, err
}

// rewinding is a source that begins some records earlier than it is asked to. With its positions kept the consumer
// skips them; renumbered, they look new: then the position guard is gone.
type rewinding struct {
	stream.Source
	back       int64
	renumbered bool
}

func (s rewinding) Run(ctx context.Context, c stream.Consumer) error {
	return s.Source.Run(ctx, rewound{c, s})
}

type rewound struct {
	stream.Consumer
	by rewinding
}

func (c rewound) Consume(ctx context.Context, partition string, r stream.Reader) error {
	from, err := c.Consumer.Position(ctx, partition)
	if err != nil {
		return err
	}
	return c.Consumer.Consume(ctx, partition, &rewoundReader{Reader: r, from: from, by: c.by})
}

type rewoundReader struct {
	stream.Reader
	from int64
	by   rewinding
}

// Poll drops what lies before the rewound start, as a source does that seeks.
func (r *rewoundReader) Poll(ctx context.Context) ([]stream.Record, error) {
	records, err := r.Reader.Poll(ctx)
	start := max(0, r.from-r.by.back)
	i := 0
	for ; i < len(records) && records[i].Position < start; i++ {
	}
	records = records[i:]
	if r.by.renumbered {
		for i := range records {
			records[i].Position += r.from - start
		}
	}
	return records, err
}

// skipping is a source that goes on where it is when it should read a partition again.
type skipping struct{ stream.Source }

func (s skipping) Run(ctx context.Context, c stream.Consumer) error {
	return s.Source.Run(ctx, skipped{c})
}

type skipped struct{ stream.Consumer }

func (c skipped) Consume(ctx context.Context, partition string, r stream.Reader) error {
	for {
		err := c.Consumer.Consume(ctx, partition, r)
		if !errors.Is(err, stream.ErrReread) {
			return err
		}
		if _, err := c.Consumer.Position(ctx, partition); err != nil {
			return err
		}
	}
}

// miscounting is the state of a shard that is off by some cuts when it was restored: N = last + 1 is gone. Behind by
// one, it folds a cut twice; ahead by one, it leaves a cut out.
type miscounting struct {
	stream.ShardState
	ahead int
	off   map[string]int
}

func miscount(s stream.ShardState, ahead int) stream.ShardState {
	return &miscounting{s, ahead, make(map[string]int)}
}

// shift is what is added to a cut's number for the state below.
func (m *miscounting) shift(partition string) int {
	if _, ok := m.off[partition]; !ok {
		m.off[partition] = 0
		if m.ShardState.Last(partition) > 1 {
			m.off[partition] = -m.ahead
		}
	}
	return m.off[partition]
}

func (m *miscounting) Last(partition string) uint64 {
	return uint64(int(m.ShardState.Last(partition)) - m.shift(partition))
}

func (m *miscounting) Fold(partition string, n uint64, watermark int64, blob []byte, s *feature.Section) (int, error) {
	return m.ShardState.Fold(partition, uint64(int(n)+m.shift(partition)), watermark, blob, s)
}

func (m *miscounting) Close(ctx context.Context, s feature.Slice, through map[string]uint64, v feature.CloseVisitor) (stream.Roll, error) {
	below := make(map[string]uint64)
	for p, n := range through {
		below[p] = uint64(int(n) + m.shift(p))
	}
	return m.ShardState.Close(ctx, s, below, v)
}
