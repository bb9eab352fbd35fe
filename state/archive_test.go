package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

// memObjects is an object store in memory. fail, if set, may fail a call before or after it has its effect.
type memObjects struct {
	mu      sync.Mutex // crash points are recorded by Pebble's own goroutines too
	objects map[string][]byte
	sent    []string
	fail    func(op, key string) (before, after error)
}

func newObjects() *memObjects { return &memObjects{objects: map[string][]byte{}} }

func (o *memObjects) clone() *memObjects {
	o.mu.Lock()
	defer o.mu.Unlock()
	return &memObjects{objects: maps.Clone(o.objects)}
}

func (o *memObjects) Get(_ context.Context, key string, off, n int64) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b, ok := o.objects[key]
	if !ok {
		return nil, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	off = min(off, int64(len(b)))
	if n < 0 || n > int64(len(b))-off {
		n = int64(len(b)) - off
	}
	return bytes.Clone(b[off : off+n]), nil
}

func (o *memObjects) Create(_ context.Context, key string, body io.ReadSeeker) error {
	var after error
	if o.fail != nil {
		var before error
		if before, after = o.fail("create", key); before != nil {
			return before
		}
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.objects[key]; ok {
		return fmt.Errorf("create %s: %w", key, fs.ErrExist)
	}
	o.objects[key] = b
	o.sent = append(o.sent, key)
	return after
}

func (o *memObjects) newest() string {
	keys := slices.Sorted(maps.Keys(o.objects))
	keys = slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, "checkpoints/") })
	if len(keys) == 0 {
		return ""
	}
	return keys[len(keys)-1]
}

func archiveOn(o Objects, fsys vfs.FS) *Archive {
	return NewArchive(ArchiveConfig{Objects: o, FS: fsys,
		CheckpointKey: func(s feature.Slice) string { return fmt.Sprintf("checkpoints/0/%09d", s+1000000) },
		FileKey:       func(name string) string { return "sst/" + name }})
}

func upload(t testing.TB, s *Store, a *Archive, dir string) UploadStats {
	t.Helper()
	if err := s.Checkpoint(dir); err != nil {
		t.Fatal(err)
	}
	stats, err := a.Upload(t.Context(), dir, s.Meta())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cfg.FS.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	return stats
}

func someSection(s feature.Slice, hosts int) (c feature.Section) {
	for i := range hosts {
		h := hostRow(s, "10.0.0.0", 1)
		h.Host.Lo += uint64(i)
		c.Hosts = append(c.Hosts, h)
		for port := range 3 {
			p := pairRow(s, "10.0.0.0", "1.1.1.1", uint16(port))
			p.Host = h.Host
			c.Pairs = append(c.Pairs, p)
		}
	}
	return c
}

// TestUploadIsIncremental sends only what the checkpoint before does not name, also after a restore.
func TestUploadIsIncremental(t *testing.T) {
	objects, disk := newObjects(), vfs.NewMem()
	s, a := mustOpen(t, testConfig(disk)), archiveOn(objects, disk)
	mustFold(t, s, "p", 1, someSection(1, 2000))
	want, _ := closeAndCommit(t, s, Close{Slice: 1})
	first := upload(t, s, a, "copy")
	if !first.Created || first.Sent == 0 || first.Sent > first.Files {
		t.Fatalf("first upload: %+v", first)
	}
	mustFold(t, s, "p", 2, someSection(2, 1))
	closeAndCommit(t, s, Close{Slice: 2})
	second := upload(t, s, a, "copy")
	if !second.Created || second.Bytes*4 > first.Bytes {
		t.Errorf("second upload: %+v after %+v, want a quarter of the bytes at most", second, first)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	other := vfs.NewMem()
	b := archiveOn(objects, other)
	if _, err := b.Restore(t.Context(), objects.newest(), "store"); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, testConfig(other))
	defer s.Close()
	if m := s.Meta(); m.LastClosed != 2 || m.Partitions["p"].Last != 2 {
		t.Errorf("restored meta is %+v", m)
	}
	got, _ := closeAndCommit(t, s, Close{Slice: 3})
	if len(got) < len(want) {
		t.Errorf("the restored store knows %d lines, want %d", len(got), len(want))
	}
	third := upload(t, s, b, "copy")
	if !third.Created || third.Bytes*4 > first.Bytes {
		t.Errorf("upload after restoring: %+v after %+v", third, first)
	}
}

