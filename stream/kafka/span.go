package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Range is a part of a partition, the offsets [From, To).
type Range struct {
	Partition int32
	From, To  int64
}

// String is the range as "partition:from-to", which ParseRange reads.
func (r Range) String() string { return fmt.Sprintf("%d:%d-%d", r.Partition, r.From, r.To) }

// ParseRange reads a range as String writes it.
func ParseRange(s string) (Range, error) {
	var r Range
	p, offsets, ok := strings.Cut(s, ":")
	from, to, ok2 := strings.Cut(offsets, "-")
	n, err := strconv.ParseInt(p, 10, 32)
	if err == nil {
		r.Partition = int32(n)
		r.From, err = strconv.ParseInt(from, 10, 64)
	}
	if err == nil {
		r.To, err = strconv.ParseInt(to, 10, 64)
	}
	if err != nil || !ok || !ok2 || n < 0 || r.From < 0 || r.To < r.From {
		return Range{}, fmt.Errorf("read range %q: want partition:from-to, such as 3:1000-2500", s)
	}
	return r, nil
}

// resolve makes the ranges of a bounded source, by partition number, and checks that the log has them.
func (c *Config) resolve(ctx context.Context, adm *kadm.Client, t *topic) ([]Range, error) {
	if len(c.Ranges) > 0 {
		return c.Ranges, t.check(c.Ranges)
	}
	out := make([]Range, len(t.earliest))
	for p := range out {
		out[p] = Range{int32(p), t.earliest[p], t.stable[p]}
	}
	if !c.From.IsZero() {
		at, err := offsetsAfter(ctx, adm, t, c.From.UnixMilli())
		if err != nil {
			return nil, err
		}
		for p := range out {
			out[p].From = min(max(at[p], out[p].From), out[p].To)
		}
	}
	if !c.To.IsZero() {
		at, err := offsetsAfter(ctx, adm, t, c.To.UnixMilli())
		if err != nil {
			return nil, err
		}
		for p := range out {
			out[p].To = max(min(at[p], out[p].To), out[p].From)
		}
	}
	return out, nil
}

// check makes sure that the ranges lie within the log.
func (t *topic) check(ranges []Range) error {
	for _, r := range ranges {
		if int(r.Partition) >= len(t.earliest) {
			return fmt.Errorf("range %s: topic %s has %d partitions", r, t.name, len(t.earliest))
		}
		first, last := t.earliest[r.Partition], t.latest[r.Partition]
		if r.From < first || r.To > last {
			return fmt.Errorf("range %s is not in the log (earliest %d, latest %d)", r, first, last)
		}
	}
	return nil
}

func offsetsAfter(ctx context.Context, adm *kadm.Client, t *topic, millis int64) ([]int64, error) {
	listed, err := adm.ListOffsetsAfterMilli(ctx, millis, t.name)
	if err != nil {
		return nil, fmt.Errorf("list offsets after a time: %w", err)
	}
	return t.offsets(listed)
}
