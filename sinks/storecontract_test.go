package sinks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func storeCreate(t *testing.T, s Store) {
	create(t, s, "create/a", "first")
	err := s.Create(t.Context(), "create/a", strings.NewReader("second"))
	if !errors.Is(err, fs.ErrExist) {
		t.Fatalf("second create: %v, want fs.ErrExist", err)
	}
	wantBody(t, s, "create/a", "first")

	// The body is sent from its beginning, wherever an earlier attempt left it.
	body := strings.NewReader("whole body")
	if _, err := body.Seek(6, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "create/b", body); err != nil {
		t.Fatal(err)
	}
	wantBody(t, s, "create/b", "whole body")

	create(t, s, "create/empty", "")
	wantBody(t, s, "create/empty", "")
	info, err := s.Stat(t.Context(), "create/b")
	if err != nil || info.Size != 10 || info.Tag == "" || time.Since(info.Modified).Abs() > time.Hour {
		t.Fatalf("stat: %+v, %v", info, err)
	}
}

func storeRanges(t *testing.T, s Store) {
	create(t, s, "ranges", "0123456789")
	create(t, s, "ranges-empty", "")
	for _, c := range []struct {
		key    string
		off, n int64
		want   string
	}{
		{"ranges", 0, -1, "0123456789"},
		{"ranges", 3, -1, "3456789"},
		{"ranges", 0, 1, "0"},
		{"ranges", 3, 4, "3456"},
		{"ranges", 9, 1, "9"},
		{"ranges", 8, 100, "89"},
		{"ranges", 0, 10, "0123456789"},
		{"ranges", 10, -1, ""},
		{"ranges", 10, 1, ""},
		{"ranges", 1000, 5, ""},
		{"ranges", 1000, -1, ""},
		{"ranges", 4, 0, ""},
		{"ranges-empty", 0, 5, ""},
		{"ranges-empty", 0, -1, ""},
	} {
		got, err := s.Get(t.Context(), c.key, c.off, c.n)
		if err != nil || string(got) != c.want {
			t.Errorf("get %s off %d n %d: %q, %v; want %q", c.key, c.off, c.n, got, err, c.want)
		}
	}
	if _, err := s.Get(t.Context(), "ranges", -1, 2); err == nil {
		t.Error("a negative offset is no error")
	}
}

func storeOpen(t *testing.T, s Store) {
	r := rand.New(rand.NewPCG(1, 2))
	body := make([]byte, 3*blockBytes+17)
	for i := range body {
		body[i] = byte(r.Uint32())
	}
	create(t, s, "open", string(body))
	o, err := s.Open(t.Context(), "open")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if o.Size() != int64(len(body)) {
		t.Fatalf("size %d, want %d", o.Size(), len(body))
	}
	for range 60 {
		off, n := r.IntN(len(body)+10), r.IntN(1<<(1+r.IntN(22)))
		p := make([]byte, n)
		got, err := o.ReadAt(p, int64(off))
		want := body[min(off, len(body)):min(off+n, len(body))]
		if !bytes.Equal(p[:got], want) || (err == io.EOF) != (off+n > len(body)) || err != nil && err != io.EOF {
			if n == 0 && got == 0 { // io.ReaderAt leaves open what an empty read past the end returns
				continue
			}
			t.Fatalf("read %d at %d: %d bytes, %v; want %d", n, off, got, err, len(want))
		}
	}
}

func storeMissing(t *testing.T, s Store) {
	create(t, s, "missing/there", "x")
	ctx := t.Context()
	for _, key := range []string{"missing/not", "not/at/all", "missing", "missing/there/below"} {
		_, getErr := s.Get(ctx, key, 0, -1)
		_, noneErr := s.Get(ctx, key, 0, 0)
		_, statErr := s.Stat(ctx, key)
		_, openErr := s.Open(ctx, key)
		for op, err := range map[string]error{"get": getErr, "get nothing": noneErr, "stat": statErr, "open": openErr} {
			if !errors.Is(err, fs.ErrNotExist) || err != nil && !strings.Contains(err.Error(), key) {
				t.Errorf("%s %s: %v, want fs.ErrNotExist and the key", op, key, err)
			}
		}
	}
	err := s.Replace(ctx, "missing/not", strings.NewReader("y"), "tag")
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
		t.Errorf("replace: %v", err)
	}
	if _, err := s.Get(ctx, "missing/not", 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("replace made a missing object: %v", err)
	}
}

