package kafka

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// maxPooled is the capacity in bytes up to which a buffer is kept: larger ones are rare, and held memory for long.
const maxPooled = 8 << 20

// pool lets the client use the memory of decompressed batches again, once their last record is recycled: that is half
// of the garbage of a fetch. Batches with a record that was dropped are left to the garbage collector.
type pool struct{ bytes, records sync.Pool }

var (
	_ kgo.PoolDecompressBytes = (*pool)(nil)
	_ kgo.PoolRecords         = (*pool)(nil)
)

// GetDecompressBytes returns a buffer to decompress into, which the client grows if it is too small.
func (p *pool) GetDecompressBytes(compressed []byte, _ kgo.CompressionCodecType) []byte {
	if b, ok := p.bytes.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 0, min(inflation*len(compressed), maxPooled))
}

// PutDecompressBytes takes a buffer back.
func (p *pool) PutDecompressBytes(b []byte) {
	if cap(b) <= maxPooled {
		p.bytes.Put(&b)
	}
}

// GetRecords returns a slice for n records.
func (p *pool) GetRecords(n int) []kgo.Record {
	if r, ok := p.records.Get().(*[]kgo.Record); ok && cap(*r) >= n {
		return *r
	}
	return make([]kgo.Record, n)
}

// PutRecords takes a slice back.
func (p *pool) PutRecords(r []kgo.Record) {
	if cap(r)*recordBytes <= maxPooled {
		p.records.Put(&r)
	}
}
