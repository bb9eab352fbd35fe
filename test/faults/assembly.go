package faults

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"ndr/feature"
	"ndr/flow"
	"ndr/sinks"
	"ndr/state"
	"ndr/stream"
	"ndr/stream/file"
)

const (
	sourceName = "file"
	version    = "v1"
)

// firstStart is when every run in memory began, by its topology entry: later events are from the future.
var firstStart = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// Setup is an input and one way to run the stages over it.
type Setup struct {
	Format      string
	Lines       []string // of the one input file
	Partitions  int
	Shards      int
	CutRecords  int64
	Memory      int64 // bytes that rows may take before they are cut; 0 is 64 MiB
	Lateness    time.Duration
	PairTimeout time.Duration
	Checkpoints bool // after every close, and not only when there is nothing to do
	VPCFields   []string
	SegmentBits int // segments.default_ipv4, a part of the close configuration; 0 is 24
}

// Process is one process that owns all partitions and shards of a bounded run, wired as the command does it.
type Process struct {
	Setup
	Store sinks.Store
	Disk  vfs.FS // holds the state; a new one is a lost disk

	// NewSource makes another source than that of the lines.
	NewSource func() stream.Source
	// What a test may put around the parts; nil leaves them as they are.
	AroundSource func(stream.Source) stream.Source
	AroundState  func(shard int, s stream.ShardState) stream.ShardState
}

// layout is the place of every object of a run in memory.
func layout() feature.Layout {
	l, err := feature.NewLayout("ndr", version, nil)
	if err != nil {
		panic(err) // fixed names
	}
	return l
}

// Run reads the input to its end and closes every slice, or resumes. It returns the error of the stage that failed
// first.
func (p *Process) Run(ctx context.Context) error {
	log := slog.New(slog.DiscardHandler)
	control := &stream.Control{Objects: p.Store, Layout: layout()}
	metrics := stream.NewMetrics(prometheus.NewRegistry())
	fixed, err := json.Marshal(map[string]any{"shards": p.Shards})
	if err != nil {
		return err
	}
	if err := control.FixRoot(ctx, fixed); err != nil {
		return err
	}
	cfg, err := p.ingestConfig()
	if err != nil {
		return err
	}
	var source stream.Source = file.New(file.Config{Inputs: []file.Input{p.input()}, Partitions: p.Partitions, NewDecoder: cfg.NewDecoder})
	if p.NewSource != nil {
		source = p.NewSource()
	}
	d, err := source.Describe(ctx)
	if err != nil {
		return err
	}
	t, err := control.Register(ctx, sourceName, d, firstStart.UnixNano(), stream.NoWatermark)
	if err != nil {
		return err
	}
	cfg.Ceiling = t.FirstStart + int64(cfg.MaxFutureSkew)
	if p.AroundSource != nil {
		source = p.AroundSource(source)
	}
	features, err := p.features(control, metrics, log)
	if err != nil {
		return err
	}
	ingest := stream.NewIngest(cfg, stream.IngestDeps{Control: control, OnCut: features.Notify, Log: log, Metrics: metrics})
	return both(ctx, func(ctx context.Context) error { return source.Run(ctx, ingest) },
		func(ctx context.Context) error { return features.Run(ctx, p.allShards()) })
}

