package fgb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"ndr/feature"
)

// A spilled row has a column per metric, NaN for null, and the number of its slice within the horizon.
const (
	columnSlice = feature.NumMetrics
	numColumns  = feature.NumMetrics + 1
)

// chunk is the rows of one group (segment, role, band, window) of one run, in the order of hosts, on the local disk:
//
//	widths     numColumns bytes: 0 constant, 1, 2 or 4 whole numbers, 8 floats
//	constants  8 bytes (float bits) for each constant column
//	hosts      hostBytes each: address, number of rows
//	columns    each rows x width bytes; of whole numbers the largest of the width is null
//
// all little-endian. Columns of counts are mostly constant or narrow, which makes a row about a quarter of its size.
type chunk struct {
	group  groupID
	offset int64
	bytes  int64
	rows   int
	hosts  int
	first  feature.Addr // its first host
}

const hostBytes = 20

// widthOf is the width of a column of values.
func widthOf(values []float64) byte {
	first := math.Float64bits(values[0])
	constant, whole, largest := true, true, int64(0)
	for _, x := range values {
		constant = constant && math.Float64bits(x) == first
		n := int64(x)
		if float64(n) == x && n >= 0 {
			largest = max(largest, n)
		} else if x == x {
			whole = false
			if !constant {
				return 8
			}
		}
	}
	switch {
	case constant:
		return 0
	case !whole:
		return 8
	}
	return valueWidth(largest)
}

// valueWidth is the width of whole numbers up to the largest.
func valueWidth(largest int64) byte {
	switch {
	case largest < math.MaxUint8:
		return 1
	case largest < math.MaxUint16:
		return 2
	case largest < math.MaxUint32:
		return 4
	}
	return 8
}

// encodeValues writes values in the width of their column.
func encodeValues(dst []byte, w byte, values []float64) []byte {
	switch w {
	case 1:
		for _, x := range values {
			n := uint8(math.MaxUint8)
			if x == x {
				n = uint8(x)
			}
			dst = append(dst, n)
		}
	case 2:
		for _, x := range values {
			n := uint16(math.MaxUint16)
			if x == x {
				n = uint16(x)
			}
			dst = binary.LittleEndian.AppendUint16(dst, n)
		}
	case 4:
		for _, x := range values {
			n := uint32(math.MaxUint32)
			if x == x {
				n = uint32(x)
			}
			dst = binary.LittleEndian.AppendUint32(dst, n)
		}
	case 8:
		for _, x := range values {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
		}
	}
	return dst
}

// appendValues reads all values of b, which are of a width above 0.
func appendValues(dst []float64, w byte, b []byte) []float64 {
	nan := math.NaN()
	switch w {
	case 1:
		for _, n := range b {
			x := float64(n)
			if n == math.MaxUint8 {
				x = nan
			}
			dst = append(dst, x)
		}
	case 2:
		for ; len(b) >= 2; b = b[2:] {
			n := binary.LittleEndian.Uint16(b)
			x := float64(n)
			if n == math.MaxUint16 {
				x = nan
			}
			dst = append(dst, x)
		}
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			n := binary.LittleEndian.Uint32(b)
			x := float64(n)
			if n == math.MaxUint32 {
				x = nan
			}
			dst = append(dst, x)
		}
	default:
		for ; len(b) >= 8; b = b[8:] {
			dst = append(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	}
	return dst
}

// chunkReader reads parts of a chunk. It belongs to one goroutine.
type chunkReader struct {
	chunk
	file     io.ReaderAt
	whole    []byte // the chunk, where it was loaded at once
	widths   [numColumns]byte
	constant [numColumns]float64
	hostsAt  int64
	columnAt [numColumns]int64
}

var errChunk = errors.New("read spilled rows: damaged chunk")

const maxChunkHead = numColumns + 8*numColumns

// open reads the head of a chunk; small ones, up to load bytes, are read whole.
func (r *chunkReader) open(file io.ReaderAt, c chunk, load int64) error {
	whole := r.whole
	*r = chunkReader{chunk: c, file: file}
	head := make([]byte, 0, maxChunkHead)
	var err error
	if c.bytes <= load {
		r.whole = sized(whole, int(c.bytes))
		_, err = file.ReadAt(r.whole, c.offset)
		head = r.whole
	} else {
		head = head[:min(c.bytes, int64(maxChunkHead))]
		_, err = file.ReadAt(head, c.offset)
	}
	if err != nil {
		return fmt.Errorf("read spilled rows: %w", err)
	}
	if len(head) < numColumns {
		return errChunk
	}
	copy(r.widths[:], head)
	at := int64(numColumns)
	for m, w := range r.widths {
		if w == 0 {
			if at+8 > int64(len(head)) {
				return errChunk
			}
			r.constant[m] = math.Float64frombits(binary.LittleEndian.Uint64(head[at:]))
			at += 8
		}
	}
	r.hostsAt = at
	at += int64(c.hosts) * hostBytes
	for m, w := range r.widths {
		r.columnAt[m] = at
		at += int64(c.rows) * int64(w)
	}
	if at != c.bytes {
		return errChunk
	}
	return nil
}

// at returns n bytes from a place in the chunk, in buf where they are not loaded.
func (r *chunkReader) at(off int64, n int, buf []byte) ([]byte, error) {
	if r.whole != nil {
		return r.whole[off : off+int64(n)], nil
	}
	buf = sized(buf, n)
	if _, err := r.file.ReadAt(buf, r.offset+off); err != nil {
		return nil, fmt.Errorf("read spilled rows: %w", err)
	}
	return buf, nil
}

// sized returns a slice of n bytes in the memory of b, or in new memory.
func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/4)
	}
	return b[:n]
}

// column appends the values of the rows [from, from+n) of a column; buf is scratch, which is returned.
func (r *chunkReader) column(m, from, n int, dst []float64, buf []byte) ([]float64, []byte, error) {
	w := r.widths[m]
	if w == 0 {
		return appendSame(dst, r.constant[m], n), buf, nil
	}
	b, err := r.at(r.columnAt[m]+int64(from)*int64(w), n*int(w), buf)
	if err != nil {
		return dst, buf, err
	}
	if r.whole == nil {
		buf = b
	}
	return appendValues(dst, w, b), buf, nil
}

func appendSame(dst []float64, x float64, n int) []float64 {
	for range n {
		dst = append(dst, x)
	}
	return dst
}

// hostRun is a host and how many rows of it follow.
type hostRun struct {
	host feature.Addr
	rows int
}

// hostRuns appends the hosts [from, from+n).
func (r *chunkReader) hostRuns(from, n int, dst []hostRun) ([]hostRun, error) {
	b, err := r.at(r.hostsAt+int64(from)*hostBytes, n*hostBytes, nil)
	if err != nil {
		return dst, err
	}
	for ; len(b) >= hostBytes; b = b[hostBytes:] {
		dst = append(dst, hostRun{feature.Addr{Hi: binary.LittleEndian.Uint64(b), Lo: binary.LittleEndian.Uint64(b[8:])},
			int(binary.LittleEndian.Uint32(b[16:]))})
	}
	return dst, nil
}

func appendHostRun(dst []byte, h hostRun) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, h.host.Hi)
	dst = binary.LittleEndian.AppendUint64(dst, h.host.Lo)
	return binary.LittleEndian.AppendUint32(dst, uint32(h.rows))
}
