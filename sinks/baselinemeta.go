package sinks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ndr/feature"
)

// BaselineMeta is publication.json: what a publication of baselines is made of. Its creation, last and only if there
// is none, makes the publication count.
type BaselineMeta struct {
	SchemaVersion      int               `json:"schema_version"`
	FeatureSpecVersion string            `json:"feature_spec_version"`
	Month              string            `json:"baseline_month"`
	Revision           int               `json:"revision"`
	Mode               string            `json:"mode"` // REGULAR or BACKFILL
	EffectiveFrom      time.Time         `json:"effective_from"`
	ReferenceTime      time.Time         `json:"reference_time"`
	CommittedAt        time.Time         `json:"committed_at"`
	RunID              string            `json:"run_id"`
	AcceptedBy         string            `json:"accepted_by"`        // who accepted what the guard refuses; empty when it had nothing against it
	Previous           string            `json:"previous,omitempty"` // key of the publication that the guard compared with
	ConfigDigest       string            `json:"config_digest"`
	Writer             string            `json:"writer"`
	Horizons           []BaselineHorizon `json:"horizons"` // by name
}

// BaselineHorizon is one horizon of a publication.
type BaselineHorizon struct {
	Name         string                  `json:"baseline_horizon"`
	Start        time.Time               `json:"baseline_start_ts"`
	End          time.Time               `json:"baseline_end_ts"`
	Tables       []BaselineTable         `json:"tables"` // by dataset and part
	Hosts        int64                   `json:"hosts"`
	ColdKeys     int64                   `json:"cold_keys"` // rows of ip_metadata with is_cold_start
	Keys         int64                   `json:"keys"`      // all of them
	MovedHosts   int64                   `json:"hosts_in_several_segments"`
	Observations int64                   `json:"observations"` // rows of FG-A by role
	DownWeighted int64                   `json:"down_weighted"`
	Share        float64                 `json:"down_weighted_share"`
	Guard        *BaselineGuardResult    `json:"guard,omitempty"` // none for a first publication
	InputDigest  string                  `json:"input_digest"`
	Missing      []string                `json:"missing_slices"`
	Inputs       []BaselineInputManifest `json:"input_manifests"` // by slice
}

// BaselineTable is one object of a publication.
type BaselineTable struct {
	Dataset       string `json:"dataset"`
	Part          int    `json:"part"`
	Key           string `json:"key"`
	Rows          int64  `json:"rows"`
	Bytes         int64  `json:"bytes"`
	SHA256        string `json:"sha256"`
	ContentDigest string `json:"content_digest"`
}

// BaselineGuardResult is what the poisoning guard found.
type BaselineGuardResult struct {
	Compared int64   `json:"hosts_compared"`
	Moved    int64   `json:"hosts_moved"`
	Share    float64 `json:"moved_share"`
}

// BaselineInputManifest names the manifest of a slice that was read.
type BaselineInputManifest struct {
	Slice  string `json:"slice"`
	SHA256 string `json:"sha256"` // of the dataset manifest
}

// Encode writes the metadata: the same bytes for the same content.
func (m *BaselineMeta) Encode() ([]byte, error) {
	b, err := encodeJSON(m)
	if err != nil {
		return nil, fmt.Errorf("encode publication %s revision %d: %w", m.Month, m.Revision, err)
	}
	return b, nil
}

// ParseBaselineMeta reads what Encode wrote. Unknown fields are ignored; a newer version is refused.
func ParseBaselineMeta(b []byte) (*BaselineMeta, error) {
	m := &BaselineMeta{}
	err := parseJSON(b, m, func() int { return m.SchemaVersion })
	if err == nil && (m.Month == "" || m.Revision < 1 || m.EffectiveFrom.IsZero() || len(m.Horizons) == 0) {
		err = fmt.Errorf("month %q, revision %d, effective from %s, %d horizons: incomplete", m.Month, m.Revision, m.EffectiveFrom, len(m.Horizons))
	}
	if err != nil {
		return nil, fmt.Errorf("parse publication: %w", err)
	}
	return m, nil
}

// Horizon returns the horizon of a name, nil if the publication has none.
func (m *BaselineMeta) Horizon(name string) *BaselineHorizon {
	for i := range m.Horizons {
		if m.Horizons[i].Name == name {
			return &m.Horizons[i]
		}
	}
	return nil
}

// BaselineRef names a publication of baselines.
type BaselineRef struct {
	Month         string
	Revision      int
	Key           string // of its publication.json, which close records and manifests name
	EffectiveFrom time.Time
}

// ReadBaselineMeta reads a publication's metadata. One that is not there is fs.ErrNotExist.
func ReadBaselineMeta(ctx context.Context, store Store, layout feature.Layout, month string, revision int) (*BaselineMeta, error) {
	key, err := layout.Path(feature.PublicationObject(month, revision))
	if err != nil {
		return nil, err
	}
	b, err := store.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("read publication: %w", err)
	}
	m, err := ParseBaselineMeta(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return m, nil
}

// ListPublications returns every publication of baselines, by month and revision.
func ListPublications(ctx context.Context, store Store, layout feature.Layout) ([]BaselineRef, error) {
	prefix, err := layout.DataPrefix(feature.DatasetPublicationMetadata)
	if err != nil {
		return nil, err
	}
	keys, err := store.List(ctx, prefix, "", 0)
	if err != nil {
		return nil, fmt.Errorf("list publications of baselines: %w", err)
	}
	var refs []BaselineRef
	for _, key := range keys {
		o, err := layout.Parse(key)
		if err != nil || o.Dataset != feature.DatasetPublicationMetadata {
			continue
		}
		m, err := ReadBaselineMeta(ctx, store, layout, o.Month, o.Revision)
		if err != nil {
			return nil, err
		}
		refs = append(refs, BaselineRef{m.Month, m.Revision, key, m.EffectiveFrom})
	}
	return refs, nil
}

// FindPublication returns the publication in force for a slice that starts at the time: the largest effective_from
// that is not later, then the highest revision (and then the latest month). Without any, ok is false.
func FindPublication(ctx context.Context, store Store, layout feature.Layout, sliceStart time.Time) (ref BaselineRef, ok bool, err error) {
	refs, err := ListPublications(ctx, store, layout)
	if err != nil {
		return ref, false, err
	}
	for _, r := range refs {
		if !r.EffectiveFrom.After(sliceStart) && (!ok || r.supersedes(ref)) {
			ref, ok = r, true
		}
	}
	return ref, ok, nil
}

func (r BaselineRef) supersedes(o BaselineRef) bool {
	if c := r.EffectiveFrom.Compare(o.EffectiveFrom); c != 0 {
		return c > 0
	}
	if r.Revision != o.Revision {
		return r.Revision > o.Revision
	}
	return strings.Compare(r.Month, o.Month) > 0
}
