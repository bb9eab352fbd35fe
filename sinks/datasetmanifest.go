package sinks

import (
	"encoding/json"
	"fmt"
)

// DatasetManifest says what all shards together published for one slice. Every owner that makes it makes the same
// bytes.
type DatasetManifest struct {
	SchemaVersion int             `json:"schema_version"`
	Slice         string          `json:"slice"`
	Shards        []ShardManifest `json:"shards"`   // by shard number
	Datasets      []DatasetTotal  `json:"datasets"` // by name
	CloseKey      string          `json:"close_key"`
	Close         json.RawMessage `json:"close"` // the close record as it stands, a JSON value
}

// ShardManifest names the manifest of one shard.
type ShardManifest struct {
	Shard    int    `json:"shard"`
	Revision int    `json:"revision"`
	Key      string `json:"key"`
	SHA256   string `json:"sha256"` // of the manifest's bytes, hex
}

// DatasetTotal is the sum over a dataset's objects.
type DatasetTotal struct {
	Name    string `json:"name"`
	Objects int    `json:"objects"`
	Rows    int64  `json:"rows"`
	Bytes   int64  `json:"bytes"`
}

// Encode writes the manifest: the same bytes for the same content.
func (m *DatasetManifest) Encode() ([]byte, error) {
	b, err := encodeJSON(m)
	if err != nil {
		return nil, fmt.Errorf("encode dataset manifest of slice %s: %w", m.Slice, err)
	}
	return b, nil
}

// ParseDatasetManifest reads what Encode wrote. Unknown fields are ignored; a newer version is refused.
func ParseDatasetManifest(b []byte) (*DatasetManifest, error) {
	m := &DatasetManifest{}
	err := parseJSON(b, m, func() int { return m.SchemaVersion })
	if err == nil {
		err = checkSliceName(m.Slice)
	}
	if err == nil && len(m.Shards) == 0 {
		err = fmt.Errorf("no shards")
	}
	if err != nil {
		return nil, fmt.Errorf("parse dataset manifest: %w", err)
	}
	return m, nil
}

// Success is the content of _SUCCESS: the slice is complete, by this dataset manifest.
type Success struct {
	SchemaVersion int    `json:"schema_version"`
	Slice         string `json:"slice"`
	Manifest      string `json:"manifest"` // key of the dataset manifest
	SHA256        string `json:"sha256"`   // of its bytes, hex
}

// Encode writes the marker: the same bytes for the same content.
func (s *Success) Encode() ([]byte, error) {
	b, err := encodeJSON(s)
	if err != nil {
		return nil, fmt.Errorf("encode success marker of slice %s: %w", s.Slice, err)
	}
	return b, nil
}

// ParseSuccess reads what Encode wrote. Unknown fields are ignored; a newer version is refused.
func ParseSuccess(b []byte) (*Success, error) {
	s := &Success{}
	err := parseJSON(b, s, func() int { return s.SchemaVersion })
	if err == nil {
		err = checkSliceName(s.Slice)
	}
	if err != nil {
		return nil, fmt.Errorf("parse success marker: %w", err)
	}
	return s, nil
}
