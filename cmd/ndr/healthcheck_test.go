package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHealthcheck(t *testing.T) {
	block := make(chan struct{})
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		code    int
		says    string
	}{
		{"ready", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ready\n")) }, exitDone, "ready"},
		{"not ready", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "store: no answer\npartition 3: behind", http.StatusServiceUnavailable)
		}, exitFailed, "partition 3: behind"},
		{"another server", http.NotFound, exitFailed, "404"},
		{"silent", func(http.ResponseWriter, *http.Request) { <-block }, exitFailed, "no answer"},
	} {
		path := ""
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path = r.URL.Path
			c.handler(w, r)
		}))
		r := runs(t, "healthcheck", "--listen", s.Listener.Addr().String(), "--timeout", "300ms")
		if r.code != c.code || !strings.Contains(r.out+r.err, c.says) {
			t.Errorf("%s: exit %d, stdout %q, stderr %q; want %d, %q", c.name, r.code, r.out, r.err, c.code, c.says)
		}
		if c.name == "silent" {
			close(block)
		}
		s.Close()
		if path != "/readyz" {
			t.Errorf("%s: asked %q", c.name, path)
		}
	}
}

func TestHealthcheckNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if r := runs(t, "healthcheck", "--listen", address); r.code != exitFailed || r.err == "" {
		t.Errorf("exit %d, stderr %q; want 1 and a reason", r.code, r.err)
	}
}

func TestAdminAddress(t *testing.T) {
	for listen, want := range map[string]string{"0.0.0.0:1": "127.0.0.1:1", ":1": "127.0.0.1:1", "[::]:1": "[::1]:1", "10.0.0.1:2": "10.0.0.1:2",
		"localhost:3": "localhost:3"} {
		if got, err := adminAddress("", listen); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", listen, got, err, want)
		}
	}
}

func TestAdminAddressConfigured(t *testing.T) {
	if got, err := adminAddress("testdata/validate/good.yaml", ""); err != nil || got != "127.0.0.1:9090" {
		t.Errorf("default: got %s, %v", got, err)
	}
	t.Setenv("NDR__ADMIN__LISTEN", "0.0.0.0:7070")
	for _, config := range []string{"", "testdata/validate/good.yaml"} {
		if got, err := adminAddress(config, ""); err != nil || got != "127.0.0.1:7070" {
			t.Errorf("environment, file %q: got %s, %v", config, got, err)
		}
	}
}

func TestHealthTimeoutIsLonger(t *testing.T) {
	if healthTimeout <= readyTimeout || healthTimeout > 10*time.Second {
		t.Errorf("%s against %s of the process", healthTimeout, readyTimeout)
	}
}
