package feature

import (
	"errors"
	"fmt"
)

// CloseConfig is what the close of one slice in one shard depends on, beside the state.
type CloseConfig struct {
	Clock      Clock
	Slice      Slice // the slice that closes
	FirstKnown int64 // when the root's history begins, nanoseconds since the Unix epoch: lookback_days

	Segments *Segments
	HighRisk *HighRisk
	Calendar *Calendar
	RarePeer int64 // rare_thresholds.peer, 1 by default
	RarePort int64 // rare_thresholds.port, 1 by default

	FeatureSpecVersion string
	Revision           int
	Source             string   // source of the late rows
	PairContextWindows []string // labels of Windows, w_15m by default

	FGC *FGCConfig // nil is the default without baselines: of FG-C and beacon_evidence only the latter is written
}

// CloseSinks take the rows of a close. Nil means that the dataset is not wanted. When FGAWide is wanted and FGA is
// not, the wide table is the layout of fg_a and has that name.
type CloseSinks struct {
	Delta, PairCounts, FGA, FGAWide, PairContext, Lookback30d, Late RowSink
	// FGC and FGCWide are by horizon of CloseConfig.FGC; a sink of no such horizon gets no rows. A horizon that has
	// FGCWide only has its wide table as fg_c.
	FGC, FGCWide   map[string]RowSink
	BeaconEvidence RowSink
	// Reject takes the rejected records, in the order of CloseVisitor.
	Reject func(partition string, cut uint64, r *Reject) error
}

// MiniBatchID names a close: the start of its slice and the revision.
func MiniBatchID(c Clock, s Slice, revision int) string {
	return fmt.Sprintf("%s-r%d", c.Name(s), revision)
}

// CloseBuilder makes the published rows of one slice and shard from the state, in one pass: it is the CloseVisitor
// of that shard's scan. Rows come out in key order, some thousands at a time; call Flush after the scan. Memory does not grow
// with the hosts nor, but for windows of pair_context beyond the first, with the pairs of a host. Any error is
// final. It belongs to one goroutine and serves one close.
type CloseBuilder struct {
	frame *frame
	host  hostState
	scan  roleScan
	begun bool // a host is open

	delta    *deltaRows
	pairs    *pairRows
	context  *contextRows
	lookback *lookbackRows
	fga      *fgaRows
	wide     *wideRows
	fgc      *fgcBuilder
	late     *lateRows
	reject   func(partition string, cut uint64, r *Reject) error
	writers  []*tableWriter // of all of these
	tally    tally          // of the pair at hand
}

var _ CloseVisitor = (*CloseBuilder)(nil)

// hostState is the host that is open, as the rows need it.
type hostState struct {
	addr       Addr
	text       string
	segmentKey SegmentKey
	segment    string
	role       Role // that is open, if inRole
	inRole     bool
	seen       [2]bool // by role
	hasSlice   bool    // the open role has flows in the closing slice
	windows    [2][numWindows]windowMetrics
	peer       Addr // last pair of the open role
	port       uint16
	hasPair    bool
	peerText   string // of peer, "" until a row needs it
}

// NewCloseBuilder makes the builder of one close. The error names what is missing in the configuration, and every
// column that a table lacks or that has no writer.
func NewCloseBuilder(cfg CloseConfig, sinks CloseSinks) (*CloseBuilder, error) {
	if cfg.Segments == nil || cfg.HighRisk == nil || cfg.Calendar == nil {
		return nil, errors.New("make close builder: segments, high-risk segments and calendar are required")
	}
	f := newFrame(cfg.Clock, cfg.Slice, cfg.FirstKnown)
	b := &CloseBuilder{frame: f, reject: sinks.Reject}
	b.scan = roleScan{frame: f, segments: cfg.Segments, highRisk: cfg.HighRisk, rarePeer: cfg.RarePeer,
		rarePort: cfg.RarePort, segs: newSegmentCount(cfg.Segments)}
	o := rowContext{frame: f, specVersion: cfg.FeatureSpecVersion, batchID: MiniBatchID(cfg.Clock, cfg.Slice, cfg.Revision),
		time: cfg.Calendar.At(cfg.Clock.End(cfg.Slice))}
	var faults [8]error
	b.delta, faults[0] = newDeltaRows(&o, sinks.Delta)
	b.pairs, faults[1] = newPairRows(&o, sinks.PairCounts)
	b.fga, faults[2] = newFGARows(&o, sinks.FGA)
	b.wide, faults[3] = newWideRows(&o, sinks.FGAWide, sinks.FGA == nil)
	b.context, faults[4] = newContextRows(&o, sinks.PairContext, cfg.PairContextWindows)
	b.lookback, faults[5] = newLookbackRows(&o, sinks.Lookback30d)
	b.late, faults[6] = newLateRows(&o, sinks.Late, cfg.Source)
	b.fgc, faults[7] = newFGCBuilder(&o, cfg.FGC, &sinks)
	if err := errors.Join(faults[:]...); err != nil {
		return nil, fmt.Errorf("make close builder: %w", err)
	}
	b.writers = o.writers
	return b, nil
}

