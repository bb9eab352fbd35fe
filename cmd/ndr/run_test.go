package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"ndr/flow"
	"ndr/flow/synth"
)

// lockedBuffer is written by the log of a running command while the test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestRunPublishesAndStops runs the always-on consumers against an embedded Kafka with three hours of traffic up to
// now: the slices that have ended are published, SIGTERM is a clean stop, and a second run goes on without publishing
// anything twice.
func TestRunPublishesAndStops(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "flows"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	end := time.Now()
	produceSynthetic(t, cluster.ListenAddrs(), end.Add(-3*time.Hour), end)

	dir := t.TempDir()
	config := filepath.Join(dir, "ndr.yaml")
	text := fmt.Sprintf(`version: 1
root: file://%s/root
source:
  type: kafka
  format: panos-json
  kafka: {brokers: [%q], topic: flows}
shards: 2
state: {dir: %s/state}
admin: {listen: "127.0.0.1:0"}
`, dir, cluster.ListenAddrs()[0], dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	slices := end.Add(-2*time.Minute).Truncate(15*time.Minute).Sub(end.Add(-3*time.Hour).Truncate(15*time.Minute)) / (15 * time.Minute)
	want := int(slices)
	root := filepath.Join(dir, "root")
	first := runUntil(t, config, func(string) bool {
		return published(t, root) >= want && matches(t, root, "control/checkpoints/0000/*") > 0 && matches(t, root, "control/checkpoints/0001/*") > 0
	})
	if got := published(t, root); got < want {
		t.Fatalf("published %d slices, want at least %d", got, want)
	}
	if !strings.Contains(first, "msg=stopped") {
		t.Errorf("log does not say that the run stopped:\n%s", first)
	}
	before := modified(t, root)
	runUntil(t, config, func(log string) bool { return strings.Count(log, "checkpoint restored") == 2 })
	for name, at := range before {
		info, err := os.Stat(name)
		if err != nil || !info.ModTime().Equal(at) {
			t.Errorf("second run changed %s: %v", name, err)
		}
	}
}

func produceSynthetic(t *testing.T, brokers []string, from, to time.Time) {
	t.Helper()
	g, err := synth.New(synth.Config{Seed: 7, Hosts: 5, Start: from.Truncate(time.Millisecond), Length: to.Sub(from).Truncate(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := produce(t.Context(), brokers, "flows", flow.FormatPANOSJSON, g); err != nil {
		t.Fatal(err)
	}
}

// runUntil runs `ndr run` until its log or what it wrote satisfy done, then stops it as SIGTERM does, and returns its
// log.
func runUntil(t *testing.T, config string, done func(log string) bool) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := &lockedBuffer{}
	code := make(chan int, 1)
	go func() {
		code <- execute(ctx, []string{"run", "--config", config}, stdio{strings.NewReader(""), log, log})
	}()
	deadline := time.After(90 * time.Second)
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for !done(log.String()) {
		select {
		case c := <-code:
			t.Fatalf("run ended with %d:\n%s", c, log)
		case <-deadline:
			t.Fatalf("not there after 90 s:\n%s", log)
		case <-poll.C:
		}
	}
	cancel()
	if c := <-code; c != 0 {
		t.Fatalf("stopped run has exit code %d:\n%s", c, log)
	}
	return log.String()
}

// published counts the _SUCCESS markers.
func published(t *testing.T, root string) int {
	t.Helper()
	return matches(t, root, "manifests/*/_SUCCESS")
}

// matches counts the objects of the root that match a pattern.
func matches(t *testing.T, root, pattern string) int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "projects/ndr/versions/v1", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// modified returns when each public object was written.
func modified(t *testing.T, root string) map[string]time.Time {
	t.Helper()
	out := make(map[string]time.Time)
	err := filepath.Walk(filepath.Join(root, "projects/ndr/versions/v1/data"), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			out[path] = info.ModTime()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("nothing was published")
	}
	return out
}
