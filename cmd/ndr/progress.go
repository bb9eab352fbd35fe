package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"ndr/feature"
	"ndr/stream"
)

const (
	progressOnTerminal = 500 * time.Millisecond
	progressElsewhere  = 30 * time.Second
)

// progress tells a person how far a bounded run is: a moving line on a terminal, a line every 30 s elsewhere.
type progress struct {
	out   io.Writer
	moves bool
	clock feature.Clock
	began time.Time
	done  chan struct{}
	wg    sync.WaitGroup
	mu    struct {
		sync.Mutex
		closes int
		slice  string
	}
}

func newProgress(out io.Writer, clock feature.Clock) *progress {
	return &progress{out: out, moves: terminal(out), clock: clock, began: now(), done: make(chan struct{})}
}

// closed notes that a shard has closed a slice.
func (p *progress) closed(_ int, r *stream.CloseRecord) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.closes++
	p.mu.slice = r.Name
}

// watch prints until stop.
func (p *progress) watch(ctx context.Context, m *stream.Metrics) {
	every := progressElsewhere
	if p.moves {
		every = progressOnTerminal
	}
	p.wg.Go(func() {
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-p.done:
				return
			case <-t.C:
				p.print(m)
			}
		}
	})
}

func (p *progress) print(m *stream.Metrics) {
	p.mu.Lock()
	closes, slice := p.mu.closes, p.mu.slice
	p.mu.Unlock()
	records := sum(m.Records)
	line := fmt.Sprintf("%s  %.0f records cut, %d slices of shards closed", time.Since(p.began).Round(time.Second), records, closes)
	if slice != "" {
		line += ", now at " + slice
	}
	if p.moves {
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
	} else {
		fmt.Fprintln(p.out, line)
	}
}

func (p *progress) stop() {
	close(p.done)
	p.wg.Wait()
	if p.moves {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// sum adds up all series of a counter.
func sum(c prometheus.Collector) (total float64) {
	ch := make(chan prometheus.Metric, 64)
	go func() {
		c.Collect(ch)
		close(ch)
	}()
	for m := range ch {
		var d dto.Metric
		if m.Write(&d) == nil {
			total += d.GetCounter().GetValue()
		}
	}
	return total
}