// BeginHost starts a host; hosts come in address order.
func (b *CloseBuilder) BeginHost(host Addr) error {
	if b.begun && host.Compare(b.host.addr) <= 0 {
		return b.fail(fmt.Errorf("host %s comes after it", host))
	}
	h := &b.host
	key := b.scan.segments.Key(host)
	if !b.begun || key != h.segmentKey { // neighbours share the text
		h.segmentKey, h.segment = key, b.scan.segments.ID(key)
	}
	b.begun = true
	h.addr, h.text = host, host.String()
	h.inRole, h.seen = false, [2]bool{}
	if b.fgc != nil {
		b.fgc.begin(h)
	}
	return nil
}

// BeginRole starts a role of the host.
func (b *CloseBuilder) BeginRole(role Role, ring []DeltaEntry) error {
	if err := b.endRole(); err != nil {
		return err
	}
	h := &b.host
	if h.seen[role] || role == Inbound && h.seen[Outbound] {
		return b.fail(fmt.Errorf("role %s is out of order", role))
	}
	h.role, h.inRole, h.seen[role], h.hasPair = role, true, true, false
	h.hasSlice = len(ring) > 0 && ring[len(ring)-1].Slice == b.frame.slice
	if err := b.scan.begin(role, ring, &h.windows[role]); err != nil {
		return b.fail(err)
	}
	return nil
}

// Pair takes one pair of the role.
func (b *CloseBuilder) Pair(p *PairView) error {
	h := &b.host
	if !h.hasPair || p.Peer != h.peer {
		if h.hasPair && p.Peer.Compare(h.peer) <= 0 {
			return b.fail(fmt.Errorf("peer %s comes after %s", p.Peer, h.peer))
		}
		h.peer, h.peerText, h.hasPair = p.Peer, "", true
	} else if p.Port <= h.port {
		return b.fail(fmt.Errorf("peer %s port %d comes after port %d", p.Peer, p.Port, h.port))
	}
	h.port = p.Port
	shortest, err := b.frame.measure(p, &b.tally)
	if err != nil {
		return b.fail(fmt.Errorf("peer %s port %d: %w", p.Peer, p.Port, err))
	}
	b.scan.pair(p.Peer, p.Port, &b.tally, shortest)
	if shortest == numWindows {
		return nil
	}
	if p.Port != 0 && shortest == 0 && h.role == Outbound && b.pairs != nil {
		if err := b.pairs.add(h, p); err != nil {
			return err
		}
	}
	if p.Port != 0 && b.context != nil {
		if err := b.context.add(h, p, &b.tally, shortest); err != nil {
			return err
		}
	}
	if b.frame.closesDay && b.lookback != nil {
		if err := b.lookback.add(h, p); err != nil {
			return err
		}
	}
	if h.role == Outbound && b.fgc != nil {
		if err := b.fgc.pair(p, &b.tally, shortest); err != nil {
			return b.fail(err)
		}
	}
	return nil
}

// endRole completes the open role, if there is one.
func (b *CloseBuilder) endRole() error {
	h := &b.host
	if !h.inRole {
		return nil
	}
	h.inRole = false
	if err := b.scan.end(); err != nil {
		return b.fail(err)
	}
	if h.hasSlice && b.delta != nil {
		if err := b.delta.add(h, &h.windows[h.role][0]); err != nil {
			return err
		}
	}
	if b.context != nil {
		if err := b.context.endRole(h); err != nil {
			return err
		}
	}
	if h.role == Outbound && b.fgc != nil {
		return b.fgc.endOutbound()
	}
	return nil
}

// EndHost completes the host: its rows in FG-A and FG-C.
func (b *CloseBuilder) EndHost() error {
	if err := b.endRole(); err != nil {
		return err
	}
	h := &b.host
	for role, seen := range h.seen {
		if !seen {
			h.windows[role] = [numWindows]windowMetrics{}
		}
	}
	if b.fga != nil {
		if err := b.fga.add(h); err != nil {
			return err
		}
	}
	if b.wide != nil {
		if err := b.wide.add(h); err != nil {
			return err
		}
	}
	if b.fgc != nil {
		return b.fgc.end()
	}
	return nil
}

// FGCAccount is what was counted for FG-C and beacon_evidence so far.
func (b *CloseBuilder) FGCAccount() FGCAccount {
	if b.fgc == nil {
		return (&fgcCounters{}).account()
	}
	return b.fgc.counters.account()
}

// Late takes a late row.
func (b *CloseBuilder) Late(row *LateRow) error {
	if b.late == nil {
		return nil
	}
	return b.late.add(row)
}

// Reject takes a rejected record.
func (b *CloseBuilder) Reject(partition string, cut uint64, r *Reject) error {
	if b.reject == nil {
		return nil
	}
	return b.reject(partition, cut, r)
}

// Flush hands on the rows that are left, after the scan.
func (b *CloseBuilder) Flush() error {
	for _, w := range b.writers {
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

// fail says where in the scan an error was found.
func (b *CloseBuilder) fail(err error) error {
	return fmt.Errorf("close slice %s: host %s %s: %w", b.frame.clock.Name(b.frame.slice), b.host.text, b.host.role, err)
}
