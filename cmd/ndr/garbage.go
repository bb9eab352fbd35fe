package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ndr/state"
	"ndr/stream"
)

// collectEvery is how often the private objects of the root are looked through.
const collectEvery = time.Hour

// collect removes garbage from the root as long as the process owns shard 0. Two collectors at a time do no harm.
func (l *live) collect(ctx context.Context) error {
	t := time.NewTicker(collectEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if !l.collects() {
			continue
		}
		if err := l.collectOnce(ctx); err != nil && ctx.Err() == nil {
			l.metrics.Errors.WithLabelValues("garbage").Inc()
			l.log.Warn("collect garbage failed, trying again later", "err", err)
		}
	}
}

// collects reports whether this process is the one that collects.
func (l *live) collects() bool {
	if l.stage == stageFeatures {
		return len(l.list) > 0 && l.list[0] == 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.topology == nil {
		return false
	}
	owner := l.mu.topology.Owner(0)
	for _, p := range l.mu.owned {
		if p == owner {
			return true
		}
	}
	return false
}

// collectOnce deletes old checkpoints, then the tables that no kept checkpoint names, then the cuts that every kept
// checkpoint has folded. Nothing but checkpoints goes while a shard has no checkpoint, or one cannot be read.
func (p *pipeline) collectOnce(ctx context.Context) error {
	tables, err := p.store.List(ctx, p.layout.SSTPrefix(), "", 0)
	if err != nil {
		return fmt.Errorf("list checkpoint files: %w", err)
	}
	var kept []*state.CheckpointManifest
	for shard := range p.cfg.Shards {
		ms, err := p.keepCheckpoints(ctx, shard)
		if err != nil {
			return err
		}
		if len(ms) == 0 {
			return nil
		}
		kept = append(kept, ms...)
	}
	if err := p.collectTables(ctx, tables, kept); err != nil {
		return err
	}
	g := stream.Garbage{Control: p.control, Modified: p.modified, Delete: p.store.Delete, Now: time.Now}
	n, err := g.CollectCuts(ctx, p.cfg.Source.Name, foldedByAll(kept))
	if n > 0 {
		p.log.Info("cuts deleted", "count", n)
	}
	return err
}

// keepCheckpoints deletes the old checkpoints of a shard and returns the others.
func (p *pipeline) keepCheckpoints(ctx context.Context, shard int) ([]*state.CheckpointManifest, error) {
	prefix, err := p.layout.CheckpointsPrefix(shard)
	if err != nil {
		return nil, err
	}
	keys, err := p.store.List(ctx, prefix, "", 0)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	stored := make([]state.StoredCheckpoint, 0, len(keys))
	for _, key := range keys {
		o, err := p.layout.Parse(key)
		if err != nil {
			return nil, fmt.Errorf("list checkpoints: %w", err)
		}
		last, err := p.clock.ParseName(o.Slice)
		if err != nil {
			return nil, fmt.Errorf("list checkpoints: %w", err)
		}
		at, err := p.modified(ctx, key)
		if err != nil {
			return nil, err
		}
		stored = append(stored, state.StoredCheckpoint{Key: key, Last: last, Modified: at})
	}
	keep, drop := state.Keep(time.Now(), stored)
	var out []*state.CheckpointManifest
	for _, c := range keep {
		b, err := p.store.Get(ctx, c.Key, 0, -1)
		if err != nil {
			return nil, fmt.Errorf("read checkpoint %s: %w", c.Key, err)
		}
		m, err := state.ParseCheckpoint(b)
		if err != nil {
			return nil, fmt.Errorf("read checkpoint %s: %w", c.Key, err)
		}
		out = append(out, m)
	}
	for _, c := range drop {
		if err := p.store.Delete(ctx, c.Key); err != nil {
			return nil, fmt.Errorf("delete checkpoint %s: %w", c.Key, err)
		}
	}
	return out, nil
}

// collectTables deletes the checkpoint files that nothing names.
func (p *pipeline) collectTables(ctx context.Context, keys []string, kept []*state.CheckpointManifest) error {
	var files []state.StoredFile
	for _, key := range keys {
		files = append(files, state.StoredFile{Key: key, Name: key[strings.LastIndexByte(key, '/')+1:]})
	}
	// Ages cost a request each, so they are asked for only where a file is not named.
	for _, f := range state.CollectFiles(time.Now(), files, kept) {
		at, err := p.modified(ctx, f.Key)
		if err != nil {
			return err
		}
		f.Modified = at
		if len(state.CollectFiles(time.Now(), []state.StoredFile{f}, kept)) == 0 {
			continue
		}
		if err := p.store.Delete(ctx, f.Key); err != nil {
			return fmt.Errorf("delete checkpoint file %s: %w", f.Key, err)
		}
	}
	return nil
}

func (p *pipeline) modified(ctx context.Context, key string) (time.Time, error) {
	info, err := p.store.Stat(ctx, key)
	if err != nil {
		return time.Time{}, fmt.Errorf("look at %s: %w", key, err)
	}
	return info.Modified, nil
}

// foldedByAll is, for each partition, the smallest last folded cut over the checkpoints; one that a checkpoint does
// not know is left out.
func foldedByAll(kept []*state.CheckpointManifest) map[string]uint64 {
	out := make(map[string]uint64)
	for i, m := range kept {
		for name, p := range m.Meta.Partitions {
			if least, ok := out[name]; i == 0 || ok {
				if !ok || p.Last < least {
					out[name] = p.Last
				}
			}
		}
		for name := range out {
			if _, ok := m.Meta.Partitions[name]; !ok {
				delete(out, name)
			}
		}
	}
	return out
}
