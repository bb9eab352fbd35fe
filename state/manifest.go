package state

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
)

// CheckpointFormat is the version of the checkpoint manifests that this program writes.
const CheckpointFormat = 1

// Errors of reading a checkpoint.
var (
	// ErrBroken says that a checkpoint, or a file that it names, is missing or not what was written: an older
	// checkpoint may be whole.
	ErrBroken = errors.New("checkpoint is broken")
	// ErrNewer says that a newer program wrote it: an older checkpoint would be a step back.
	ErrNewer = errors.New("checkpoint has a newer format")
)

// CheckpointManifest is the object that makes a checkpoint: the files of the store and what the store knew.
type CheckpointManifest struct {
	Format int              `json:"format"`
	Meta   Meta             `json:"meta"`
	Files  []CheckpointFile `json:"files"` // by name
}

// CheckpointFile is one file of the store's folder. A file without bytes has no object.
type CheckpointFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // lower-case hex
	Size   int64  `json:"size"`
}

// objectName is the name of the file's object, by its content.
func (f CheckpointFile) objectName() string { return f.SHA256 + ".sst" }

func (m *CheckpointManifest) encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode checkpoint manifest: %w", err)
	}
	return append(b, '\n'), nil
}

// ParseCheckpoint reads a checkpoint manifest; the error is ErrBroken or ErrNewer.
func ParseCheckpoint(b []byte) (*CheckpointManifest, error) {
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return nil, fmt.Errorf("parse checkpoint manifest: %w: %w", ErrBroken, err)
	}
	if version.Format > CheckpointFormat {
		return nil, fmt.Errorf("parse checkpoint manifest: %w: %d, this program knows up to %d",
			ErrNewer, version.Format, CheckpointFormat)
	}
	m := new(CheckpointManifest)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("parse checkpoint manifest: %w: %w", ErrBroken, err)
	}
	if m.Meta.FormatVersion > FormatVersion {
		return nil, fmt.Errorf("parse checkpoint manifest: %w: store format %d, this program knows up to %d",
			ErrNewer, m.Meta.FormatVersion, FormatVersion)
	}
	if m.Format < 1 || !m.Meta.HasClosed || len(m.Files) == 0 {
		return nil, fmt.Errorf("parse checkpoint manifest: %w: a field is missing", ErrBroken)
	}
	for _, f := range m.Files {
		sum, err := hex.DecodeString(f.SHA256)
		if f.Name == "" || f.Name == "." || f.Name == ".." || f.Name != path.Base(f.Name) ||
			err != nil || len(sum) != 32 || f.Size < 0 {
			return nil, fmt.Errorf("parse checkpoint manifest: %w: file %+v", ErrBroken, f)
		}
	}
	return m, nil
}
