package fgb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"ndr/feature"
	"ndr/sinks"
)

// publishAll merges the parts of all horizons, asks the guard, and commits.
func (j *Job) publishAll(ctx context.Context, plans []*horizonInput, inv *inventory, revision int, report *Report) error {
	meta := &sinks.BaselineMeta{SchemaVersion: sinks.ManifestVersion, FeatureSpecVersion: j.cfg.FeatureSpecVersion, Month: j.cfg.Month(),
		Revision: revision, Mode: j.cfg.Mode, ReferenceTime: j.cfg.Reference.UTC(), RunID: j.cfg.RunID, ConfigDigest: j.cfg.ConfigDigest,
		Writer: j.cfg.Writer}
	for i, in := range plans {
		j.progress("merge", int64(i), int64(len(plans)))
		h, err := j.publishHorizon(ctx, in, inv, revision)
		if err != nil {
			return err
		}
		meta.Horizons = append(meta.Horizons, *h)
	}
	report.Horizons = meta.Horizons
	if err := j.askGuard(ctx, meta, report); err != nil {
		return err
	}
	if err := j.removeLeftovers(ctx, meta); err != nil {
		return err
	}
	j.progress("publish", 0, 1)
	key, err := j.commit(ctx, meta)
	if err != nil {
		return err
	}
	report.Key, report.EffectiveFrom, report.Published = key, meta.EffectiveFrom, true
	j.progress("publish", 1, 1)
	return j.removePrivate(ctx, revision)
}

