package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/stream"
)

const (
	pollRecords = 512 // at most so many records are returned by a Poll
	retryPause  = time.Second
	askTimeout  = 10 * time.Second
)

// reader is the stream.Reader of one queue.
type reader struct {
	q    *queue
	p    *poller
	life context.Context // ends when the partition is taken away
	log  *slog.Logger
	cur  item
	at   int   // next record of cur
	done int   // records of cur that were recycled
	last int64 // position returned last, -1 before
	out  []stream.Record
}

var _ stream.Reader = (*reader)(nil)

func newReader(life context.Context, p *poller, q *queue, log *slog.Logger) *reader {
	return &reader{q: q, p: p, life: life, log: log, last: -1}
}

// Poll returns the next records, at most 512, and takes back the memory of those returned before.
func (r *reader) Poll(ctx context.Context) ([]stream.Record, error) {
	for _, k := range r.cur.records[r.done:r.at] {
		k.Recycle()
	}
	r.done = r.at
	for {
		if r.at < len(r.cur.records) {
			return r.convert(), nil
		}
		held := r.cur.bytes
		r.cur, r.at, r.done = item{}, 0, 0
		it, low, err := r.q.take(held, r.p.limit.Load())
		if held > 0 {
			r.p.took(r.q, held, low)
		}
		switch {
		case it.records != nil:
			r.cur = it
			continue
		case err == io.EOF: // a failed connection (kgo.ErrFirstReadEOF) wraps io.EOF, and is no end
			return nil, io.EOF
		case err != nil:
			if err := r.goOn(err); err != nil {
				return nil, err
			}
			continue
		}
		select {
		case <-r.q.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// convert makes the next records of the current item.
func (r *reader) convert() []stream.Record {
	n := min(pollRecords, len(r.cur.records)-r.at)
	r.out = r.out[:0]
	for _, k := range r.cur.records[r.at : r.at+n] {
		t, appended := recordTime(k, r.cur.fetched)
		r.out = append(r.out, stream.Record{
			Position: k.Offset, Time: t, TimeKnown: true, AppendTime: appended, Value: k.Value, Fault: r.cur.fault,
		})
	}
	r.at += n
	r.last = r.out[n-1].Position
	return r.out
}

// recordTime is the time of a record in nanoseconds: the broker's where it stamped the record itself, otherwise the
// smaller of the producer's and the time of the fetch.
func recordTime(k *kgo.Record, fetched int64) (nanos int64, appended bool) {
	switch k.Attrs.TimestampType() {
	case 1:
		return k.Timestamp.UnixNano(), true
	case 0:
		// Compared in milliseconds: a producer may claim a year that nanoseconds cannot express.
		if ms := k.Timestamp.UnixMilli(); ms >= 0 && ms < fetched/int64(time.Millisecond) {
			return k.Timestamp.UnixNano(), false
		}
	}
	return fetched, false
}

// AtEnd asks the leader for the end of the log, and then compares. The end is that of the log and not of the last
// finished transaction, so a partition with an open transaction is not at its end.
func (r *reader) AtEnd(ctx context.Context) (bool, error) {
	if r.at < len(r.cur.records) {
		return false, nil
	}
	end, err := offsetAt(ctx, r.p.cl, r.p.topic, r.q.partition, atLatest)
	if err != nil {
		return false, err
	}
	return r.q.drained(end), nil
}

// Behind is how many positions the log had after the last record returned, at the last fetch.
func (r *reader) Behind() (int64, bool) {
	if r.at < len(r.cur.records) {
		n, ok := r.q.behind(r.last)
		return max(n, int64(len(r.cur.records)-r.at)), ok
	}
	return r.q.behind(r.last)
}

// goOn decides about an error of the fetch: it returns one that is final, or waits and fetches again.
func (r *reader) goOn(err error) error {
	partition := name(r.q.partition)
	var loss *kgo.ErrDataLoss
	switch {
	case errors.As(err, &loss):
		return fmt.Errorf("log of partition %s was cut off after position %d was read: it now ends at %d: %w",
			partition, loss.ConsumedTo, loss.ResetTo, err)
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
		return fmt.Errorf("fetch partition %s: the topic was deleted, or made again under the same name: %w", partition, err)
	case errors.Is(err, kerr.OffsetOutOfRange):
		if err := r.outOfRange(err); err != nil {
			return err
		}
	case !kerr.IsRetriable(err):
		return fmt.Errorf("fetch partition %s: %w", partition, err)
	}
	r.p.metrics.Errors.WithLabelValues("fetch").Inc()
	r.log.Warn("fetch failed, reading on from the same position", "err", err)
	if err := pause(r.life, retryPause); err != nil {
		return err
	}
	r.p.seek(r.q)
	return nil
}

// outOfRange compares the position with the log. Without an answer, or if the position is there after all because a
// leader spoke too soon, it returns nil, and the fetch is tried again.
func (r *reader) outOfRange(cause error) error {
	ctx, cancel := context.WithTimeout(r.life, askTimeout)
	defer cancel()
	first, err := offsetAt(ctx, r.p.cl, r.p.topic, r.q.partition, atEarliest)
	if err != nil {
		return nil
	}
	last, err := offsetAt(ctx, r.p.cl, r.p.topic, r.q.partition, atLatest)
	next, partition := r.q.position(), name(r.q.partition)
	switch {
	case err != nil:
		return nil
	case next < first:
		return fmt.Errorf("position %d of partition %s no longer exists in the log (earliest %d, latest %d): retention overtook "+
			"this consumer, or records were deleted: %w", next, partition, first, last, cause)
	case next > last:
		return fmt.Errorf("position %d of partition %s is past the end of the log (earliest %d, latest %d): the log was cut off, "+
			"or is another one: %w", next, partition, first, last, cause)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
