package feature

import "slices"

// Default limits of the pairs of one (slice, host, role).
const (
	DefaultMaxPairsPerHost = 100_000
	DefaultMaxPortsPerPeer = 256
)

// PairLimiter decides which pairs of a (slice, host, role) are kept when a scanner makes too many: a pair is kept
// if its PairHash is among the maxPorts smallest of its peer and, of the pairs that are, among the maxPairs
// smallest of the host. The choice depends on the set of pairs only. For each host and role: Begin; First for
// every pair in (peer, port) order; Decide; and, if that says so, Keep for every pair again, in any order.
//
// Ordinary hosts cost an append per pair. Memory is at most 32 bytes for each pair of the limits, and two sketches.
// It belongs to one goroutine.
type PairLimiter struct {
	maxPairs, maxPorts int

	host  Addr
	role  Role
	peer  Addr
	ports int // pairs of peer so far

	seen         []seenPair // all pairs while there are no more than the limits
	over         bool
	ofPeer, kept smallest
	peers, port  *Sketch
}

type seenPair struct {
	peer Addr
	port uint16
}

// NewPairLimiter makes a limiter; both limits are at least 1.
func NewPairLimiter(maxPairs, maxPorts int) *PairLimiter {
	return &PairLimiter{maxPairs: maxPairs, maxPorts: maxPorts,
		ofPeer: smallest{limit: maxPorts}, kept: smallest{limit: maxPairs}}
}

// Begin starts a host and role.
func (l *PairLimiter) Begin(host Addr, role Role) {
	l.host, l.role = host, role
	l.ports, l.seen, l.over = 0, l.seen[:0], false
	l.peers, l.port = nil, nil
	l.ofPeer.reset()
	l.kept.reset()
}

// First shows one pair. Pairs come in (peer, port) order, each once.
func (l *PairLimiter) First(peer Addr, port uint16) {
	if l.over {
		l.weigh(peer, port)
		return
	}
	if l.ports == 0 || peer != l.peer {
		l.peer, l.ports = peer, 0
	}
	l.ports++
	l.seen = append(l.seen, seenPair{peer, port})
	if l.ports > l.maxPorts || len(l.seen) > l.maxPairs {
		l.begin()
	}
}

// begin leaves the path of ordinary hosts: the pairs seen so far are weighed like all that follow.
func (l *PairLimiter) begin() {
	l.over, l.ports = true, 0
	l.peers, l.port = new(Sketch), new(Sketch)
	for _, p := range l.seen {
		l.weigh(p.peer, p.port)
	}
}

func (l *PairLimiter) weigh(peer Addr, port uint16) {
	if l.ports == 0 || peer != l.peer {
		l.endPeer()
		l.peer = peer
		l.peers.AddPeer(peer)
	}
	l.ports++
	if port != 0 {
		l.port.AddPort(port)
	}
	l.ofPeer.add(PairHash(l.host, l.role, peer, port))
}

func (l *PairLimiter) endPeer() {
	for _, h := range l.ofPeer.hashes {
		l.kept.add(h)
	}
	l.ofPeer.reset()
	l.ports = 0
}

// Decide ends the first pass. It reports whether there are more pairs than the limits, so that some are dropped;
// if not, all are kept and Keep need not be asked.
func (l *PairLimiter) Decide() (approximate bool) {
	if l.over {
		l.endPeer()
		slices.Sort(l.kept.hashes)
	}
	return l.over
}

// Keep reports, after Decide, whether a pair of the first pass is kept.
func (l *PairLimiter) Keep(peer Addr, port uint16) bool {
	if !l.over {
		return true
	}
	_, ok := slices.BinarySearch(l.kept.hashes, PairHash(l.host, l.role, peer, port))
	return ok
}

// Sketches returns, after Decide, the sketches of all peers and of all non-zero ports; nil unless approximate.
// They belong to the caller.
func (l *PairLimiter) Sketches() (peers, ports *Sketch) { return l.peers, l.port }

// smallest keeps the limit smallest hashes it was shown: a plain list until it is full, then a heap with the
// largest first.
type smallest struct {
	limit  int
	hashes []uint64
}

func (s *smallest) reset() { s.hashes = s.hashes[:0] }

func (s *smallest) add(h uint64) {
	switch {
	case len(s.hashes) < s.limit:
		s.hashes = append(s.hashes, h)
		if len(s.hashes) == s.limit {
			for i := s.limit/2 - 1; i >= 0; i-- {
				s.sink(i)
			}
		}
	case h < s.hashes[0]:
		s.hashes[0] = h
		s.sink(0)
	}
}

func (s *smallest) sink(i int) {
	h := s.hashes
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1] > h[child] {
			child++
		}
		if h[i] >= h[child] {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
