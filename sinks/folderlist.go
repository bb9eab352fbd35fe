package sinks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// listing is one walk over a folder in the order of full keys.
type listing struct {
	root   string
	prefix string
	after  string
	limit  int
	keys   []string
}

// List implements Store. It reads only directories that can hold a wanted key, and stops at the limit.
func (f *Folder) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	l := &listing{root: f.root, prefix: prefix, after: after, limit: limit}
	dir, _ := splitPrefix(prefix)
	if dir != "" {
		dir += "/"
	}
	if err := l.walk(ctx, dir); err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	return l.keys, nil
}

// walk adds the keys below dir, which is "" or ends with a slash.
func (l *listing) walk(ctx context.Context, dir string) error {
	names, err := l.names(ctx, dir)
	if err != nil {
		return err
	}
	for _, key := range names {
		if l.limit > 0 && len(l.keys) >= l.limit {
			return nil
		}
		switch {
		case !strings.HasSuffix(key, "/"):
			if key > l.after && strings.HasPrefix(key, l.prefix) {
				l.keys = append(l.keys, key)
			}
		case l.mayHold(key):
			if err := l.walk(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayHold reports whether a key below dir can have the prefix and sort after the given key.
func (l *listing) mayHold(dir string) bool {
	if !strings.HasPrefix(dir, l.prefix) && !strings.HasPrefix(l.prefix, dir) {
		return false
	}
	// All keys below dir begin with it: they sort after l.after if dir does, or if l.after is among them.
	return dir > l.after || strings.HasPrefix(l.after, dir)
}

// names are the keys of the objects in dir and, with a trailing slash, of its directories, sorted. With the slash
// the order is that of the full keys below, although "a-b" sorts before "a/" and after "a".
func (l *listing) names(ctx context.Context, dir string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(l.root, filepath.FromSlash(dir)))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // no such keys
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), tempPrefix):
		case e.IsDir():
			names = append(names, dir+e.Name()+"/")
		case e.Type().IsRegular():
			names = append(names, dir+e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}
