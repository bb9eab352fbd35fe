package faults

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"ndr/sinks"
)

// Memory is an object store in memory, for any number of processes of one test.
type Memory struct {
	mu struct {
		sync.Mutex
		keys    []string // sorted
		objects map[string][]byte
	}
}

var _ sinks.Store = (*Memory)(nil)

// NewMemory makes an empty store.
func NewMemory() *Memory {
	m := &Memory{}
	m.mu.objects = make(map[string][]byte)
	return m
}

// Clone returns a copy that goes its own way.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewMemory()
	c.mu.keys = slices.Clone(m.mu.keys)
	for k, b := range m.mu.objects { // objects are never changed in place
		c.mu.objects[k] = b
	}
	return c
}

func (m *Memory) object(op, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.mu.objects[key]
	if !ok {
		return nil, fmt.Errorf("%s object %s: %w", op, key, fs.ErrNotExist)
	}
	return b, nil
}

// Get implements sinks.Store.
func (m *Memory) Get(ctx context.Context, key string, off, n int64) ([]byte, error) {
	b, err := m.object("get", key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	b = b[min(off, int64(len(b))):]
	if n >= 0 {
		b = b[:min(n, int64(len(b)))]
	}
	return bytes.Clone(b), nil
}

type memoryObject struct{ *bytes.Reader }

func (memoryObject) Close() error { return nil }

// Open implements sinks.Store.
func (m *Memory) Open(_ context.Context, key string) (sinks.Object, error) {
	b, err := m.object("open", key)
	if err != nil {
		return nil, err
	}
	return memoryObject{bytes.NewReader(b)}, nil
}

func (m *Memory) put(key string, body io.ReadSeeker, allow func(old []byte, exists bool) error) error {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, exists := m.mu.objects[key]
	if err := allow(old, exists); err != nil {
		return err
	}
	if !exists {
		i, _ := slices.BinarySearch(m.mu.keys, key)
		m.mu.keys = slices.Insert(m.mu.keys, i, key)
	}
	m.mu.objects[key] = b
	return nil
}

// Create implements sinks.Store.
func (m *Memory) Create(ctx context.Context, key string, body io.ReadSeeker) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.put(key, body, func(_ []byte, exists bool) error {
		if exists {
			return fmt.Errorf("create object %s: %w", key, fs.ErrExist)
		}
		return nil
	})
}

// Replace implements sinks.Store.
func (m *Memory) Replace(_ context.Context, key string, body io.ReadSeeker, ifMatch string) error {
	return m.put(key, body, func(old []byte, exists bool) error {
		switch {
		case !exists:
			return fmt.Errorf("replace object %s: %w", key, fs.ErrNotExist)
		case tagOf(old) != ifMatch:
			return fmt.Errorf("replace object %s: %w", key, fs.ErrExist)
		}
		return nil
	})
}

// overwrite puts an object whatever is there: what no store that the program uses can do.
func (m *Memory) overwrite(key string, body io.ReadSeeker) error {
	return m.put(key, body, func([]byte, bool) error { return nil })
}

func tagOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Stat implements sinks.Store.
func (m *Memory) Stat(_ context.Context, key string) (sinks.Info, error) {
	b, err := m.object("stat", key)
	if err != nil {
		return sinks.Info{}, err
	}
	return sinks.Info{Size: int64(len(b)), Tag: tagOf(b)}, nil
}

// List implements sinks.Store.
func (m *Memory) List(_ context.Context, prefix, after string, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, found := slices.BinarySearch(m.mu.keys, max(prefix, after))
	if found && m.mu.keys[i] == after {
		i++
	}
	var out []string
	for ; i < len(m.mu.keys) && strings.HasPrefix(m.mu.keys[i], prefix) && (limit <= 0 || len(out) < limit); i++ {
		out = append(out, m.mu.keys[i])
	}
	return out, nil
}

// Delete implements sinks.Store.
func (m *Memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i, found := slices.BinarySearch(m.mu.keys, key); found {
		m.mu.keys = slices.Delete(m.mu.keys, i, i+1)
		delete(m.mu.objects, key)
	}
	return nil
}
