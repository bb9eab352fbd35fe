package stream

import (
	"encoding/binary"
	"errors"
	"fmt"

	"ndr/feature"
)

var errShort = errors.New("cut short")

// appendSection encodes the rows of one shard: four lists, each preceded by its length. Numbers are varints;
// counters are a bit mask of those that are not zero, then their values.
func appendSection(b []byte, s *feature.Section) []byte {
	if len(s.Hosts)+len(s.Pairs)+len(s.Late)+len(s.Rejects) == 0 {
		return b
	}
	b = appendHosts(b, s.Hosts)
	b = binary.AppendUvarint(b, uint64(len(s.Pairs)))
	for i := range s.Pairs {
		b = appendPair(b, &s.Pairs[i])
	}
	b = appendHosts(b, s.Late)
	b = binary.AppendUvarint(b, uint64(len(s.Rejects)))
	for i := range s.Rejects {
		r := &s.Rejects[i]
		b = binary.AppendVarint(b, r.Position)
		b = binary.AppendVarint(b, int64(r.Item))
		b = appendBytes(b, r.Reason)
		b = appendBytes(b, r.Detail)
		b = appendBytes(b, string(r.Raw))
	}
	return b
}

func appendHosts(b []byte, rows []feature.HostRow) []byte {
	b = binary.AppendUvarint(b, uint64(len(rows)))
	for i := range rows {
		r := &rows[i]
		b = binary.AppendVarint(b, int64(r.Slice))
		b = append(r.Host.AppendSorted(b), byte(r.Role))
		b = appendSparse(b, r.Counters.Sum[:])
		b = appendSparse(b, r.Counters.Minute[:])
	}
	return b
}

func appendPair(b []byte, r *feature.PairRow) []byte {
	c := &r.Counters
	b = binary.AppendVarint(b, int64(r.Slice))
	b = append(r.Host.AppendSorted(b), byte(r.Role))
	b = r.Peer.AppendSorted(b)
	b = binary.BigEndian.AppendUint16(b, r.Port)
	b = binary.AppendVarint(b, c.Sessions)
	b = binary.AppendVarint(b, c.BytesSrc)
	b = binary.AppendVarint(b, c.BytesDst)
	b = append(b, byte(c.Res), byte(len(c.Kept)))
	for _, k := range c.Kept {
		b = binary.AppendVarint(b, int64(k.Start))
		b = binary.AppendUvarint(b, uint64(k.Duration))
		b = binary.AppendVarint(b, k.Bytes)
		b = binary.AppendUvarint(b, uint64(k.Port))
	}
	return b
}

func appendSparse(b []byte, values []int64) []byte {
	mask := uint64(0)
	for i, v := range values {
		if v != 0 {
			mask |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, mask)
	for _, v := range values {
		if v != 0 {
			b = binary.AppendVarint(b, v)
		}
	}
	return b
}

func appendBytes(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// parseSection decodes what appendSection wrote.
func parseSection(b []byte) (s feature.Section, err error) {
	if len(b) == 0 {
		return s, nil
	}
	r := reader{b: b}
	s.Hosts = r.hosts()
	for n := r.count(8); n > 0; n-- {
		s.Pairs = append(s.Pairs, r.pair())
	}
	s.Late = r.hosts()
	for n := r.count(5); n > 0; n-- {
		s.Rejects = append(s.Rejects, feature.Reject{
			Position: r.varint(), Item: int(r.varint()),
			Reason: string(r.bytes()), Detail: string(r.bytes()), Raw: append([]byte(nil), r.bytes()...),
		})
	}
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d bytes after the last row", len(r.b))
	}
	if r.err != nil {
		return feature.Section{}, fmt.Errorf("decode section at byte %d: %w", len(b)-len(r.b), r.err)
	}
	return s, nil
}

// reader takes values off a byte slice; after the first error it gives zero values.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads the length of a list whose entries take at least least bytes, so that a damaged length cannot ask
// for more memory than the input could fill.
func (r *reader) count(least uint64) uint64 {
	n := r.uvarint()
	if n*least > uint64(len(r.b)) || n > uint64(len(r.b)) {
		r.fail(fmt.Errorf("list of %d entries in %d bytes", n, len(r.b)))
		return 0
	}
	return n
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail(errShort)
		return make([]byte, min(max(n, 0), 16))
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail(errShort)
		return nil
	}
	return r.take(int(n))
}

func (r *reader) addr() feature.Addr {
	a, rest, err := feature.ReadSorted(r.b)
	if err != nil {
		r.fail(err)
		return a
	}
	r.b = rest
	return a
}

func (r *reader) sparse(into []int64) {
	mask := r.uvarint()
	if mask>>len(into) != 0 {
		r.fail(fmt.Errorf("mask %x of %d counters", mask, len(into)))
		return
	}
	for i := range into {
		if mask&(1<<i) != 0 {
			into[i] = r.varint()
		}
	}
}

func (r *reader) hosts() []feature.HostRow {
	n := r.count(8)
	if n == 0 {
		return nil
	}
	rows := make([]feature.HostRow, n)
	for i := range rows {
		h := &rows[i]
		h.Slice, h.Host, h.Role = feature.Slice(r.varint()), r.addr(), feature.Role(r.take(1)[0])
		r.sparse(h.Counters.Sum[:])
		r.sparse(h.Counters.Minute[:])
	}
	return rows
}

func (r *reader) pair() (p feature.PairRow) {
	p.Slice, p.Host, p.Role = feature.Slice(r.varint()), r.addr(), feature.Role(r.take(1)[0])
	p.Peer = r.addr()
	p.Port = binary.BigEndian.Uint16(r.take(2))
	p.Counters.Sessions, p.Counters.BytesSrc, p.Counters.BytesDst = r.varint(), r.varint(), r.varint()
	head := r.take(2)
	p.Counters.Res = feature.TimeRes(head[0])
	if n := int(head[1]); n > 0 && r.err == nil {
		p.Counters.Kept = make([]feature.KeptFlow, n)
		for i := range p.Counters.Kept {
			p.Counters.Kept[i] = feature.KeptFlow{
				Start: int32(r.varint()), Duration: uint32(r.uvarint()), Bytes: r.varint(), Port: uint16(r.uvarint()),
			}
		}
	}
	return p
}
