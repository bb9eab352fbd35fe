package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"ndr/feature"
	"ndr/flow"
)

const (
	tcpSYN = 0x02
	tcpRST = 0x04
	tcpACK = 0x10
)

// half is one direction of one window, as much of it as aggregation needs, while it waits for its mirror.
type half struct {
	key     halfKey
	forward bool // its source is the key's first endpoint
	start   int64
	end     int64
	known   bool // both times were in the input
	bytes   int64
	counted bool // bytes were in the input
	flags   uint16
	action  flow.Action
	rst     bool
	aged    bool
	threat  bool
	res     feature.TimeRes
	trans   flow.Transport
	seq     int64 // arrival order in this cut, for ties; not stored
	place   int   // index in the heap of the carry
}

// halfKey is what both directions of a conversation share: observer, session if the source names one, protocol,
// and the two endpoints in order.
type halfKey struct {
	observer, session string
	proto             uint8
	a, b              feature.Addr
	aPort, bPort      uint16
}

func newHalf(r *flow.Record) *half {
	src, dst := feature.Addr(r.SourceIP), feature.Addr(r.DestinationIP)
	h := &half{
		forward: true, start: r.Start, end: r.End, known: r.TimesKnown, bytes: int64(r.SourceBytes.N),
		counted: r.SourceBytes.Known, flags: r.TCPFlagsSource, action: r.Action,
		rst: bytes.HasPrefix(r.Reason, []byte("tcp-rst")) || r.TCPFlagsSource&tcpRST != 0, aged: string(r.Reason) == "aged-out",
		threat: r.Name == flow.Threat, res: feature.TimeRes(r.TimeRes), trans: r.Transport,
	}
	h.key = halfKey{
		observer: string(r.ObserverID), session: string(r.SessionID), proto: r.IPProto,
		a: src, b: dst, aPort: r.SourcePort, bPort: r.DestPort,
	}
	if c := src.Compare(dst); c > 0 || c == 0 && r.SourcePort > r.DestPort {
		h.forward = false
		h.key.a, h.key.b, h.key.aPort, h.key.bPort = dst, src, r.DestPort, r.SourcePort
	}
	return h
}

// size estimates the memory of a waiting half in bytes.
func (h *half) size() int64 { return 320 + int64(len(h.key.observer)+len(h.key.session)) }

func (h *half) sourcePort() uint16 {
	if h.forward {
		return h.key.aPort
	}
	return h.key.bPort
}

// opener reports that the half holds a SYN and no SYN-ACK: it is the client's.
func (h *half) opener() bool { return h.flags&tcpSYN != 0 && h.flags&tcpACK == 0 }

// answerer reports that the half holds a SYN-ACK: it is the server's.
func (h *half) answerer() bool { return h.flags&tcpSYN != 0 && h.flags&tcpACK != 0 }

// overlap is the length of the time that both halves cover, 0 when they only touch or miss each other.
func (h *half) overlap(o *half) int64 { return max(0, min(h.end, o.end)-max(h.start, o.start)) }

// flow makes the flow of a half whose mirror never came: the other side's bytes are unknown. A half with a
// SYN-ACK is the server's, so its source is the flow's destination.
func (h *half) flow() feature.Flow {
	f := h.directed(h.forward != h.answerer())
	if h.answerer() {
		f.DstBytes, f.DstKnown = h.bytes, h.counted
	} else {
		f.SrcBytes, f.SrcKnown = h.bytes, h.counted
	}
	f.Action, f.Rst, f.AgedOut = feature.Action(h.action), h.rst, h.aged
	return f
}

// directed fills what does not depend on the counters, the client being the key's first endpoint or not.
func (h *half) directed(first bool) feature.Flow {
	f := feature.Flow{
		Start: h.start, End: h.end, TimesKnown: h.known, Transport: feature.Transport(h.trans), Threat: h.threat, Res: h.res,
		Source: h.key.b, SourcePort: h.key.bPort, Destination: h.key.a, DestPort: h.key.aPort,
	}
	if first {
		f.Source, f.SourcePort, f.Destination, f.DestPort = h.key.a, h.key.aPort, h.key.b, h.key.bPort
	}
	return f
}

