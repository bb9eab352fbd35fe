package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"ndr/feature"
)

// Why a cut was made.
const (
	causeSlice    = "slice"    // the watermark passed a slice end
	causeMemory   = "memory"   // the memory budget was reached
	causeInterval = "interval" // max_cut_interval has passed
	causeRecords  = "records"  // max_cut_records was reached
	causeIdle     = "idle"     // the partition fell silent
	causeStop     = "stop"     // SIGTERM or revocation
	causeEnd      = "end"      // the end of a bounded input
)

const (
	tick     = time.Second      // how often an unused partition looks at its clocks
	nearHead = 10_000           // records behind the head of the log that still count as near it
	grace    = 30 * time.Second // for the last cut when the partition is taken away
	maxPause = 10 * time.Second // between attempts to store the same bytes
)

// worker drives one partition: it reads, decides when to cut, and stores the cuts. It owns the partition.
type worker struct {
	in     *Ingest
	p      *partition
	reader Reader
	enc    *cutEncoder
	log    *slog.Logger

	lastCut  time.Time
	lastFlow time.Time // of the last accepted flow, or the assignment
	base     int64     // watermark then
	taken    int64     // p.taken then
	asked    time.Time // when the other partitions' watermarks were looked at last
}

// errGivenUp ends a partition that was taken away while the outcome of its cut was unknown. Other bytes must not
// be sent for the same number: whoever owns the partition next reads the records again.
var errGivenUp = errors.New("cut given up")

// run reads until the partition ends, is taken away or breaks.
func (w *worker) run(ctx context.Context) error {
	err := w.read(ctx)
	if errors.Is(err, errGivenUp) {
		return nil
	}
	return err
}

func (w *worker) read(ctx context.Context) error {
	w.lastCut = w.in.cfg.Now()
	w.moved()
	for w.p.watermark != EndOfInput { // also another owner's last cut, once it is adopted
		poll, cancel := context.WithTimeout(ctx, tick)
		records, err := w.reader.Poll(poll)
		over := poll.Err() != nil
		cancel()
		if err := w.apply(ctx, records); err != nil {
			return err
		}
		switch {
		case ctx.Err() != nil:
			return w.stop(ctx)
		case err == io.EOF: // a failed connection may wrap io.EOF, and is no end
			return w.end(ctx)
		case err != nil && !(over && errors.Is(err, context.DeadlineExceeded)):
			return fmt.Errorf("read partition %s: %w", w.p.name, err)
		}
		if cause := w.due(ctx); cause != "" {
			if err := w.cut(ctx, cause); err != nil {
				return err
			}
		}
	}
	return nil
}

// end writes the last cut of a bounded input. Another owner may have cut up to the same position without knowing
// that it was the last one: then there is one more cut to make.
func (w *worker) end(ctx context.Context) error {
	for w.p.watermark != EndOfInput {
		w.p.finish()
		if err := w.cut(ctx, causeEnd); err != nil {
			return err
		}
	}
	return nil
}

// apply folds the records and cuts in between where a limit is reached.
func (w *worker) apply(ctx context.Context, records []Record) error {
	limit := w.in.cfg.MaxCutRecords
	for i := range records {
		if err := w.p.apply(&records[i]); err != nil {
			return err
		}
		cause := ""
		switch {
		case limit > 0 && w.p.count.Records >= limit:
			cause = causeRecords
		case i%256 == 255 && w.in.crowded(w.p.name, w.p.size()):
			cause = causeMemory
		}
		if cause != "" {
			if err := w.cut(ctx, cause); err != nil {
				return err
			}
		}
	}
	if w.p.taken != w.taken {
		w.moved()
	}
	w.observe()
	return nil
}

// moved notes that a flow was accepted now.
func (w *worker) moved() {
	w.lastFlow, w.base, w.taken = w.in.cfg.Now(), w.p.watermark, w.p.taken
}

func (w *worker) observe() {
	m, name := w.in.metrics, w.p.name
	if n, ok := w.reader.Behind(); ok {
		m.Lag.WithLabelValues(name).Set(float64(n))
	}
	if w.p.maxEvent != NoWatermark {
		m.EventTime.WithLabelValues(name).Set(float64(w.p.maxEvent) / float64(time.Second))
	}
	m.PartitionBytes.WithLabelValues(name).Set(float64(w.p.size()))
	m.Carry.WithLabelValues(name).Set(float64(len(w.p.carry.byEnd)))
}

// due decides whether a cut is due by the clocks, and why.
func (w *worker) due(ctx context.Context) string {
	now := w.in.cfg.Now()
	fresh := w.p.count.Records > 0
	behind, known := w.reader.Behind()
	switch {
	case fresh && w.in.crowded(w.p.name, w.p.size()):
		return causeMemory
	case fresh && known && behind <= nearHead && w.p.passes(w.p.watermark):
		return causeSlice
	case fresh && now.Sub(w.lastCut) >= w.in.cfg.MaxCutInterval:
		return causeInterval
	case now.Sub(w.lastFlow) >= w.in.cfg.IdleTimeout:
		if w.idle(ctx, now) {
			return causeIdle
		}
	}
	return ""
}

