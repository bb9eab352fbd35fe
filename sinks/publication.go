package sinks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strconv"

	"ndr/feature"
)

// Footer metadata that decides whether two owners must agree.
const (
	MetaLogicVersion = "logic_version"
	MetaArchitecture = "architecture"
)

// Publication receives the rows of the close of one slice in one shard and makes its objects. It belongs to one
// goroutine. Discard ends it, committed or not.
type Publication struct {
	*feature.CloseBuilder
	p        *Publisher
	slice    feature.Slice
	shard    int
	tables   []*tableOut
	rejects  *rejectFile
	sessions *sessionCount
	late     *sessionCount
	integers [2]*integerDigest // of delta and pair_counts
	compared *comparison       // nil without baselines
	ready    []readyObject     // after Finish
	sealed   *Manifest         // after Finish, without the objects
}

// readyObject is a finished file on its way to the store.
type readyObject struct {
	object feature.Object
	stats  Stats
	body   io.ReadSeeker
}

// tableOut is one dataset's file.
type tableOut struct {
	*TableFile
	object feature.Object
	always bool // published also without rows, so that every shard has one object
}

// Begin opens the outputs of one close. The tables of features are always published; late rows, rejects and the
// lookback of a day only where there are any, FG-C where baselines are in force: baseline names their publication.
func (p *Publisher) Begin(ctx context.Context, s feature.Slice, shard int, firstKnown int64, baseline string) (_ *Publication, err error) {
	pub := &Publication{p: p, slice: s, shard: shard}
	defer func() {
		if err != nil {
			pub.Discard()
		}
	}()
	cfg := p.cfg.Close
	cfg.Slice, cfg.FirstKnown = s, firstKnown
	fgc := p.cfg.FGC
	cfg.FGC = &fgc
	if baseline != "" {
		if pub.compared, err = p.compare(ctx, s, baseline, &fgc); err != nil {
			return nil, err
		}
	}
	o := &outputs{pub: pub}
	if pub.rejects, err = newRejectFile(cfg.Source); err != nil {
		return nil, err
	}
	sinks := o.open(&fgc)
	if o.err != nil {
		return nil, o.err
	}
	if pub.CloseBuilder, err = feature.NewCloseBuilder(cfg, sinks); err != nil {
		return nil, &MismatchError{err}
	}
	return pub, nil
}

func (p *Publisher) meta(s feature.Slice, shard int) map[string]string {
	return map[string]string{
		MetaSlice: p.name(s), MetaShard: strconv.Itoa(shard), MetaRevision: "0", MetaSpecVersion: p.cfg.Close.FeatureSpecVersion,
		MetaLogicVersion: p.cfg.LogicVersion, MetaArchitecture: architecture, MetaWriterVersion: p.cfg.Writer,
	}
}

// Discard removes the temporary files.
func (pub *Publication) Discard() {
	for _, t := range pub.tables {
		if err := t.Close(); err != nil {
			pub.p.log.Warn("remove temporary file failed", "err", err)
		}
	}
	pub.tables = nil
	if pub.compared != nil {
		pub.compared.release()
		pub.compared = nil
	}
}

// Finish ends the rows and completes the files on the local disk.
func (pub *Publication) Finish(a *feature.CloseAccount) error {
	if err := pub.Flush(); err != nil {
		return &MismatchError{err}
	}
	if pub.compared != nil {
		if err := pub.compared.check(); err != nil {
			return err
		}
	}
	pub.sealed = pub.manifest(a)
	for _, t := range pub.tables {
		if err := t.AddMeta(MetaInputDigest, pub.sealed.InputDigest); err != nil {
			return err
		}
		stats, body, err := t.Finish()
		if err != nil {
			return err
		}
		if stats.Rows > 0 || t.always {
			pub.ready = append(pub.ready, readyObject{t.object, stats, body})
		}
	}
	if pub.rejects.rows > 0 {
		stats, body, err := pub.rejects.finish()
		if err != nil {
			return err
		}
		pub.ready = append(pub.ready, readyObject{pub.object(feature.DatasetRejects), stats, body})
	}
	return nil
}

// Commit stores the finished objects, then the manifest whose creation makes them count. If another owner's manifest
// is there first, it stands and nothing more is stored. A MismatchError means that an owner of the same logic made
// other rows. After any other error Commit may be called again.
func (pub *Publication) Commit(ctx context.Context) error {
	m := *pub.sealed
	for _, o := range pub.ready {
		stood, err := pub.store(ctx, &m, o)
		if err != nil || stood {
			return err
		}
	}
	return pub.seal(ctx, &m)
}

// manifest fills what does not depend on the objects.
func (pub *Publication) manifest(a *feature.CloseAccount) *Manifest {
	p := pub.p
	m := &Manifest{
		SchemaVersion: ManifestVersion, Slice: p.name(pub.slice), Shard: pub.shard, BaselinePublication: a.Baseline,
		ConfigDigests: map[string]string{"close": a.CloseConfig}, LogicVersion: p.cfg.LogicVersion, Architecture: architecture,
		Writer: p.cfg.Writer, CreatedAt: p.cfg.Now().UTC(),
		Counters: ManifestCounters{Records: a.Records, Sessions: pub.sessions.sum, Late: pub.late.sum, Rejected: maps.Clone(a.Rejected),
			Imputed: pub.p.countImputed(pub.FGCAccount())},
	}
	for i, d := range a.IngestConfigs {
		m.ConfigDigests["ingest_"+strconv.Itoa(i)] = d
	}
	h := sha256.New()
	for _, in := range a.Inputs {
		m.Inputs = append(m.Inputs, ManifestInput{Source: in.Source, Partition: in.Partition, FirstCut: in.FirstCut,
			LastCut: in.LastCut, From: in.From, To: in.To})
		for _, d := range in.Digests {
			fmt.Fprintln(h, in.Source, in.Partition, d)
		}
	}
	for _, d := range pub.integers {
		h.Write(d.hash.Sum(nil))
	}
	m.InputDigest = hex.EncodeToString(h.Sum(nil))
	return m
}