func storeOddKeys(t *testing.T, s Store) {
	keys := []string{
		"odd/dt=2026-01-02/hh=03/mm=15/part-0001.parquet",
		"odd/a b", "odd/plus+sign", "odd/percent%20", "odd/a&b=c?d#e", "odd/ümlaut-日本", "odd/.hidden", "odd/_SUCCESS",
		"odd/quote'\"", "odd/tilde~!@$()*,:;[]{}|^`", "odd/back\\slash", "odd/-dash", "odd/" + strings.Repeat("n", 200), "odd/...",
	}
	for _, k := range keys {
		create(t, s, k, "body of "+k)
	}
	for _, k := range keys {
		wantBody(t, s, k, "body of "+k)
	}
	got, err := s.List(t.Context(), "odd/", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	if d := cmp.Diff(got, keys); d != "" {
		t.Errorf("list (-got +want):\n%s", d)
	}
}

func storeBadKeys(t *testing.T, s Store) {
	ctx := t.Context()
	for _, key := range []string{"", "/abs", "a//b", "a/", "..", "a/../b", "./a", "a/.", "a/.tmp-x", ".tmp-x/a", "a\x00b"} {
		_, getErr := s.Get(ctx, key, 0, -1)
		_, statErr := s.Stat(ctx, key)
		_, openErr := s.Open(ctx, key)
		errs := []error{getErr, statErr, openErr, s.Create(ctx, key, strings.NewReader("x")),
			s.Replace(ctx, key, strings.NewReader("x"), "tag"), s.Delete(ctx, key)}
		for i, err := range errs {
			if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
				t.Errorf("key %q, operation %d: %v, want a refusal", key, i, err)
			}
		}
	}
	for _, prefix := range []string{"/", "../", "a/../b", "a//b", "/a"} {
		if _, err := s.List(ctx, prefix, "", 0); err == nil {
			t.Errorf("list %q: no error", prefix)
		}
	}
}

// listKeys sort differently by directory than by full key: '-', '.', '!' and ' ' are smaller than '/'.
var listKeys = []string{
	"list/a/1", "list/a/2", "list/a-b", "list/a.b", "list/a!/x", "list/a0", "list/ab/c/d", "list/a /y", "list/b/z/1", "list/b/z/2",
	"list/b/z.x", "list/b/z-/q", "list/c", "list/ä/1", "list/z",
}

func storeList(t *testing.T, s Store) {
	keys := slices.Sorted(slices.Values(listKeys))
	for _, k := range keys {
		create(t, s, k, "x")
	}
	prefixes := []string{"list/", "list/a", "list/a/", "list/b/z", "list/b/z/", "list/b/", "list/nothing", "list/c", "list/c/", "list/ä"}
	afters := append([]string{"", "a", "list", "list/", "list/a/", "list/a/1x", "list/a/zz", "list/b/z/", "list/zz", "z"}, keys...)
	for _, prefix := range prefixes {
		for _, after := range afters {
			for _, limit := range []int{0, 1, 3} {
				var want []string
				for _, k := range keys {
					if strings.HasPrefix(k, prefix) && k > after && (limit == 0 || len(want) < limit) {
						want = append(want, k)
					}
				}
				got, err := s.List(t.Context(), prefix, after, limit)
				if err != nil {
					t.Fatalf("list %q after %q: %v", prefix, after, err)
				}
				if d := cmp.Diff(got, want); d != "" {
					t.Fatalf("list %q after %q limit %d (-got +want):\n%s", prefix, after, limit, d)
				}
			}
		}
	}
}

