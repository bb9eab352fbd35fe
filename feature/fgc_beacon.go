package feature

import "math"

// beaconScan judges the outbound pairs of hosts as they come and writes beacon_evidence.
type beaconScan struct {
	cadence *Cadence
	rows    *beaconRows // nil if not wanted
	peer    Addr        // whose ports are coming, if open
	open    bool
	score   float64 // the largest cadence_score of the host, -1 without a pair that qualifies
}

func (s *beaconScan) begin() { s.open, s.score = false, -1 }

// pair judges one pair that has slices; ended is evidence on all ports of the peer before. rated is called with
// each evidence.
func (s *beaconScan) pair(h *hostState, p *PairView, rated func(*Evidence) error) error {
	if s.open && s.peer != p.Peer {
		if err := s.endPeer(h, rated); err != nil {
			return err
		}
	}
	s.open, s.peer = true, p.Peer
	if e, ok := s.cadence.Pair(p); ok {
		return s.found(h, &e, rated)
	}
	return nil
}

// endPeer judges the ports of the open peer together.
func (s *beaconScan) endPeer(h *hostState, rated func(*Evidence) error) error {
	if !s.open {
		return nil
	}
	s.open = false
	e, ok := s.cadence.Pooled(s.peer)
	if !ok {
		return nil
	}
	return s.found(h, &e, rated)
}

func (s *beaconScan) found(h *hostState, e *Evidence, rated func(*Evidence) error) error {
	s.score = max(s.score, e.Score)
	if err := rated(e); err != nil {
		return err
	}
	if s.rows == nil {
		return nil
	}
	return s.rows.add(h, e)
}

// beaconRows writes beacon_evidence.
type beaconRows struct {
	*tableWriter
	frame                        *frame
	baselines                    Baselines // that prevalence is taken from, nil without
	counters                     *fgcCounters
	host, peer, port, end        int
	connections, kept            int
	period, jitter               int
	parts                        [6]int // timing, size, histogram, duration, rita_score, cadence_score
	first, last                  int
	hosts, share, falsePositives int
	id                           []byte
}

// newBeaconRows makes the writer, nil without a sink.
func newBeaconRows(o *rowContext, sink RowSink, b Baselines, counters *fgcCounters) (*beaconRows, error) {
	if sink == nil {
		return nil, nil
	}
	w := o.writer(BeaconEvidenceTable(), sink)
	r := &beaconRows{tableWriter: w, frame: o.frame, baselines: b, counters: counters,
		host: w.column("host_ip"), peer: w.column("peer_ip"), port: w.column("peer_port"), end: w.column("window_end_ts"),
		connections: w.column("connections"), kept: w.column("kept_connections"),
		period: w.column("period_seconds"), jitter: w.column("jitter"),
		first: w.column("first_seen_ts"), last: w.column("last_seen_ts"), hosts: w.column("prevalence_hosts_cnt"),
		share: w.column("prevalence_hosts_share"), falsePositives: w.column("expected_fp_per_1000")}
	for i, name := range [...]string{"timing", "size", "histogram", "duration", "rita_score", "cadence_score"} {
		r.parts[i] = w.column(name)
	}
	return r, w.check()
}

func (r *beaconRows) add(h *hostState, e *Evidence) error {
	peer := e.Peer.String()
	r.id = recordID(r.id, h.text, peer, portText(e.Port), r.frame.endText)
	b := r.begin(r.id)
	b.AddText(r.host, h.text)
	b.AddText(r.peer, peer)
	b.AddInt(r.port, int64(e.Port))
	b.AddInt(r.end, r.frame.endTime)
	b.AddInt(r.connections, e.Connections)
	b.AddInt(r.kept, e.KeptConnections)
	addKnown(b, r.period, e.Period)
	addKnown(b, r.jitter, e.Jitter)
	for i, v := range [...]float64{e.Timing, e.Size, e.Histogram, e.Duration, e.Rita, e.Score} {
		b.AddFloat(r.parts[i], v)
	}
	b.AddInt(r.first, e.FirstSeen)
	b.AddInt(r.last, e.LastSeen)
	r.addPrevalence(b, e.Peer)
	b.AddFloat(r.falsePositives, 1000*(1-e.Score))
	return r.tableWriter.end()
}

// addPrevalence adds how many of the baselined hosts know the peer: none, if the table does not name it.
func (r *beaconRows) addPrevalence(b *Batch, peer Addr) {
	if r.baselines == nil {
		r.counters.imputed[nullNoPublication]++
		b.AddNull(r.hosts)
		b.AddNull(r.share)
		return
	}
	hosts, _ := r.baselines.Peer(peer)
	b.AddInt(r.hosts, hosts)
	b.AddFloat(r.share, share(hosts, r.baselines.Hosts()))
}

// addKnown adds a float, null for NaN.
func addKnown(b *Batch, col int, v float64) {
	if math.IsNaN(v) {
		b.AddNull(col)
	} else {
		b.AddFloat(col, v)
	}
}