// join makes the flow of two mirrored halves. The client is the half with SYN and no SYN-ACK, else the one that
// started earlier, else the one with the higher port, else the one with the smaller address. A REJECT half whose
// mirror was accepted is no denial.
func join(x, y *half) feature.Flow {
	if !clientFirst(x, y) {
		x, y = y, x
	}
	f := x.directed(x.forward)
	f.Start, f.End = min(x.start, y.start), max(x.end, y.end)
	f.TimesKnown = x.known && y.known
	f.SrcBytes, f.SrcKnown = x.bytes, x.counted
	f.DstBytes, f.DstKnown = y.bytes, y.counted
	f.Res = max(x.res, y.res)
	f.Rst, f.AgedOut = x.rst || y.rst, x.aged && y.aged
	f.Threat = x.threat || y.threat
	f.Action = feature.Action(joinAction(x.action, y.action))
	return f
}

func clientFirst(x, y *half) bool {
	switch {
	case x.opener() != y.opener():
		return x.opener()
	case x.start != y.start:
		return x.start < y.start
	case x.sourcePort() != y.sourcePort():
		return x.sourcePort() > y.sourcePort()
	}
	return x.forward
}

func joinAction(a, b flow.Action) flow.Action {
	for _, v := range [...]flow.Action{flow.Allow, flow.Alert, flow.Deny, flow.Reset} {
		if a == v || b == v {
			return v
		}
	}
	return flow.ActionUnknown
}

// appendCarry encodes waiting halves; parseCarry reads them back.
func appendCarry(b []byte, halves []half) []byte {
	if len(halves) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(halves)))
	for i := range halves {
		h := &halves[i]
		b = appendBytes(appendBytes(b, h.key.observer), h.key.session)
		b = h.key.b.AppendSorted(h.key.a.AppendSorted(append(b, h.key.proto)))
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, h.key.aPort), h.key.bPort)
		b = binary.AppendVarint(binary.AppendVarint(b, h.start), h.end-h.start)
		b = binary.AppendUvarint(binary.AppendVarint(b, h.bytes), uint64(h.flags))
		b = append(b, byte(h.action), byte(h.res), byte(h.trans), packBools(h.forward, h.known, h.counted, h.rst, h.aged, h.threat))
	}
	return b
}

func packBools(v ...bool) (b byte) {
	for i, on := range v {
		if on {
			b |= 1 << i
		}
	}
	return b
}

func parseCarry(b []byte) ([]half, error) {
	if len(b) == 0 {
		return nil, nil
	}
	r := reader{b: b}
	halves := make([]half, r.count(20))
	for i := range halves {
		h := &halves[i]
		h.key.observer, h.key.session = string(r.bytes()), string(r.bytes())
		h.key.proto = r.take(1)[0]
		h.key.a, h.key.b = r.addr(), r.addr()
		h.key.aPort, h.key.bPort = binary.BigEndian.Uint16(r.take(2)), binary.BigEndian.Uint16(r.take(2))
		h.start = r.varint()
		h.end = h.start + r.varint()
		h.bytes, h.flags = r.varint(), uint16(r.uvarint())
		t := r.take(4)
		h.action, h.res, h.trans = flow.Action(t[0]), feature.TimeRes(t[1]), flow.Transport(t[2])
		h.forward, h.known, h.counted = t[3]&1 != 0, t[3]&2 != 0, t[3]&4 != 0
		h.rst, h.aged, h.threat = t[3]&8 != 0, t[3]&16 != 0, t[3]&32 != 0
	}
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d bytes after the last half", len(r.b))
	}
	if r.err != nil {
		return nil, fmt.Errorf("decode halves: %w", r.err)
	}
	return halves, nil
}
