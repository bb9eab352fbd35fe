package sinks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// localFile is a copy of an object on the local disk, removed by Close.
type localFile struct {
	*os.File
	size int64
}

// Size implements SizedReaderAt.
func (f localFile) Size() int64 { return f.size }

// Close removes the copy.
func (f localFile) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }

// downloadBytes is how much of an object is asked for at a time.
const downloadBytes = 8 << 20

// Download copies an object into a temporary file in dir ("": the system's) and opens it; Close removes the file.
// sum is the SHA-256 that it must have, in hex; empty takes any.
func Download(ctx context.Context, store Store, key, sum, dir string) (_ Object, err error) {
	f, err := os.CreateTemp(dir, "ndr-download-*")
	if err != nil {
		return nil, fmt.Errorf("make temporary file of %s: %w", key, err)
	}
	local := localFile{File: f}
	defer func() {
		if err != nil {
			err = errors.Join(err, local.Close())
		}
	}()
	o, err := store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	h := sha256.New()
	local.size = o.Size()
	src := io.NewSectionReader(o, 0, local.size)
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(f, h)}, struct{ io.Reader }{src}, make([]byte, downloadBytes)); err != nil {
		return nil, fmt.Errorf("download %s: %w", key, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); sum != "" && got != sum {
		return nil, fmt.Errorf("download %s: SHA-256 is %s, its publication says %s", key, got, sum)
	}
	return local, nil
}

// ObjectSHA256 is the SHA-256 of an object, in hex.
func ObjectSHA256(ctx context.Context, store Store, key string) (string, error) {
	o, err := store.Open(ctx, key)
	if err != nil {
		return "", err
	}
	defer o.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{io.NewSectionReader(o, 0, o.Size())}, make([]byte, downloadBytes)); err != nil {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