// idle moves the watermark of a silent partition on by the time that has passed, if the log has nothing more.
func (w *worker) idle(ctx context.Context, now time.Time) bool {
	base := w.base
	if w.p.maxEvent == NoWatermark {
		if now.Sub(w.asked) < w.in.cfg.IdleTimeout { // it lists and reads a cut of each of them
			return false
		}
		w.asked = now
		others, ok, err := w.in.othersMark(ctx, w.p.name)
		if err != nil || !ok || others == EndOfInput {
			w.trouble("idle", err)
			return false
		}
		base = max(base, others)
	} else {
		base += int64(now.Sub(w.lastFlow))
	}
	if !w.p.passes(base) {
		return false
	}
	end, err := w.reader.AtEnd(ctx)
	if err != nil || !end {
		w.trouble("idle", err)
		return false
	}
	return w.p.idle(base)
}

func (w *worker) trouble(place string, err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	w.in.metrics.Errors.WithLabelValues(place).Inc()
	w.log.Warn("look whether the partition is idle failed", "err", err)
}

// stop writes the last cut before the partition goes to another owner. If that fails nothing is lost: the next
// owner reads the records again.
func (w *worker) stop(ctx context.Context) error {
	if w.p.count.Records == 0 {
		return nil
	}
	return w.cut(ctx, causeStop)
}

// graceful is ctx, ended a little later: a cut that is being stored when the partition is taken away still has
// that time.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(grace, cancel)
		context.AfterFunc(late, func() { t.Stop() })
	})
	return late, func() { stop(); cancel() }
}

// cut freezes the rows and stores them as the next cut. It tries until the outcome is known: the object is ours,
// or another owner's, which is then adopted. When ctx has ended and the outcome is still unknown after a grace
// period it gives up: errGivenUp.
func (w *worker) cut(ctx context.Context, cause string) error {
	ctx, cancel := graceful(ctx)
	defer cancel()
	began := w.in.cfg.Now()
	a, err := w.p.freeze(w.enc, cause)
	if err != nil {
		return &BrokenError{err}
	}
	key, err := w.in.ctl.Layout.Path(feature.CutObject(w.in.cfg.Source, w.p.name, w.p.n))
	if err != nil {
		return err
	}
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, maxPause) {
		other, err := w.store(ctx, key, a)
		if err == nil && other == nil {
			w.stored(a, began)
			return nil
		}
		if err == nil {
			err = w.lost(ctx, other)
		}
		if err == nil || errors.Is(err, ErrReread) || !temporary(err) {
			return err
		}
		w.fail(err)
		w.log.Warn("store cut failed, sending the same bytes again", "cut", w.p.n, "err", err)
		if sleep(ctx, pause) != nil {
			w.log.Warn("cut not stored, the next owner reads again", "cut", w.p.n, "err", err)
			return errGivenUp
		}
	}
}

// store sends the attempt once. It returns the cut of another owner that is there already, nil if the object is
// ours.
func (w *worker) store(ctx context.Context, key string, a *attempt) (other *Cut, err error) {
	err = w.in.ctl.Objects.Create(ctx, key, bytes.NewReader(a.bytes))
	if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	c, err := OpenCut(ctx, w.in.ctl.Objects, key)
	if err != nil || c.Header.ContentDigest == a.header.ContentDigest {
		return nil, err
	}
	return c, nil
}

func (w *worker) stored(a *attempt, began time.Time) {
	w.p.stored(a)
	w.fail(nil)
	w.lastCut = w.in.cfg.Now()
	m := w.in.metrics
	m.count(&a.header.Counters)
	m.Cuts.WithLabelValues(a.header.Cause).Inc()
	m.CutBytes.Observe(float64(len(a.bytes)))
	m.CutSeconds.Observe(w.lastCut.Sub(began).Seconds())
	w.noteCut(a.header.To)
	w.in.onCut()
	w.log.Debug("cut stored", "cut", a.header.N, "cause", a.header.Cause, "records", a.header.Counters.Records, "bytes", len(a.bytes))
}

// noteCut tells the rest of the process how far the partition is cut.
func (w *worker) noteCut(to int64) {
	w.in.mu.Lock()
	defer w.in.mu.Unlock()
	w.in.mu.committed[w.p.name] = to
	w.in.mu.marks[w.p.name] = w.p.cutMark
}

// lost adopts the cut that another owner made first: the rows since are dropped and their records read again.
func (w *worker) lost(ctx context.Context, c *Cut) error {
	read := w.p.next
	if err := w.in.adopt(ctx, w.p, c); err != nil {
		return err
	}
	w.in.metrics.CutLost.Inc()
	w.fail(nil)
	w.log.Warn("another owner made the cut first, going on after it", "cut", c.Header.N, "from", c.Header.From, "to", c.Header.To)
	w.noteCut(c.Header.To)
	w.lastCut = w.in.cfg.Now()
	w.moved()
	if read > c.Header.To {
		return ErrReread
	}
	return nil
}

func (w *worker) fail(err error) {
	w.in.mu.Lock()
	defer w.in.mu.Unlock()
	if err == nil {
		delete(w.in.mu.failing, w.p.name)
	} else {
		w.in.mu.failing[w.p.name] = err
	}
}
