package feature

import (
	"fmt"
	"time"
)

const numWindows = len(Windows)

// lookbackDays is how many whole UTC days before the day of a window's start the lookback reaches.
const lookbackDays = 30

// frame is what the close of one slice fixes for all hosts: where its windows begin, which of them a slice lies
// in, and which UTC days are the lookback of each. Windows are nested and all end with the closing slice.
type frame struct {
	clock      Clock
	slice      Slice
	from       [numWindows]Slice  // first slice
	windowOf   [RingSlices]uint8  // by age of a slice: the shortest window that holds it
	day        int32              // UTC day of the closing slice
	dayFrom    Slice              // first slice of that day
	lookback   [numWindows]uint8  // index into tally.days
	closesDay  bool               // the closing slice is the last of its UTC day
	historical [numWindows]int64  // lookback_days
	startTime  [numWindows]int64  // of the window, microseconds
	endTime    int64              // of the windows, microseconds
	endText    string             // the same, RFC 3339
	sliceText  string             // start of the closing slice, RFC 3339
	dayText    string             // YYYY-MM-DD of the closing slice
	label      [numWindows]string // of Windows
}

// newFrame lays out the close of slice s; firstKnown is when the root's history begins, in nanoseconds.
func newFrame(c Clock, s Slice, firstKnown int64) *frame {
	f := &frame{clock: c, slice: s, day: c.Day(s), closesDay: c.Day(s+1) != c.Day(s)}
	f.dayFrom = c.Of(int64(f.day) * int64(24*time.Hour))
	if c.Day(f.dayFrom) != f.day {
		f.dayFrom++
	}
	age := 0
	for w, win := range Windows {
		f.from[w] = s - Slice(win.Slices) + 1
		for ; age < win.Slices; age++ {
			f.windowOf[age] = uint8(w)
		}
		f.lookback[w] = uint8(f.day - c.Day(f.from[w]))
		f.startTime[w] = c.Start(f.from[w]) / 1000
		f.historical[w] = max(0, min(lookbackDays, floorDiv(c.Start(f.from[w])-firstKnown, int64(24*time.Hour))))
		f.label[w] = win.Label
	}
	f.endTime = c.End(s) / 1000
	f.endText, f.sliceText = rfc3339(c.End(s)), rfc3339(c.Start(s))
	f.dayText = f.sliceText[:len("2006-01-02")]
	return f
}

// rfc3339 writes nanoseconds since the Unix epoch as record ids do.
func rfc3339(nanos int64) string { return time.Unix(0, nanos).UTC().Format(time.RFC3339) }

// tally is what a pair, or all pairs of a peer or a port, come to: per window, and before. The window's start is on
// the day of the closing slice or on the one before (longer windows do not exist), so days[0] are the sessions of
// that day and the 30 before it, and days[1] the same one day earlier, in both the window's own included.
type tally struct {
	sessions, bytes [numWindows]int64
	days            [2]int64
}

func (t *tally) add(o *tally) {
	for w := range t.sessions {
		t.sessions[w] += o.sessions[w]
		t.bytes[w] += o.bytes[w]
	}
	t.days[0] += o.days[0]
	t.days[1] += o.days[1]
}

// before is the sessions in the lookback of window w.
func (f *frame) before(t *tally, w int) int64 { return t.days[f.lookback[w]] - t.sessions[w] }

// measure fills t from a pair. It returns the shortest window with sessions of the pair, numWindows if there is
// none; all longer ones have some too. The error tells of a view that contradicts itself.
func (f *frame) measure(p *PairView, t *tally) (shortest int, err error) {
	*t = tally{}
	shortest = numWindows
	var today int64
	for i := len(p.Slices) - 1; i >= 0; i-- {
		s := &p.Slices[i]
		age := f.slice - s.Slice
		if uint64(age) >= RingSlices || s.Sessions <= 0 || i > 0 && p.Slices[i-1].Slice >= s.Slice {
			return 0, fmt.Errorf("slice %s of the pair is empty, out of order or not within the longest window",
				f.clock.Name(s.Slice))
		}
		w := int(f.windowOf[age])
		shortest = min(shortest, w)
		t.sessions[w] += s.Sessions
		t.bytes[w] += s.BytesSrc + s.BytesDst
		if s.Slice >= f.dayFrom {
			today += s.Sessions
		}
	}
	for w := 1; w < numWindows; w++ {
		t.sessions[w] += t.sessions[w-1]
		t.bytes[w] += t.bytes[w-1]
	}
	f.measureDays(p.Days, today, t)
	for w := range t.sessions {
		if f.before(t, w) < 0 {
			return 0, fmt.Errorf("the pair has fewer sessions on its days than in its slices")
		}
	}
	return shortest, nil
}

// measureDays fills t.days. today is the sessions of the slices of the closing slice's day: windows that begin the
// day before end with them, so they are no lookback of those and are added like the window's own.
func (f *frame) measureDays(days []DayCount, today int64, t *tally) {
	first := f.day - lookbackDays
	for _, d := range days {
		switch {
		case d.Day >= first && d.Day < f.day:
			t.days[0] += d.Sessions
			t.days[1] += d.Sessions
		case d.Day == f.day:
			t.days[0] += d.Sessions
		case d.Day == first-1:
			t.days[1] += d.Sessions
		}
	}
	t.days[1] += today
}
