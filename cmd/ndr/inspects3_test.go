package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// fakeS3 points the environment at an S3 server in this process with the bucket "features".
func fakeS3(t *testing.T) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("features"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(srv.Close)
	none := filepath.Join(t.TempDir(), "none")
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": none,
		"AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true", "NDR__S3__ENDPOINT": srv.URL, "NDR__S3__PATH_STYLE": "true"} {
		t.Setenv(k, v)
	}
}

// A root in a bucket is looked at like one in a folder.
func TestInspectS3(t *testing.T) {
	fakeS3(t)
	const root = "s3://features/some/prefix"
	runsWell(t, "replay", "--source", "file", "--input", connLog, "--format", "zeek-tsv", "--root", root, "--shards", "2",
		"--state-dir", filepath.Join(t.TempDir(), "state"))
	text := runsWell(t, "inspect", "slice", "--root", root, "20260105T1000Z")
	golden(t, "inspect/slice.golden", stable(text))
	short := runsWell(t, "inspect", "cut", "--root", root, "file/0/1")
	key := strings.Fields(short)[1]
	if url := runsWell(t, "inspect", "cut", root+"/"+key); url != short {
		t.Errorf("by URL:\n%swant:\n%s", url, short)
	}
	if n := len(jsonValues(t, runsWell(t, "inspect", "state", "--root", root, "--shard", "1", "-o", "jsonl"))); n != 1 {
		t.Errorf("%d checkpoints, want 1", n)
	}
	runsWell(t, "inspect", "parquet", "--root", root, "fg_a/20260105T1000Z/0")
	runsWell(t, "catalog", "build", "--root", root)
	if text := runsWell(t, "catalog", "build", "--root", root); strings.Contains(text, "created") {
		t.Errorf("second build:\n%s", text)
	}
	if r := runs(t, "inspect", "cut", root+"/"+key+"0"); r.code != exitFailed {
		t.Errorf("missing object: exit %d, want 1", r.code)
	}
}

// The catalog of another version is found where the flags say.
func TestCatalogOtherVersion(t *testing.T) {
	root := fileURL(t.TempDir())
	text := runsWell(t, "catalog", "build", "--root", root, "--project-name", "p", "--feature-spec-version", "v9")
	key := strings.Fields(text)[1]
	if !strings.Contains(key, "p/versions/v9/") {
		t.Errorf("built %s", key)
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimPrefix(root, "file://"), key))
	if err != nil || !bytes.Contains(b, []byte("| v9:fg_a:sessions_cnt_w_15m |")) {
		t.Errorf("catalog of v9: %v", err)
	}
}
