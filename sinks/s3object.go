package sinks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// blockBytes is what a small read fetches: the footer and neighbouring column chunks of a Parquet file then cost
// few requests, each long enough to pay for its latency.
const blockBytes = 1 << 20

// s3Object reads ranges of the version of an object that Open found.
type s3Object struct {
	ctx  context.Context // of Open; io.ReaderAt has no room for one
	s3   *S3
	key  string
	tag  *string
	size int64

	mu struct {
		sync.Mutex
		off   int64
		block []byte // the last block fetched, from off; replaced, never changed
	}
}

// Open implements Store. Reads fail once the object is replaced.
func (s *S3) Open(ctx context.Context, key string) (Object, error) {
	out, err := s.head(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("open object %s: %w", key, err)
	}
	return &s3Object{ctx: ctx, s3: s, key: key, tag: out.ETag, size: aws.ToInt64(out.ContentLength)}, nil
}

func (o *s3Object) Size() int64 { return o.size }

func (o *s3Object) Close() error { return nil }

// ReadAt implements io.ReaderAt.
func (o *s3Object) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read object %s: negative offset %d", o.key, off)
	}
	if off >= o.size {
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), o.size-off)]
	if err := o.fill(want, off); err != nil {
		return 0, fmt.Errorf("read object %s: %w", o.key, err)
	}
	if len(want) < len(p) {
		return len(want), io.EOF
	}
	return len(want), nil
}

// fill reads p, which lies within the object, from the last block or from the store.
func (o *s3Object) fill(p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	o.mu.Lock()
	start, block := o.mu.off, o.mu.block
	o.mu.Unlock()
	if off >= start && off+int64(len(p)) <= start+int64(len(block)) {
		copy(p, block[off-start:])
		return nil
	}
	if len(p) >= blockBytes {
		block, err := o.fetch(off, int64(len(p)))
		copy(p, block)
		return err
	}
	start = min(off, max(0, o.size-blockBytes)) // near the end: the block that ends with the object
	block, err := o.fetch(start, min(blockBytes, o.size-start))
	if err != nil {
		return err
	}
	copy(p, block[off-start:])
	o.mu.Lock()
	o.mu.off, o.mu.block = start, block
	o.mu.Unlock()
	return nil
}

func (o *s3Object) fetch(off, n int64) ([]byte, error) {
	b, err := o.s3.get(o.ctx, o.key, off, n, o.tag)
	if errors.Is(err, fs.ErrExist) {
		return nil, errors.New("the object was replaced since it was opened")
	}
	if err == nil && int64(len(b)) != n {
		err = fmt.Errorf("got %d bytes of %d at %d: %w", len(b), n, off, io.ErrUnexpectedEOF)
	}
	return b, err
}
