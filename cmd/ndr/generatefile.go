package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"ndr/flow"
)

// streamSink writes flows as one text to a file or to stdout.
type streamSink struct {
	name   string // "" is stdout
	buffer *bufio.Writer
	open   []io.Closer // from the inside out: compressor, file
	ended  bool
}

const sinkBuffer = 256 << 10

func newStreamSink(w io.Writer, name string) *streamSink {
	return &streamSink{name: name, buffer: bufio.NewWriterSize(w, sinkBuffer)}
}

// newFileSink makes the file, compressed as its name says.
func newFileSink(name string) (*streamSink, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("make output: %w", err)
	}
	switch filepath.Ext(name) {
	case ".gz":
		z := gzip.NewWriter(f)
		s := newStreamSink(z, name)
		s.open = []io.Closer{z, f}
		return s, nil
	case ".zst":
		z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make output %s: %w", name, err), f.Close())
		}
		s := newStreamSink(z, name)
		s.open = []io.Closer{z, f}
		return s, nil
	}
	s := newStreamSink(f, name)
	s.open = []io.Closer{f}
	return s, nil
}

func (s *streamSink) header(text []byte) error { return s.write(text) }

func (s *streamSink) flow(ctx context.Context, _ *flow.Record, lines []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.write(lines)
}

func (s *streamSink) finish(_ context.Context, footer []byte) error {
	err := s.write(footer)
	if err == nil {
		err = s.end()
	}
	return err
}

func (s *streamSink) write(b []byte) error {
	if _, err := s.buffer.Write(b); err != nil {
		return fmt.Errorf("write flows: %w", err)
	}
	return nil
}

// end writes what is buffered and closes the file.
func (s *streamSink) end() error {
	s.ended = true
	err := s.buffer.Flush()
	for _, c := range s.open {
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		return fmt.Errorf("write flows: %w", err)
	}
	return nil
}

// close ends what an error or an interruption left open: what was made until then stays readable.
func (s *streamSink) close() error {
	if s.ended {
		return nil
	}
	return s.end()
}
