package stream

import (
	"fmt"
	"time"

	"ndr/feature"
	"ndr/flow"
)

// attempt is a cut as frozen bytes. Until it is known whether they were stored, only these bytes are sent again.
type attempt struct {
	header CutHeader
	bytes  []byte
}

// idle prepares an idle cut: the watermark moves on by the time that has passed since the last accepted record, to
// mark; halves that would have been given up by then are emitted before, judged by the old watermark. It reports
// whether a slice end was passed: only then is the cut worth writing, and only then is anything changed.
func (p *partition) idle(mark int64) bool {
	now := later(mark, p.cfg.AllowedLateness)
	hold := p.carry.holdAfter(later(now, -p.cfg.PairTimeout), p.cfg.EventByStart)
	if !p.passes(max(p.watermark, min(mark, hold))) {
		return false
	}
	p.mark = p.watermark
	p.release(now)
	p.advance(mark)
	return true
}

// passes reports whether a slice ends after the last cut's watermark and at or before mark.
func (p *partition) passes(mark int64) bool {
	if mark == NoWatermark || p.cutMark == NoWatermark {
		return mark != NoWatermark
	}
	return p.cfg.Clock.Of(mark) > p.cfg.Clock.Of(p.cutMark)
}

// finish emits the whole carry and moves the watermark past every slice: the input has ended.
func (p *partition) finish() {
	p.mark = p.watermark
	for p.carry.first() != nil {
		p.unpaired()
	}
	p.watermark = EndOfInput
}

// freeze makes the object of the cut under construction. The rows stay until the attempt is settled.
func (p *partition) freeze(enc *cutEncoder, cause string) (*attempt, error) {
	sections := p.rows.sections(p.cfg.Shards)
	p.late.lateRows(sections)
	home := RejectShard(p.cfg.Source, p.name, p.cfg.Shards)
	sections[home].Rejects = p.rejects
	p.count.CarryOut = int64(len(p.carry.byEnd))
	p.count.RoleRows = 0
	for i := range sections {
		p.count.RoleRows += sessions(sections[i].Hosts) + sessions(sections[i].Late)
	}
	if err := p.count.Check(); err != nil {
		return nil, fmt.Errorf("cut %d of partition %s: %w", p.n, p.name, err)
	}
	a := &attempt{header: CutHeader{
		Format: CutFormat, Source: p.cfg.Source, Partition: p.name, N: p.n, From: p.from, To: p.next,
		Watermark: p.watermark, MaxEvent: p.maxEvent, Cause: cause, Idle: cause == causeIdle, Counters: p.count,
		Touched: p.rows.touched(), Largest: p.largest, OddTime: p.odd, Decoder: p.decoder.State(),
		ConfigDigest: p.cfg.ConfigDigest, Writer: p.cfg.Writer,
	}}
	var err error
	a.bytes, err = enc.encode(&a.header, sections, p.carry.all())
	if err != nil {
		return nil, fmt.Errorf("cut %d of partition %s: %w", p.n, p.name, err)
	}
	return a, nil
}

// stored continues after an attempt that was stored.
func (p *partition) stored(a *attempt) {
	p.cutMark = a.header.Watermark
	p.clear()
}

// RejectShard is the shard that publishes the rejects of a partition.
func RejectShard(source, partition string, shards int) int {
	return int(feature.Hash(source+"/"+partition) % uint64(shards))
}

func sessions(rows []feature.HostRow) (n int64) {
	for i := range rows {
		n += rows[i].Counters.Sum[feature.Sessions]
	}
	return n
}

func stamp(nanos int64) string { return time.Unix(0, nanos).UTC().Format(time.RFC3339) }

// flowOf takes of a record what aggregation needs.
func flowOf(r *flow.Record) feature.Flow {
	return feature.Flow{
		Start: r.Start, End: r.End, TimesKnown: r.TimesKnown,
		Source: feature.Addr(r.SourceIP), Destination: feature.Addr(r.DestinationIP),
		SourcePort: r.SourcePort, DestPort: r.DestPort, Transport: feature.Transport(r.Transport),
		SrcBytes: int64(r.SourceBytes.N), SrcKnown: r.SourceBytes.Known,
		DstBytes: int64(r.DestBytes.N), DstKnown: r.DestBytes.Known,
		Action: feature.Action(r.Action), Rst: hasRst(r.Reason), AgedOut: string(r.Reason) == "aged-out",
		Threat: r.Name == flow.Threat, Res: feature.TimeRes(r.TimeRes),
	}
}

func hasRst(reason []byte) bool { return len(reason) >= 7 && string(reason[:7]) == "tcp-rst" }
