package stream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

// makeCut returns the object of a cut with rows for two shards and a carry; change may alter its header.
func makeCut(t testing.TB, change func(h *CutHeader)) (CutHeader, []byte) {
	t.Helper()
	enc, err := newCutEncoder()
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	h := CutHeader{Format: CutFormat, Source: "flows", Partition: "p", N: 7, From: 10, To: 20, Watermark: at(0), MaxEvent: at(1),
		Cause: causeSlice, Touched: []feature.Slice{s0}, ConfigDigest: "c", Writer: "one", Counters: Counters{Records: 10, Decoded: 10}}
	if change != nil {
		change(&h)
	}
	b, err := enc.encode(&h, []feature.Section{randomSection(rnd), randomSection(rnd)}, []half{randomHalf(rnd)})
	if err != nil {
		t.Fatal(err)
	}
	return h, b
}

func openBytes(b []byte) (*Cut, *store, error) {
	s := newStore()
	s.obj["k"] = b
	c, err := OpenCut(context.Background(), s, "k")
	return c, s, err
}

func TestContentDigest(t *testing.T) {
	base, _ := makeCut(t, nil)
	for _, c := range []struct {
		name   string
		change func(h *CutHeader)
		same   bool
	}{
		{"nothing", func(*CutHeader) {}, true},
		{"writer", func(h *CutHeader) { h.Writer = "another build" }, true},
		{"cause", func(h *CutHeader) { h.Cause = causeMemory }, true},
		{"digest from before", func(h *CutHeader) { h.ContentDigest = "x" }, true},
		{"sections from before", func(h *CutHeader) { h.Sections = make([]SectionRef, 9) }, true},
		{"to", func(h *CutHeader) { h.To++ }, false},
		{"watermark", func(h *CutHeader) { h.Watermark++ }, false},
		{"counters", func(h *CutHeader) { h.Counters.Late++ }, false},
		{"touched", func(h *CutHeader) { h.Touched = nil }, false},
		{"configuration", func(h *CutHeader) { h.ConfigDigest = "d" }, false},
		{"decoder", func(h *CutHeader) { h.Decoder = []byte("x") }, false},
	} {
		if h, _ := makeCut(t, c.change); (h.ContentDigest == base.ContentDigest) != c.same {
			t.Errorf("%s: digest equal: %v, want %v", c.name, !c.same, c.same)
		}
	}
}

func TestCutReadBack(t *testing.T) {
	// A header beyond the first read needs a second one.
	for _, decoder := range []int{0, 100, cutFirstRead, 300_000} {
		want, b := makeCut(t, func(h *CutHeader) { h.Decoder = bytes.Repeat([]byte("d"), decoder) })
		c, s, err := openBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.Header, want, equateEmpty); d != "" {
			t.Errorf("-got +want:\n%s", d)
		}
		rnd := rand.New(rand.NewPCG(1, 1))
		for shard := range 2 {
			got, err := c.ReadSection(context.Background(), s, shard)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(got, randomSection(rnd), equateEmpty); d != "" {
				t.Errorf("shard %d: -got +want:\n%.2000s", shard, d)
			}
		}
		if _, err := c.ReadSection(context.Background(), s, 2); err == nil {
			t.Error("a cut of two shards has a third")
		}
		halves, err := c.readCarry(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(halves, []half{randomHalf(rnd)}, cmp.AllowUnexported(half{}, halfKey{})); d != "" {
			t.Errorf("carry: -got +want:\n%s", d)
		}
	}
}

func TestCutMissing(t *testing.T) {
	if _, err := OpenCut(context.Background(), newStore(), "k"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing cut: %v", err)
	}
}

// TestDamagedCut: no byte of a cut can change without being noticed, and no length is taken for the whole.
func TestDamagedCut(t *testing.T) {
	_, whole := makeCut(t, nil)
	read := func(b []byte) error {
		c, s, err := openBytes(b)
		for shard := 0; err == nil && shard < 2; shard++ {
			_, err = c.ReadSection(context.Background(), s, shard)
		}
		if err == nil {
			_, err = c.readCarry(context.Background(), s)
		}
		return err
	}
	if err := read(whole); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1
		if err := read(b); err == nil {
			t.Errorf("byte %d of %d changed, and nothing was noticed", i, len(b))
		}
		if i%7 == 0 {
			if err := read(whole[:i]); err == nil {
				t.Errorf("%d bytes of %d were taken for the whole", i, len(whole))
			}
		}
	}
}

