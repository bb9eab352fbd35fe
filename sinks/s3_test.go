package sinks

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// faulty is an S3 server whose answers to one method a test can change.
type faulty struct {
	server http.Handler
	mu     struct {
		sync.Mutex
		method string
		fault  func(n int, w http.ResponseWriter, r *http.Request) bool // n from 1; true: answered
		n      int
		bodies []string
	}
}

func newFaulty(t *testing.T) (*faulty, *S3) {
	f := &faulty{server: gofakes3.New(s3mem.New()).Server()}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return f, openS3(t, srv.URL, "p")
}

func (f *faulty) on(method string, fault func(n int, w http.ResponseWriter, r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.method, f.mu.fault, f.mu.n, f.mu.bodies = method, fault, 0, nil
}

func (f *faulty) calls() (int, []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.n, f.mu.bodies
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	fault, n := f.mu.fault, 0
	if f.mu.method == r.Method {
		f.mu.n++
		n = f.mu.n
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		f.mu.bodies = append(f.mu.bodies, string(body))
	}
	f.mu.Unlock()
	if n == 0 || !fault(n, w, r) {
		f.server.ServeHTTP(w, r)
	}
}

// refuse answers the first n requests with an S3 error (n < 0: all).
func refuse(n, status int, code string) func(int, http.ResponseWriter, *http.Request) bool {
	return func(i int, w http.ResponseWriter, r *http.Request) bool {
		if n >= 0 && i > n {
			return false
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
		return true
	}
}

func TestS3CreateFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  func(int, http.ResponseWriter, *http.Request) bool
		calls  int
		failed bool
	}{
		{"no fault", refuse(0, 500, ""), 1, false},
		{"409 twice", refuse(2, 409, conflictCode), 3, false},
		{"409 always", refuse(-1, 409, conflictCode), defaultAttempts, true},
		{"slow down twice", refuse(2, 503, "SlowDown"), 3, false},
		{"500 always", refuse(-1, 500, "InternalError"), defaultAttempts, true},
		{"denied", refuse(-1, 403, "AccessDenied"), 1, true},
		{"connection broken once", func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				panic(http.ErrAbortHandler)
			}
			return false
		}, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, s := newFaulty(t)
			f.on(http.MethodPut, c.fault)
			err := s.Create(t.Context(), "k", strings.NewReader("the same bytes"))
			if (err != nil) != c.failed || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("create: %v", err)
			}
			calls, bodies := f.calls()
			if calls != c.calls {
				t.Errorf("%d requests, want %d", calls, c.calls)
			}
			for _, b := range bodies {
				if b != "the same bytes" {
					t.Errorf("sent %q", b)
				}
			}
			if err != nil && (strings.Contains(err.Error(), testSecret) || strings.Contains(err.Error(), "Signature=")) {
				t.Errorf("the error holds a secret: %v", err)
			}
			if f.on(http.MethodPut, refuse(0, 0, "")); !c.failed {
				wantBody(t, s, "k", "the same bytes")
			}
		})
	}
}

// TestS3LostAnswer: the object is made, the answer is lost, the repetition loses against itself. The caller learns
// that it exists and finds its own bytes.
func TestS3LostAnswer(t *testing.T) {
	f, s := newFaulty(t)
	f.on(http.MethodPut, func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n == 1 {
			f.server.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		return false
	})
	if err := s.Create(t.Context(), "k", strings.NewReader("mine")); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("create: %v, want fs.ErrExist", err)
	}
	wantBody(t, s, "k", "mine")
}

func TestS3CreateHeaders(t *testing.T) {
	f, s := newFaulty(t)
	var got http.Header
	var length int64
	f.on(http.MethodPut, func(n int, w http.ResponseWriter, r *http.Request) bool {
		got, length = r.Header, r.ContentLength
		return false
	})
	create(t, s, "k", "123456789")
	want := map[string]string{"If-None-Match": "*", "X-Amz-Checksum-Crc32": "y/Q5Jg=="} // CRC-32 of 123456789: cbf43926
	for k, v := range want {
		if got.Get(k) != v {
			t.Errorf("header %s: %q, want %q", k, got.Get(k), v)
		}
	}
	if length != 9 {
		t.Errorf("content length %d", length)
	}
}

