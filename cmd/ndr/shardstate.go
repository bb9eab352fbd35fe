package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"ndr/feature"
	"ndr/state"
	"ndr/stream"
)

// shardState joins the store of a shard and its archive of checkpoints to the feature stage.
type shardState struct {
	store   *state.Store
	archive *state.Archive
	dir     string // of the shard: the store and the checkpoints on their way out lie in it
}

// openShard restores the newest usable checkpoint of a shard into an empty folder; without one the shard begins
// anew. Whatever an earlier process left in the folder is not used.
func (p *pipeline) openShard(ctx context.Context, shard int) (stream.ShardState, error) {
	dir := filepath.Join(p.stateDir, "shard-"+strconv.Itoa(shard))
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("empty the folder of the shard: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the shard: %w", err)
	}
	s := &shardState{dir: dir, archive: state.NewArchive(p.archiveConfig(shard))}
	store := filepath.Join(dir, "store")
	if err := p.restore(ctx, s.archive, shard, store); err != nil {
		return nil, err
	}
	var err error
	s.store, err = state.Open(state.Config{
		Dir: store, Clock: p.clock, LogicVersion: feature.LogicVersion, Kept: p.cfg.Limits.KeptFlows,
		MaxPairsPerHost: p.cfg.Limits.MaxPairsPerHost, MaxPortsPerPeer: p.cfg.Limits.MaxPortsPerPeer,
		CacheBytes: max(4<<20, p.cfg.Limits.Memory/8/int64(p.cfg.Shards)), Logger: p.log, Metrics: p.state, Shard: shard,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (p *pipeline) archiveConfig(shard int) state.ArchiveConfig {
	key := func(o feature.Object) string {
		k, err := p.layout.Path(o)
		if err != nil {
			return "" // refused by the store: shard and digest are always well-formed
		}
		return k
	}
	return state.ArchiveConfig{
		Objects:       p.store,
		CheckpointKey: func(last feature.Slice) string { return key(feature.CheckpointObject(shard, p.clock.Name(last))) },
		FileKey:       func(name string) string { return key(feature.SSTObject(name)) },
		Metrics:       p.state,
	}
}

// restore tries the checkpoints from the newest on.
func (p *pipeline) restore(ctx context.Context, a *state.Archive, shard int, dir string) error {
	prefix, err := p.layout.CheckpointsPrefix(shard)
	if err != nil {
		return err
	}
	keys, err := p.store.List(ctx, prefix, "", 0)
	if err != nil {
		return fmt.Errorf("list checkpoints: %w", err)
	}
	for _, k := range slices.Backward(keys) {
		_, err := a.Restore(ctx, k, dir)
		if err == nil {
			p.log.Info("checkpoint restored", "shard", shard, "checkpoint", k)
			return nil
		}
		if !errors.Is(err, state.ErrBroken) {
			return err
		}
		p.log.Error("checkpoint is broken, trying the one before", "shard", shard, "err", err)
	}
	return nil
}

func (s *shardState) Last(partition string) uint64 { return s.store.Last(partition) }

func (s *shardState) LastClosed() (feature.Slice, bool) {
	m := s.store.Meta()
	return m.LastClosed, m.HasClosed
}

func (s *shardState) FirstKnown() (int64, bool) {
	m := s.store.Meta()
	return m.FirstKnown, m.HasFirst
}

func (s *shardState) Fold(partition string, n uint64, watermark int64, blob []byte, sec *feature.Section) (int, error) {
	r, err := s.store.Fold(&state.Fold{Partition: partition, N: n, Watermark: watermark, Blob: blob, Section: *sec})
	return r.ClosedLate, err
}

func (s *shardState) Close(ctx context.Context, slice feature.Slice, through map[string]uint64, v feature.CloseVisitor) (stream.Roll, error) {
	r, stats, err := s.store.CloseSlice(ctx, state.Close{Slice: slice, Through: through}, v)
	if err != nil {
		return nil, err
	}
	return &shardRoll{ctx, r, stats.Blobs}, nil
}

// Checkpoint saves the state: a local checkpoint of hard links, then what of it the archive does not have.
func (s *shardState) Checkpoint(ctx context.Context) error {
	meta := s.store.Meta()
	if !meta.HasClosed {
		return nil
	}
	dir := filepath.Join(s.dir, "checkpoint")
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("empty the folder of the checkpoint: %w", err)
	}
	if err := s.store.Checkpoint(dir); err != nil {
		return err
	}
	_, err := s.archive.Upload(ctx, dir, meta)
	return errors.Join(err, os.RemoveAll(dir))
}

func (s *shardState) Shut() error { return s.store.Close() }

// shardRoll joins a roll of the store to the feature stage.
type shardRoll struct {
	ctx   context.Context
	roll  *state.Roll
	blobs []state.CutBlob
}

func (r *shardRoll) Commit() error { return r.roll.Commit(context.WithoutCancel(r.ctx)) }

func (r *shardRoll) Discard() error { return r.roll.Discard() }

func (r *shardRoll) Blobs() [][]byte {
	out := make([][]byte, len(r.blobs))
	for i := range r.blobs {
		out[i] = r.blobs[i].Blob
	}
	return out
}
