package oracle

import (
	"net/netip"
	"sort"
	"time"
)

const sliceNanos = int64(15 * time.Minute)

// sliceOf numbers the slices from the epoch and the offset, rounding towards the past.
func (o *Options) sliceOf(at int64) int64 {
	at -= int64(o.Offset)
	n := at / sliceNanos
	if at%sliceNanos < 0 {
		n--
	}
	return n
}

func (o *Options) sliceStart(s int64) int64 { return s*sliceNanos + int64(o.Offset) }

// dayOf is the UTC day of a slice, that of its start.
func (o *Options) dayOf(s int64) string { return utc(o.sliceStart(s)).Format(time.DateOnly) }

func utc(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }

// Result is what a run publishes: the rows of each dataset, its record accounting and its closed slices.
type Result struct {
	Tables      map[string][]Row
	Accounting  Accounting
	Closed      []time.Time // starts of the closed slices, ascending
	LateFlows   []*Flow
	OnTimeFlows []*Flow
}

// hostRole is one side on which a host stands.
type hostRole struct {
	host netip.Addr
	role string
}

// book is everything that is known of the on-time flows: by host and role, by slice.
type book struct {
	o      *Options
	flows  map[hostRole]map[int64][]*Flow
	filled []int64 // slices with an on-time flow, ascending
	first  int64   // first closed slice
}

// Run decodes the files, merges them by time into one partition and closes every slice from the first to the
// last with an on-time flow.
func Run(files []File, format string, o Options) (*Result, error) {
	records, err := merge(files, format, &o)
	if err != nil {
		return nil, err
	}
	in := &intake{o: &o, counts: Accounting{Filtered: map[string]int{}, Rejected: map[string]int{}}}
	for _, r := range records {
		in.take(r)
	}
	in.end()
	result := &Result{Tables: map[string][]Row{}, Accounting: in.counts, LateFlows: in.late, OnTimeFlows: in.onTime}
	b := newBook(in.onTime, &o)
	days := map[string]bool{}
	for _, s := range closes(b.filled) {
		result.Closed = append(result.Closed, utc(o.sliceStart(s)))
		b.close(s, result)
		if day := o.dayOf(s); day != o.dayOf(s+1) && !days[day] {
			days[day] = true
			b.lookbackDay(day, s, result)
		}
	}
	return result, nil
}

func newBook(flows []*Flow, o *Options) *book {
	b := &book{o: o, flows: map[hostRole]map[int64][]*Flow{}}
	filled := map[int64]bool{}
	for _, f := range flows {
		s := o.sliceOf(o.eventTime(f))
		filled[s] = true
		b.add(hostRole{f.Source, "outbound"}, s, f)
		b.add(hostRole{f.Destination, "inbound"}, s, f)
	}
	for s := range filled {
		b.filled = append(b.filled, s)
	}
	sort.Slice(b.filled, func(i, j int) bool { return b.filled[i] < b.filled[j] })
	if len(b.filled) > 0 {
		b.first = b.filled[0]
	}
	return b
}

func (b *book) add(hr hostRole, s int64, f *Flow) {
	if !b.o.internal(hr.host) {
		return
	}
	if b.flows[hr] == nil {
		b.flows[hr] = map[int64][]*Flow{}
	}
	b.flows[hr][s] = append(b.flows[hr][s], f)
}

// closes lists the slices that a bounded run closes: each one from the first to the last with flows, but after 96
// closes without a flow it goes on with the next slice that has some.
func closes(filled []int64) []int64 {
	var list []int64
	for i, s := range filled {
		list = append(list, s)
		if i+1 == len(filled) {
			break
		}
		for empty := s + 1; empty < filled[i+1] && empty <= s+96; empty++ {
			list = append(list, empty)
		}
	}
	return list
}

// between collects the flows of a host's role in the slices [from, to).
func (b *book) between(hr hostRole, from, to int64) []*Flow {
	var list []*Flow
	bySlice := b.flows[hr]
	for _, s := range b.filled {
		if s >= from && s < to {
			list = append(list, bySlice[s]...)
		}
	}
	return list
}

// hosts lists the hosts with a row of any role, in no order.
func (b *book) hosts() map[netip.Addr]bool {
	set := map[netip.Addr]bool{}
	for hr := range b.flows {
		set[hr.host] = true
	}
	return set
}
