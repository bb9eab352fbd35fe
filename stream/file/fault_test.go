package file

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"ndr/flow"
	"ndr/stream"
)

// TestBrokenFiles: what cannot be read of a file becomes one record with a fault, and the other files go on.
func TestBrokenFiles(t *testing.T) {
	rows := header
	for i := range 2000 { // incompressible enough for several blocks
		rows += row(10+i, fmt.Sprintf("10.%d.%d.1", i*7919%256, i*104729%256), "10.0.0.9")
	}
	whole := gzipped([]byte(rows))
	spoiled := bytes.Clone(whole)
	spoiled[len(spoiled)/2] ^= 0xff
	for _, c := range []struct {
		name    string
		content []byte
		least   int // whole rows before the fault
		fault   string
	}{
		{"truncated", whole[:len(whole)/2], 100, flow.ReasonMalformed},
		{"flipped", spoiled, 0, flow.ReasonMalformed},
		{"header cut", whole[:7], 0, flow.ReasonMalformed},
		{"no gzip behind the magic", []byte("\x1f\x8b\xff\xffthis is no gzip"), 0, flow.ReasonMalformed},
		{"no zstd behind the magic", []byte("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff"), 0, flow.ReasonMalformed},
		{"too long a line", []byte(header + row(11, "10.0.0.1", "10.0.0.9") + strings.Repeat("x", 5000) + "\n" + row(12, "10.0.0.1", "10.0.0.9")), 2, flow.ReasonTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFolder()
			f.add("bad.log", c.content, nil)
			f.add("good.log", []byte(header+row(1, "10.0.0.1", "10.0.0.9")+row(90000, "10.0.0.1", "10.0.0.9")), nil)
			cfg := config(f)
			cfg.MaxLine = 4096
			var faults []string
			rows, good := 0, 0
			for _, g := range readAll(t, cfg, 0) {
				switch {
				case g.fault != "":
					faults = append(faults, g.origin.Name+" "+g.fault)
				case g.origin.Name == "good.log":
					good++
				case !strings.HasPrefix(g.text, "#"):
					rows++
				}
			}
			if d := gocmp.Diff(faults, []string{"bad.log " + c.fault}); d != "" {
				t.Errorf("faults: -got +want:\n%s", d)
			}
			if rows < c.least || good != 5 {
				t.Errorf("%d rows of the broken file, want %d at least; %d records of the good one, want 5", rows, c.least, good)
			}
			if f.open.Load() != 0 {
				t.Errorf("%d files are open", f.open.Load())
			}
		})
	}
}

// TestUnreadableFile: a file that the store does not give stops the partition. Taken for broken it would give other
// positions than the next time. What was read before is not lost.
func TestUnreadableFile(t *testing.T) {
	fault := errors.New("connection reset")
	for _, err := range []error{fault, io.ErrUnexpectedEOF, fmt.Errorf("read: %w", io.EOF)} {
		f := newFolder()
		good := []byte(header + row(1, "10.0.0.1", "10.0.0.9") + row(5, "10.0.0.1", "10.0.0.9"))
		opens := 0
		f.add("a", good, nil)
		f.add("b", []byte(header+row(3, "10.0.0.1", "10.0.0.9")), func(_ context.Context, r io.Reader) (io.Reader, error) {
			if opens++; opens == 1 {
				return r, nil
			}
			return io.MultiReader(io.LimitReader(r, 80), failing{err}), nil
		})
		s := New(config(f))
		r := &reader{m: newMerge(t.Context(), &s.cfg), of: 1}
		records, got := r.Poll(t.Context())
		if !errors.Is(got, err) || got == io.EOF {
			t.Errorf("%v: got %v", err, got)
		}
		if len(records) < 4 || records[3].Line != 4 {
			t.Errorf("%v: %d records before it", err, len(records))
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestSlowStore: opening takes longer than a Poll may wait, and a file is read with the context of its opening, as
// those of an object store are. Neither may end a file early or give a record twice.
func TestSlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFolder()
		var want []string
		for i := range 5 {
			content := header
			for k := range 30 {
				content += row(100*k+i, "10.0.0.1", "10.0.0.9")
			}
			f.add(fmt.Sprint("f", i), []byte(content), func(ctx context.Context, r io.Reader) (io.Reader, error) {
				time.Sleep(1300 * time.Millisecond)
				return bound{ctx, r}, ctx.Err()
			})
			for line := range 33 {
				want = append(want, fmt.Sprintf("f%d:%d", i, line+1))
			}
		}
		var have []string
		for i, g := range readAll(t, config(f), 0) {
			if g.fault != "" || g.position != int64(i) {
				t.Fatalf("record %d: %s", i, g)
			}
			have = append(have, fmt.Sprintf("%s:%d", g.origin.Name, g.line))
		}
		slices.Sort(have)
		slices.Sort(want)
		if d := gocmp.Diff(have, want); d != "" {
			t.Errorf("-got +want:\n%s", d)
		}
	})
}

