package fgb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"ndr/feature"
	"ndr/sinks"
)

// put finishes a table and creates its object. One that is there is from an attempt that did not get to its commit:
// with the same rows it is as good, else it is replaced.
func (j *Job) put(ctx context.Context, o feature.Object, w *rowWriter) (made sinks.BaselineTable, err error) {
	if err := w.flush(); err != nil {
		return made, err
	}
	stats, body, err := w.Finish()
	if err != nil {
		return made, err
	}
	key, err := j.cfg.Layout.Path(o)
	if err != nil {
		return made, err
	}
	made = sinks.BaselineTable{Dataset: o.Dataset + o.Name, Part: o.Shard, Key: key, Rows: stats.Rows, Bytes: stats.Bytes, SHA256: stats.SHA256,
		ContentDigest: stats.ContentDigest}
	err = j.store.Create(ctx, key, body)
	if !errors.Is(err, fs.ErrExist) {
		return made, err
	}
	info, err := j.store.Stat(ctx, key)
	if err != nil {
		return made, err
	}
	if there, err := j.sumOf(ctx, key); err == nil && there == stats.SHA256 {
		return made, nil
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return made, fmt.Errorf("replace %s: %w", key, err)
	}
	return made, j.store.Replace(ctx, key, body, info.Tag)
}

// sumOf is the SHA-256 of an object.
func (j *Job) sumOf(ctx context.Context, key string) (string, error) {
	return sinks.ObjectSHA256(ctx, j.store, key)
}

// write creates or replaces a small object.
func (j *Job) write(ctx context.Context, key string, body []byte) error {
	err := j.store.Create(ctx, key, bytes.NewReader(body))
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := j.store.Stat(ctx, key)
	if err != nil {
		return err
	}
	return j.store.Replace(ctx, key, bytes.NewReader(body), info.Tag)
}

// counter reports progress from several goroutines.
type counter struct {
	job   *Job
	step  string
	total int64
	mu    struct {
		sync.Mutex
		done int64
	}
}

func newCounter(j *Job, step string, total int64) *counter {
	j.progress(step, 0, total)
	return &counter{job: j, step: step, total: total}
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.done++
	c.job.progress(c.step, c.mu.done, c.total)
}