// object is the object of a dataset that this close publishes.
func (pub *Publication) object(dataset string) feature.Object {
	return feature.SliceDataObject(dataset, pub.p.cfg.Close.Clock, pub.slice, pub.shard)
}

// store creates one dataset's object and notes it in the manifest. stood means that another owner has published the
// slice.
func (pub *Publication) store(ctx context.Context, m *Manifest, o readyObject) (stood bool, err error) {
	stats, body := o.stats, o.body
	key, err := pub.p.cfg.Layout.Path(o.object)
	if err != nil {
		return false, err
	}
	m.Datasets = append(m.Datasets, ManifestDataset{Name: o.object.Dataset, Key: key, Rows: stats.Rows, Bytes: stats.Bytes,
		SHA256: stats.SHA256, ContentDigest: stats.ContentDigest})
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("create %s: %w", key, err)
	}
	err = pub.p.store.Create(ctx, key, body)
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, fs.ErrExist):
		return pub.exists(ctx, key, stats, body)
	}
	return false, fmt.Errorf("create %s: %w", key, err)
}

// exists deals with an object that is there already: of this slice by another attempt. Equal rows are as good. Other
// rows under a manifest mean that a newer or older version published first; without one they are a left-over of
// another version, which is replaced, or a contradiction.
func (pub *Publication) exists(ctx context.Context, key string, stats Stats, body io.ReadSeeker) (stood bool, err error) {
	there, logic, arch, err := pub.contentOf(ctx, key)
	if err != nil {
		return false, fmt.Errorf("compare %s: %w", key, err)
	}
	if there == stats.ContentDigest {
		return false, nil
	}
	if logic == pub.p.cfg.LogicVersion && arch == architecture {
		return false, &MismatchError{fmt.Errorf("publish %s: it exists with the content digest %s, and this owner of the same logic %s made %s",
			key, there, logic, stats.ContentDigest)}
	}
	done, err := pub.p.Published(ctx, pub.slice, pub.shard)
	if err != nil || done {
		if done {
			pub.p.stood.Inc()
		}
		return done, err
	}
	info, err := pub.p.store.Stat(ctx, key)
	if err != nil {
		return false, fmt.Errorf("compare %s: %w", key, err)
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("replace %s: %w", key, err)
	}
	if err := pub.p.store.Replace(ctx, key, body, info.Tag); err != nil {
		return false, fmt.Errorf("replace %s: %w", key, err)
	}
	return false, nil
}

// contentOf returns what an existing object says of itself.
func (pub *Publication) contentOf(ctx context.Context, key string) (digest, logic, arch string, err error) {
	if isReject(key) {
		return rejectContent(ctx, pub.p.store, key)
	}
	o, err := pub.p.store.Open(ctx, key)
	if err != nil {
		return "", "", "", err
	}
	defer o.Close()
	f, err := ReadFooter(o)
	if err != nil {
		return "", "", "", err
	}
	return f.Meta[MetaContentDigest], f.Meta[MetaLogicVersion], f.Meta[MetaArchitecture], nil
}

// seal creates the manifest. An owner of the same logic that was first must have published the same rows.
func (pub *Publication) seal(ctx context.Context, m *Manifest) error {
	body, err := m.Encode()
	if err != nil {
		return err
	}
	key, err := pub.p.cfg.Layout.Path(feature.ManifestObject(m.Slice, m.Shard, 0))
	if err != nil {
		return err
	}
	err = pub.p.store.Create(ctx, key, bytes.NewReader(body))
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("create %s: %w", key, err)
	}
	b, err := pub.p.store.Get(ctx, key, 0, -1)
	if err != nil {
		return fmt.Errorf("compare %s: %w", key, err)
	}
	first, err := ParseManifest(b)
	if err != nil {
		return fmt.Errorf("compare %s: %w", key, err)
	}
	pub.p.stood.Inc()
	return m.agree(first, key)
}

// agree compares two manifests of the same slice and shard.
func (m *Manifest) agree(first *Manifest, key string) error {
	if m.InputDigest != first.InputDigest {
		return &MismatchError{fmt.Errorf("publish %s: the first owner had the inputs %s, this one %s", key, first.InputDigest, m.InputDigest)}
	}
	if m.LogicVersion != first.LogicVersion || m.Architecture != first.Architecture {
		return nil
	}
	theirs := make(map[string]string)
	for _, d := range first.Datasets {
		theirs[d.Key] = d.ContentDigest
	}
	for _, d := range m.Datasets {
		if theirs[d.Key] != d.ContentDigest {
			return &MismatchError{fmt.Errorf("publish %s: %s differs from what the first owner of the same logic published: %s and %s",
				key, d.Name, theirs[d.Key], d.ContentDigest)}
		}
	}
	return nil
}
