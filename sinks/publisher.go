package sinks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ndr/feature"
)

// PublisherConfig is what all closes of a process have in common.
type PublisherConfig struct {
	Layout       feature.Layout
	Shards       int                 // of the root
	Close        feature.CloseConfig // Slice, FirstKnown and Revision are set per close
	Wide         bool                // FG-A in the wide layout
	Long         bool                // FG-A in the long layout; with Wide, the wide table is fg_a_wide
	FGC          feature.FGCConfig   // without horizons: those of the publication in force are set per close
	BaselineDir  string              // for local copies of publications
	TempDir      string              // for tables on their way to the store; "" is the system's
	LogicVersion string              // of the arithmetic: two builds that agree on it must publish the same rows
	Writer       string              // program and version
	Now          func() time.Time    // for created_at
}

// Publisher makes the public objects of slices. It may be used by several shards at a time.
type Publisher struct {
	cfg     PublisherConfig
	store   Store
	log     *slog.Logger
	stood   prometheus.Counter
	imputed *prometheus.CounterVec // reason: <dataset>.<reason>
	scales  *prometheus.CounterVec // scale: mad, iqr, floor

	publications *publicationCache
}

// NewPublisher makes a publisher and registers its counter.
func NewPublisher(cfg PublisherConfig, store Store, log *slog.Logger, reg prometheus.Registerer) (*Publisher, error) {
	p := &Publisher{cfg: cfg, store: store, log: log, publications: &publicationCache{open: make(map[string]*sharedPublication)}}
	p.stood = prometheus.NewCounter(prometheus.CounterOpts{Name: "ndr_publish_stood_down_total",
		Help: "Slices of a shard that another owner had published first."})
	p.imputed = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ndr_fgc_imputed_total",
		Help: "Fallbacks and declared nulls of FG-C, by dataset and reason."}, []string{"reason"})
	p.scales = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ndr_fgc_scales_total",
		Help: "Values of z_mad by what they were divided by."}, []string{"scale"})
	for _, c := range []prometheus.Collector{p.stood, p.imputed, p.scales} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register publisher metrics: %w", err)
		}
	}
	return p, nil
}

// With is the publisher for another close configuration, with the same store, metrics and baselines: a slice is closed
// by the configuration that its close record names, whatever this process was started with.
func (p *Publisher) With(c feature.CloseConfig, fgc feature.FGCConfig, wide, long bool) *Publisher {
	o := *p
	o.cfg.Close, o.cfg.FGC, o.cfg.Wide, o.cfg.Long = c, fgc, wide, long
	return &o
}

// MismatchError means that two owners of the same logic made different rows for the same slice, or that a table
// broke its schema. Trying again cannot help: it must be looked into.
type MismatchError struct{ Err error }

func (e *MismatchError) Error() string { return e.Err.Error() }
func (e *MismatchError) Unwrap() error { return e.Err }

// Permanent tells callers not to try again.
func (e *MismatchError) Permanent() bool { return true }

// Published reports whether the shard's manifest of the slice exists, in any revision.
func (p *Publisher) Published(ctx context.Context, s feature.Slice, shard int) (bool, error) {
	key, err := p.cfg.Layout.Path(feature.ManifestObject(p.name(s), shard, 0))
	if err != nil {
		return false, err
	}
	_, err = p.store.Get(ctx, key, 0, 1)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (p *Publisher) name(s feature.Slice) string { return p.cfg.Close.Clock.Name(s) }

// Complete creates the dataset manifest and _SUCCESS when every shard has its manifest of the slice. Whoever does it
// makes the same bytes.
func (p *Publisher) Complete(ctx context.Context, s feature.Slice, record []byte) error {
	name := p.name(s)
	m := &DatasetManifest{SchemaVersion: ManifestVersion, Slice: name, Close: json.RawMessage(record)}
	var err error
	if m.CloseKey, err = p.cfg.Layout.Path(feature.CloseObject(name)); err != nil {
		return err
	}
	totals := make(map[string]*DatasetTotal)
	for shard := range p.cfg.Shards {
		ok, err := p.addShard(ctx, m, totals, name, shard)
		if err != nil || !ok {
			return err
		}
	}
	for _, t := range totals {
		m.Datasets = append(m.Datasets, *t)
	}
	slices.SortFunc(m.Datasets, func(a, b DatasetTotal) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	body, err := m.Encode()
	if err != nil {
		return err
	}
	key, err := p.create(ctx, feature.DatasetManifestObject(name), body)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	done := &Success{SchemaVersion: ManifestVersion, Slice: name, Manifest: key, SHA256: hex.EncodeToString(sum[:])}
	if body, err = done.Encode(); err != nil {
		return err
	}
	_, err = p.create(ctx, feature.SuccessObject(name), body)
	return err
}

// addShard adds one shard's manifest; false if it has none yet.
func (p *Publisher) addShard(ctx context.Context, m *DatasetManifest, totals map[string]*DatasetTotal, slice string, shard int) (bool, error) {
	key, err := p.cfg.Layout.Path(feature.ManifestObject(slice, shard, 0))
	if err != nil {
		return false, err
	}
	b, err := p.store.Get(ctx, key, 0, -1)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	sm, err := ParseManifest(b)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", key, err)
	}
	sum := sha256.Sum256(b)
	m.Shards = append(m.Shards, ShardManifest{Shard: shard, Key: key, SHA256: hex.EncodeToString(sum[:])})
	for _, d := range sm.Datasets {
		t := totals[d.Name]
		if t == nil {
			t = &DatasetTotal{Name: d.Name}
			totals[d.Name] = t
		}
		t.Objects++
		t.Rows += d.Rows
		t.Bytes += d.Bytes
	}
	return true, nil
}

// create makes a small object; one that exists is as good.
func (p *Publisher) create(ctx context.Context, o feature.Object, body []byte) (key string, err error) {
	if key, err = p.cfg.Layout.Path(o); err != nil {
		return "", err
	}
	if err := p.store.Create(ctx, key, bytes.NewReader(body)); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("create %s: %w", key, err)
	}
	return key, nil
}

// architecture is part of what decides whether two owners must agree to the last bit.
const architecture = runtime.GOARCH
