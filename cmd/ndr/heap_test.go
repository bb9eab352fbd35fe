package main

import (
	"math"
	"runtime/debug"
	"testing"
)

func TestBoundHeap(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	for _, c := range []struct{ before, limit, want int64 }{
		{math.MaxInt64, 1 << 30, 768 << 20},
		{math.MaxInt64, 64 << 20, leastHeap},
		{500 << 20, 1 << 30, 500 << 20}, // from the environment
	} {
		debug.SetMemoryLimit(c.before)
		boundHeap(c.limit)
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("bound before %d, limit %d: got %d, want %d", c.before, c.limit, got, c.want)
		}
	}
}
