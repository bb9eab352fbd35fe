package fgb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ndr/feature"
	"ndr/sinks"
)

// sliceInput is a published slice.
type sliceInput struct {
	slice     feature.Slice
	sha256    string         // of its dataset manifest
	shards    []string       // keys of the shards' manifests
	revisions map[int]string // by shard: keys of newer ones
	previous  *feature.Slice // of its close record
	first     bool           // it is the first of the root
}

// horizonInput is what a horizon is computed from.
type horizonInput struct {
	Horizon
	start, end    time.Time
	first, last   feature.Slice // whose ends lie in the horizon
	slices        []sliceInput  // published
	missing       []feature.Slice
	silent        []feature.Slice // without any flow, so that they were passed over
	beforeHistory int             // slices before the first one of the root
	digest        string          // of the inputs
}

// number of slices in the horizon.
func (h *horizonInput) length() int { return int(h.last-h.first) + 1 }

// MissingSlicesError means that slices of a horizon are not published.
type MissingSlicesError struct {
	Horizon string
	Slices  []string // names
	Allowed int
}

// Error lists the first of them.
func (e *MissingSlicesError) Error() string {
	const shown = 10
	list := strings.Join(e.Slices[:min(shown, len(e.Slices))], " ")
	if len(e.Slices) > shown {
		list += fmt.Sprintf(" and %d more, the last %s", len(e.Slices)-shown, e.Slices[len(e.Slices)-1])
	}
	return fmt.Sprintf("read inputs of %s: %d slices are not complete, %d may be missing (--allow-gaps): %s", e.Horizon, len(e.Slices), e.Allowed, list)
}

// plan finds the inputs of all horizons.
func (j *Job) plan(ctx context.Context) ([]*horizonInput, error) {
	var plans []*horizonInput
	var from, to feature.Slice
	for i, h := range j.cfg.Horizons {
		end := j.cfg.Reference.UTC().AddDate(0, 0, -h.Gap)
		p := &horizonInput{Horizon: h, start: end.AddDate(0, 0, -h.Days), end: end}
		p.first, p.last = firstEnd(j.cfg.Clock, p.start), firstEnd(j.cfg.Clock, end)-1
		if i == 0 || p.first < from {
			from = p.first
		}
		if i == 0 || p.last > to {
			to = p.last
		}
		plans = append(plans, p)
	}
	slices.SortFunc(plans, func(a, b *horizonInput) int { return strings.Compare(a.Name, b.Name) })
	found, err := j.findSlices(ctx, from, to)
	if err != nil {
		return nil, err
	}
	for _, p := range plans {
		p.take(found, j.cfg.Clock)
		if len(p.missing) > j.cfg.AllowGaps {
			return nil, j.missing(p)
		}
	}
	return plans, nil
}

func (j *Job) missing(p *horizonInput) error {
	e := &MissingSlicesError{Horizon: p.Name, Allowed: j.cfg.AllowGaps}
	for _, s := range p.missing {
		e.Slices = append(e.Slices, j.cfg.Clock.Name(s))
	}
	return e
}

// firstEnd is the first slice that ends at or after a time.
func firstEnd(c feature.Clock, at time.Time) feature.Slice {
	s := c.Of(at.UnixNano()) - 1
	if c.End(s) < at.UnixNano() {
		s++
	}
	return s
}

// findSlices lists the complete slices of [from, to], and the first one after them, in order.
func (j *Job) findSlices(ctx context.Context, from, to feature.Slice) ([]sliceInput, error) {
	const page = 5000
	after, err := j.cfg.Layout.ManifestsPrefix(j.cfg.Clock.Name(from))
	if err != nil {
		return nil, err
	}
	var found []sliceInput
	current := sliceInput{}
	complete, any := false, false
	end := func() bool { // takes the slice whose names have all been seen
		if any && complete {
			found = append(found, current)
		}
		done := any && complete && current.slice > to
		current, complete, any = sliceInput{}, false, false
		return done
	}
	for {
		keys, err := j.store.List(ctx, j.cfg.Layout.SlicesPrefix(), after, page)
		if err != nil {
			return nil, fmt.Errorf("list manifests: %w", err)
		}
		for _, key := range keys {
			o, err := j.cfg.Layout.Parse(key)
			if err != nil {
				continue
			}
			s, err := j.cfg.Clock.ParseName(o.Slice)
			if err != nil {
				return nil, fmt.Errorf("list manifests: %s: %w", key, err)
			}
			if any && s != current.slice && end() {
				return found, j.readManifests(ctx, found)
			}
			current.slice, any = s, true
			switch o.Kind {
			case feature.KindSuccess:
				complete = true
			case feature.KindManifestRevision:
				current.revise(o.Shard, o.Revision, key)
			}
		}
		if len(keys) < page {
			end()
			return found, j.readManifests(ctx, found)
		}
		after = keys[len(keys)-1]
	}
}

