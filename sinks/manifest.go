package sinks

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ManifestVersion is the newest schema_version of Manifest, DatasetManifest and Success that this program writes
// and reads.
const ManifestVersion = 1

// Manifest says what one shard published for one slice. Its creation makes the objects visible.
type Manifest struct {
	SchemaVersion       int               `json:"schema_version"`
	Slice               string            `json:"slice"` // start, YYYYMMDDTHHMMZ
	Shard               int               `json:"shard"`
	Revision            int               `json:"revision"`         // 0 for the live run, N for promotion N
	Reason              string            `json:"reason,omitempty"` // of a revision
	Datasets            []ManifestDataset `json:"datasets"`
	InputDigest         string            `json:"input_digest"`
	Inputs              []ManifestInput   `json:"inputs"`
	Counters            ManifestCounters  `json:"counters"`
	BaselinePublication string            `json:"baseline_publication,omitempty"` // key of its publication.json
	ConfigDigests       map[string]string `json:"config_digests"`                 // by configuration
	LogicVersion        string            `json:"logic_version"`
	Architecture        string            `json:"architecture"` // floats may differ between two
	Writer              string            `json:"writer"`       // program and version
	CreatedAt           time.Time         `json:"created_at"`   // UTC
}

// ManifestDataset is one published object.
type ManifestDataset struct {
	Name          string `json:"name"`
	Key           string `json:"key"`
	Rows          int64  `json:"rows"`
	Bytes         int64  `json:"bytes"`
	SHA256        string `json:"sha256"`
	ContentDigest string `json:"content_digest"`
}

// ManifestInput is the run of cuts of one source partition that this close took in.
type ManifestInput struct {
	Source    string `json:"source"`
	Partition string `json:"partition"`
	FirstCut  uint64 `json:"first_cut"`
	LastCut   uint64 `json:"last_cut"`
	From      int64  `json:"from"` // position of the first record
	To        int64  `json:"to"`   // position after the last record
}

// ManifestCounters counts what the inputs held, of all shards alike.
type ManifestCounters struct {
	Records  int64            `json:"records"`
	Sessions int64            `json:"sessions"`
	Late     int64            `json:"late"`
	Rejected map[string]int64 `json:"rejected"` // by reason
	Imputed  map[string]int64 `json:"imputed"`  // by reason
}

// Encode writes the manifest: the same bytes for the same content. Empty lists and maps are written as such, never
// as null.
func (m *Manifest) Encode() ([]byte, error) {
	c := *m
	c.Datasets, c.Inputs = notNil(c.Datasets), notNil(c.Inputs)
	for _, p := range []*map[string]int64{&c.Counters.Rejected, &c.Counters.Imputed} {
		if *p == nil {
			*p = map[string]int64{}
		}
	}
	if c.ConfigDigests == nil {
		c.ConfigDigests = map[string]string{}
	}
	b, err := encodeJSON(&c)
	if err != nil {
		return nil, fmt.Errorf("encode manifest of slice %s shard %d: %w", m.Slice, m.Shard, err)
	}
	return b, nil
}

// ParseManifest reads what Encode wrote. Unknown fields are ignored; a newer version is refused.
func ParseManifest(b []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := parseJSON(b, m, func() int { return m.SchemaVersion }); err != nil {
		return nil, fmt.Errorf("parse manifest: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("parse manifest of slice %q shard %d: %w", m.Slice, m.Shard, err)
	}
	return m, nil
}

func (m *Manifest) check() error {
	if err := checkSliceName(m.Slice); err != nil {
		return err
	}
	if m.Shard < 0 || m.Revision < 0 {
		return fmt.Errorf("shard %d, revision %d: negative", m.Shard, m.Revision)
	}
	for _, d := range m.Datasets {
		if d.Name == "" || d.Key == "" || d.Rows < 0 || d.Bytes < 0 {
			return fmt.Errorf("dataset %q, key %q, %d rows, %d bytes: incomplete", d.Name, d.Key, d.Rows, d.Bytes)
		}
	}
	return nil
}

func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func checkSliceName(s string) error {
	if _, err := time.Parse("20060102T1504Z", s); err != nil {
		return fmt.Errorf("slice %q is not YYYYMMDDTHHMMZ", s)
	}
	return nil
}

// encodeJSON writes indented JSON with a newline at the end. Maps come out in the order of their keys.
func encodeJSON(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// parseJSON reads one JSON object into v and checks the version found in it.
func parseJSON(b []byte, v any, version func() int) error {
	if err := json.Unmarshal(b, v); err != nil {
		// A newer version may have changed a type: then its number says more than the type error.
		var head struct {
			SchemaVersion int `json:"schema_version"`
		}
		if json.Unmarshal(b, &head) == nil && head.SchemaVersion > ManifestVersion {
			return versionError(head.SchemaVersion)
		}
		return err
	}
	switch n := version(); {
	case n > ManifestVersion:
		return versionError(n)
	case n < 1:
		return errors.New("no schema_version")
	}
	return nil
}

func versionError(n int) error {
	return fmt.Errorf("schema_version %d is newer than %d, the newest that this program reads", n, ManifestVersion)
}