func (p *Process) input() file.Input {
	text := strings.Join(p.Lines, "\n") + "\n"
	return file.Input{Name: "input.log", Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

func (p *Process) allShards() <-chan []int {
	shards := make([]int, p.Shards)
	for i := range shards {
		shards[i] = i
	}
	c := make(chan []int, 1)
	c <- shards
	close(c)
	return c
}

func (p *Process) ingestConfig() (stream.IngestConfig, error) {
	internal, err := feature.NewNetworks([]string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "100.64.0.0/10"})
	if err != nil {
		return stream.IngestConfig{}, err
	}
	ports, err := feature.NewPortSets(feature.DefaultPortLists())
	if err != nil {
		return stream.IngestConfig{}, err
	}
	memory := p.Memory
	if memory == 0 {
		memory = 64 << 20
	}
	return stream.IngestConfig{
		Source: sourceName, Shards: p.Shards, AllowedLateness: p.Lateness, MaxFutureSkew: 5 * time.Minute, MaxPast: 7 * 24 * time.Hour,
		PairTimeout: p.PairTimeout, IdleTimeout: time.Minute, MaxCutInterval: 5 * time.Minute, MaxCutRecords: p.CutRecords,
		Memory: memory, CarryBudget: 16 << 20, Kept: feature.DefaultKept, Internal: internal, Ports: ports, ConfigDigest: "test",
		NewDecoder: func() (flow.Decoder, error) {
			return flow.New(flow.Config{Format: p.Format, VPC: flow.VPCConfig{Fields: p.VPCFields}})
		}, Now: time.Now,
	}, nil
}

func (p *Process) features(control *stream.Control, metrics *stream.Metrics, log *slog.Logger) (*stream.Features, error) {
	bits, every := cmp.Or(p.SegmentBits, 24), 5*time.Minute
	if p.Checkpoints {
		every = 0
	}
	segments, err := feature.NewSegments(nil, bits, 64)
	if err != nil {
		return nil, err
	}
	publisher, err := sinks.NewPublisher(sinks.PublisherConfig{
		Layout: control.Layout, Shards: p.Shards, Long: true, FGC: feature.DefaultFGCConfig(), LogicVersion: feature.LogicVersion, Writer: "test", Now: time.Now,
		Close: feature.CloseConfig{Segments: segments, HighRisk: feature.NewHighRisk(segments, nil, nil), Calendar: feature.DefaultCalendar(),
			RarePeer: 1, RarePort: 1, FeatureSpecVersion: version, Source: sourceName, PairContextWindows: []string{"w_15m"}},
	}, p.Store, log, prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	open := func(ctx context.Context, shard int) (stream.ShardState, error) {
		s, err := p.openShard(ctx, control.Layout, shard, log)
		if err != nil || p.AroundState == nil {
			return s, err
		}
		return p.AroundState(shard, s), nil
	}
	return stream.NewFeatures(stream.FeaturesConfig{
		Source: sourceName, Shards: p.Shards, CloseConfig: fmt.Appendf(nil, `{"segment_bits":%d}`, bits), PollInterval: time.Second,
		CheckpointInterval: every, Parallel: 2, Now: time.Now,
	}, stream.FeaturesDeps{Control: control, Open: open, Publisher: anyPublisher{publisher}, Log: log, Metrics: metrics}), nil
}

// anyPublisher joins the sinks to the feature stage, whose interfaces they do not know.
type anyPublisher struct{ *sinks.Publisher }

func (p anyPublisher) Begin(ctx context.Context, r *stream.CloseRecord, shard int, firstKnown int64) (stream.Publication, error) {
	return p.Publisher.Begin(ctx, r.Slice, shard, firstKnown, r.Baseline)
}

// shardState joins the store of a shard and its archive to the feature stage.
type shardState struct {
	*state.Store
	archive *state.Archive
	disk    vfs.FS
	dir     string
}

// openShard restores the newest usable checkpoint; what lies on the disk is not used.
func (p *Process) openShard(ctx context.Context, l feature.Layout, shard int, log *slog.Logger) (stream.ShardState, error) {
	key := func(o feature.Object) string { k, _ := l.Path(o); return k }
	s := &shardState{disk: p.Disk, dir: filepath.Join("state", strconv.Itoa(shard))}
	clock := feature.Clock{}
	s.archive = state.NewArchive(state.ArchiveConfig{Objects: p.Store, FS: p.Disk,
		CheckpointKey: func(last feature.Slice) string { return key(feature.CheckpointObject(shard, clock.Name(last))) },
		FileKey:       func(name string) string { return key(feature.SSTObject(name)) }})
	if err := p.Disk.RemoveAll(s.dir); err != nil {
		return nil, err
	}
	if err := p.Disk.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	prefix, err := l.CheckpointsPrefix(shard)
	if err != nil {
		return nil, err
	}
	keys, err := p.Store.List(ctx, prefix, "", 0)
	if err != nil {
		return nil, err
	}
	store := filepath.Join(s.dir, "store")
	for len(keys) > 0 {
		_, err := s.archive.Restore(ctx, keys[len(keys)-1], store)
		if err == nil {
			break
		}
		if !errors.Is(err, state.ErrBroken) {
			return nil, err
		}
		keys = keys[:len(keys)-1]
	}
	s.Store, err = state.Open(state.Config{Dir: store, LogicVersion: feature.LogicVersion, CacheBytes: 1 << 20, MemTableBytes: 1 << 20,
		FS: p.Disk, Logger: log, Shard: shard})
	return s, err
}

func (s *shardState) LastClosed() (feature.Slice, bool) {
	m := s.Meta()
	return m.LastClosed, m.HasClosed
}
func (s *shardState) FirstKnown() (int64, bool) { m := s.Meta(); return m.FirstKnown, m.HasFirst }
func (s *shardState) Shut() error               { return s.Store.Close() }

func (s *shardState) Fold(partition string, n uint64, watermark int64, blob []byte, sec *feature.Section) (int, error) {
	r, err := s.Store.Fold(&state.Fold{Partition: partition, N: n, Watermark: watermark, Blob: blob, Section: *sec})
	return r.ClosedLate, err
}

func (s *shardState) Close(ctx context.Context, slice feature.Slice, through map[string]uint64, v feature.CloseVisitor) (stream.Roll, error) {
	r, stats, err := s.CloseSlice(ctx, state.Close{Slice: slice, Through: through}, v)
	if err != nil {
		return nil, err
	}
	return &shardRoll{r, stats.Blobs}, nil
}

func (s *shardState) Checkpoint(ctx context.Context) error {
	dir := filepath.Join(s.dir, "checkpoint")
	if err := s.disk.RemoveAll(dir); err != nil {
		return err
	}
	meta := s.Meta()
	if !meta.HasClosed {
		return nil
	}
	if err := s.Store.Checkpoint(dir); err != nil {
		return err
	}
	_, err := s.archive.Upload(ctx, dir, meta)
	return errors.Join(err, s.disk.RemoveAll(dir))
}

type shardRoll struct {
	*state.Roll
	blobs []state.CutBlob
}

func (r *shardRoll) Commit() error { return r.Roll.Commit(context.Background()) }

func (r *shardRoll) Blobs() (out [][]byte) {
	for i := range r.blobs {
		out = append(out, r.blobs[i].Blob)
	}
	return out
}

// both runs two stages until both have ended; the first error ends the other.
func both(ctx context.Context, stages ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(stages))
	for _, run := range stages {
		go func() {
			err := run(ctx)
			if err != nil {
				cancel()
			}
			errs <- err
		}()
	}
	var first error
	for range stages {
		if err := <-errs; err != nil && (first == nil || errors.Is(first, context.Canceled)) {
			first = err
		}
	}
	return first
}
