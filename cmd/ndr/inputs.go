package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ndr/configs"
	"ndr/sinks"
	"ndr/stream/file"
)

// findInputs resolves paths, globs and s3:// prefixes to files. A pattern that names nothing is an error: an input
// that is silently empty would be taken for a quiet network.
func findInputs(ctx context.Context, cfg *configs.Config) ([]file.Input, error) {
	var inputs []file.Input
	seen := make(map[string]bool)
	for _, pattern := range cfg.Source.File.Inputs {
		var found []file.Input
		var err error
		if strings.HasPrefix(pattern, "s3://") {
			found, err = objectInputs(ctx, cfg, pattern)
		} else {
			found, err = localInputs(pattern)
		}
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("find inputs: nothing matches %s", pattern)
		}
		for _, in := range found {
			if !seen[in.Name] {
				seen[in.Name] = true
				inputs = append(inputs, in)
			}
		}
	}
	return inputs, nil
}

func localInputs(pattern string) ([]file.Input, error) {
	pattern = strings.TrimPrefix(pattern, "file://")
	names := []string{pattern}
	if _, err := os.Stat(pattern); err != nil {
		if names, err = filepath.Glob(pattern); err != nil {
			return nil, fmt.Errorf("find inputs %s: %w", pattern, err)
		}
	}
	var inputs []file.Input
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("find inputs: %w", err)
		}
		if info.IsDir() {
			return nil, fmt.Errorf("find inputs: %s is a folder; name its files, such as '%s/*'", name, name)
		}
		inputs = append(inputs, file.Input{Name: name, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(name) }})
	}
	return inputs, nil
}

// objectInputs lists the objects below an s3:// prefix.
func objectInputs(ctx context.Context, cfg *configs.Config, url string) ([]file.Input, error) {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(url, "s3://"), "/")
	store, err := sinks.OpenStore(ctx, "s3://"+bucket, sinks.Config{Endpoint: cfg.S3.Endpoint, Region: cfg.S3.Region, PathStyle: cfg.S3.PathStyle})
	if err != nil {
		return nil, err
	}
	keys, err := store.List(ctx, prefix, "", 0)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", url, err)
	}
	var inputs []file.Input
	for _, key := range keys {
		if strings.HasSuffix(key, "/") {
			continue
		}
		inputs = append(inputs, file.Input{Name: "s3://" + bucket + "/" + key, Open: func(ctx context.Context) (io.ReadCloser, error) {
			o, err := store.Open(ctx, key)
			if err != nil {
				return nil, err
			}
			return objectReader{io.NewSectionReader(o, 0, o.Size()), o}, nil
		}})
	}
	return inputs, nil
}

// objectReader reads an object from its beginning.
type objectReader struct {
	*io.SectionReader
	object sinks.Object
}

func (r objectReader) Close() error { return errors.Join(r.object.Close()) }
