package flow

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// fileWindow is the largest zstd window of a file: that of "zstd --ultra -22" and "zstd --long".
	fileWindow = 128 << 20
	// longLineKept is how much of a line over the limit is handed out, for the reject that names it.
	longLineKept = 4096
)

// LineReader reads the lines of a log file: plain, gzip of any number of members, or zstd, told by the first
// bytes. It belongs to one goroutine and reads only as far as it is asked.
type LineReader struct {
	raw  *bufio.Reader // the file
	text *bufio.Reader // its decompressed content
	kind compression
	in   inflater
	max  int
	line []byte // a line longer than the buffer of text
}

// NewLineReader makes a reader of r whose lines have at most maxLine bytes (0: 16 MiB, as Limits.MaxInput). It
// reads the first bytes of r.
func NewLineReader(r io.Reader, maxLine int) (*LineReader, error) {
	if maxLine <= 0 {
		maxLine = defaultMaxInput
	}
	l := &LineReader{raw: bufio.NewReaderSize(r, 64<<10), max: maxLine}
	magic, err := l.raw.Peek(magicLen)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read first bytes: %w", err)
	}
	l.kind = compressionOf(magic)
	if l.kind == plain {
		l.text = l.raw
		return l, nil
	}
	content, err := l.in.reset(l.kind, l.raw, fileWindow)
	if err != nil {
		return nil, fmt.Errorf("open %s stream: %w", l.kind, err)
	}
	l.text = bufio.NewReaderSize(content, 64<<10)
	return l, nil
}

// Next returns the next line without its line end, valid until the next call, and io.EOF after the last one, which
// may lack its line end. A line over the limit gives its beginning with an *UndecodableError (too_large); the
// next call goes on behind it. Any other error is final: a compressed file that is cut or broken gives all whole
// lines before the fault, and then the error; what is left of the last line is dropped, since a cut number is
// another number.
func (l *LineReader) Next() ([]byte, error) {
	l.line = l.line[:0]
	size := 0
	for {
		part, err := l.text.ReadSlice('\n')
		size += len(part)
		switch {
		case err == nil && size == len(part):
			return l.whole(part, size)
		case size <= l.max+2: // the line end counts for nothing
			l.line = append(l.line, part...)
		case len(l.line) > longLineKept:
			l.line = l.line[:longLineKept]
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == nil, err == io.EOF && size > 0:
			if len(l.line) < size { // the end of the line was not kept
				size -= len(part) - len(trimLineEnd(part))
			}
			return l.whole(l.line, size)
		case err == io.EOF:
			return nil, io.EOF
		}
		return nil, fmt.Errorf("read %s stream, %d bytes into a line: %w", l.kind, size, err)
	}
}

// whole returns a complete line of size bytes, of which b may hold the beginning only.
func (l *LineReader) whole(b []byte, size int) ([]byte, error) {
	end := len(b)
	if end == size {
		b = trimLineEnd(b)
		size -= end - len(b)
	}
	if size > l.max {
		return b[:min(len(b), longLineKept)], tooLarge("line has %d bytes, limit %d", size, l.max)
	}
	return b, nil
}

// Close lets go of the decompressor. It does not close the file.
func (l *LineReader) Close() {
	if l.in.zs != nil {
		l.in.zs.Close()
	}
}

// trimLineEnd drops "\n" or "\r\n".
func trimLineEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
}
