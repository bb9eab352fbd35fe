package sinks

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// TestStores runs the contract suite on every store.
func TestStores(t *testing.T) {
	t.Run("folder", func(t *testing.T) {
		testStore(t, openTest(t, "file://"+t.TempDir(), Config{NoSync: true}))
	})
	t.Run("folder synced", func(t *testing.T) {
		testStore(t, openTest(t, "file://"+filepath.Join(t.TempDir(), "made", "later"), Config{}))
	})
	t.Run("gofakes3", func(t *testing.T) {
		srv := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
		t.Cleanup(srv.Close)
		testStore(t, openS3(t, srv.URL, "deep/prefix"))
	})
	t.Run("gofakes3 without prefix", func(t *testing.T) {
		srv := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
		t.Cleanup(srv.Close)
		testStore(t, openS3(t, srv.URL, ""))
	})
	t.Run("versitygw", func(t *testing.T) {
		testStore(t, openS3(t, startVersitygw(t), "deep/prefix"))
	})
}

func openTest(t *testing.T, root string, cfg Config) Store {
	t.Helper()
	s, err := OpenStore(t.Context(), root, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const testKeyID, testSecret = "test", "testtest"

// openS3 opens a fresh bucket on a server with the default credential chain reading the environment.
func openS3(t *testing.T, endpoint, prefix string) *S3 {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", testKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", testSecret)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	bucket := fmt.Sprintf("bucket-%d", time.Now().UnixNano())
	store := openTest(t, strings.TrimSuffix("s3://"+bucket+"/"+prefix, "/"),
		Config{Endpoint: endpoint, PathStyle: true, MaxBackoff: time.Millisecond}).(*S3)
	if _, err := store.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	return store
}

// startVersitygw starts the server whose binary NDR_TEST_VERSITYGW names and returns its URL.
func startVersitygw(t *testing.T) string {
	bin := os.Getenv("NDR_TEST_VERSITYGW")
	if bin == "" {
		t.Skip("NDR_TEST_VERSITYGW does not name a versitygw binary: the suite runs without a real S3 server")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(bin, "--access", testKeyID, "--secret", testSecret, "--port", addr, "--keep-alive", "--quiet",
		"--health", "/health", "posix", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	url := "http://" + addr
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if resp, err := http.Get(url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return url
			}
		}
	}
	t.Fatal("versitygw did not become healthy")
	return ""
}

func testStore(t *testing.T, s Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Store)
	}{
		{"create", storeCreate},
		{"ranges", storeRanges},
		{"open", storeOpen},
		{"missing", storeMissing},
		{"odd keys", storeOddKeys},
		{"bad keys", storeBadKeys},
		{"list", storeList},
		{"list pages", storeListPages},
		{"replace", storeReplace},
		{"delete", storeDelete},
		{"create race", storeCreateRace},
		{"replace race", storeReplaceRace},
		{"canceled", storeCanceled},
		{"large", storeLarge},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, s) })
	}
}

func create(t *testing.T, s Store, key, body string) {
	t.Helper()
	if err := s.Create(t.Context(), key, strings.NewReader(body)); err != nil {
		t.Fatalf("create %s: %v", key, err)
	}
}

func wantBody(t *testing.T, s Store, key, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), key, 0, -1)
	if err != nil || string(got) != want {
		t.Fatalf("get %s: %q, %v; want %q", key, got, err, want)
	}
}

func TestOpenStore(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for _, c := range []struct {
		root, want string
		cfg        Config
	}{
		{root: "file:///var/lib/ndr", want: "folder /var/lib/ndr"},
		{root: "file://localhost/x%20y/", want: "folder /x y"},
		{root: "file:///a b", want: "folder /a b"},
		{root: "s3://bucket", want: "s3 bucket "},
		{root: "s3://bucket/", want: "s3 bucket "},
		{root: "s3://bucket/a/b/", want: "s3 bucket a/b/"},
		{root: "file://relative/dir", want: "error"},
		{root: "file:///a?b", want: "error"},
		{root: "/plain/dir", want: "error"},
		{root: "s3://", want: "error"},
		{root: "s3:///x", want: "error"},
		{root: "s3://bucket/a/../b", want: "error"},
		{root: "gs://bucket", want: "error"},
		{root: "s3://bucket", cfg: Config{Endpoint: "127.0.0.1:9000"}, want: "error"},
		{root: "s3://bucket", cfg: Config{Attempts: -1, MaxBackoff: -1}, want: "error"},
	} {
		got := "error"
		s, err := OpenStore(t.Context(), c.root, c.cfg)
		switch s := s.(type) {
		case *Folder:
			got = "folder " + s.root
		case *S3:
			got = "s3 " + s.bucket + " " + s.prefix
		}
		if got != c.want {
			t.Errorf("open %q: %s (%v), want %s", c.root, got, err, c.want)
		}
	}
}
