package sinks

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Folder is a Store in a local directory, for any number of processes of one machine. An object appears whole and
// under its name only after it is on disk: temporary file, fsync, link, fsync of the directory. A crash may leave
// temporary files, which are never listed.
type Folder struct {
	root   string
	noSync bool

	mu struct {
		sync.Mutex
		// durable names directories whose own names this process has synced. Existence is not enough: another
		// process may have made the directory an instant ago.
		durable map[string]bool
	}
}

// maxDurable bounds Folder.mu.durable; past it the set is forgotten and grown anew, at the cost of a few fsyncs.
const maxDurable = 4096

// NewFolder makes a store of the directory, which appears with its first object. Only cfg.NoSync matters.
func NewFolder(root string, cfg Config) *Folder {
	f := &Folder{root: filepath.Clean(root), noSync: cfg.NoSync}
	f.mu.durable = map[string]bool{}
	return f
}

func (f *Folder) path(key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	return filepath.Join(f.root, filepath.FromSlash(key)), nil
}

// Get implements Store.
func (f *Folder) Get(ctx context.Context, key string, off, n int64) ([]byte, error) {
	file, size, err := f.open(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("get object %s: %w", key, err)
	}
	defer file.Close()
	if off < 0 {
		return nil, fmt.Errorf("get object %s: negative offset %d", key, off)
	}
	if off >= size {
		return nil, nil
	}
	if n < 0 || n > size-off {
		n = size - off
	}
	buf := make([]byte, n)
	if _, err := file.ReadAt(buf, off); err != nil {
		return nil, fmt.Errorf("get object %s: %w", key, err)
	}
	return buf, nil
}

// open opens the file of a key and returns its size. What is not a regular file is no object.
func (f *Folder) open(ctx context.Context, key string) (*os.File, int64, error) {
	path, err := f.path(key)
	if err != nil {
		return nil, 0, err
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	file, err := os.Open(path)
	if errors.Is(err, syscall.ENOTDIR) { // a parent is an object
		return nil, 0, fs.ErrNotExist
	}
	if err != nil {
		return nil, 0, err
	}
	st, err := file.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, st.Size(), nil
}

type folderObject struct {
	*os.File
	size int64
}

func (o folderObject) Size() int64 { return o.size }

// Open implements Store.
func (f *Folder) Open(ctx context.Context, key string) (Object, error) {
	file, size, err := f.open(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("open object %s: %w", key, err)
	}
	return folderObject{file, size}, nil
}

// Create implements Store.
func (f *Folder) Create(ctx context.Context, key string, body io.ReadSeeker) error {
	path, err := f.path(key)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = f.create(path, body)
	}
	if err != nil {
		return fmt.Errorf("create object %s: %w", key, err)
	}
	return nil
}

func (f *Folder) create(path string, body io.ReadSeeker) error {
	if st, err := os.Lstat(path); err == nil { // spares writing what would lose; the link decides
		return existing(st)
	}
	dir := filepath.Dir(path)
	if err := f.makeParents(dir); err != nil {
		return err
	}
	temp, err := f.writeTemp(dir, body)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := os.Link(temp, path); err != nil {
		if st, statErr := os.Lstat(path); errors.Is(err, fs.ErrExist) && statErr == nil {
			return existing(st)
		}
		return err
	}
	return f.syncDir(dir)
}

// existing is the error of creating an object where st is.
func existing(st fs.FileInfo) error {
	if st.IsDir() {
		return errors.New("objects exist below this key")
	}
	return fs.ErrExist
}

// makeParents makes the directory and its parents and syncs the names of those this process has not yet synced.
func (f *Folder) makeParents(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	f.mu.Lock()
	known := f.mu.durable[dir]
	f.mu.Unlock()
	if known {
		return nil
	}
	for d := dir; d != f.root; d = filepath.Dir(d) {
		if err := f.syncDir(filepath.Dir(d)); err != nil {
			return err
		}
	}
	// The root's own parent may be closed to us, and then we did not make the root.
	if err := f.syncDir(filepath.Dir(f.root)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.mu.durable) >= maxDurable {
		clear(f.mu.durable)
	}
	f.mu.durable[dir] = true
	return nil
}

// writeTemp writes the body into a new temporary file in dir and syncs it.
func (f *Folder) writeTemp(dir string, body io.ReadSeeker) (string, error) {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	name := filepath.Join(dir, tempPrefix+rand.Text())
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(file, body)
	if err == nil && !f.noSync {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(name)
		return "", err
	}
	return name, nil
}

func (f *Folder) syncDir(dir string) error {
	if f.noSync {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Replace implements Store. It compares and renames under a lock of the object's directory, so that of several
// replacers with the same tag one wins.
func (f *Folder) Replace(ctx context.Context, key string, body io.ReadSeeker, ifMatch string) error {
	path, err := f.path(key)
	if err == nil {
		err = f.locked(ctx, filepath.Dir(path), func() error { return f.replace(ctx, key, body, ifMatch) })
	}
	if err != nil {
		return fmt.Errorf("replace object %s: %w", key, err)
	}
	return nil
}

func (f *Folder) replace(ctx context.Context, key string, body io.ReadSeeker, ifMatch string) error {
	info, err := f.Stat(ctx, key)
	if err != nil {
		return err
	}
	if info.Tag != ifMatch {
		return fmt.Errorf("tag is %s, not %s: %w", info.Tag, ifMatch, fs.ErrExist)
	}
	path, err := f.path(key)
	if err != nil {
		return err
	}
	temp, err := f.writeTemp(filepath.Dir(path), body)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	return f.syncDir(filepath.Dir(path))
}

// locked runs do under the exclusive lock of a directory. A missing directory is fs.ErrNotExist.
func (f *Folder) locked(ctx context.Context, dir string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() // releases the lock
	for {
		if err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	return do()
}

// Stat implements Store.
func (f *Folder) Stat(ctx context.Context, key string) (Info, error) {
	file, size, err := f.open(ctx, key)
	if err != nil {
		return Info{}, fmt.Errorf("stat object %s: %w", key, err)
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return Info{}, fmt.Errorf("stat object %s: %w", key, err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return Info{}, fmt.Errorf("stat object %s: %w", key, err)
	}
	return Info{Size: size, Tag: hex.EncodeToString(h.Sum(nil)), Modified: st.ModTime()}, nil
}

// Delete implements Store. It takes the lock of Replace, which would otherwise bring the object back.
func (f *Folder) Delete(ctx context.Context, key string) error {
	path, err := f.path(key)
	if err == nil {
		err = f.locked(ctx, filepath.Dir(path), func() error {
			if st, err := os.Lstat(path); err != nil || st.IsDir() {
				return err
			}
			if err := os.Remove(path); err != nil {
				return err
			}
			return f.syncDir(filepath.Dir(path))
		})
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("delete object %s: %w", key, err)
	}
	return nil
}
