package state

import (
	"fmt"
	"maps"
	"slices"

	"ndr/feature"
)

// FormatVersion is the version of the keys and values that this program writes. It reads this one and older ones.
const FormatVersion = 1

// Meta is what a store knows of itself.
type Meta struct {
	FormatVersion int                      `json:"format_version"`
	LogicVersion  string                   `json:"logic_version"` // of the program that wrote the last roll
	HasClosed     bool                     `json:"has_closed"`
	LastClosed    feature.Slice            `json:"last_closed"` // meaningful with HasClosed
	HasFirst      bool                     `json:"has_first"`
	FirstKnown    int64                    `json:"first_known"` // nanoseconds since the Unix epoch, with HasFirst
	BootDays      []int32                  `json:"boot_days,omitempty"`
	Partitions    map[string]PartitionMeta `json:"partitions"`
}

// PartitionMeta is how far a source partition is folded.
type PartitionMeta struct {
	Last      uint64 `json:"last"`      // number of the last folded cut; cuts are numbered from 1
	Watermark int64  `json:"watermark"` // of that cut, nanoseconds since the Unix epoch
}

func (m Meta) clone() Meta {
	m.Partitions = maps.Clone(m.Partitions)
	m.BootDays = slices.Clone(m.BootDays)
	return m
}

// isBootDay reports whether the sessions of this day came from lookback30d, so that closes do not count them again.
func (m *Meta) isBootDay(day int32) bool {
	_, found := slices.BinarySearch(m.BootDays, day)
	return found
}

// appendProgress encodes what a roll or a boot day changes: everything but the partitions.
func (m *Meta) appendProgress(dst []byte) []byte {
	dst = append(dst, valueVersion)
	dst = appendString(dst, m.LogicVersion)
	dst = append(dst, flags(m.HasClosed, m.HasFirst))
	dst = appendInt(dst, int64(m.LastClosed))
	dst = appendInt(dst, m.FirstKnown)
	dst = appendUint(dst, uint64(len(m.BootDays)))
	for _, d := range m.BootDays {
		dst = appendInt(dst, int64(d))
	}
	return dst
}

func (m *Meta) decodeProgress(b []byte) error {
	d := decoder{b: b}
	d.version()
	m.LogicVersion = d.string()
	f := d.byte()
	m.HasClosed, m.HasFirst = f&1 != 0, f&2 != 0
	m.LastClosed = feature.Slice(d.int())
	m.FirstKnown = d.int()
	m.BootDays = nil
	for n := d.count(1); n > 0; n-- {
		m.BootDays = append(m.BootDays, int32(d.int()))
	}
	return d.end("store progress")
}

func (p PartitionMeta) append(dst []byte) []byte {
	return appendInt(appendUint(append(dst, valueVersion), p.Last), p.Watermark)
}

func (p *PartitionMeta) decode(b []byte) error {
	d := decoder{b: b}
	d.version()
	p.Last, p.Watermark = d.uint(), d.int()
	return d.end("partition progress")
}

// readMeta loads the meta keys. A store without the format key, or with that of a newer program, is refused.
func (s *Store) readMeta() (err error) {
	m := Meta{Partitions: map[string]PartitionMeta{}}
	it, err := s.iterate([]byte{kindMeta}, []byte{kindMeta + 1})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err == nil {
			err = m.decodeKey(it.Key()[1:], value)
		}
		if err != nil {
			return fmt.Errorf("read store meta: %w", err)
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("read store meta: %w", err)
	}
	if m.FormatVersion == 0 {
		return fmt.Errorf("read store meta: no format version: the store was cut short while it was created")
	}
	s.meta = m
	return nil
}

func (m *Meta) decodeKey(key, value []byte) error {
	if len(key) == 0 {
		return errKey
	}
	switch key[0] {
	case metaFormat:
		d := decoder{b: value}
		m.FormatVersion = int(d.uint())
		if m.FormatVersion > FormatVersion {
			return fmt.Errorf("store has format version %d, this program knows up to %d: use a newer one",
				m.FormatVersion, FormatVersion)
		}
		return d.end("format version")
	case metaProgress:
		return m.decodeProgress(value)
	case metaPartition:
		var p PartitionMeta
		if err := p.decode(value); err != nil {
			return err
		}
		m.Partitions[string(key[1:])] = p
		return nil
	}
	return errKey
}
