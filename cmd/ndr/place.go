package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ndr/configs"
	"ndr/feature"
	"ndr/sinks"
)

// rootFlags choose the root that a command looks at.
type rootFlags struct{ config, root, project, version, run string }

func (f *rootFlags) flags(c *cobra.Command) {
	s := c.Flags()
	s.StringVar(&f.config, "config", "", "configuration file that names the root")
	s.StringVar(&f.root, "root", "", "root: file:///dir or s3://bucket[/prefix]; wins over --config")
	s.StringVar(&f.project, "project-name", "", "project below the root (default: as configured, else ndr)")
	s.StringVar(&f.version, "feature-spec-version", "", "version below the project (default: as configured, else v1)")
	s.StringVar(&f.run, "run-id", "", "look at runs/ID, the tables of a replay, and not at the root itself")
}

func (f *rootFlags) given() bool { return f.config != "" || f.root != "" }

// rootView is a root that is looked at.
type rootView struct {
	url      string
	store    sinks.Store
	cfg      *configs.Config
	layout   feature.Layout
	known    bool // layout is that of the objects; false for files outside of any root
	clock    feature.Clock
	shards   int // 0 where the root has no root.json
	location map[string]feature.Location
}

// load reads the configuration. Without a file it takes defaults and the environment; the source, which a
// configuration must have, is never looked at.
func (f *rootFlags) load() (*configs.Config, error) {
	values := make(map[string]string)
	for path, v := range map[string]string{"root": f.root, "project_name": f.project, "feature_spec_version": f.version} {
		if v != "" {
			values[path] = v
		}
	}
	if f.config == "" {
		values["source.type"], values["source.file.inputs"], values["source.format"] = configs.SourceFile, "none", "zeek-tsv"
	}
	cfg, _, err := configs.Load(f.config, configs.Options{Environ: os.Environ(), Flags: values})
	return cfg, err
}

// view makes the layout of the root that the flags name, and opens nothing: without any it is the default.
func (f *rootFlags) view() (*rootView, error) {
	in := *f
	if !in.given() {
		in.root = "file:///"
	}
	cfg, err := in.load()
	if err != nil {
		return nil, err
	}
	v := &rootView{url: strings.TrimSuffix(cfg.Root, "/"), cfg: cfg, known: true, location: cfg.Locations()}
	if v.layout, err = feature.NewLayout(cfg.ProjectName, cfg.FeatureSpecVersion, v.location); err != nil {
		return nil, err
	}
	if f.run != "" {
		if v.layout, err = v.layout.Run(f.run); err != nil {
			return nil, usageError{err}
		}
	}
	return v, nil
}

// open opens the root that the flags name.
func (f *rootFlags) open(ctx context.Context) (*rootView, error) {
	if !f.given() {
		return nil, usageError{errors.New("which root? Name it by --root URL or --config FILE")}
	}
	v, err := f.view()
	if err == nil {
		err = v.open(ctx)
	}
	return v, err
}

func (v *rootView) open(ctx context.Context) (err error) {
	s := v.cfg.S3
	if v.store, err = sinks.OpenStore(ctx, v.cfg.Root, sinks.Config{Endpoint: s.Endpoint, Region: s.Region, PathStyle: s.PathStyle}); err != nil {
		return err
	}
	return v.readRoot(ctx)
}

