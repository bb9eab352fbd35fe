package feature

import "fmt"

// fgcBuilder makes FG-C and beacon_evidence of a close: it sees the outbound pairs of a host as they come and keeps
// the best of them per window and horizon, and compares the host's windows when it ends. It allocates nothing per
// host but the texts of its rows.
type fgcBuilder struct {
	frame    *frame
	internal *Networks
	pairs    bool // pair features are wanted
	beacons  beaconScan
	horizons []*fgcHorizon
	counters *fgcCounters
	rated    func(*Evidence) error // of the horizons

	opened               bool // the horizons know the host
	host                 *hostState
	peer                 Addr // last outbound peer of the shortest window
	peers, internalPeers int64
}

// newFGCBuilder makes the builder, nil if none of its tables is wanted.
func newFGCBuilder(o *rowContext, cfg *FGCConfig, sinks *CloseSinks) (*fgcBuilder, error) {
	if len(sinks.FGC) == 0 && len(sinks.FGCWide) == 0 && sinks.BeaconEvidence == nil {
		return nil, nil
	}
	if cfg == nil {
		c := DefaultFGCConfig()
		cfg = &c
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	plan, err := cfg.plan()
	if err != nil {
		return nil, err
	}
	b := &fgcBuilder{frame: o.frame, internal: cfg.Internal, pairs: cfg.PairFeatures, counters: &fgcCounters{}}
	b.rated = b.rate
	if b.beacons.cadence, err = NewCadence(cfg.Cadence, o.frame.clock, o.frame.slice); err != nil {
		return nil, err
	}
	var long Baselines
	rule := cfg.rule()
	for _, h := range cfg.Horizons {
		made, err := newFGCHorizon(o, h, plan, rule, cfg, b.counters, sinks)
		if err != nil {
			return nil, err
		}
		b.horizons = append(b.horizons, made)
		if h.Label == horizonLong {
			long = h.Baselines
		}
	}
	b.beacons.rows, err = newBeaconRows(o, sinks.BeaconEvidence, long, b.counters)
	return b, err
}

// begin turns to a host. Baselines are looked up when it turns out to have rows: the state remembers many hosts that
// have none.
func (b *fgcBuilder) begin(h *hostState) {
	b.host, b.opened, b.peers, b.internalPeers = h, false, 0, 0
	b.beacons.begin()
}

func (b *fgcBuilder) open() error {
	if b.opened {
		return nil
	}
	b.opened = true
	for _, h := range b.horizons {
		if err := h.begin(b.host); err != nil {
			return err
		}
	}
	return nil
}

// pair takes an outbound pair that has sessions in the longest window.
func (b *fgcBuilder) pair(p *PairView, t *tally, shortest int) error {
	if err := b.open(); err != nil {
		return err
	}
	if shortest == 0 && (b.peers == 0 || b.peer != p.Peer) {
		b.peers++
		b.peer = p.Peer
		if b.internal != nil {
			b.internalPeers += count(b.internal.Contains(p.Peer))
		}
	}
	if b.pairs && p.Port != 0 {
		for _, h := range b.horizons {
			if err := h.offer(p.Peer, p.Port, t, shortest); err != nil {
				return err
			}
		}
	}
	return b.beacons.pair(b.host, p, b.rated)
}

// endOutbound ends the pairs of the outbound role.
func (b *fgcBuilder) endOutbound() error { return b.beacons.endPeer(b.host, b.rated) }

// rate tells the horizons of a pair that qualifies for cadence.
func (b *fgcBuilder) rate(e *Evidence) error {
	for _, h := range b.horizons {
		if err := h.beacon(e); err != nil {
			return err
		}
	}
	return nil
}

// end writes the rows of the host.
func (b *fgcBuilder) end() error {
	if len(b.horizons) == 0 || !b.host.active(numWindows-1) {
		return nil
	}
	if err := b.open(); err != nil {
		return err
	}
	facts := hostFacts{cadence: b.beacons.score, peers: b.peers, internalPeers: b.internalPeers, drift: b.drift()}
	for _, h := range b.horizons {
		if err := h.end(b.host, &facts); err != nil {
			return fmt.Errorf("horizon %s: %w", h.label, err)
		}
	}
	return nil
}

// drift is the horizons that are compared with each other, nil without both.
func (b *fgcBuilder) drift() (d [2]*fgcHorizon) {
	for _, h := range b.horizons {
		switch h.label {
		case horizonShort:
			d[0] = h
		case horizonLong:
			d[1] = h
		}
	}
	if d[0] == nil || d[1] == nil {
		return [2]*fgcHorizon{}
	}
	return d
}

// hostFacts is what the rows of all horizons need of a host beside its windows.
type hostFacts struct {
	cadence              float64 // the largest cadence_score, -1 without
	peers, internalPeers int64   // outbound, in the shortest window
	drift                [2]*fgcHorizon
}
