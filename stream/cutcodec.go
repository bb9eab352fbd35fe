package stream

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"ndr/feature"
)

// A cut object is: magic (8 bytes, the last one is the format), length and CRC-32C of the header (4 bytes each,
// little-endian), header (JSON), then the compressed sections that the header locates by offsets from its end.
const (
	cutMagic       = "NDRCUT\x00\x01"
	cutPreamble    = len(cutMagic) + 8
	cutFirstRead   = 32 << 10
	maxCutHeader   = 16 << 20
	maxSectionSize = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A cutEncoder makes cut objects. It belongs to one goroutine.
type cutEncoder struct {
	zstd *zstd.Encoder
	buf  []byte // a section before compression
	body []byte // all sections, compressed
}

func newCutEncoder() (*cutEncoder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, fmt.Errorf("make cut encoder: %w", err)
	}
	return &cutEncoder{zstd: z}, nil
}

// encode completes h (sections, digest) and returns the object's bytes, which the caller owns.
func (e *cutEncoder) encode(h *CutHeader, sections []feature.Section, carry []half) ([]byte, error) {
	body := e.body[:0]
	add := func(plain []byte) SectionRef {
		if len(plain) == 0 {
			return SectionRef{Offset: int64(len(body))}
		}
		at := len(body)
		body = e.zstd.EncodeAll(plain, body)
		return SectionRef{Offset: int64(at), Length: int64(len(body) - at), CRC: crc32.Checksum(body[at:], castagnoli)}
	}
	h.Sections = h.Sections[:0]
	for i := range sections {
		e.buf = appendSection(e.buf[:0], &sections[i])
		h.Sections = append(h.Sections, add(e.buf))
	}
	e.buf = appendCarry(e.buf[:0], carry)
	h.Carry = add(e.buf)
	e.body = body
	plain, err := h.digestible()
	if err != nil {
		return nil, fmt.Errorf("encode cut header: %w", err)
	}
	sum := sha256.New()
	sum.Write(plain)
	sum.Write(body)
	h.ContentDigest = hex.EncodeToString(sum.Sum(nil))
	head, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode cut header: %w", err)
	}
	out := make([]byte, 0, cutPreamble+len(head)+len(body))
	out = append(out, cutMagic...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(head)))
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(head, castagnoli))
	return append(append(out, head...), body...), nil
}

// Cut is an opened cut object: its header, and where its sections lie.
type Cut struct {
	Header CutHeader
	key    string
	base   int64 // offset of the first section
}

var errCutFormat = errors.New("unknown cut format")

// OpenCut reads the header of a cut object. A missing object is fs.ErrNotExist.
func OpenCut(ctx context.Context, objects Objects, key string) (*Cut, error) {
	b, err := objects.Get(ctx, key, 0, cutFirstRead)
	if err != nil {
		return nil, fmt.Errorf("open cut %s: %w", key, err)
	}
	if len(b) < cutPreamble || string(b[:7]) != cutMagic[:7] {
		return nil, fmt.Errorf("open cut %s: not a cut object", key)
	}
	if b[7] == 0 || b[7] > CutFormat+1 {
		return nil, fmt.Errorf("open cut %s: %w: %d, this build knows up to %d", key, errCutFormat, b[7], CutFormat+1)
	}
	size := int64(binary.LittleEndian.Uint32(b[len(cutMagic):]))
	if size > maxCutHeader {
		return nil, fmt.Errorf("open cut %s: header of %d bytes", key, size)
	}
	c := &Cut{key: key, base: int64(cutPreamble) + size}
	if c.base > int64(len(b)) {
		if b, err = objects.Get(ctx, key, 0, c.base); err != nil {
			return nil, fmt.Errorf("open cut %s: %w", key, err)
		}
	}
	if int64(len(b)) < c.base {
		return nil, fmt.Errorf("open cut %s: cut short at byte %d", key, len(b))
	}
	head := b[cutPreamble:c.base]
	if crc32.Checksum(head, castagnoli) != binary.LittleEndian.Uint32(b[len(cutMagic)+4:]) {
		return nil, fmt.Errorf("open cut %s: checksum of the header does not match", key)
	}
	if err := json.Unmarshal(head, &c.Header); err != nil {
		return nil, fmt.Errorf("open cut %s: header: %w", key, err)
	}
	return c, nil
}

// section reads and opens one section.
func (c *Cut) section(ctx context.Context, objects Objects, ref SectionRef) ([]byte, error) {
	if ref.Length == 0 {
		return nil, nil
	}
	b, err := objects.Get(ctx, c.key, c.base+ref.Offset, ref.Length)
	if err != nil {
		return nil, fmt.Errorf("read cut %s: %w", c.key, err)
	}
	if int64(len(b)) != ref.Length || crc32.Checksum(b, castagnoli) != ref.CRC {
		return nil, fmt.Errorf("read cut %s: checksum of the section at %d does not match", c.key, c.base+ref.Offset)
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxSectionSize))
	if err != nil {
		return nil, fmt.Errorf("read cut %s: %w", c.key, err)
	}
	defer z.Close()
	plain, err := z.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("read cut %s: section at %d: %w", c.key, c.base+ref.Offset, err)
	}
	return plain, nil
}

// ReadSection returns the rows of one shard.
func (c *Cut) ReadSection(ctx context.Context, objects Objects, shard int) (feature.Section, error) {
	if shard >= len(c.Header.Sections) {
		return feature.Section{}, fmt.Errorf("read cut %s: shard %d of %d", c.key, shard, len(c.Header.Sections))
	}
	plain, err := c.section(ctx, objects, c.Header.Sections[shard])
	if err != nil {
		return feature.Section{}, err
	}
	s, err := parseSection(plain)
	if err != nil {
		return feature.Section{}, fmt.Errorf("read cut %s, shard %d: %w", c.key, shard, err)
	}
	return s, nil
}

// readCarry returns the halves that waited at the end of the cut.
func (c *Cut) readCarry(ctx context.Context, objects Objects) ([]half, error) {
	plain, err := c.section(ctx, objects, c.Header.Carry)
	if err != nil {
		return nil, err
	}
	halves, err := parseCarry(plain)
	if err != nil {
		return nil, fmt.Errorf("read cut %s, carry: %w", c.key, err)
	}
	return halves, nil
}
