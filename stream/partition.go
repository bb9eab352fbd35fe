package stream

import (
	"errors"
	"fmt"
	"math"
	"time"

	"ndr/feature"
	"ndr/flow"
)

// maxRaw is how much of a rejected record is kept.
const maxRaw = 1024

// partition is the state of one source partition between two cuts: a pure function of the records since the last
// one. It knows no clock; the driver in ingest.go tells it when to cut.
type partition struct {
	cfg       *IngestConfig
	name      string
	n         uint64 // number of the cut under construction
	from      int64  // its first position
	next      int64  // records below it have been seen
	watermark int64
	maxEvent  int64 // largest accepted event time, NoWatermark before the first
	cutMark   int64 // watermark of the last cut
	largest   *feature.Slice
	carry     *carry
	rows      *rowTable
	late      *rowTable
	rejects   []feature.Reject
	rejected  int64 // bytes that the rejects take
	count     Counters
	taken     int64  // flows and halves accepted since the start, for idleness
	odd       *int64 // smallest known time of a late or rejected item

	decoder  flow.Decoder            // of records without an origin
	byOrigin map[string]flow.Decoder // decoders of files, by name
	origin   map[string]*Origin      // the state that each of them is in
	emit     func(*flow.Item)

	// of the record being applied
	record *Record
	item   int
	mark   int64 // watermark before the record: lateness is judged by it
}

func newPartition(cfg *IngestConfig, name string) (*partition, error) {
	d, err := cfg.NewDecoder()
	if err != nil {
		return nil, fmt.Errorf("make decoder of partition %s: %w", name, err)
	}
	p := &partition{
		cfg: cfg, name: name, n: 1, watermark: NoWatermark, maxEvent: NoWatermark, cutMark: NoWatermark,
		carry: newCarry(), rows: newRowTable(cfg.Kept), late: newRowTable(cfg.Kept), decoder: d,
		byOrigin: make(map[string]flow.Decoder), origin: make(map[string]*Origin),
	}
	p.emit = p.take
	return p, nil
}

// start places a partition of which no cut exists.
func (p *partition) start(position, watermark int64) {
	p.from, p.next, p.watermark, p.cutMark = position, position, watermark, watermark
}

// adopt continues after a cut, dropping whatever was not in it.
func (p *partition) adopt(h *CutHeader, halves []half) error {
	p.n, p.watermark, p.cutMark, p.maxEvent, p.largest = h.N, h.Watermark, h.Watermark, h.MaxEvent, h.Largest
	p.next = h.To
	p.carry = newCarry()
	for i := range halves {
		p.carry.wait(&halves[i])
	}
	p.clear()
	if err := p.decoder.Restore(h.Decoder); err != nil {
		return &BrokenError{fmt.Errorf("restore decoder of partition %s from cut %d: %w", p.name, h.N, err)}
	}
	return nil
}

// clear begins the next cut.
func (p *partition) clear() {
	p.n++
	p.from = p.next
	p.rows.reset()
	p.late.reset()
	p.rejects, p.rejected, p.odd = nil, 0, nil
	p.count = Counters{CarryIn: int64(len(p.carry.byEnd))}
}

// size estimates the memory that the cut under construction takes, in bytes.
func (p *partition) size() int64 {
	return p.rows.size() + p.late.size() + p.rejected + p.carry.bytes
}

// apply decodes one record and folds what is in it. A record that was seen is skipped.
func (p *partition) apply(r *Record) error {
	if r.Position < p.next {
		return nil
	}
	d, err := p.decoderOf(r)
	if err != nil {
		return err
	}
	p.record, p.item, p.mark = r, 0, p.watermark
	p.next = r.Position + 1
	p.count.Records++
	if r.Fault != nil {
		err = r.Fault
	} else {
		err = d.Decode(r.Value, p.emit)
	}
	if err == nil {
		p.count.Decoded++
	} else if err := p.undecoded(r, err); err != nil {
		return err
	}
	p.settle()
	return nil
}

// undecoded counts a record that cannot be opened, for which there is no other error.
func (p *partition) undecoded(r *Record, err error) error {
	var undecodable *flow.UndecodableError
	if !errors.As(err, &undecodable) {
		return fmt.Errorf("decode record %d of partition %s: %w", r.Position, p.name, err)
	}
	p.count.Undecodable++
	p.keepReject(undecodable.Reason, undecodable.Detail, r.Value)
	return nil
}

