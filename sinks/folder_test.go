package sinks

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFolderLeftovers: what a crash leaves behind is neither listed nor in the way.
func TestFolderLeftovers(t *testing.T) {
	dir := t.TempDir()
	s := NewFolder(dir, Config{})
	create(t, s, "a/b", "x")
	for _, name := range []string{"a/.tmp-LEFT", ".tmp-LEFT"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, ".tmp-dir/x"), 0o700); err != nil {
		t.Fatal(err)
	}
	create(t, s, "a/c", "y")
	got, err := s.List(t.Context(), "", "", 0)
	if d := cmp.Diff(got, []string{"a/b", "a/c"}); d != "" || err != nil {
		t.Errorf("list, %v (-got +want):\n%s", err, d)
	}
}

// TestFolderCleansUp: no operation, won or lost, leaves a temporary file.
func TestFolderCleansUp(t *testing.T) {
	dir := t.TempDir()
	s := NewFolder(dir, Config{NoSync: true})
	race(t, func(i int) error { return s.Create(t.Context(), "d/k", strings.NewReader(raceBody(i))) })
	info, err := s.Stat(t.Context(), "d/k")
	if err != nil {
		t.Fatal(err)
	}
	race(t, func(i int) error { return s.Replace(t.Context(), "d/k", strings.NewReader(raceBody(i)), info.Tag) })
	if err := s.Create(t.Context(), "d/f", failingBody{strings.NewReader("x")}); err == nil {
		t.Error("a body that cannot be read was created")
	}
	entries, err := os.ReadDir(filepath.Join(dir, "d"))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "k" {
		t.Errorf("left in the folder: %v", entries)
	}
}

type failingBody struct{ *strings.Reader }

func (failingBody) Read([]byte) (int, error)         { return 0, os.ErrClosed }
func (failingBody) WriteTo(io.Writer) (int64, error) { return 0, os.ErrClosed }

// TestFolderDirectoryIsNoObject: a key that is the folder of others fails without being taken for an object.
func TestFolderDirectoryIsNoObject(t *testing.T) {
	s := NewFolder(t.TempDir(), Config{NoSync: true})
	create(t, s, "a/b", "x")
	err := s.Create(t.Context(), "a", strings.NewReader("y"))
	if err == nil || !strings.Contains(err.Error(), "objects exist below") {
		t.Errorf("create a: %v", err)
	}
	if err := s.Create(t.Context(), "a/b/c", strings.NewReader("y")); err == nil {
		t.Error("created below an object")
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Errorf("delete a: %v", err)
	}
	wantBody(t, s, "a/b", "x")
}

// TestFolderListRandom compares lists with sorting all keys, over names made of bytes around the slash.
func TestFolderListRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	name := func() string {
		b := make([]byte, 1+r.IntN(2))
		for i := range b {
			b[i] = "!-.0a"[r.IntN(5)]
		}
		return string(b)
	}
	path := func() string {
		parts := make([]string, 1+r.IntN(4))
		for i := range parts {
			parts[i] = name()
		}
		return strings.Join(parts, "/")
	}
	s := NewFolder(t.TempDir(), Config{NoSync: true})
	var keys []string
	for range 400 {
		k := path()
		if s.Create(t.Context(), k, strings.NewReader("")) == nil { // fails for x beside x/y, and for . and ..
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for range 500 {
		prefix, after, limit := path()[:1], path(), r.IntN(8)
		if r.IntN(2) == 0 {
			prefix = path()
		}
		if checkPrefix(prefix) != nil {
			continue
		}
		var want []string
		for _, k := range keys {
			if strings.HasPrefix(k, prefix) && k > after && (limit == 0 || len(want) < limit) {
				want = append(want, k)
			}
		}
		got, err := s.List(t.Context(), prefix, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Fatalf("list %q after %q limit %d (-got +want):\n%s", prefix, after, limit, d)
		}
	}
}

// TestFolderListSkips: a list with after and a limit does not read the folders before and behind. They cannot be
// read at all here, so touching one fails.
func TestFolderListSkips(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("root reads every folder: only the result is checked")
	}
	dir := t.TempDir()
	s := NewFolder(dir, Config{NoSync: true})
	for i := range 9 {
		create(t, s, fmt.Sprintf("d%d/k", i), "")
	}
	for _, i := range []int{0, 1, 2, 3, 6, 7, 8} {
		d := filepath.Join(dir, fmt.Sprintf("d%d", i))
		if err := os.Chmod(d, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(d, 0o700) })
	}
	got, err := s.List(t.Context(), "d", "d3/zz", 2)
	if d := cmp.Diff(got, []string{"d4/k", "d5/k"}); d != "" || err != nil {
		t.Errorf("%v (-got +want):\n%s", err, d)
	}
}