// revise notes a later manifest of a shard; names come in the order of text, so the number decides.
func (s *sliceInput) revise(shard, revision int, key string) {
	if s.revisions == nil {
		s.revisions = make(map[int]string)
	}
	if old, ok := s.revisions[shard]; !ok || len(old) < len(key) || len(old) == len(key) && old < key {
		s.revisions[shard] = key
	}
}

// readManifests reads the dataset manifests of the slices, several at a time.
func (j *Job) readManifests(ctx context.Context, found []sliceInput) error {
	const atATime = 16
	return inParallel(ctx, atATime, len(found), func(ctx context.Context, i int) error {
		return j.readManifest(ctx, &found[i])
	})
}

func (j *Job) readManifest(ctx context.Context, s *sliceInput) error {
	key, err := j.cfg.Layout.Path(feature.DatasetManifestObject(j.cfg.Clock.Name(s.slice)))
	if err != nil {
		return err
	}
	b, err := j.store.Get(ctx, key, 0, -1)
	if err != nil {
		return fmt.Errorf("read manifest of a complete slice: %w", err)
	}
	m, err := sinks.ParseDatasetManifest(b)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	sum := sha256.Sum256(b)
	s.sha256 = hex.EncodeToString(sum[:])
	for _, shard := range m.Shards {
		k := shard.Key
		if newer, ok := s.revisions[shard.Shard]; ok {
			k = newer
		}
		s.shards = append(s.shards, k)
	}
	var record struct {
		Previous *feature.Slice `json:"previous"`
		First    *feature.Slice `json:"first"`
	}
	if err := json.Unmarshal(m.Close, &record); err != nil {
		return fmt.Errorf("read %s: close record: %w", key, err)
	}
	s.previous, s.first = record.Previous, record.First != nil && *record.First == s.slice
	return nil
}

// take takes the slices of the horizon, and tells for the others why they are not there.
func (h *horizonInput) take(found []sliceInput, c feature.Clock) {
	digest := sha256.New()
	expected := h.first
	for i := range found {
		s := &found[i]
		if s.slice < h.first {
			continue
		}
		h.hole(expected, min(s.slice-1, h.last), s)
		if s.slice > h.last {
			expected = h.last + 1
			break
		}
		h.slices = append(h.slices, *s)
		fmt.Fprintln(digest, c.Name(s.slice), s.sha256, strings.Join(s.shards, " "))
		expected = s.slice + 1
	}
	for s := expected; s <= h.last; s++ { // nothing is there yet that could tell that they are silent
		h.missing = append(h.missing, s)
	}
	fmt.Fprintln(digest, "silent", h.silent)
	h.digest = hex.EncodeToString(digest.Sum(nil))
}

// hole accounts for the slices [from, to] that are not there, by what the next one's close record says: the root
// begins with it, or the chain of closes jumped from its previous slice to it because no flow was between them.
func (h *horizonInput) hole(from, to feature.Slice, next *sliceInput) {
	for s := from; s <= to; s++ {
		switch {
		case next.first:
			h.beforeHistory++
		case next.previous != nil && s > *next.previous:
			h.silent = append(h.silent, s)
		default:
			h.missing = append(h.missing, s)
		}
	}
}

// inParallel calls f for 0..n-1 from so many goroutines and waits for all. The first error ends it.
func inParallel(ctx context.Context, workers, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers = max(1, min(workers, n))
	next := make(chan int)
	errs := make(chan error, workers)
	for range workers {
		go func() {
			var err error
			for i := range next {
				if err == nil {
					if err = f(ctx, i); err != nil {
						cancel()
					}
				}
			}
			errs <- err
		}()
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	var first error
	for range workers {
		if err := <-errs; err != nil && (first == nil || errors.Is(first, context.Canceled)) {
			first = err
		}
	}
	if first == nil {
		first = ctx.Err()
	}
	return first
}
