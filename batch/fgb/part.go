package fgb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"

	"ndr/feature"
	"ndr/sinks"
)

// part is the computation of one horizon for the segments of a part.
type part struct {
	job       *Job
	in        *horizonInput
	revision  int
	digest    string
	names     *names
	inventory *inventory
	spill     *spill
	groups    map[groupID][]chunk
	tables    []*rowWriter // in the order in which they were begun
	report    partReport
}

// partReport says what a part has made of a horizon. Its creation, after the tables, lets them count as done: with
// the same digest they are not made again.
type partReport struct {
	SchemaVersion int                   `json:"schema_version"`
	Horizon       string                `json:"baseline_horizon"`
	Part          int                   `json:"part"`
	Parts         int                   `json:"parts"`
	Digest        string                `json:"digest"`
	Observations  int64                 `json:"observations"`
	DownWeighted  int64                 `json:"down_weighted"`
	NoInventory   bool                  `json:"no_inventory"`
	Tables        []sinks.BaselineTable `json:"tables"`   // of the publication
	Partials      []sinks.BaselineTable `json:"partials"` // for the publishing step
}

const partReportVersion = 1

// partDigest is the digest of all that the tables of a part follow from.
func (j *Job) partDigest(in *horizonInput, inv *inventory) string {
	h := sha256.New()
	fmt.Fprintln(h, in.digest, in.Name, in.start.Unix(), in.end.Unix(), j.cfg.FeatureSpecVersion, j.cfg.ConfigDigest, j.cfg.Parts,
		feature.LogicVersion, logicVersion, inv.digest)
	return hex.EncodeToString(h.Sum(nil))
}

// logicVersion changes with any change of what is computed from the same inputs.
const logicVersion = 1

// computePart computes a horizon, unless its tables are there already.
func (j *Job) computePart(ctx context.Context, in *horizonInput, inv *inventory, revision int) (err error) {
	p := &part{job: j, in: in, revision: revision, digest: j.partDigest(in, inv), names: newNames(j.cfg.Part, j.cfg.Parts)}
	there, err := j.readPart(ctx, in.Name, revision, j.cfg.Part)
	if err != nil {
		return err
	}
	if there != nil && there.Digest == p.digest {
		j.log.Info("part is computed already", "horizon", in.Name, "part", j.cfg.Part)
		return nil
	}
	p.report = partReport{SchemaVersion: partReportVersion, Horizon: in.Name, Part: j.cfg.Part, Parts: j.cfg.Parts, Digest: p.digest,
		NoInventory: inv.empty()}
	if p.inventory, err = inv.open(ctx, j.store, j.cfg.TempDir); err != nil {
		return err
	}
	if p.spill, err = newSpill(j.cfg.TempDir); err != nil {
		return errors.Join(err, p.inventory.close())
	}
	defer func() {
		for _, t := range p.tables {
			err = errors.Join(err, t.Close())
		}
		err = errors.Join(err, p.inventory.close(), p.spill.close())
	}()
	if err := p.compute(ctx); err != nil {
		return fmt.Errorf("compute baselines of %s: %w", in.Name, err)
	}
	return p.store(ctx)
}

func (p *part) compute(ctx context.Context) error {
	readers, err := p.read(ctx)
	defer func() {
		for _, r := range readers {
			if e := r.pairs.close(); e != nil {
				p.job.log.Warn("remove temporary file failed", "err", e)
			}
		}
	}()
	if err != nil {
		return err
	}
	if p.job.cfg.ZeroFill {
		if err := p.zeroFill(ctx); err != nil {
			return err
		}
	}
	if err := p.arrange(ctx); err != nil {
		return err
	}
	caps, err := p.segments(ctx)
	if err != nil {
		return err
	}
	if err := p.hosts(ctx, caps); err != nil {
		return err
	}
	return p.pairs(ctx, readers)
}

// objectReader reads the objects of shards, one goroutine each.
type objectReader struct {
	rows  *rowReader
	pairs *pairReader
}

