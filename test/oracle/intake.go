package oracle

import (
	"fmt"
	"sort"
)

// Accounting counts the records of a run by what became of them.
type Accounting struct {
	Accepted, Late     int
	Filtered, Rejected map[string]int
}

// intake judges the records of the one merged stream in order.
type intake struct {
	o         *Options
	counts    Accounting
	onTime    []*Flow
	late      []*Flow
	seen      bool  // an event time has been accepted
	largest   int64 // the largest accepted event time
	watermark int64 // valid once seen
	waiting   []*Flow
}

// record is one line of the merged stream.
type record struct {
	flow    *Flow
	time    int64
	hasTime bool
}

// merge orders the records of all files: the file whose next flow has the smallest event time goes first, ties
// by name; records that are no flows go at once.
func merge(files []File, format string, o *Options) ([]record, error) {
	files = append([]File(nil), files...)
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	queues := make([][]record, len(files))
	for i, f := range files {
		flows, err := decode(f, format, o)
		if err != nil {
			return nil, fmt.Errorf("decode %s: %w", f.Name, err)
		}
		for j, flow := range flows {
			r := record{flow: flow}
			if f.Times != nil {
				r.time, r.hasTime = f.Times[j], true
			}
			if flow != nil {
				queues[i] = append(queues[i], r)
			}
		}
	}
	var all []record
	for {
		best := -1
		for i, q := range queues {
			if len(q) == 0 {
				continue
			}
			if !q[0].flow.usable() {
				best = i
				break
			}
			if best < 0 || o.eventTime(q[0].flow) < o.eventTime(queues[best][0].flow) {
				best = i
			}
		}
		if best < 0 {
			return all, nil
		}
		all = append(all, queues[best][0])
		queues[best] = queues[best][1:]
	}
}

func (f *Flow) usable() bool { return f.reject == "" && f.filter == "" }

func (o *Options) eventTime(f *Flow) int64 {
	if o.ByEventStart {
		return f.Start
	}
	return f.End
}

func (in *intake) take(r record) {
	f, o := r.flow, in.o
	at := o.eventTime(f)
	switch {
	case f.reject != "":
		in.counts.Rejected[f.reject]++
		return
	case f.filter != "":
		in.counts.Filtered[f.filter]++
		return
	case !o.internal(f.Source) && !o.internal(f.Destination):
		in.counts.Filtered["external"]++
		return
	case r.hasTime && at > r.time+int64(o.MaxSkew),
		!r.hasTime && !o.Start.IsZero() && at > o.Start.Add(o.MaxSkew).UnixNano():
		in.counts.Rejected["future_time"]++
		return
	case r.hasTime && at < r.time-int64(o.MaxPast):
		in.counts.Rejected["past_time"]++
		return
	}
	if f.half != nil {
		in.takeHalf(f)
	} else {
		in.place(f)
	}
	if !in.seen || at > in.largest {
		in.largest = at
	}
	first := !in.seen
	in.seen = true
	in.expire()
	mark := in.largest - int64(o.Lateness)
	for _, w := range in.waiting {
		mark = min(mark, o.eventTime(w))
	}
	if first || mark > in.watermark {
		in.watermark = mark
	}
}

// place puts a flow into its slice, or among the late ones when the watermark before it has passed that slice.
func (in *intake) place(f *Flow) {
	if in.passed(f) {
		in.counts.Late++
		in.late = append(in.late, f)
		return
	}
	in.counts.Accepted++
	in.onTime = append(in.onTime, f)
}

func (in *intake) passed(f *Flow) bool {
	return in.seen && in.o.sliceStart(in.o.sliceOf(in.o.eventTime(f))+1) <= in.watermark
}

// takeHalf joins a half with the waiting mirror that overlaps it most, then the one that started first.
func (in *intake) takeHalf(h *Flow) {
	if in.passed(h) {
		in.place(alone(h))
		return
	}
	best, bestOverlap := -1, int64(0)
	for i, w := range in.waiting {
		mirror := *w.half == *h.half && (w.Source != h.Source || w.SourcePort != h.SourcePort)
		overlap := max(0, min(w.End, h.End)-max(w.Start, h.Start))
		if !mirror {
			continue
		}
		if best < 0 || overlap > bestOverlap || overlap == bestOverlap && w.Start < in.waiting[best].Start {
			best, bestOverlap = i, overlap
		}
	}
	if best < 0 {
		in.waiting = append(in.waiting, h)
		return
	}
	in.counts.Filtered["absorbed"]++
	in.place(join(in.waiting[best], h))
	in.waiting = append(in.waiting[:best], in.waiting[best+1:]...)
}

// expire emits the halves whose mirror is not expected any more.
func (in *intake) expire() {
	var keep []*Flow
	for _, w := range in.waiting {
		if w.End+int64(in.o.PairTimeout) <= in.largest {
			in.place(alone(w))
		} else {
			keep = append(keep, w)
		}
	}
	in.waiting = keep
}

// end emits every waiting half.
func (in *intake) end() {
	for _, w := range in.waiting {
		in.place(alone(w))
	}
	in.waiting = nil
}
