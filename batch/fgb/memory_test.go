package fgb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"ndr/sinks"
)

// memoryStore is an object store in memory, which spares tests thousands of files.
type memoryStore struct {
	mu struct {
		sync.Mutex
		objects map[string][]byte
	}
}

func newMemoryStore() *memoryStore {
	s := &memoryStore{}
	s.mu.objects = map[string][]byte{}
	return s
}

// copied is a store of its own with the same objects.
func (s *memoryStore) copied() *memoryStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := newMemoryStore()
	c.mu.objects = maps.Clone(s.mu.objects)
	return c
}

func (s *memoryStore) get(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.mu.objects[key]
	if !ok {
		return nil, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	return b, ctx.Err()
}

func (s *memoryStore) Get(ctx context.Context, key string, off, n int64) ([]byte, error) {
	b, err := s.get(ctx, key)
	if err != nil {
		return nil, err
	}
	b = b[min(off, int64(len(b))):]
	if n >= 0 {
		b = b[:min(n, int64(len(b)))]
	}
	return slices.Clone(b), nil
}

type memoryObject struct{ *bytes.Reader }

func (memoryObject) Close() error { return nil }

func (s *memoryStore) Open(ctx context.Context, key string) (sinks.Object, error) {
	b, err := s.get(ctx, key)
	if err != nil {
		return nil, err
	}
	return memoryObject{bytes.NewReader(b)}, nil
}

func (s *memoryStore) put(key string, body io.ReadSeeker, may func(old []byte, there bool) error) error {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, there := s.mu.objects[key]
	if err := may(old, there); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	s.mu.objects[key] = b
	return nil
}

func (s *memoryStore) Create(_ context.Context, key string, body io.ReadSeeker) error {
	return s.put(key, body, func(_ []byte, there bool) error {
		if there {
			return fs.ErrExist
		}
		return nil
	})
}

func tagOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (s *memoryStore) Replace(_ context.Context, key string, body io.ReadSeeker, ifMatch string) error {
	return s.put(key, body, func(old []byte, there bool) error {
		switch {
		case !there:
			return fs.ErrNotExist
		case tagOf(old) != ifMatch:
			return fs.ErrExist
		}
		return nil
	})
}

func (s *memoryStore) Stat(ctx context.Context, key string) (sinks.Info, error) {
	b, err := s.get(ctx, key)
	return sinks.Info{Size: int64(len(b)), Tag: tagOf(b)}, err
}

func (s *memoryStore) List(_ context.Context, prefix, after string, limit int) (keys []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(s.mu.objects)) {
		if strings.HasPrefix(k, prefix) && k > after && (limit <= 0 || len(keys) < limit) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

func (s *memoryStore) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.objects, key)
	return nil
}
