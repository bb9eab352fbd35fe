package feature

// segmentCount counts the different segments of the peers of one host and role, per window. Peers come in address
// order, so the addresses of one default network come together (but for those that the table names): only the
// current network is remembered, and memory is that of the table whatever the number of peers.
type segmentCount struct {
	unique   [numWindows]int64
	shortest []uint8 // by SegmentKey.entry: the shortest window with the segment
	entries  []int32 // the entries that were seen
	net      Addr    // the current default network
	netFrom  uint8   // its shortest window, numWindows before the first network
}

func newSegmentCount(s *Segments) segmentCount {
	c := segmentCount{shortest: make([]uint8, 1+s.entries()), netFrom: uint8(numWindows)}
	for i := range c.shortest {
		c.shortest[i] = uint8(numWindows)
	}
	return c
}

// add takes a peer's segment and the shortest window with sessions of the peer.
func (c *segmentCount) add(k SegmentKey, shortest int) {
	w := uint8(shortest)
	if k.entry > 0 {
		if c.shortest[k.entry] == uint8(numWindows) {
			c.entries = append(c.entries, k.entry)
		}
		c.shortest[k.entry] = min(c.shortest[k.entry], w)
		return
	}
	if k.net != c.net {
		c.count(c.netFrom)
		c.net, c.netFrom = k.net, uint8(numWindows)
	}
	c.netFrom = min(c.netFrom, w)
}

// count counts one segment in its shortest window and all longer ones.
func (c *segmentCount) count(shortest uint8) {
	for w := int(shortest); w < numWindows; w++ {
		c.unique[w]++
	}
}

// end returns the numbers and makes c ready for the next role.
func (c *segmentCount) end() [numWindows]int64 {
	c.count(c.netFrom)
	for _, e := range c.entries {
		c.count(c.shortest[e])
		c.shortest[e] = uint8(numWindows)
	}
	unique := c.unique
	c.entries, c.netFrom, c.net, c.unique = c.entries[:0], uint8(numWindows), Addr{}, [numWindows]int64{}
	return unique
}
