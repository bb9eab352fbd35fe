package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// restoreBytes is the size of the ranges in which files are fetched.
const restoreBytes = 8 << 20

// Restore puts the files of the checkpoint at key into dir, which is emptied first, and checks their sizes and
// checksums; Open then opens the store of that moment. After ErrBroken the caller tries the checkpoint before it,
// after any other error the same one again; dir is empty in both cases.
func (a *Archive) Restore(ctx context.Context, key, dir string) (*CheckpointManifest, error) {
	m, err := a.restore(ctx, key, dir)
	if err != nil {
		return nil, fmt.Errorf("restore checkpoint: %w", err)
	}
	a.remember(m, m)
	return m, nil
}

func (a *Archive) restore(ctx context.Context, key, dir string) (*CheckpointManifest, error) {
	fsys := a.cfg.FS
	if err := fsys.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("empty %s: %w", dir, err)
	}
	m, err := a.read(ctx, key)
	if err != nil {
		return nil, err
	}
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if err := a.fetch(ctx, f, fsys.PathJoin(dir, f.Name)); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: file %s: %w", key, f.Name, err), fsys.RemoveAll(dir))
		}
	}
	return m, nil
}

// fetch writes one file.
func (a *Archive) fetch(ctx context.Context, f CheckpointFile, path string) (err error) {
	w, err := a.cfg.FS.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	h := sha256.New()
	key := a.cfg.FileKey(f.objectName())
	for off := int64(0); off < f.Size; {
		b, err := a.cfg.Objects.Get(ctx, key, off, restoreBytes)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("get %s: %w: %w", key, ErrBroken, err)
		case err != nil:
			return fmt.Errorf("get %s: %w", key, err)
		case len(b) == 0 || int64(len(b)) > f.Size-off:
			return fmt.Errorf("get %s: %w: it does not have %d bytes", key, ErrBroken, f.Size)
		}
		h.Write(b)
		off += int64(len(b))
		if _, err := w.Write(b); err != nil { // may change b
			return err
		}
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != f.SHA256 {
		return fmt.Errorf("get %s: %w: its checksum is %s", key, ErrBroken, sum)
	}
	return nil
}