// read spills the rows of all slices and adds up their pairs. The readers come back also with an error.
func (p *part) read(ctx context.Context) (readers []*objectReader, err error) {
	cfg := &p.job.cfg
	free := make(chan *objectReader, cfg.Workers)
	for range cfg.Workers {
		memory := cfg.Memory / int64(cfg.Workers)
		r := &objectReader{&rowReader{job: p.job, input: p.in, names: p.names, run: newRun(p.spill, memory/4)},
			newPairReader(p.job, p.in, p.names, memory/8)}
		readers = append(readers, r)
		free <- r
	}
	type object struct {
		slice    feature.Slice
		manifest string
	}
	var objects []object
	for i := range p.in.slices {
		for _, key := range p.in.slices[i].shards {
			objects = append(objects, object{p.in.slices[i].slice, key})
		}
	}
	count := newCounter(p.job, p.in.Name+": read", int64(len(objects)))
	err = inParallel(ctx, cfg.Workers, len(objects), func(ctx context.Context, i int) error {
		r := <-free
		defer func() { free <- r }()
		fga, pairs, err := p.job.objectsOf(ctx, objects[i].manifest)
		if err != nil {
			return err
		}
		if err := r.rows.object(ctx, fga, objects[i].slice); err != nil {
			return err
		}
		if err := r.pairs.object(ctx, pairs, objects[i].slice); err != nil {
			return err
		}
		count.add()
		return nil
	})
	if err != nil {
		return readers, err
	}
	for _, r := range readers {
		if err := r.rows.run.flush(); err != nil {
			return readers, err
		}
		r.rows = nil // lets go of the memory of its run
	}
	return readers, nil
}

// arrange finds the chunks of each group of the part, and makes few of many.
func (p *part) arrange(ctx context.Context) (err error) {
	p.groups = p.spill.byGroup()
	for _, g := range slices.Collect(maps.Keys(p.groups)) {
		if !p.names.own(p.names.segmentName(g.segment())) {
			delete(p.groups, g)
			continue
		}
		if p.groups[g], err = p.spill.compact(ctx, p.groups[g], p.job.cfg.Memory); err != nil {
			return err
		}
	}
	return nil
}

// table begins a table of the part.
func (p *part) table(t *feature.Table) (*rowWriter, error) {
	w, err := newRowWriter(p.job.cfg.TempDir, t, p.job.meta(p.in.Name, p.revision, p.job.cfg.Part, p.digest))
	if err == nil {
		p.tables = append(p.tables, w)
	}
	return w, err
}

// meta is the footer metadata of a table.
func (j *Job) meta(horizon string, revision, part int, digest string) map[string]string {
	return map[string]string{sinks.MetaSpecVersion: j.cfg.FeatureSpecVersion, sinks.MetaShard: strconv.Itoa(part),
		sinks.MetaRevision: strconv.Itoa(revision), sinks.MetaInputDigest: digest, sinks.MetaWriterVersion: j.cfg.Writer,
		"baseline_horizon": horizon, "baseline_month": j.cfg.Month()}
}

// store creates the objects of the part, then its report.
func (p *part) store(ctx context.Context) error {
	month := p.job.cfg.Month()
	for _, t := range p.tables {
		name := t.batch.Table.Name
		o := feature.BaselineObject(name, p.in.Name, month, p.revision, p.job.cfg.Part)
		list := &p.report.Tables
		if _, err := p.job.cfg.Layout.Path(o); err != nil { // not a dataset
			o = feature.BaselinePartialObject(name, p.in.Name, month, p.revision, p.job.cfg.Part)
			list = &p.report.Partials
		}
		made, err := p.job.put(ctx, o, t)
		if err != nil {
			return err
		}
		*list = append(*list, made)
	}
	return p.job.putPart(ctx, &p.report, p.revision)
}

// readPart returns the report of a part, nil without one.
func (j *Job) readPart(ctx context.Context, horizon string, revision, part int) (*partReport, error) {
	key, err := j.cfg.Layout.Path(feature.BaselinePartObject(horizon, j.cfg.Month(), revision, part))
	if err != nil {
		return nil, err
	}
	b, err := j.store.Get(ctx, key, 0, -1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read part: %w", err)
	}
	r := &partReport{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if r.SchemaVersion != partReportVersion {
		return nil, fmt.Errorf("read %s: version %d, this program has %d", key, r.SchemaVersion, partReportVersion)
	}
	return r, nil
}

// putPart creates or replaces the report of a part.
func (j *Job) putPart(ctx context.Context, r *partReport, revision int) error {
	key, err := j.cfg.Layout.Path(feature.BaselinePartObject(r.Horizon, j.cfg.Month(), revision, r.Part))
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report of part: %w", err)
	}
	return j.write(ctx, key, b)
}