// TestS3Trailer: over TLS the checksum travels as a trailer, and AWS_CA_BUNDLE is honoured.
func TestS3Trailer(t *testing.T) {
	var body, sum string
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/k") {
			b, _ := io.ReadAll(r.Body)
			body, sum = string(b), r.Header.Get("X-Amz-Trailer")
		}
	}))
	defer srv.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(bundle, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	create(t, openS3(t, srv.URL, ""), "k", "123456789")
	want := "9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n"
	if d := cmp.Diff([]string{sum, body}, []string{"x-amz-checksum-crc32", want}); d != "" {
		t.Errorf("-got +want:\n%s", d)
	}
}

func TestS3GetFaults(t *testing.T) {
	f, s := newFaulty(t)
	create(t, s, "k", "0123456789")
	f.on(http.MethodGet, func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n == 1 {
			w.Header().Set("Content-Length", "10")
			w.Write([]byte("0123"))
			panic(http.ErrAbortHandler)
		}
		return false
	})
	wantBody(t, s, "k", "0123456789")
	if n, _ := f.calls(); n != 2 {
		t.Errorf("%d requests for a broken answer, want 2", n)
	}
	f.on(http.MethodGet, refuse(-1, 404, "NoSuchBucket"))
	if _, err := s.Get(t.Context(), "k", 0, -1); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing bucket: %v, want another error than fs.ErrNotExist", err)
	}
	f.on(http.MethodGet, func(n int, w http.ResponseWriter, r *http.Request) bool { // a wrong byte on the way
		rec := httptest.NewRecorder()
		f.server.ServeHTTP(rec, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.Write([]byte("0123456788"))
		return true
	})
	if b, err := s.Get(t.Context(), "k", 0, -1); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("changed bytes: %q, %v, want a checksum error", b, err)
	}
}

// TestS3OpenReplaced: a reader never mixes two versions of an object.
func TestS3OpenReplaced(t *testing.T) {
	_, s := newFaulty(t)
	create(t, s, "k", strings.Repeat("a", 2*blockBytes))
	o, err := s.Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Stat(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 8)
	if _, err := o.ReadAt(p, 0); err != nil || string(p) != "aaaaaaaa" {
		t.Fatalf("read %q, %v", p, err)
	}
	if err := s.Replace(t.Context(), "k", strings.NewReader(strings.Repeat("b", 2*blockBytes)), info.Tag); err != nil {
		t.Fatal(err)
	}
	if n, err := o.ReadAt(p, blockBytes+5); err == nil {
		t.Errorf("read %q of the new version", p[:n])
	}
}

// TestS3OpenRequests: the footer and its neighbours cost one request.
func TestS3OpenRequests(t *testing.T) {
	f, s := newFaulty(t)
	create(t, s, "k", strings.Repeat("x", 3*blockBytes))
	o, err := s.Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	f.on(http.MethodGet, refuse(0, 0, ""))
	for _, back := range []int64{8, 5000, 100_000, blockBytes} {
		if _, err := o.ReadAt(make([]byte, min(back, 100)), o.Size()-back); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := f.calls(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// TestS3Prefix: a store sees only what is below its prefix, and gives keys without it.
func TestS3Prefix(t *testing.T) {
	_, s := newFaulty(t)
	create(t, s, "a", "below")
	beside := *s
	beside.prefix = "pq/"
	create(t, &beside, "b", "beside")
	got, err := s.List(t.Context(), "", "", 0)
	if d := cmp.Diff(got, []string{"a"}); d != "" || err != nil {
		t.Errorf("%v (-got +want):\n%s", err, d)
	}
}
