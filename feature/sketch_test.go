package feature

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSketchEstimate(t *testing.T) {
	if got := new(Sketch).Estimate(); got != 0 {
		t.Errorf("nothing: got %d", got)
	}
	for _, n := range []int{1, 2, 10, 100, 256, 1000, 4096, 10_000, 12_000, 20_000, 100_000, 1_000_000} {
		var s Sketch
		for i := range n {
			a := Addr{0, mapped4 | uint64(i)}
			s.AddPeer(a)
			s.AddPeer(a)
		}
		// Small numbers miss by collisions only, large ones by the standard error of 1.6%, here within 3 of it.
		if got := s.Estimate(); math.Abs(float64(got)-float64(n)) > 0.05*float64(n) || n <= 10 && got != int64(n) {
			t.Errorf("%d peers: got %d", n, got)
		}
	}
	var ports Sketch
	for p := 1; p < 1<<16; p++ {
		ports.AddPort(uint16(p))
	}
	if got := ports.Estimate(); math.Abs(float64(got)-65535) > 0.05*65535 {
		t.Errorf("65535 ports: got %d", got)
	}
}

func TestSketchMergeIsUnion(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var a, b, all Sketch
	for range 5000 {
		h := rnd.Uint64()
		all.Add(h)
		switch rnd.IntN(3) {
		case 0:
			a.Add(h)
		case 1:
			b.Add(h)
		default:
			a.Add(h)
			b.Add(h)
		}
	}
	a.Merge(&b)
	a.Merge(&b)
	if a != all {
		t.Error("the merged sketch is not that of the union")
	}
}

func TestSketchCodec(t *testing.T) {
	var s Sketch
	s.Add(0)          // the largest rank of register 0
	s.Add(^uint64(0)) // the smallest of the last one
	if s.reg[0] != sketchMaxRank || s.reg[len(s.reg)-1] != 1 {
		t.Errorf("got ranks %d and %d, want %d and 1", s.reg[0], s.reg[len(s.reg)-1], sketchMaxRank)
	}
	b, err := s.AppendBinary([]byte("x"))
	if err != nil || len(b) != 1+SketchBytes {
		t.Fatalf("got %d bytes, %v", len(b), err)
	}
	got, rest, err := ParseSketch(append(b[1:], 'y'))
	if err != nil || *got != s || string(rest) != "y" {
		t.Errorf("got another sketch back, rest %q, %v", rest, err)
	}
	if _, _, err := ParseSketch(b[1 : len(b)-2]); err == nil {
		t.Error("a cut sketch was read")
	}
	b[5] = sketchMaxRank + 1
	if _, _, err := ParseSketch(b[1:]); err == nil {
		t.Error("a rank out of range was read")
	}
}

func BenchmarkSketchAdd(b *testing.B) {
	var s Sketch
	a := Addr{0, mapped4}
	b.ReportAllocs()
	for b.Loop() {
		a.Lo++
		s.AddPeer(a)
	}
}
