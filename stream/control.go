package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"ndr/feature"
)

// Control reads and creates the small private objects of a root: topology, close records, root.json, configs.
type Control struct {
	Objects Objects
	Layout  feature.Layout
}

// lastKey returns the greatest key with the prefix, "" if there is none.
func (c *Control) lastKey(ctx context.Context, prefix string) (string, error) {
	const page = 1000
	last := ""
	for {
		keys, err := c.Objects.List(ctx, prefix, last, page)
		if err != nil {
			return "", fmt.Errorf("list %s: %w", prefix, err)
		}
		if len(keys) > 0 {
			last = keys[len(keys)-1]
		}
		if len(keys) < page {
			return last, nil
		}
	}
}

// create stores v as JSON if the object does not exist and reports whether this call made it.
func (c *Control) create(ctx context.Context, o feature.Object, v any) (bool, error) {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return false, fmt.Errorf("encode %+v: %w", o, err)
	}
	return c.createBytes(ctx, o, append(b, '\n'))
}

// createBytes stores b as it is.
func (c *Control) createBytes(ctx context.Context, o feature.Object, b []byte) (bool, error) {
	key, err := c.Layout.Path(o)
	if err != nil {
		return false, err
	}
	err = c.Objects.Create(ctx, key, bytes.NewReader(b))
	switch {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("create %s: %w", key, err)
	}
	return true, nil
}

func (c *Control) read(ctx context.Context, key string, into any) error {
	b, err := c.Objects.Get(ctx, key, 0, -1)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// readVersioned reads a JSON object and refuses one that a much newer build wrote.
func (c *Control) readVersioned(ctx context.Context, key string, into any, format *int) error {
	if err := c.read(ctx, key, into); err != nil {
		return err
	}
	if *format > CutFormat+1 {
		return fmt.Errorf("%w: %d, this build knows up to %d", errCutFormat, *format, CutFormat+1)
	}
	return nil
}

// LoadCloses returns the close records after the given slice (nil: from the first), in order, at most limit.
func (c *Control) LoadCloses(ctx context.Context, clock feature.Clock, after *feature.Slice, limit int) ([]*CloseRecord, error) {
	from := ""
	if after != nil {
		var err error
		if from, err = c.Layout.Path(feature.CloseObject(clock.Name(*after))); err != nil {
			return nil, err
		}
	}
	keys, err := c.Objects.List(ctx, c.Layout.ClosePrefix(), from, limit)
	if err != nil {
		return nil, fmt.Errorf("list close records: %w", err)
	}
	out := make([]*CloseRecord, 0, len(keys))
	for _, k := range keys {
		r := new(CloseRecord)
		if err := c.readVersioned(ctx, k, r, &r.Format); err != nil {
			return nil, fmt.Errorf("read close record %s: %w", k, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// nextClose returns the close record that follows the given slice (nil: the first one), nil if there is none yet. The
// records are one chain: a next one that does not name this slice means that two histories were written.
func (c *Control) nextClose(ctx context.Context, clock feature.Clock, after *feature.Slice) (*CloseRecord, error) {
	rs, err := c.LoadCloses(ctx, clock, after, 1)
	if err != nil || len(rs) == 0 {
		return nil, err
	}
	r := rs[0]
	if (r.Previous == nil) != (after == nil) || after != nil && *r.Previous != *after {
		return nil, &BrokenError{fmt.Errorf("close record %s does not follow the last one: it names %s, not %s", r.Name,
			sliceName(clock, r.Previous), sliceName(clock, after))}
	}
	return r, nil
}

func sliceName(clock feature.Clock, s *feature.Slice) string {
	if s == nil {
		return "none"
	}
	return clock.Name(*s)
}

// CloseConfig returns the text of the close configuration that a record names by its digest.
func (c *Control) CloseConfig(ctx context.Context, digest string) ([]byte, error) {
	key, err := c.Layout.Path(feature.ConfigObject(digest))
	if err != nil {
		return nil, err
	}
	b, err := c.Objects.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("read close configuration %s: %w", key, err)
	}
	return b, nil
}

// newestClose returns the last close record, nil if there is none.
func (c *Control) newestClose(ctx context.Context) (*CloseRecord, error) {
	key, err := c.lastKey(ctx, c.Layout.ClosePrefix())
	if err != nil || key == "" {
		return nil, err
	}
	r := new(CloseRecord)
	if err := c.readVersioned(ctx, key, r, &r.Format); err != nil {
		return nil, fmt.Errorf("read close record %s: %w", key, err)
	}
	return r, nil
}

// loadClose returns the record of the named slice.
func (c *Control) loadClose(ctx context.Context, slice string) (*CloseRecord, error) {
	key, err := c.Layout.Path(feature.CloseObject(slice))
	if err != nil {
		return nil, err
	}
	r := new(CloseRecord)
	if err := c.readVersioned(ctx, key, r, &r.Format); err != nil {
		return nil, fmt.Errorf("read close record %s: %w", key, err)
	}
	return r, nil
}

// firstCut is the number of the oldest cut of a partition that is kept, 1 if there is none.
func (c *Control) firstCut(ctx context.Context, source, partition string) (uint64, error) {
	prefix, err := c.Layout.CutsPrefix(source, partition)
	if err != nil {
		return 0, err
	}
	keys, err := c.Objects.List(ctx, prefix, "", 1)
	if err != nil || len(keys) == 0 {
		return 1, err
	}
	return cutNumber(keys[0])
}

// lastCut is the number of the newest cut of a partition, 0 if there is none.
func (c *Control) lastCut(ctx context.Context, source, partition string) (uint64, error) {
	prefix, err := c.Layout.CutsPrefix(source, partition)
	if err != nil {
		return 0, err
	}
	key, err := c.lastKey(ctx, prefix)
	if err != nil || key == "" {
		return 0, err
	}
	return cutNumber(key)
}

func cutNumber(key string) (uint64, error) {
	return strconv.ParseUint(key[strings.LastIndexByte(key, '/')+1:], 10, 64)
}
