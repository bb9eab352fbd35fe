package sinks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// Store is an object store. Keys are slash-separated, relative to the root the store was opened with; a segment is
// neither empty, "." nor "..", and does not begin with ".tmp-". A key must not be the directory part of another
// (x and x/y), because a folder cannot hold both.
type Store interface {
	// Get returns up to n bytes from off (n < 0: to the end). A range that begins at or past the end gives no
	// bytes. A missing object is fs.ErrNotExist.
	Get(ctx context.Context, key string, off, n int64) ([]byte, error)
	// Open opens an object for reading by ranges; ctx bounds all reads. A missing object is fs.ErrNotExist.
	Open(ctx context.Context, key string) (Object, error)
	// Create makes the object if it does not exist (if-none-match). An existing one is fs.ErrExist, which may
	// also be this very attempt, repeated after a lost answer: the caller compares. After any other error the
	// outcome is unknown and the same bytes may be sent again.
	Create(ctx context.Context, key string, body io.ReadSeeker) error
	// Replace overwrites the object whose current tag, as Stat returned it, is ifMatch. Another tag is
	// fs.ErrExist; a missing object is fs.ErrNotExist, or fs.ErrExist from servers that answer so.
	Replace(ctx context.Context, key string, body io.ReadSeeker, ifMatch string) error
	// Stat describes an object. A missing one is fs.ErrNotExist. A folder reads the whole object for the tag.
	Stat(ctx context.Context, key string) (Info, error)
	// List returns up to limit (<= 0: all) keys with the prefix that sort bytewise after the given key, in order.
	List(ctx context.Context, prefix, after string, limit int) ([]string, error)
	// Delete removes the object. A missing one is no error.
	Delete(ctx context.Context, key string) error
}

// Object is one object opened for reading by ranges. ReadAt may be called from any goroutine.
type Object interface {
	SizedReaderAt
	io.Closer
}

// SizedReaderAt is what reading a Parquet file takes: ranges, and the size in bytes. A bytes.Reader is one.
type SizedReaderAt interface {
	io.ReaderAt
	Size() int64
}

// Info describes an object.
type Info struct {
	Size     int64
	Tag      string    // changes with the content: S3's ETag; for a folder the SHA-256 in hex
	Modified time.Time // of the last write, by the store's clock
}

// Config is how stores are opened. The zero value is ready for AWS and for folders.
type Config struct {
	// Endpoint is the URL of an S3-compatible server. Default: AWS's own for the region.
	Endpoint string `yaml:"endpoint"`
	// Region of the bucket. Default: what AWS's own settings say, else us-east-1 when Endpoint is set.
	Region string `yaml:"region"`
	// PathStyle puts the bucket into the path instead of the host name. Default: false.
	PathStyle bool `yaml:"path_style"`
	// Attempts is how often one S3 request is sent before its error is returned. Default: 5.
	Attempts int `yaml:"attempts"`
	// MaxBackoff is the longest wait between two attempts. Default: 5s.
	MaxBackoff time.Duration `yaml:"max_backoff"`
	// NoSync leaves out fsync in folders: for tests only, since a crash may then lose what was created.
	NoSync bool `yaml:"-"`
}

const (
	defaultAttempts   = 5
	defaultMaxBackoff = 5 * time.Second
)

// Validate reports every fault of the configuration with its value.
func (c Config) Validate() error {
	var errs []error
	if c.Endpoint != "" {
		if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			errs = append(errs, fmt.Errorf("endpoint %q is not an http or https URL", c.Endpoint))
		}
	}
	if c.Attempts < 0 {
		errs = append(errs, fmt.Errorf("attempts %d is negative", c.Attempts))
	}
	if c.MaxBackoff < 0 {
		errs = append(errs, fmt.Errorf("max_backoff %s is negative", c.MaxBackoff))
	}
	return errors.Join(errs...)
}

// OpenStore opens the store of file:///dir or s3://bucket[/prefix]. It makes nothing and sends nothing to the
// store; for S3 it reads AWS's default settings (environment, shared files).
func OpenStore(ctx context.Context, root string, cfg Config) (Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open store %s: %w", root, err)
	}
	scheme, rest, _ := strings.Cut(root, "://")
	switch scheme {
	case "file":
		dir, err := folderOf(root)
		if err != nil {
			return nil, err
		}
		return NewFolder(dir, cfg), nil
	case "s3":
		bucket, prefix, _ := strings.Cut(rest, "/")
		s, err := NewS3(ctx, bucket, strings.Trim(prefix, "/"), cfg)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	return nil, fmt.Errorf("open store %q: want file:///dir or s3://bucket[/prefix]", root)
}

// folderOf is the directory that a file URL names.
func folderOf(root string) (string, error) {
	u, err := url.Parse(root)
	if err != nil {
		return "", fmt.Errorf("open store %q: %w", root, err)
	}
	if u.Host != "" && u.Host != "localhost" || u.Path == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("open store %q: want an absolute path, file:///dir (%%3F for ?, %%23 for #)", root)
	}
	return u.Path, nil
}

const tempPrefix = ".tmp-"

// checkKey refuses keys that could leave the root, or that a folder cannot hold or would not list.
func checkKey(key string) error {
	for seg := range strings.SplitSeq(key, "/") {
		if err := checkSegment(seg); err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
	}
	return nil
}

// checkPrefix is checkKey for a prefix, whose last segment may be empty or incomplete.
func checkPrefix(prefix string) error {
	dir, _ := splitPrefix(prefix)
	if dir == "" {
		if strings.HasPrefix(prefix, "/") {
			return fmt.Errorf("prefix %q begins with a slash", prefix)
		}
		return nil
	}
	return checkKey(dir)
}

// splitPrefix splits a key or prefix at its last slash.
func splitPrefix(prefix string) (dir, rest string) {
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		return prefix[:i], prefix[i+1:]
	}
	return "", prefix
}

var (
	errEmptySegment = errors.New("empty segment")
	errDotSegment   = errors.New("dot segment") // "." or ".."
	errTempSegment  = errors.New("segment begins with " + tempPrefix)
	errZeroByte     = errors.New("zero byte")
)

func checkSegment(seg string) error {
	switch {
	case seg == "":
		return errEmptySegment
	case seg == "." || seg == "..":
		return errDotSegment
	case strings.HasPrefix(seg, tempPrefix):
		return errTempSegment
	case strings.IndexByte(seg, 0) >= 0:
		return errZeroByte
	}
	return nil
}
