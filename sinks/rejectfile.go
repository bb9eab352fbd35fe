package sinks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"ndr/feature"
)

// rejectFile collects the rejects of one close as zstd NDJSON, one object a line.
type rejectFile struct {
	source string
	out    bytes.Buffer
	zstd   *zstd.Encoder
	rows   int64
}

// rejectLine is one rejected record or item; data is its first 1024 bytes.
type rejectLine struct {
	Source    string `json:"source"`
	Partition string `json:"partition"`
	Cut       uint64 `json:"cut"`
	Offset    int64  `json:"offset"`
	Item      int    `json:"item"`
	Reason    string `json:"reason"`
	Detail    string `json:"detail"`
	Data      []byte `json:"data_base64"`
}

func newRejectFile(source string) (*rejectFile, error) {
	r := &rejectFile{source: source}
	z, err := zstd.NewWriter(&r.out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, fmt.Errorf("make reject file: %w", err)
	}
	r.zstd = z
	return r, nil
}

func (r *rejectFile) add(partition string, cut uint64, j *feature.Reject) error {
	b, err := json.Marshal(rejectLine{r.source, partition, cut, j.Position, j.Item, j.Reason, j.Detail, j.Raw})
	if err != nil {
		return fmt.Errorf("encode reject: %w", err)
	}
	r.rows++
	if _, err := r.zstd.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write reject: %w", err)
	}
	return nil
}

// finish returns the object; its content digest is that of its bytes.
func (r *rejectFile) finish() (Stats, io.ReadSeeker, error) {
	if err := r.zstd.Close(); err != nil {
		return Stats{}, nil, fmt.Errorf("finish reject file: %w", err)
	}
	sum := sha256.Sum256(r.out.Bytes())
	digest := hex.EncodeToString(sum[:])
	return Stats{Rows: r.rows, Bytes: int64(r.out.Len()), SHA256: digest, ContentDigest: digest}, bytes.NewReader(r.out.Bytes()), nil
}

func isReject(key string) bool { return strings.HasSuffix(key, ".ndjson.zst") }

// rejectContent is the digest of a stored reject file. It says nothing of the version that made it.
func rejectContent(ctx context.Context, store Store, key string) (digest, logic, arch string, err error) {
	b, err := store.Get(ctx, key, 0, -1)
	if err != nil {
		return "", "", "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), "", "", nil
}
