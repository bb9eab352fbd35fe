package bench

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"
)

// usage is what a piece of work cost.
type usage struct {
	CPU, Wall time.Duration
	Allocs    uint64
}

// meter measures from its making on.
type meter struct {
	cpu    time.Duration
	wall   time.Time
	allocs uint64
}

func startMeter() meter {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return meter{cpuTime(), time.Now(), m.Mallocs}
}

func (m meter) read() usage {
	u := usage{CPU: cpuTime() - m.cpu, Wall: time.Since(m.wall)}
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	u.Allocs = s.Mallocs - m.allocs
	return u
}

// cpuTime is the processor time of this process, the garbage collector and the kernel included.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory is the largest resident size of this process so far, in bytes; 0 where the system does not tell.
func peakMemory() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var kib int64
		if _, err := fmt.Sscanf(s.Text(), "VmHWM: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	return 0
}

// forgetPeak lets peakMemory begin anew, where the system can.
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// rounds runs each piece of work in turns and returns the usage of each with the median processor time.
func rounds(n int, work ...func() usage) []usage {
	all := make([][]usage, len(work))
	for range n {
		for i, w := range work {
			runtime.GC()
			all[i] = append(all[i], w())
		}
	}
	out := make([]usage, len(work))
	for i := range all {
		slices.SortFunc(all[i], func(a, b usage) int { return cmp.Compare(a.CPU, b.CPU) })
		out[i] = all[i][n/2]
	}
	return out
}

// per is nanoseconds of processor time for each of n.
func (u usage) per(n int) float64 { return float64(u.CPU) / float64(n) }

// rate is how many of n there were in a second on the wall.
func (u usage) rate(n int) float64 { return float64(n) / u.Wall.Seconds() }

// machine describes the computer, for the report.
func machine() string {
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				model = strings.Trim(name, " \t:\n")
				break
			}
		}
	}
	return fmt.Sprintf("%d processors (%s), %s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.Version())
}
