package state

import (
	"bytes"
	"encoding/binary"
	"errors"

	"ndr/feature"
)

// The first byte of a key is its kind. The order of the kinds keeps the small keys, which every fold and every roll
// touches, in one table before the large ones.
const (
	kindMeta     byte = 1 + iota // what | partition
	kindBlob                     // partition, 0, cut
	kindLate                     // host, role, slice, partition, 0, cut
	kindReject                   // partition, 0, cut, ordinal
	kindOpenHost                 // slice, host, role: merged
	kindOpenPair                 // slice, host, role, peer, port: merged
	kindRing                     // host, role
	kindPair                     // host, role, peer, port: merged by Boot only
)

// The second byte of a meta key.
const (
	metaFormat    byte = 'f'
	metaProgress  byte = 'g'
	metaPartition byte = 'p'
)

var errKey = errors.New("decode key: cut short or unknown")

func appendUint64(dst []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(dst, v) }

// appendSlice appends a slice so that the order of the bytes is that of the slices, negative ones first.
func appendSlice(dst []byte, s feature.Slice) []byte { return appendUint64(dst, uint64(s)^1<<63) }

func readSlice(b []byte) feature.Slice { return feature.Slice(binary.BigEndian.Uint64(b) ^ 1<<63) }

// appendUnit appends host and role, by which all large kinds are sorted: the unit of the close's scan.
func appendUnit(dst []byte, host feature.Addr, role feature.Role) []byte {
	return append(host.AppendSorted(dst), byte(role))
}

// splitUnit splits what follows the kind (and slice) of a key into host and role, and the rest.
func splitUnit(b []byte) (unit, rest []byte, err error) {
	n := 0
	switch {
	case len(b) > 0 && b[0] == 4:
		n = 1 + 4 + 1
	case len(b) > 0 && b[0] == 6:
		n = 1 + 16 + 1
	}
	if n == 0 || len(b) < n {
		return nil, nil, errKey
	}
	return b[:n], b[n:], nil
}

// readUnit reads a whole unit.
func readUnit(unit []byte) (feature.Addr, feature.Role, error) {
	host, rest, err := feature.ReadSorted(unit)
	if err != nil || len(rest) != 1 || rest[0] > byte(feature.Outbound) {
		return host, 0, errKey
	}
	return host, feature.Role(rest[0]), nil
}

func appendPeer(dst []byte, peer feature.Addr, port uint16) []byte {
	return binary.BigEndian.AppendUint16(peer.AppendSorted(dst), port)
}

func readPeer(b []byte) (feature.Addr, uint16, error) {
	peer, rest, err := feature.ReadSorted(b)
	if err != nil || len(rest) != 2 {
		return peer, 0, errKey
	}
	return peer, binary.BigEndian.Uint16(rest), nil
}

func appendOpenHost(dst []byte, s feature.Slice, host feature.Addr, role feature.Role) []byte {
	return appendUnit(appendSlice(append(dst, kindOpenHost), s), host, role)
}

func appendOpenPair(dst []byte, r *feature.PairRow) []byte {
	dst = appendUnit(appendSlice(append(dst, kindOpenPair), r.Slice), r.Host, r.Role)
	return appendPeer(dst, r.Peer, r.Port)
}

func appendPartition(dst []byte, partition string) []byte {
	return append(append(dst, metaPartition), partition...)
}

// appendCut appends partition and cut so that they sort as (string, number). A partition has no zero byte.
func appendCut(dst []byte, partition string, cut uint64) []byte {
	return appendUint64(append(append(dst, partition...), 0), cut)
}

// splitCut reads what appendCut wrote and returns what follows.
func splitCut(b []byte) (partition []byte, cut uint64, rest []byte, err error) {
	n := bytes.IndexByte(b, 0)
	if n < 0 || len(b) < n+9 {
		return nil, 0, nil, errKey
	}
	return b[:n], binary.BigEndian.Uint64(b[n+1:]), b[n+9:], nil
}

func appendLateKey(dst []byte, r *feature.HostRow, partition string, cut uint64) []byte {
	dst = appendUnit(append(dst, kindLate), r.Host, r.Role)
	return appendCut(appendSlice(dst, r.Slice), partition, cut)
}

// decodeLateKey fills the key fields of a late row.
func decodeLateKey(key []byte, r *feature.LateRow) error {
	unit, rest, err := splitUnit(key[1:])
	if err != nil || len(rest) < 8 {
		return errKey
	}
	if r.Host, r.Role, err = readUnit(unit); err != nil {
		return err
	}
	r.Slice = readSlice(rest)
	partition, cut, rest, err := splitCut(rest[8:])
	if err != nil || len(rest) != 0 {
		return errKey
	}
	if r.Partition != string(partition) { // the same for many rows: do not allocate each time
		r.Partition = string(partition)
	}
	r.Cut = cut
	return nil
}
