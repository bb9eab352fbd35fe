package feature

// portTallies adds up the tallies of one host and role by port. The pairs of a port do not come together, so all
// ports that were seen are held: at most 65,535, found by a dense index.
type portTallies struct {
	slot    [1 << 16]uint32 // 1 + index in tallies, 0 if not seen
	ports   []uint16
	tallies []tally // of ports
}

func (p *portTallies) add(port uint16, t *tally) {
	i := p.slot[port]
	if i == 0 {
		p.ports, p.tallies = append(p.ports, port), append(p.tallies, *t)
		p.slot[port] = uint32(len(p.ports))
		return
	}
	p.tallies[i-1].add(t)
}

func (p *portTallies) reset() {
	for _, port := range p.ports {
		p.slot[port] = 0
	}
	p.ports, p.tallies = p.ports[:0], p.tallies[:0]
}
