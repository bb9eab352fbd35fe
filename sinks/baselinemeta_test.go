package sinks

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

func baselineLayout(t *testing.T) feature.Layout {
	t.Helper()
	l, err := feature.NewLayout("ndr", "v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func storeMeta(t *testing.T, s Store, l feature.Layout, month string, revision int, from time.Time) {
	t.Helper()
	m := &BaselineMeta{SchemaVersion: 1, Month: month, Revision: revision, EffectiveFrom: from,
		Horizons: []BaselineHorizon{{Name: "7d", Start: from, End: from}}}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseBaselineMeta(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(back, m); d != "" {
		t.Fatal(d)
	}
	key, err := l.Path(feature.PublicationObject(month, revision))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Create(context.Background(), key, bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
}

func TestFindPublication(t *testing.T) {
	s, l := NewFolder(t.TempDir(), Config{NoSync: true}), baselineLayout(t)
	at := func(hour int) time.Time { return time.Date(2026, 11, 1, hour, 0, 0, 0, time.UTC) }
	if _, ok, err := FindPublication(t.Context(), s, l, at(5)); ok || err != nil {
		t.Errorf("without any: %t, %v", ok, err)
	}
	storeMeta(t, s, l, "2026-11", 1, at(3))
	storeMeta(t, s, l, "2026-11", 2, at(5))
	storeMeta(t, s, l, "2026-10", 3, at(5)) // the same time: the higher revision
	storeMeta(t, s, l, "2026-12", 1, at(5))
	storeMeta(t, s, l, "2026-11", 10, at(2)) // a backfill for earlier
	for hour, want := range map[int]string{1: "", 2: "2026-11 10", 3: "2026-11 1", 4: "2026-11 1", 5: "2026-10 3", 9: "2026-10 3"} {
		ref, ok, err := FindPublication(t.Context(), s, l, at(hour))
		got := ""
		if ok {
			got = ref.Month + " " + strings.TrimPrefix(ref.Key[strings.LastIndex(ref.Key, "revision="):], "revision=")
			got = strings.TrimSuffix(got, "/publication.json")
		}
		if err != nil || got != want {
			t.Errorf("at %d: got %q, %v, want %q", hour, got, err, want)
		}
	}
}

func TestBaselineMetaRefuses(t *testing.T) {
	for _, text := range []string{"", "{}", `{"schema_version":1}`, `{"schema_version":2,"baseline_month":"2026-11"}`} {
		if _, err := ParseBaselineMeta([]byte(text)); err == nil {
			t.Errorf("%s: want an error", text)
		}
	}
	s, l := NewFolder(t.TempDir(), Config{NoSync: true}), baselineLayout(t)
	if _, err := OpenPublication(t.Context(), s, l, "2026-11", 1, t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a publication that is not there: %v", err)
	}
}

// A table that is not what its publication says must not be used.
func TestDownloadChecksTheSum(t *testing.T) {
	s := NewFolder(t.TempDir(), Config{NoSync: true})
	if err := s.Create(t.Context(), "x", strings.NewReader("content")); err != nil {
		t.Fatal(err)
	}
	sum, err := ObjectSHA256(t.Context(), s, "x")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o, err := Download(t.Context(), s, "x", sum, dir)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 7)
	if _, err := o.ReadAt(b, 0); err != nil || string(b) != "content" || o.Size() != 7 {
		t.Errorf("got %q, %d bytes, %v", b, o.Size(), err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Download(t.Context(), s, "x", strings.Repeat("0", 64), dir); err == nil {
		t.Error("want an error for another sum")
	}
	if _, err := Download(t.Context(), s, "y", "", dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing object: %v", err)
	}
	if left, err := fs.Glob(os.DirFS(dir), "*"); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}