// publishHorizon reads the reports of the parts of a horizon, which must be of the same inputs, and merges them.
func (j *Job) publishHorizon(ctx context.Context, in *horizonInput, inv *inventory, revision int) (*sinks.BaselineHorizon, error) {
	reports, err := j.partsOf(ctx, in, inv, revision)
	if err != nil {
		return nil, err
	}
	m := &merger{job: j, in: in, revision: revision, reports: reports, digest: reports[0].Digest}
	h := &m.out
	h.Name, h.Start, h.End, h.InputDigest = in.Name, in.start, in.end, in.digest
	h.Missing, h.Inputs = []string{}, []sinks.BaselineInputManifest{}
	for _, s := range in.missing {
		h.Missing = append(h.Missing, j.cfg.Clock.Name(s))
	}
	for i := range in.slices {
		h.Inputs = append(h.Inputs, sinks.BaselineInputManifest{Slice: j.cfg.Clock.Name(in.slices[i].slice), SHA256: in.slices[i].sha256})
	}
	for _, r := range reports {
		h.Tables = append(h.Tables, r.Tables...)
		h.Observations += r.Observations
		h.DownWeighted += r.DownWeighted
	}
	if h.Observations > 0 {
		h.Share = float64(h.DownWeighted) / float64(h.Observations)
	}
	if err := m.merge(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(h.Tables, func(a, b sinks.BaselineTable) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	return h, nil
}

// PartsError means that parts are not computed yet, or were computed from other inputs.
type PartsError struct {
	Horizon string
	Parts   []int
	Of      int
	Stale   bool
}

func (e *PartsError) Error() string {
	what := "not computed yet"
	if e.Stale {
		what = "computed from other inputs or by another configuration: compute them again"
	}
	return fmt.Sprintf("publish %s: parts %v of %d are %s", e.Horizon, e.Parts, e.Of, what)
}

// partsOf reads the reports of all parts. How many there are is what the job says or, when it only publishes, what
// the first report says.
func (j *Job) partsOf(ctx context.Context, in *horizonInput, inv *inventory, revision int) ([]*partReport, error) {
	parts := j.cfg.Parts
	if !j.cfg.Compute {
		first, err := j.readPart(ctx, in.Name, revision, 0)
		if err != nil {
			return nil, err
		}
		if first == nil {
			return nil, &PartsError{in.Name, []int{0}, j.cfg.Parts, false}
		}
		parts = first.Parts
	}
	all := *j
	all.cfg.Parts = parts
	digest := all.partDigest(in, inv)
	missing, stale := &PartsError{in.Name, nil, parts, false}, &PartsError{in.Name, nil, parts, true}
	var reports []*partReport
	for i := range parts {
		r, err := j.readPart(ctx, in.Name, revision, i)
		switch {
		case err != nil:
			return nil, err
		case r == nil:
			missing.Parts = append(missing.Parts, i)
		case r.Digest != digest:
			stale.Parts = append(stale.Parts, i)
		default:
			reports = append(reports, r)
		}
	}
	if len(missing.Parts) > 0 {
		return nil, missing
	}
	if len(stale.Parts) > 0 {
		return nil, stale
	}
	return reports, nil
}

// askGuard compares with the publication that is in force where this one will be. A first one is not guarded.
func (j *Job) askGuard(ctx context.Context, meta *sinks.BaselineMeta, report *Report) error {
	ref, ok, err := sinks.FindPublication(ctx, j.store, j.cfg.Layout, j.effectiveFrom())
	if err != nil || !ok {
		return err
	}
	before, err := sinks.ReadBaselineMeta(ctx, j.store, j.cfg.Layout, ref.Month, ref.Revision)
	if err != nil {
		return err
	}
	meta.Previous = ref.Key
	refused := false
	for i := range meta.Horizons {
		j.progress("guard", int64(i), int64(len(meta.Horizons)))
		f, err := j.guarded(ctx, &meta.Horizons[i], before)
		if err != nil {
			return fmt.Errorf("compare with %s: %w", ref.Key, err)
		}
		if f == nil {
			continue
		}
		meta.Horizons[i].Guard = &f.BaselineGuardResult
		report.Guard = append(report.Guard, *f)
		refused = refused || f.refused()
	}
	if refused && j.cfg.AcceptedBy == "" {
		return &GuardError{ref.Key, report.Guard}
	}
	if refused {
		meta.AcceptedBy = j.cfg.AcceptedBy
	}
	return nil
}

// effectiveFrom is from when the baselines are in force if they are committed now.
func (j *Job) effectiveFrom() time.Time {
	if j.cfg.Mode == ModeBackfill {
		return j.cfg.EffectiveFrom.UTC()
	}
	at := j.cfg.Now().Add(j.cfg.ActivationDelay).UnixNano()
	s := j.cfg.Clock.Of(at)
	if j.cfg.Clock.Start(s) < at {
		s++
	}
	return time.Unix(0, j.cfg.Clock.Start(s)).UTC()
}

// commit creates publication.json. If another job has published this revision meanwhile, nothing is published.
func (j *Job) commit(ctx context.Context, meta *sinks.BaselineMeta) (key string, err error) {
	meta.CommittedAt, meta.EffectiveFrom = j.cfg.Now().UTC(), j.effectiveFrom()
	body, err := meta.Encode()
	if err != nil {
		return "", err
	}
	if key, err = j.cfg.Layout.Path(feature.PublicationObject(meta.Month, meta.Revision)); err != nil {
		return "", err
	}
	err = j.store.Create(ctx, key, bytes.NewReader(body))
	if errors.Is(err, fs.ErrExist) {
		there, getErr := j.store.Get(ctx, key, 0, -1)
		if getErr == nil && bytes.Equal(there, body) { // this very attempt, whose answer was lost
			return key, nil
		}
		return "", fmt.Errorf("publish baselines: %s was published by another job meanwhile: %w", key, err)
	}
	return key, err
}

// nextRevision is the first number that no publication of the month has.
func (j *Job) nextRevision(ctx context.Context) (int, error) {
	refs, err := sinks.ListPublications(ctx, j.store, j.cfg.Layout)
	if err != nil {
		return 0, err
	}
	next := 1
	for _, r := range refs {
		if r.Month == j.cfg.Month() {
			next = max(next, r.Revision+1)
		}
	}
	return next, nil
}

// removeLeftovers deletes tables of the revision that are not of the publication: of an attempt with more parts or
// other horizons.
func (j *Job) removeLeftovers(ctx context.Context, meta *sinks.BaselineMeta) error {
	mine := make(map[string]bool)
	datasets := make(map[string]bool)
	for i := range meta.Horizons {
		for _, t := range meta.Horizons[i].Tables {
			mine[t.Key], datasets[t.Dataset] = true, true
		}
	}
	for dataset := range datasets {
		prefix, err := j.cfg.Layout.DataPrefix(dataset)
		if err != nil {
			return err
		}
		keys, err := j.store.List(ctx, prefix, "", 0)
		if err != nil {
			return fmt.Errorf("list %s: %w", prefix, err)
		}
		for _, key := range keys {
			o, err := j.cfg.Layout.Parse(key)
			if err != nil || o.Dataset != dataset || o.Month != meta.Month || o.Revision != meta.Revision || mine[key] {
				continue
			}
			if err := j.store.Delete(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// removePrivate deletes what the parts handed to the publishing step.
func (j *Job) removePrivate(ctx context.Context, revision int) error {
	prefix, err := j.cfg.Layout.BaselinePartsPrefix(j.cfg.Month(), revision)
	if err != nil {
		return err
	}
	keys, err := j.store.List(ctx, prefix, "", 0)
	if err != nil {
		return fmt.Errorf("list %s: %w", prefix, err)
	}
	for _, key := range keys {
		if err := j.store.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
