package synth

import "ndr/flow"

// event is a flow before it is written out as a record: about 130 bytes, where a record has 800.
type event struct {
	start, end             int64 // whole milliseconds
	src, dst               flow.Addr
	up, down               uint64 // bytes
	upPackets, downPackets uint32
	sourcePort, destPort   uint16
	app                    appID
	ending                 ending
	threat                 uint8 // index of threats + 1; 0 is a session
	label                  uint8 // index of Generator.labels
	number                 uint64
}

// pending holds the flows that have begun and not yet ended, to hand them out by their end; of the same end, by
// number. It is a binary heap of small keys over a slab of events.
type pending struct {
	keys []key
	slab []event
	free []uint32
}

type key struct {
	end    int64
	number uint64
	slot   uint32
}

func (k key) before(o key) bool { return k.end < o.end || k.end == o.end && k.number < o.number }

func (p *pending) push(e *event) {
	k := key{e.end, e.number, uint32(len(p.slab))}
	if n := len(p.free); n > 0 {
		k.slot, p.free = p.free[n-1], p.free[:n-1]
		p.slab[k.slot] = *e
	} else {
		p.slab = append(p.slab, *e)
	}
	p.keys = append(p.keys, k)
	i := len(p.keys) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !k.before(p.keys[up]) {
			break
		}
		p.keys[i], i = p.keys[up], up
	}
	p.keys[i] = k
}

// pop removes the event that ends first and returns it, valid until the next push.
func (p *pending) pop() *event {
	slot := p.keys[0].slot
	n := len(p.keys) - 1
	k := p.keys[n]
	p.keys = p.keys[:n]
	i := 0
	for down := 1; down < n; down = 2*i + 1 {
		if down+1 < n && p.keys[down+1].before(p.keys[down]) {
			down++
		}
		if !p.keys[down].before(k) {
			break
		}
		p.keys[i], i = p.keys[down], down
	}
	if n > 0 {
		p.keys[i] = k
	}
	p.free = append(p.free, slot)
	return &p.slab[slot]
}
