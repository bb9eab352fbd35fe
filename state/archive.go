package state

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"ndr/feature"
)

// Objects is the object store as checkpoints use it.
type Objects interface {
	// Get returns n bytes from off (n < 0: to the end). A missing object is fs.ErrNotExist; a range that begins
	// past the end gives no bytes.
	Get(ctx context.Context, key string, off, n int64) ([]byte, error)
	// Create makes the object if it does not exist. An existing one is fs.ErrExist; after any other error the
	// outcome is unknown and the same bytes may be sent again.
	Create(ctx context.Context, key string, body io.ReadSeeker) error
}

// ArchiveConfig says where the checkpoints of a shard lie. The keys are made by feature.Layout.
type ArchiveConfig struct {
	Objects       Objects
	FS            vfs.FS // nil is the disk
	CheckpointKey func(last feature.Slice) string
	FileKey       func(name string) string // of the content-addressed objects
	Metrics       *Metrics                 // nil counts nothing
}

// Archive saves the checkpoints of one opened store and restores it: make a new one for each. It belongs to one
// goroutine, which need not be that of the store.
type Archive struct {
	cfg ArchiveConfig
	// hashed is the tables of the store's last checkpoint: a table never changes and its name is not used again.
	hashed map[string]CheckpointFile
	// stored is the contents that the newest checkpoint this archive saw in the object store names: they are kept
	// as long as it is. What only a lost upload sent is sent again, because nothing protects it.
	stored map[string]bool
}

// NewArchive returns an archive that knows of no checkpoint yet.
func NewArchive(cfg ArchiveConfig) *Archive {
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(nil)
	}
	return &Archive{cfg: cfg}
}

// UploadStats counts what an upload sent.
type UploadStats struct {
	Files   int // of the checkpoint
	Sent    int // of them, those that were sent
	Bytes   int64
	Created bool // false: there was a checkpoint of this slice already
}

// Upload saves the checkpoint that Store.Checkpoint made in dir when the store's Meta was meta: first the files that
// the base does not name, then the manifest under the key of the last closed slice, whose creation makes it count. An
// existing one is as good. After an error the same call may be made again.
func (a *Archive) Upload(ctx context.Context, dir string, meta Meta) (UploadStats, error) {
	stats, err := a.upload(ctx, dir, meta)
	outcome := "failed"
	switch {
	case err != nil:
		err = fmt.Errorf("upload checkpoint %s: %w", dir, err)
	case stats.Created:
		outcome = "created"
	default:
		outcome = "existed"
	}
	a.cfg.Metrics.checkpoint.WithLabelValues(outcome).Inc()
	a.cfg.Metrics.upload.Add(float64(stats.Bytes))
	return stats, err
}

func (a *Archive) upload(ctx context.Context, dir string, meta Meta) (stats UploadStats, err error) {
	if !meta.HasClosed {
		return stats, errors.New("the store has not closed a slice yet")
	}
	names, err := a.cfg.FS.List(dir)
	if err != nil {
		return stats, fmt.Errorf("list files: %w", err)
	}
	slices.Sort(names)
	m := &CheckpointManifest{Format: CheckpointFormat, Meta: meta}
	for _, name := range names {
		f, sent, err := a.sendFile(ctx, dir, name)
		if err != nil {
			return stats, fmt.Errorf("send file %s: %w", name, err)
		}
		m.Files = append(m.Files, f)
		if sent {
			stats.Sent++
			stats.Bytes += f.Size
		}
	}
	stats.Files = len(m.Files)
	stats.Created, err = a.create(ctx, m)
	return stats, err
}

// create makes the manifest and remembers what later uploads may rely on.
func (a *Archive) create(ctx context.Context, m *CheckpointManifest) (created bool, err error) {
	body, err := m.encode()
	if err != nil {
		return false, err
	}
	key := a.cfg.CheckpointKey(m.Meta.LastClosed)
	stored := m
	switch err := a.cfg.Objects.Create(ctx, key, bytes.NewReader(body)); {
	case err == nil:
		created = true
	case !errors.Is(err, fs.ErrExist):
		return false, fmt.Errorf("create %s: %w", key, err)
	default:
		if stored, err = a.read(ctx, key); err != nil {
			return false, err
		}
	}
	a.remember(m, stored)
	return created, nil
}

func (a *Archive) remember(own, stored *CheckpointManifest) {
	a.hashed, a.stored = map[string]CheckpointFile{}, map[string]bool{}
	for _, f := range own.Files {
		if path.Ext(f.Name) == ".sst" {
			a.hashed[f.Name] = f
		}
	}
	for _, f := range stored.Files {
		a.stored[f.SHA256] = true
	}
}

// sendFile sends a file unless it is stored.
func (a *Archive) sendFile(ctx context.Context, dir, name string) (f CheckpointFile, sent bool, err error) {
	file, err := a.cfg.FS.Open(a.cfg.FS.PathJoin(dir, name))
	if err != nil {
		return f, false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return f, false, err
	}
	f, known := a.hashed[name]
	if !known || f.Size != info.Size() {
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(file, 0, info.Size())); err != nil {
			return f, false, err
		}
		f = CheckpointFile{Name: name, SHA256: hex.EncodeToString(h.Sum(nil)), Size: info.Size()}
	}
	if f.Size == 0 || a.stored[f.SHA256] {
		return f, false, nil
	}
	key := a.cfg.FileKey(f.objectName())
	err = a.cfg.Objects.Create(ctx, key, io.NewSectionReader(file, 0, f.Size))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return f, false, fmt.Errorf("create %s: %w", key, err)
	}
	return f, err == nil, nil
}

// read gets a checkpoint manifest.
func (a *Archive) read(ctx context.Context, key string) (*CheckpointManifest, error) {
	b, err := a.cfg.Objects.Get(ctx, key, 0, -1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("get %s: %w: %w", key, ErrBroken, err)
	}
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	m, err := ParseCheckpoint(b)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	return m, nil
}
