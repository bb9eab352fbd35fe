package fgb

import (
	"context"
	"sync"
)

// inOrder takes jobs from next until it is not ok, works on several at a time, and hands the results to done in the
// order of the jobs. next and done are each called from one goroutine; the first error ends all.
func inOrder[T any](ctx context.Context, workers int, next func(context.Context) (T, bool, error), work func(worker int, job T) error, done func(T) error) error {
	type slot struct {
		job   T
		err   error
		ready chan struct{}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan *slot, 2*workers) // in the order of jobs
	jobs := make(chan *slot, workers)
	var started sync.WaitGroup
	var nextErr error
	started.Go(func() {
		defer close(queue)
		defer close(jobs)
		for ctx.Err() == nil {
			job, ok, err := next(ctx)
			if err != nil || !ok {
				nextErr = err
				return
			}
			s := &slot{job: job, ready: make(chan struct{})}
			select {
			case queue <- s:
				jobs <- s // workers take every job, also after an error
			case <-ctx.Done():
			}
		}
	})
	for w := range workers {
		started.Go(func() {
			for s := range jobs {
				if s.err = ctx.Err(); s.err == nil {
					s.err = work(w, s.job)
				}
				close(s.ready)
			}
		})
	}
	var first error
	for s := range queue {
		<-s.ready
		if first == nil {
			first = s.err
		}
		if first == nil {
			first = done(s.job)
		}
		if first != nil {
			cancel()
		}
	}
	started.Wait()
	if first == nil {
		first = nextErr
	}
	if first == nil {
		first = ctx.Err()
	}
	return first
}