// decoderOf returns the decoder in the state that the record needs.
func (p *partition) decoderOf(r *Record) (flow.Decoder, error) {
	o := r.Origin
	if o == nil {
		return p.decoder, nil
	}
	d := p.byOrigin[o.Name]
	if d == nil {
		var err error
		if d, err = p.cfg.NewDecoder(); err != nil {
			return nil, fmt.Errorf("make decoder of %s: %w", o.Name, err)
		}
		p.byOrigin[o.Name] = d
	}
	if p.origin[o.Name] != o {
		if err := d.Restore(o.State); err != nil {
			return nil, fmt.Errorf("restore decoder of %s: %w", o.Name, err)
		}
		p.origin[o.Name] = o
	}
	return d, nil
}

// take decides the fate of one item.
func (p *partition) take(it *flow.Item) {
	p.count.Items++
	switch it.Verdict {
	case flow.Rejected:
		p.reject(it.Reason, it.Detail, it.Raw)
	case flow.Filtered:
		p.filter(it.Reason)
	default:
		p.accept(it)
	}
	p.item++
}

func (p *partition) filter(reason string) {
	if p.count.Filtered == nil {
		p.count.Filtered = make(map[string]int64)
	}
	p.count.Filtered[reason]++
}

func (p *partition) reject(reason, detail string, raw []byte) {
	if p.count.Rejected == nil {
		p.count.Rejected = make(map[string]int64)
	}
	p.count.Rejected[reason]++
	p.keepReject(reason, detail, raw)
}

func (p *partition) keepReject(reason, detail string, raw []byte) {
	if o := p.record.Origin; o != nil {
		detail = fmt.Sprintf("%s:%d: %s", o.Name, p.record.Line, detail)
	}
	raw = raw[:min(len(raw), maxRaw)]
	p.rejects = append(p.rejects, feature.Reject{
		Position: p.record.Position, Item: p.item, Reason: reason, Detail: detail, Raw: append([]byte(nil), raw...),
	})
	p.rejected += int64(len(raw)+len(detail)) + 128
}

// event is the event time that decides slice and lateness.
func (p *partition) event(start, end int64) int64 {
	if p.cfg.EventByStart {
		return start
	}
	return end
}

// accept judges the time of a decoded flow and folds it, or lets a half wait.
func (p *partition) accept(it *flow.Item) {
	r := &it.Record
	event := p.event(r.Start, r.End)
	if reason, detail := p.implausible(event, r); reason != "" {
		p.sawOdd(event)
		p.reject(reason, detail, it.Raw)
		return
	}
	if !p.cfg.Internal.Contains(feature.Addr(r.SourceIP)) && !p.cfg.Internal.Contains(feature.Addr(r.DestinationIP)) {
		p.filter(flow.FilterExternal)
		return
	}
	p.maxEvent = max(p.maxEvent, event)
	p.taken++
	if r.Kind == flow.Half {
		p.half(newHalf(r))
		return
	}
	f := flowOf(r)
	p.fold(&f)
}

// The slices of these times, and their ends, are times that nanoseconds can express.
const (
	firstTime = math.MinInt64 + 2*int64(feature.SliceLength)
	lastTime  = math.MaxInt64 - 2*int64(feature.SliceLength)
)

// implausible compares an event time with the record's own time; files have a ceiling and no floor but that of the
// slices. A half waits until its end is past, whatever its event time is: one that ends in the future would hold the
// watermark for ever.
func (p *partition) implausible(event int64, r *flow.Record) (reason, detail string) {
	ceiling, floor := min(p.cfg.Ceiling, lastTime), firstTime
	if p.record.TimeKnown {
		ceiling = min(later(p.record.Time, p.cfg.MaxFutureSkew), lastTime)
		floor = max(later(p.record.Time, -p.cfg.MaxPast), firstTime)
	}
	switch {
	case event > ceiling:
		return flow.ReasonFutureTime, fmt.Sprintf("event time %s is later than %s", stamp(event), stamp(ceiling))
	case r.Kind == flow.Half && r.End > ceiling:
		return flow.ReasonFutureTime, fmt.Sprintf("end %s is later than %s", stamp(r.End), stamp(ceiling))
	case event < floor:
		return flow.ReasonPastTime, fmt.Sprintf("event time %s is earlier than %s", stamp(event), stamp(floor))
	}
	return "", ""
}

