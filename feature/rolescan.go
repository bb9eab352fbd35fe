package feature

import "fmt"

// roleScan computes the window metrics of one role of one host in a single pass over its pairs. It is reused for
// role after role. What it remembers grows with the ports, the different counts and the table of segments, not
// with the pairs.
type roleScan struct {
	frame              *frame
	segments           *Segments
	highRisk           *HighRisk
	rarePeer, rarePort int64

	out       *[numWindows]windowMetrics
	role      Role
	peers     [numWindows]distribution
	perPort   [numWindows]distribution
	newPairs  [numWindows]int64
	risky     [numWindows]int64 // sessions with high-risk peers
	riskPeers [numWindows]int64
	segs      segmentCount
	ports     portTallies

	peer         Addr
	peerPairs    bool // peer has had pairs
	peerTally    tally
	peerShortest int

	approximate              [numWindows]bool
	peerSketches, portSketch [numWindows]Sketch // of the windows that are approximate
}

// begin starts a role, whose metrics go to out when it ends. The sums and maxima are set at once, from the ring.
func (r *roleScan) begin(role Role, ring []DeltaEntry, out *[numWindows]windowMetrics) error {
	r.out, r.role, r.peerPairs = out, role, false
	for w := range out {
		out[w] = windowMetrics{}
		r.peers[w].reset()
		r.perPort[w].reset()
		r.newPairs[w], r.risky[w], r.riskPeers[w], r.approximate[w] = 0, 0, 0, false
	}
	r.ports.reset()
	return r.beginRing(ring)
}

// beginRing adds up the ring, from the closing slice back: each window is the shorter one and some slices more.
func (r *roleScan) beginRing(ring []DeltaEntry) error {
	var sum [NumSums]int64
	var most int64
	i := len(ring) - 1
	for w := range r.out {
		m := &r.out[w]
		for ; i >= 0 && ring[i].Slice >= r.frame.from[w]; i-- {
			e := &ring[i]
			if e.Slice > r.frame.slice || i > 0 && ring[i-1].Slice >= e.Slice {
				return fmt.Errorf("slice %s of the ring is out of order", r.frame.clock.Name(e.Slice))
			}
			for s, n := range e.Sum {
				sum[s] += n
			}
			most = max(most, e.MaxPerMinute)
			if e.Approximate {
				if err := r.sketch(w, e); err != nil {
					return err
				}
			}
		}
		m.flows, m.approximate = i < len(ring)-1, r.approximate[w]
		m.setSums(&sum)
		m.ints[MMaxSessionsPerMinute] = most
	}
	if i >= 0 {
		return fmt.Errorf("slice %s of the ring is before the longest window", r.frame.clock.Name(ring[i].Slice))
	}
	return nil
}

// sketch adds an approximate slice to window w and all longer ones.
func (r *roleScan) sketch(w int, e *DeltaEntry) error {
	if e.Peers == nil || e.Ports == nil {
		return fmt.Errorf("slice %s is approximate and has no sketches", r.frame.clock.Name(e.Slice))
	}
	for ; w < numWindows; w++ {
		if !r.approximate[w] {
			r.approximate[w] = true
			r.peerSketches[w], r.portSketch[w] = Sketch{}, Sketch{}
		}
		r.peerSketches[w].Merge(e.Peers)
		r.portSketch[w].Merge(e.Ports)
	}
	return nil
}

// pair takes a pair as measured. Pairs come in (peer, port) order.
func (r *roleScan) pair(peer Addr, port uint16, t *tally, shortest int) {
	for w := shortest; w < numWindows; w++ {
		if r.frame.before(t, w) == 0 {
			r.newPairs[w]++
		}
	}
	if port != 0 {
		r.ports.add(port, t)
	}
	if r.peerPairs && peer == r.peer {
		r.peerTally.add(t)
		r.peerShortest = min(r.peerShortest, shortest)
		return
	}
	r.endPeer()
	r.peer, r.peerPairs, r.peerTally, r.peerShortest = peer, true, *t, shortest
}

// endPeer takes the peer whose pairs have all come.
func (r *roleScan) endPeer() {
	if !r.peerPairs || r.peerShortest == numWindows {
		return
	}
	key := r.segments.Key(r.peer)
	r.segs.add(key, r.peerShortest)
	risky := r.highRisk.Match(r.peer, key)
	for w := r.peerShortest; w < numWindows; w++ {
		n := r.peerTally.sessions[w]
		r.peers[w].add(n, r.peerTally.bytes[w], r.frame.before(&r.peerTally, w), r.rarePeer)
		if risky {
			r.risky[w] += n
			r.riskPeers[w]++
		}
		if r.approximate[w] {
			r.peerSketches[w].AddPeer(r.peer)
		}
	}
}

// end completes the metrics of the role.
func (r *roleScan) end() error {
	r.endPeer()
	r.endPorts()
	segments := r.segs.end()
	for w := range r.out {
		m := &r.out[w]
		if !m.flows && r.newPairs[w]+r.peers[w].unique > 0 {
			return fmt.Errorf("window %s has pairs and no flows", r.frame.label[w])
		}
		if !m.flows {
			continue
		}
		m.setPeers(&r.peers[w])
		m.setPorts(&r.perPort[w])
		if m.approximate {
			m.ints[MPeerIPNunique] = r.peerSketches[w].Estimate()
			m.ints[MPeerPortNunique] = r.portSketch[w].Estimate()
		}
		m.ints[MPeerSegmentNunique] = segments[w]
		m.ints[MNewPairCnt] = r.newPairs[w]
		m.ints[MHighRiskSegmentSessionsCnt] = r.risky[w]
		m.ints[MHighRiskSegmentUniqueDsts] = r.riskPeers[w]
		m.setDerived(r.role)
	}
	return nil
}

func (r *roleScan) endPorts() {
	for i := range r.ports.ports {
		t := &r.ports.tallies[i]
		for w := numWindows - 1; w >= 0 && t.sessions[w] > 0; w-- {
			r.perPort[w].add(t.sessions[w], t.bytes[w], r.frame.before(t, w), r.rarePort)
			if r.approximate[w] {
				r.portSketch[w].AddPort(r.ports.ports[i])
			}
		}
	}
}
