package flow

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compression is told by the first bytes, never by a file name.
type compression uint8

const (
	plain compression = iota
	gzipped
	zstandard
)

// magicLen is how many bytes compressionOf needs at most.
const magicLen = 4

func compressionOf(b []byte) compression {
	switch {
	case len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b:
		return gzipped
	case len(b) >= 4 && b[0] == 0x28 && b[1] == 0xb5 && b[2] == 0x2f && b[3] == 0xfd:
		return zstandard
	}
	return plain
}

func (c compression) String() string { return [...]string{"plain", "gzip", "zstd"}[c] }

// inflater keeps the decompressors of one owner for reuse. They run in the caller's goroutine.
type inflater struct {
	gz *gzip.Reader
	zs *zstd.Decoder
}

// reset returns a reader of the decompressed bytes of src. Windows of zstd above maxWindow bytes are refused with
// zstd.ErrWindowSizeExceeded.
func (f *inflater) reset(c compression, src io.Reader, maxWindow uint64) (io.Reader, error) {
	var err error
	switch c {
	case gzipped:
		if f.gz == nil {
			f.gz = new(gzip.Reader)
		}
		return f.gz, f.gz.Reset(src)
	case zstandard:
		if f.zs == nil {
			// One decoder at a time means no goroutines. The buffer for a whole input in memory is turned off,
			// since it would hold more than the caller's limit.
			f.zs, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecodeBuffersBelow(0))
			if err != nil {
				return nil, err
			}
		}
		return f.zs, f.zs.Reset(src)
	}
	return src, nil
}

// release lets go of the last source; the decompressors stay for the next one.
func (f *inflater) release() {
	if f.zs != nil {
		_ = f.zs.Reset(nil) // a reset to nothing has nothing to fail
	}
}

// Decompressor opens gzip and zstd records in memory, within Limits. It belongs to one goroutine; what Open
// returns is valid until its next call.
type Decompressor struct {
	limits Limits
	in     inflater
	src    bytes.Reader
	out    bytes.Buffer
}

// NewDecompressor makes a Decompressor; limits that are zero get their defaults.
func NewDecompressor(limits Limits) *Decompressor {
	return &Decompressor{limits: limits.withDefaults()}
}

// Open returns the content of a gzip or zstd record, all its members in a row, and any other record as it is. An
// error is an *UndecodableError: too_large over a limit, malformed if the compressed data is broken or cut.
func (d *Decompressor) Open(record []byte) ([]byte, error) {
	if len(record) > d.limits.MaxInput {
		return nil, tooLarge("record has %d bytes, limit %d", len(record), d.limits.MaxInput)
	}
	c := compressionOf(record)
	if c == plain {
		return record, nil
	}
	d.src.Reset(record)
	d.out.Reset()
	defer d.in.release()
	r, err := d.in.reset(c, &d.src, uint64(d.limits.MaxOutput))
	if err == nil {
		_, err = d.out.ReadFrom(io.LimitReader(r, int64(d.limits.MaxOutput)+1))
	}
	switch {
	case d.out.Len() > d.limits.MaxOutput, errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		d.out = bytes.Buffer{} // do not keep the memory of a bomb
		return nil, tooLarge("%s record of %d bytes holds more than %d bytes", c, len(record), d.limits.MaxOutput)
	case err != nil:
		return nil, &UndecodableError{ReasonMalformed, fmt.Sprintf("%s after %d bytes of content: %v", c, d.out.Len(), err)}
	}
	return d.out.Bytes(), nil
}

func tooLarge(format string, args ...any) *UndecodableError {
	return &UndecodableError{ReasonTooLarge, fmt.Sprintf(format, args...)}
}
