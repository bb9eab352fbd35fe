package state

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// cursor stands on one key of a kind that is sorted by unit (host and role). unit, rest and value are valid until the
// cursor moves.
type cursor struct {
	it     *pebble.Iterator
	prefix []byte // what comes before the unit
	ok     bool
	unit   []byte
	rest   []byte
	value  []byte
}

// start stands on the first key with the prefix.
func (c *cursor) start(s *Store, prefix []byte) (err error) {
	c.prefix = prefix
	if c.it, err = s.iterate(prefix, prefixEnd(prefix)); err != nil {
		return err
	}
	return c.read(c.it.First())
}

// prefixEnd is the first key after all keys with the prefix, whose last byte that is not 0xff exists: kinds are small.
func prefixEnd(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}

func (c *cursor) next() error { return c.read(c.it.Next()) }

// seek goes back, or on, to the first key of a unit.
func (c *cursor) seek(unit []byte) error {
	return c.read(c.it.SeekGE(append(bytes.Clone(c.prefix), unit...)))
}

func (c *cursor) read(ok bool) (err error) {
	c.ok = ok
	if !ok {
		if err := c.it.Error(); err != nil {
			return fmt.Errorf("scan keys of kind %d: %w", c.prefix[0], err)
		}
		return nil
	}
	if c.unit, c.rest, err = splitUnit(c.it.Key()[len(c.prefix):]); err != nil {
		return fmt.Errorf("scan keys of kind %d: %w", c.prefix[0], err)
	}
	if c.value, err = c.it.ValueAndErr(); err != nil {
		return fmt.Errorf("scan keys of kind %d: %w", c.prefix[0], err)
	}
	return nil
}

// at reports whether the cursor stands on a key of the unit.
func (c *cursor) at(unit []byte) bool { return c.ok && bytes.Equal(c.unit, unit) }

func (c *cursor) close() error {
	if c.it == nil {
		return nil
	}
	it := c.it
	*c = cursor{}
	return it.Close()
}

// firstUnit returns the smallest unit of the cursors, nil when all are at their ends.
func firstUnit(cursors ...*cursor) (unit []byte) {
	for _, c := range cursors {
		if c.ok && (unit == nil || bytes.Compare(c.unit, unit) < 0) {
			unit = c.unit
		}
	}
	return unit
}