// bound is a reader that ends with the context of its opening.
type bound struct {
	ctx context.Context
	r   io.Reader
}

func (b bound) Read(p []byte) (int, error) {
	time.Sleep(200 * time.Millisecond)
	if b.ctx.Err() != nil {
		return 0, b.ctx.Err()
	}
	return b.r.Read(p)
}

// consumer takes note of what a Source hands it.
type consumer struct {
	mu      sync.Mutex
	starts  []string
	records map[string]int
	reread  map[string]int // how often to ask for it
	fail    error
	wait    bool // until the context ends
}

func (c *consumer) Position(_ context.Context, p string) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.starts = append(c.starts, p)
	return 0, nil
}

func (c *consumer) Consume(ctx context.Context, p string, r stream.Reader) error {
	c.mu.Lock()
	again, fail := c.reread[p] > 0, c.fail
	c.reread[p]--
	c.mu.Unlock()
	if fail != nil && p == "1" {
		return fail
	}
	if c.wait {
		<-ctx.Done()
		return nil
	}
	n := 0
	for {
		records, err := r.Poll(ctx)
		n += len(records)
		if again && n > 0 {
			return stream.ErrReread
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records[p] = n
	return nil
}

func (c *consumer) Committed(string) (int64, bool) { return 0, false }

func TestRun(t *testing.T) {
	f := randomFolder(rand.New(rand.NewPCG(5, 2)))
	whole := len(readAll(t, config(f), 0))
	cfg := config(f)
	cfg.Partitions = 3
	t.Run("read again", func(t *testing.T) {
		c := &consumer{records: make(map[string]int), reread: map[string]int{"0": 2}}
		if err := New(cfg).Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, n := range c.records {
			sum += n
		}
		slices.SortFunc(c.starts, cmp.Compare[string])
		if d := gocmp.Diff(c.starts, []string{"0", "0", "0", "1", "2"}); d != "" || sum != whole {
			t.Errorf("%d records, want %d; positions asked: -got +want:\n%s", sum, whole, d)
		}
		if f.open.Load() != 0 {
			t.Errorf("%d files are open", f.open.Load())
		}
	})
	t.Run("one fails", func(t *testing.T) {
		c := &consumer{fail: errors.New("broken"), wait: true, reread: map[string]int{}}
		if err := New(cfg).Run(t.Context(), c); !errors.Is(err, c.fail) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := &consumer{wait: true, reread: map[string]int{}}
		if err := New(cfg).Run(ctx, c); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

// TestDescribe: the id stands for names, contents and the number of partitions, not for the order of the inputs.
func TestDescribe(t *testing.T) {
	describe := func(partitions int, files ...string) string {
		f := newFolder()
		for i := 0; i < len(files); i += 2 {
			f.add(files[i], []byte(files[i+1]), nil)
		}
		cfg := config(f)
		cfg.Partitions = partitions
		d, err := New(cfg).Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Partitions) != max(1, partitions) || len(d.Earliest) != len(d.Partitions) || len(d.Inputs) != len(files)/2 {
			t.Errorf("%+v", d)
		}
		return d.ID
	}
	base := describe(1, "a", "x", "b", "y")
	if describe(0, "b", "y", "a", "x") != base {
		t.Error("the order of the inputs decides")
	}
	for i, other := range []string{describe(2, "a", "x", "b", "y"), describe(1, "a", "y", "b", "x"), describe(1, "a", "x"), describe(1, "a", "x", "c", "y"),
		describe(1, "a", "x", "b", "z")} {
		if other == base {
			t.Errorf("case %d has the same id", i)
		}
	}
}
