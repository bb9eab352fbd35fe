package stream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"ndr/feature"
)

// Topology is one entry of a source's topology: the partitions that are read, where each begins, and which have
// ended. The newest entry is in force. A partition that it does not name is not read.
type Topology struct {
	Format     int                 `json:"format"`
	N          uint64              `json:"n"`
	Source     string              `json:"source"`
	TopicID    string              `json:"topic_id"`    // for files the digest of all inputs
	FirstStart int64               `json:"first_start"` // first start of the run, nanoseconds; the ceiling of files
	Partitions []TopologyPartition `json:"partitions"`
	Inputs     []string            `json:"inputs,omitempty"` // files: name, size and digest
}

// TopologyPartition is a registered partition.
type TopologyPartition struct {
	Name      string `json:"name"`
	Start     int64  `json:"start"`     // first position to read
	Watermark int64  `json:"watermark"` // in force before its first cut
	Ended     bool   `json:"ended,omitempty"`
}

// Partition returns the named partition, nil if it is not registered.
func (t *Topology) Partition(name string) *TopologyPartition {
	for i := range t.Partitions {
		if t.Partitions[i].Name == name {
			return &t.Partitions[i]
		}
	}
	return nil
}

// ErrRefused marks a start that does not fit what the root holds: another topic, other inputs, another fixed
// setting. It needs a person.
var ErrRefused = errors.New("refused")

// LoadTopology returns the newest entry of a source, nil if there is none.
func (c *Control) LoadTopology(ctx context.Context, source string) (*Topology, error) {
	prefix, err := c.Layout.TopologyPrefix(source)
	if err != nil {
		return nil, fmt.Errorf("read topology: %w", err)
	}
	last, err := c.lastKey(ctx, prefix)
	if err != nil || last == "" {
		return nil, err
	}
	t := new(Topology)
	if err := c.readVersioned(ctx, last, t, &t.Format); err != nil {
		return nil, fmt.Errorf("read topology %s: %w", last, err)
	}
	return t, nil
}

// topologyEntry returns one entry, nil if there is none.
func (c *Control) topologyEntry(ctx context.Context, source string, n uint64) (*Topology, error) {
	key, err := c.Layout.Path(feature.TopologyObject(source, n))
	if err != nil {
		return nil, err
	}
	t := new(Topology)
	err = c.readVersioned(ctx, key, t, &t.Format)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read topology %s: %w", key, err)
	}
	return t, nil
}

// Register makes the topology name every partition that the source has: entry 0 at the first start, a further
// entry when partitions were added. An added partition begins at its earliest position, with the given watermark.
// Another topic id or other inputs are refused.
func (c *Control) Register(ctx context.Context, source string, d Description, now, watermark int64) (*Topology, error) {
	for {
		t, err := c.LoadTopology(ctx, source)
		if err != nil {
			return nil, err
		}
		next := t.with(source, d, now, watermark)
		if t != nil {
			if t.TopicID != d.ID {
				return nil, fmt.Errorf("%w: source %s was %s at the first start and is %s now%s", ErrRefused, source, t.TopicID, d.ID, t.changes(&d))
			}
			if len(next.Partitions) == len(t.Partitions) {
				return t, nil
			}
		}
		made, err := c.create(ctx, feature.TopologyObject(source, next.N), next)
		if err != nil {
			return nil, fmt.Errorf("register partitions of %s: %w", source, err)
		}
		if made {
			return next, nil
		}
	}
}

// with is the entry that follows t (nil: none) and names all partitions of d.
func (t *Topology) with(source string, d Description, now, watermark int64) *Topology {
	next := &Topology{Format: CutFormat, Source: source, TopicID: d.ID, FirstStart: now, Inputs: d.Inputs}
	if t != nil {
		next.N, next.FirstStart, next.Partitions = t.N+1, t.FirstStart, slices.Clone(t.Partitions)
	} else {
		watermark = NoWatermark
	}
	for i, name := range d.Partitions {
		if next.Partition(name) == nil {
			next.Partitions = append(next.Partitions, TopologyPartition{Name: name, Start: d.Earliest[i], Watermark: watermark})
		}
	}
	return next
}

// changes names what differs between the files of the first start and those of this one.
func (t *Topology) changes(d *Description) string {
	var b strings.Builder
	for _, side := range []struct {
		name     string
		has, not []string
	}{{"gone", t.Inputs, d.Inputs}, {"new", d.Inputs, t.Inputs}} {
		only := slices.DeleteFunc(slices.Clone(side.has), func(s string) bool { return slices.Contains(side.not, s) })
		if n := len(only); n > 0 {
			fmt.Fprintf(&b, "; %d of %d inputs %s: %s", n, len(side.has), side.name, strings.Join(only[:min(n, namedInputs)], ", "))
		}
	}
	if was, is := len(t.Partitions), len(d.Partitions); len(t.Inputs) > 0 && was != is {
		fmt.Fprintf(&b, "; it was spread over %d partitions, now over %d", was, is)
	}
	return b.String()
}

// namedInputs is how many files an error names.
const namedInputs = 5

// Owner is the partition whose owner also works on the shard: the registered, not ended one with the largest hash of
// both. It is "" when there is none.
func (t *Topology) Owner(shard int) (name string) {
	most := uint64(0)
	for i := range t.Partitions {
		p := &t.Partitions[i]
		if p.Ended {
			continue
		}
		h := feature.Hash(t.Source + "/" + p.Name + "/" + strconv.Itoa(shard))
		if name == "" || h > most || h == most && p.Name < name {
			name, most = p.Name, h
		}
	}
	return name
}

// SmallestWatermark is the smallest watermark of the last cuts of all registered partitions that are not ended,
// NoWatermark if one of them has none.
func (c *Control) SmallestWatermark(ctx context.Context, source string) (int64, error) {
	t, err := c.LoadTopology(ctx, source)
	if err != nil || t == nil {
		return NoWatermark, err
	}
	least := int64(EndOfInput)
	for i := range t.Partitions {
		p := &t.Partitions[i]
		if p.Ended {
			continue
		}
		n, err := c.lastCut(ctx, source, p.Name)
		if err != nil {
			return 0, err
		}
		mark := p.Watermark
		if n > 0 {
			cut, err := openCut(ctx, c, source, p.Name, n)
			if err != nil {
				return 0, err
			}
			mark = cut.Header.Watermark
		}
		least = min(least, mark)
	}
	if least == EndOfInput {
		return NoWatermark, nil
	}
	return least, nil
}
