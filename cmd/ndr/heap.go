package main

import (
	"math"
	"runtime/debug"
)

// leastHeap is a bound below which the garbage collector would do little else than collect: a close alone takes that
// much, whatever limits.memory says.
const leastHeap = 256 << 20

// boundHeap makes the garbage collector work harder when the heap comes near the memory limit: left alone it lets the
// heap grow to twice of what is in use. The block caches and memtables of the shards lie outside of the heap, hence
// three quarters. A bound that is there already, from GOMEMLIMIT, stands.
func boundHeap(limit int64) {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(max(leastHeap, limit/4*3))
	}
}