// TestCutFormats: this build reads its own format and the next one; a later one is refused, and waited for.
func TestCutFormats(t *testing.T) {
	_, b := makeCut(t, nil)
	for _, c := range []struct {
		format byte
		ok     bool
	}{{CutFormat, true}, {CutFormat + 1, true}, {CutFormat + 2, false}, {255, false}} {
		b[len(cutMagic)-1] = c.format
		_, _, err := openBytes(b)
		if (err == nil) != c.ok {
			t.Errorf("format %d: %v", c.format, err)
		}
		if err != nil && (!errors.Is(err, errCutFormat) || !temporary(err) || !strings.Contains(err.Error(), "up to 2")) {
			t.Errorf("format %d: error %v, temporary %v", c.format, err, temporary(err))
		}
	}
}

func TestControlFormats(t *testing.T) {
	s := newStore()
	ctl := newControl(t, s)
	for _, c := range []struct {
		format int
		ok     bool
	}{{CutFormat, true}, {CutFormat + 1, true}, {CutFormat + 2, false}} {
		key, err := ctl.Layout.Path(feature.TopologyObject("flows", 0))
		if err != nil {
			t.Fatal(err)
		}
		delete(s.obj, key)
		s.keys = nil
		if _, err := ctl.create(context.Background(), feature.TopologyObject("flows", 0), &Topology{Format: c.format}); err != nil {
			t.Fatal(err)
		}
		if _, err := ctl.LoadTopology(context.Background(), "flows"); (err == nil) != c.ok || err != nil && !errors.Is(err, errCutFormat) {
			t.Errorf("format %d: %v", c.format, err)
		}
	}
}

func FuzzOpenCut(f *testing.F) {
	_, b := makeCut(f, nil)
	f.Add(b)
	f.Add(binary.LittleEndian.AppendUint32([]byte(cutMagic), 0xffffffff))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, s, err := openBytes(b)
		if err != nil {
			return
		}
		for shard := range min(len(c.Header.Sections), 3) {
			_, _ = c.ReadSection(context.Background(), s, shard)
		}
		_, _ = c.readCarry(context.Background(), s)
	})
}

func TestCheckCounters(t *testing.T) {
	good := Counters{Records: 5, Decoded: 4, Undecodable: 1, Items: 9, CarryIn: 2, Accepted: 3, Late: 1, Absorbed: 1, CarryOut: 3,
		Rejected: map[string]int64{"a": 1}, Filtered: map[string]int64{"b": 2}, RoleRows: 5, Expected: 5}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for i, spoil := range []func(c *Counters){
		func(c *Counters) { c.Records++ }, func(c *Counters) { c.Decoded++ }, func(c *Counters) { c.Undecodable-- },
		func(c *Counters) { c.Items++ }, func(c *Counters) { c.CarryIn++ }, func(c *Counters) { c.Accepted++ }, func(c *Counters) { c.Late++ },
		func(c *Counters) { c.Absorbed++ }, func(c *Counters) { c.CarryOut++ }, func(c *Counters) { c.Rejected = nil },
		func(c *Counters) { c.Filtered = nil }, func(c *Counters) { c.RoleRows++ }, func(c *Counters) { c.Expected++ },
	} {
		c := good
		spoil(&c)
		if c.Check() == nil {
			t.Errorf("case %d: %+v passes", i, c)
		}
	}
	var sum Counters
	sum.Add(&good)
	sum.Add(&good)
	want := Counters{Records: 10, Decoded: 8, Undecodable: 2, Items: 18, Accepted: 6, Late: 2, Absorbed: 2,
		Rejected: map[string]int64{"a": 2}, Filtered: map[string]int64{"b": 4}, RoleRows: 10, Expected: 10}
	if d := cmp.Diff(sum, want); d != "" {
		t.Errorf("sum: -got +want:\n%s", d)
	}
}