// TestUploadOfALoser has two owners: the second finds the checkpoint of the first. Later it must not rely on its own
// files, which no checkpoint names, but on what is named.
func TestUploadOfALoser(t *testing.T) {
	objects := newObjects()
	fs1, fs2 := vfs.NewMem(), vfs.NewMem()
	s1, s2 := mustOpen(t, testConfig(fs1)), mustOpen(t, testConfig(fs2))
	defer s1.Close()
	defer s2.Close()
	a1, a2 := archiveOn(objects, fs1), archiveOn(objects, fs2)
	mustFold(t, s1, "p", 1, someSection(1, 100))
	mustFold(t, s2, "p", 1, someSection(1, 50))
	mustFold(t, s2, "q", 1, someSection(1, 100))
	for _, s := range []*Store{s1, s2} {
		closeAndCommit(t, s, Close{Slice: 1})
	}
	upload(t, s1, a1, "copy")
	if stats := upload(t, s2, a2, "copy"); stats.Created || stats.Sent == 0 {
		t.Errorf("second owner: %+v, want an existing checkpoint and files sent in vain", stats)
	}
	// Garbage collection takes what no checkpoint names.
	m, err := a1.read(t.Context(), objects.newest())
	if err != nil {
		t.Fatal(err)
	}
	var files []StoredFile
	for key := range objects.objects {
		if path.Dir(key) == "sst" {
			files = append(files, StoredFile{Key: key, Name: path.Base(key)})
		}
	}
	drop := CollectFiles(time.Unix(1e9, 0), files, []*CheckpointManifest{m})
	if len(drop) == 0 {
		t.Error("nothing to collect")
	}
	for _, f := range drop {
		delete(objects.objects, f.Key)
	}
	closeAndCommit(t, s2, Close{Slice: 2})
	if stats := upload(t, s2, a2, "copy"); !stats.Created {
		t.Errorf("second owner: %+v, want its checkpoint of slice 2", stats)
	}
	if _, err := archiveOn(objects, vfs.NewMem()).Restore(t.Context(), objects.newest(), "store"); err != nil {
		t.Errorf("the checkpoint names files that are gone: %v", err)
	}
}

// TestUploadFaults fails every creation in turn, before or after its effect; the same call again succeeds.
func TestUploadFaults(t *testing.T) {
	disk := vfs.NewMem()
	s := mustOpen(t, testConfig(disk))
	defer s.Close()
	mustFold(t, s, "p", 1, someSection(1, 10))
	closeAndCommit(t, s, Close{Slice: 1})
	if err := s.Checkpoint("copy"); err != nil {
		t.Fatal(err)
	}
	lost := errors.New("connection lost")
	for failAt := 0; ; failAt++ {
		objects := newObjects()
		n := 0
		objects.fail = func(string, string) (before, after error) {
			n++
			switch n - 1 {
			case failAt / 2:
				if failAt%2 == 0 {
					return lost, nil
				}
				return nil, lost
			}
			return nil, nil
		}
		a := archiveOn(objects, disk)
		_, err := a.Upload(t.Context(), "copy", s.Meta())
		if err == nil {
			if failAt < 6 {
				t.Errorf("only %d faults were tried", failAt)
			}
			return
		}
		if !errors.Is(err, lost) {
			t.Fatal(err)
		}
		if _, err := a.Upload(t.Context(), "copy", s.Meta()); err != nil {
			t.Fatalf("fault %d: again: %v", failAt, err)
		}
		if _, err := archiveOn(objects, vfs.NewMem()).Restore(t.Context(), objects.newest(), "store"); err != nil {
			t.Fatalf("fault %d: %v", failAt, err)
		}
	}
}

