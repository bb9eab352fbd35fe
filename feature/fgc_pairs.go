package feature

import "fmt"

// ratedPair is what the pair tables say of a pair.
type ratedPair struct {
	row    PairBaseline
	source baselineSource // sourceNone: missing
	fresh  bool           // the table that is asked first has no row
	weight float64        // pair_rarity_weight
}

// pairRater looks a pair up in the tables of one horizon. It remembers the answers for the last pair, so that
// windows and scores that ask for the same one cost nothing.
type pairRater struct {
	baselines Baselines
	host      *HostBaseline
	segment   string
	known     [2]bool // by cold start
	rated     [2]ratedPair
}

// next turns to another pair.
func (r *pairRater) next() { r.known = [2]bool{} }

// rate follows the chain host, segment, missing; of a cold host the segment comes first.
func (r *pairRater) rate(peer Addr, port uint16, cold bool) (*ratedPair, error) {
	i := count(cold)
	p := &r.rated[i]
	if r.known[i] {
		return p, nil
	}
	r.known[i] = true
	*p = ratedPair{source: sourceNone, fresh: true, weight: 1}
	if !cold {
		if r.host == nil || r.host.Pair == nil {
			return nil, fmt.Errorf("rate pair %s port %d: the host has a baseline and fg_b/pair/host cannot be read", peer, port)
		}
		if row, ok := r.host.Pair(peer, port); ok {
			*p = ratedPair{row: row, source: sourceHost, weight: row.Rarity}
			return p, nil
		}
	}
	if row, ok := r.baselines.PairSegment(r.segment, peer, port); ok {
		*p = ratedPair{row: row, source: sourceSegment, fresh: !cold, weight: row.Rarity}
	}
	return p, nil
}

// shownPair is the pair that a row shows.
type shownPair struct {
	ratedPair
	ok       bool
	peer     Addr
	port     uint16
	sessions int64
}

// offer takes the pair if it is rarer than the one shown so far, or as rare and busier. Pairs come in the order of
// address and port, so of equal ones the first stays.
func (s *shownPair) offer(p *ratedPair, peer Addr, port uint16, sessions int64) {
	if s.ok && (p.weight < s.weight || p.weight == s.weight && sessions <= s.sessions) {
		return
	}
	*s = shownPair{*p, true, peer, port, sessions}
}
