package synth

import (
	"math"

	"ndr/flow"
)

// longest bounds the length of a session.
const longest = 4 * hour

// session makes a session as the application has them and returns its end.
func (a *actor) session(now int64, src, dst flow.Addr, id appID) int64 {
	e := a.draw(now, src, dst, id)
	a.add(&e)
	return e.end
}

// draw makes a session of an application without adding it, for callers that change something first.
func (a *actor) draw(now int64, src, dst flow.Addr, id appID) event {
	p := &apps[id]
	e := event{start: now, src: src, dst: dst, app: id, destPort: p.port}
	if p.proto != protoICMP {
		e.sourcePort = a.ephemeral()
	}
	n := a.normal()
	factor := math.Exp(p.spread * n)
	e.setBytes(p.up*factor, p.down*factor*(0.5+a.rng.Float64()))
	e.end = now + min(int64(p.seconds*float64(second)*a.rng.ExpFloat64()), longest)
	e.ending = endAged
	if p.proto == protoTCP {
		e.ending = a.tcpEnding()
	} else if a.rng.IntN(64) == 0 {
		e.ending = endNoReply
	}
	if e.ending == endNoReply || e.ending == endRefused {
		e.fail(a, e.ending)
	}
	return e
}

// tcpEnding draws how a TCP session of every day ends.
func (a *actor) tcpEnding() ending {
	switch p := a.rng.IntN(256); {
	case p < 220:
		return endFin
	case p < 238:
		return endClientReset
	case p < 246:
		return endServerReset
	case p < 251:
		return endAged
	case p < 254:
		return endNoReply
	}
	return endRefused
}

// ephemeral draws a source port.
func (a *actor) ephemeral() uint16 { return uint16(49152 + a.rng.UintN(16384)) }

// setBytes sets the bytes of both directions, at least one packet each, and as many packets as carry them.
func (e *event) setBytes(up, down float64) {
	e.up, e.down = max(60, uint64(up)), max(60, uint64(down))
	packets := 1 + max(e.up, e.down)/1200
	e.upPackets, e.downPackets = uint32(1+max(e.up/1400, packets/2)), uint32(1+max(e.down/1400, packets/2))
	e.up, e.down = max(e.up, 40*uint64(e.upPackets)), max(e.down, 40*uint64(e.downPackets))
}

// fail makes the session one that did not come about: the ending is endNoReply, endRefused, endDenied or
// endDeniedReset. Of ICMP and UDP the application stays known.
func (e *event) fail(a *actor, how ending) {
	tcp := apps[e.app].proto == protoTCP
	e.ending, e.upPackets, e.downPackets, e.up, e.down, e.end = how, 1, 0, 60, 0, e.start
	switch {
	case how == endNoReply:
		e.upPackets = uint32(1 + a.rng.UintN(4)) // the client tries again
		e.up *= uint64(e.upPackets)
		e.end += int64(e.upPackets) * second
	case how == endRefused:
		e.downPackets, e.down = 1, 40
		e.end += millisecond
	}
	switch {
	case tcp && (how == endNoReply || how == endRefused):
		e.app = appIncomplete
	case tcp:
		e.app = appNone
	}
}

// report adds a THREAT record about the session e, at a time within it.
func (a *actor) report(e event, number uint8) {
	e.threat, e.ending = number, endAlert
	if threats[number-1].block {
		e.ending = endBlock
	}
	e.start += a.rng.Int64N(e.end - e.start + 1)
	e.end = e.start
	a.add(&e)
}

// add takes a flow over. Its times are cut to the millisecond, which cannot bring its end before that of a flow
// already handed out, since those ends are whole milliseconds too.
func (a *actor) add(e *event) {
	e.start -= e.start % millisecond
	e.end = max(e.start, e.end-e.end%millisecond)
	e.label = a.label
	a.g.number++
	e.number = a.g.number
	a.g.pending.push(e)
}