// TestRestoreFaults breaks each object of a checkpoint in every way.
func TestRestoreFaults(t *testing.T) {
	objects, disk := newObjects(), vfs.NewMem()
	s := mustOpen(t, testConfig(disk))
	defer s.Close()
	mustFold(t, s, "p", 1, someSection(1, 10))
	closeAndCommit(t, s, Close{Slice: 1})
	upload(t, s, archiveOn(objects, disk), "copy")
	faults := map[string]func(b []byte) []byte{
		"missing": func([]byte) []byte { return nil },
		"short":   func(b []byte) []byte { return b[:len(b)-1] },
		"long":    func(b []byte) []byte { return append(b, 'x') },
		"empty":   func([]byte) []byte { return []byte{} },
		"flipped": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
	}
	for key, body := range objects.objects {
		for name, fault := range faults {
			if strings.HasPrefix(key, "checkpoints/") && (name == "long" || name == "flipped" || name == "short") {
				continue // TestParseCheckpoint
			}
			broken := objects.clone()
			if b := fault(bytes.Clone(body)); b == nil {
				delete(broken.objects, key)
			} else {
				broken.objects[key] = b
			}
			disk := vfs.NewMem()
			_, err := archiveOn(broken, disk).Restore(t.Context(), objects.newest(), "store")
			if !errors.Is(err, ErrBroken) {
				t.Errorf("%s %s: got error %v, want ErrBroken", name, key, err)
			}
			if _, err := disk.Stat("store"); err == nil {
				t.Errorf("%s %s: the folder is not empty", name, key)
			}
		}
	}
}

func TestParseCheckpoint(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	good := fmt.Sprintf(`{"format":1,"meta":{"format_version":1,"logic_version":"v","has_closed":true,"last_closed":3,"has_first":true,"first_known":0,"partitions":{}},"files":[{"name":"a.sst","sha256":"%s","size":3}]}`, sum)
	if _, err := ParseCheckpoint([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		old, new string
		want     error
	}{
		{`"format":1`, `"format":2`, ErrNewer},
		{`"format_version":1`, `"format_version":2`, ErrNewer},
		{`"format":1`, `"format":0`, ErrBroken},
		{`"has_closed":true`, `"has_closed":false`, ErrBroken},
		{`a.sst`, `../a.sst`, ErrBroken},
		{`a.sst`, `..`, ErrBroken},
		{`a.sst`, ``, ErrBroken},
		{sum, `abc`, ErrBroken},
		{`"size":3`, `"size":-3`, ErrBroken},
		{`"files"`, `"file"`, ErrBroken},
		{`}]}`, ``, ErrBroken},
	} {
		if _, err := ParseCheckpoint([]byte(strings.Replace(good, c.old, c.new, 1))); !errors.Is(err, c.want) {
			t.Errorf("%s for %s: got error %v, want %v", c.new, c.old, err, c.want)
		}
	}
}

func TestGarbage(t *testing.T) {
	now := time.Unix(1e9, 0)
	at := func(last feature.Slice, hours int) StoredCheckpoint {
		return StoredCheckpoint{Key: fmt.Sprint(last), Last: last, Modified: now.Add(-time.Duration(hours) * time.Hour)}
	}
	for name, c := range map[string]struct {
		have       []StoredCheckpoint
		keep, drop []feature.Slice
	}{
		"none":        {},
		"few and old": {[]StoredCheckpoint{at(3, 100), at(1, 300), at(2, 200)}, []feature.Slice{1, 2, 3}, nil},
		"young":       {[]StoredCheckpoint{at(1, 23), at(2, 24), at(3, 2), at(4, 1), at(5, 0)}, []feature.Slice{1, 3, 4, 5}, []feature.Slice{2}},
		"old":         {[]StoredCheckpoint{at(-1, 99), at(2, 98), at(3, 97), at(4, 96)}, []feature.Slice{2, 3, 4}, []feature.Slice{-1}},
	} {
		keep, drop := Keep(now, c.have)
		lasts := func(of []StoredCheckpoint) (l []feature.Slice) {
			for _, c := range of {
				l = append(l, c.Last)
			}
			return l
		}
		if d := cmp.Diff([][]feature.Slice{lasts(keep), lasts(drop)}, [][]feature.Slice{c.keep, c.drop}); d != "" {
			t.Errorf("%s: kept, dropped (-got +want):\n%s", name, d)
		}
	}

	old, young := now.Add(-24*time.Hour), now.Add(-24*time.Hour+1)
	files := []StoredFile{{"k1", "aa.sst", old}, {"k2", "bb.sst", old}, {"k3", "cc.sst", young}, {"k4", "dd.sst", old}}
	kept := []*CheckpointManifest{{Files: []CheckpointFile{{SHA256: "aa"}}}, {Files: []CheckpointFile{{SHA256: "dd"}}}}
	if d := cmp.Diff(CollectFiles(now, files, kept), []StoredFile{files[1]}); d != "" {
		t.Errorf("files (-got +want):\n%s", d)
	}
}