// sawOdd and sawSlice copy what they keep inside the branch, so that a flow costs no allocation.
func (p *partition) sawOdd(event int64) {
	if p.odd == nil || event < *p.odd {
		kept := min(max(event, firstTime), lastTime)
		p.odd = &kept
	}
}

func (p *partition) sawSlice(s feature.Slice) {
	if p.largest == nil || s > *p.largest {
		kept := s
		p.largest = &kept
	}
}

// half joins its mirror or waits for it. One whose slice has ended is late at once.
func (p *partition) half(h *half) {
	if p.ended(p.event(h.start, h.end)) {
		p.count.Unpaired++
		f := h.flow()
		p.fold(&f)
		return
	}
	if m := p.carry.match(h); m != nil {
		p.count.Absorbed++
		f := join(m, h)
		p.fold(&f)
		return
	}
	p.carry.wait(h)
	for p.carry.bytes > p.cfg.CarryBudget {
		p.count.Overflow++
		p.unpaired()
	}
}

// unpaired makes a flow of the waiting half with the smallest end.
func (p *partition) unpaired() {
	p.count.Unpaired++
	f := p.carry.pop().flow()
	p.fold(&f)
}

// ended reports whether the slice of an event had ended at the watermark before the record.
func (p *partition) ended(event int64) bool {
	return p.cfg.Clock.End(p.cfg.Clock.Of(event)) <= p.mark
}

// fold adds a flow to the rows of its ends: on-time rows, or the late ones.
func (p *partition) fold(f *feature.Flow) {
	clock := p.cfg.Clock
	event := p.event(f.Start, f.End)
	slice, minute := clock.Of(event), clock.Minute(event)
	late := clock.End(slice) <= p.mark
	rows := p.rows
	if late {
		rows = p.late
		p.count.Late++
		p.count.LateSaved = max(p.count.LateSaved, p.mark-clock.End(slice)+int64(p.cfg.AllowedLateness)+1)
		p.sawOdd(event)
	} else {
		p.count.Accepted++
		p.sawSlice(slice)
	}
	ends := [2]struct {
		host, peer feature.Addr
		role       feature.Role
	}{{f.Source, f.Destination, feature.Outbound}, {f.Destination, f.Source, feature.Inbound}}
	for i := range ends {
		e := &ends[i]
		if !p.cfg.Internal.Contains(e.host) {
			continue
		}
		p.count.Expected++
		host := rows.host(hostKey{slice, e.host, e.role})
		rows.counters(host).Add(f, minute, p.cfg.Ports)
		if late || f.Threat {
			continue
		}
		outbound := e.role == feature.Outbound
		var kept feature.KeptFlow
		if outbound {
			kept = feature.KeptOf(f, clock.Start(slice))
		}
		rows.add(pairKey{e.peer, host, f.DestPort}, f, outbound, kept)
	}
}

// settle ends a record: halves that waited long enough are emitted, then the watermark moves.
func (p *partition) settle() {
	if p.maxEvent == NoWatermark {
		return
	}
	p.release(p.maxEvent)
	p.advance(later(p.maxEvent, -p.cfg.AllowedLateness))
}

// release emits the halves whose end is pair_timeout or more before the given time.
func (p *partition) release(now int64) {
	for h := p.carry.first(); h != nil && h.end <= later(now, -p.cfg.PairTimeout); h = p.carry.first() {
		p.unpaired()
	}
}

// later is a time moved by d, kept within what nanoseconds can express and off NoWatermark and EndOfInput: an event
// of the year 1677 must not move the watermark to 2262.
func later(nanos int64, d time.Duration) int64 {
	t := nanos + int64(d)
	switch {
	case d < 0 && t > nanos:
		return NoWatermark + 1
	case d > 0 && t < nanos:
		return EndOfInput - 1
	}
	return min(max(t, NoWatermark+1), EndOfInput-1)
}

// advance moves the watermark to the given time, but not past the smallest event time in the carry, and never
// back.
func (p *partition) advance(to int64) {
	if hold, ok := p.carry.hold(p.cfg.EventByStart); ok {
		to = min(to, hold)
	}
	p.watermark = max(p.watermark, to)
}