func storeListPages(t *testing.T, s Store) {
	var want []string
	for i := range 1100 { // more than one page of S3
		k := fmt.Sprintf("pages/%04d", i)
		want = append(want, k)
		create(t, s, k, "")
	}
	got, err := s.List(t.Context(), "pages/", "", 0)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("all: %d keys, %v", len(got), err)
	}
	got, err = s.List(t.Context(), "pages/", "", 1050)
	if err != nil || !slices.Equal(got, want[:1050]) {
		t.Fatalf("limit past a page: %d keys, %v", len(got), err)
	}
	got = nil
	for after := ""; ; {
		page, err := s.List(t.Context(), "pages/", after, 97)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		after = page[len(page)-1]
	}
	if !slices.Equal(got, want) {
		t.Fatalf("paged: %d keys", len(got))
	}
}

func storeReplace(t *testing.T, s Store) {
	ctx := t.Context()
	create(t, s, "replace", "one")
	one, err := s.Stat(ctx, "replace")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Replace(ctx, "replace", strings.NewReader("two, longer"), one.Tag); err != nil {
		t.Fatal(err)
	}
	wantBody(t, s, "replace", "two, longer")
	if err := s.Replace(ctx, "replace", strings.NewReader("three"), one.Tag); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("replace by an old tag: %v, want fs.ErrExist", err)
	}
	wantBody(t, s, "replace", "two, longer")
	two, err := s.Stat(ctx, "replace")
	if err != nil || two.Tag == one.Tag || two.Size != 11 {
		t.Fatalf("stat: %+v, %v", two, err)
	}
}

func storeDelete(t *testing.T, s Store) {
	ctx := t.Context()
	create(t, s, "delete/a", "x")
	for _, k := range []string{"delete/a", "delete/a", "delete/never", "never/was/there", "delete"} {
		if err := s.Delete(ctx, k); err != nil {
			t.Fatalf("delete %s: %v", k, err)
		}
	}
	if _, err := s.Get(ctx, "delete/a", 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("after delete: %v", err)
	}
	create(t, s, "delete/a", "again")
	wantBody(t, s, "delete/a", "again")
}

// race runs 16 writers at once and returns the numbers of those that won; the others must see fs.ErrExist.
func race(t *testing.T, write func(i int) error) []int {
	t.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = write(i)
		})
	}
	close(start)
	wg.Wait()
	var won []int
	for i, err := range errs {
		if err == nil {
			won = append(won, i)
		} else if !errors.Is(err, fs.ErrExist) {
			t.Errorf("writer %d: %v", i, err)
		}
	}
	return won
}

func raceBody(i int) string { return strings.Repeat(fmt.Sprintf("writer %d;", i), 1000) }

func storeCreateRace(t *testing.T, s Store) {
	for round := range 5 {
		key := fmt.Sprintf("race/create/%d/key", round)
		won := race(t, func(i int) error { return s.Create(t.Context(), key, strings.NewReader(raceBody(i))) })
		if len(won) != 1 {
			t.Fatalf("winners: %v, want one", won)
		}
		wantBody(t, s, key, raceBody(won[0]))
	}
}

func storeReplaceRace(t *testing.T, s Store) {
	for round := range 5 {
		key := fmt.Sprintf("race/replace/%d", round)
		create(t, s, key, "before")
		info, err := s.Stat(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		won := race(t, func(i int) error { return s.Replace(t.Context(), key, strings.NewReader(raceBody(i)), info.Tag) })
		if len(won) != 1 {
			t.Fatalf("winners: %v, want one", won)
		}
		wantBody(t, s, key, raceBody(won[0]))
	}
}

func storeCanceled(t *testing.T, s Store) {
	create(t, s, "canceled/a", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, getErr := s.Get(ctx, "canceled/a", 0, -1)
	_, statErr := s.Stat(ctx, "canceled/a")
	_, listErr := s.List(ctx, "canceled/", "", 0)
	errs := []error{getErr, statErr, listErr, s.Create(ctx, "canceled/b", strings.NewReader("x")),
		s.Replace(ctx, "canceled/a", strings.NewReader("y"), "t"), s.Delete(ctx, "canceled/a")}
	for i, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("operation %d: %v, want context.Canceled", i, err)
		}
	}
	wantBody(t, s, "canceled/a", "x")
}

func storeLarge(t *testing.T, s Store) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB, beyond multipart defaults of clients
	if err := s.Create(t.Context(), "large", bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), "large", 0, -1)
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}