// readRoot takes over what is fixed for the root, if it has begun.
func (v *rootView) readRoot(ctx context.Context) error {
	v.clock = feature.Clock{Offset: v.cfg.Slices.Offset}
	key, err := v.layout.Path(feature.RootObject())
	if err != nil {
		return err
	}
	b, err := v.store.Get(ctx, key, 0, -1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	var fixed configs.RootConfig
	if err := json.Unmarshal(b, &fixed); err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	offset := time.Duration(0)
	if fixed.SliceOffset != "" {
		if offset, err = configs.ParseDuration(fixed.SliceOffset); err != nil {
			return fmt.Errorf("read %s: slice_offset: %w", key, err)
		}
	}
	v.clock, v.shards = feature.Clock{Offset: offset}, fixed.Shards
	return nil
}

// find opens the root of an object that is named by its key, with --root or --config, or by its path or URL.
func (f *rootFlags) find(ctx context.Context, name string) (*rootView, string, error) {
	if !f.given() {
		return f.findPath(ctx, name)
	}
	v, err := f.open(ctx)
	if err != nil {
		return nil, "", err
	}
	key, err := v.keyOf(name)
	if err != nil {
		return nil, "", err
	}
	if before, l, ok := feature.FindLayout(key, v.location); !ok || before != "" {
		key = v.layout.Root() + "/" + key
	} else if l.Root() != v.layout.Root() {
		v.layout = l
		return v, key, v.readRoot(ctx)
	}
	return v, key, nil
}

// keyOf is the key of an object of the root that may also be named by its URL or local path.
func (v *rootView) keyOf(name string) (string, error) {
	if key, ok := strings.CutPrefix(name, v.url+"/"); ok {
		return key, nil
	}
	if strings.Contains(name, "://") {
		return "", usageError{fmt.Errorf("%s is not below the root %s", name, v.url)}
	}
	if dir, ok := strings.CutPrefix(v.url, "file://"); ok {
		if abs, err := filepath.Abs(name); err == nil && fileExists(abs) {
			if rel, err := filepath.Rel(dir, abs); err == nil && filepath.IsLocal(rel) {
				return filepath.ToSlash(rel), nil
			}
		}
	}
	return strings.Trim(name, "/"), nil
}

// findPath opens the root around a local path or URL; of an object outside of any root, its folder.
func (f *rootFlags) findPath(ctx context.Context, name string) (*rootView, string, error) {
	at := name
	if !strings.Contains(name, "://") {
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, "", fmt.Errorf("find %s: %w", name, err)
		}
		if at = fileURL(abs); !fileExists(abs) {
			return nil, "", fmt.Errorf("find %s: no such file; a key needs --root or --config: %w", name, fs.ErrNotExist)
		}
	}
	in := *f
	before, l, ok := feature.FindLayout(at, nil)
	if !ok {
		before = strings.TrimSuffix(at, "/"+path.Base(at))
	}
	if in.root = before; before == "file://" {
		in.root = "file:///"
	}
	v, err := in.open(ctx)
	if err != nil {
		return nil, "", err
	}
	v.known = ok
	key := strings.TrimLeft(at[len(before):], "/")
	if strings.HasPrefix(at, "file://") {
		if key, err = url.PathUnescape(key); err != nil {
			return nil, "", usageError{fmt.Errorf("find %s: %w", name, err)}
		}
	}
	if ok && l.Root() != v.layout.Root() {
		v.layout = l
		err = v.readRoot(ctx)
	}
	return v, key, err
}

// object tells which object of the layout has the key; false for one that is none.
func (v *rootView) object(key string) (feature.Object, bool) {
	if !v.known {
		return feature.Object{}, false
	}
	o, err := v.layout.Parse(key)
	return o, err == nil
}

// named is the key of an object that stands below a root under a short name, such as a slice; object tells from the
// parts of the name which one it is. Any other key stays as it is.
func (v *rootView) named(key string, object func(parts []string) (feature.Object, bool)) (string, error) {
	if _, ok := v.object(key); ok || !v.known {
		return key, nil
	}
	o, ok := object(strings.Split(strings.TrimPrefix(key, v.layout.Root()+"/"), "/"))
	if !ok {
		return key, nil
	}
	path, err := v.layout.Path(o)
	if err != nil {
		return "", usageError{err}
	}
	return path, nil
}

// sliceOf is the slice that contains a time, or that has the name, as a person writes either.
func (v *rootView) sliceOf(text string) (feature.Slice, error) {
	if s, err := v.clock.ParseName(text); err == nil {
		return s, nil
	}
	at, err := parseTime(text)
	if err != nil {
		return 0, usageError{err}
	}
	return v.clock.Of(at.UnixNano()), nil
}

// parseTime reads a time as a person writes it; without a zone it is UTC.
func parseTime(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime,
		"2006-01-02 15:04", "20060102T1504Z"} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: want 2026-11-23T10:45Z, or a slice as in file names, 20261123T1045Z", text)
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// fileURL is the URL of an absolute local path.
func fileURL(abs string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String()
}
