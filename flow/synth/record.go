package synth

import (
	"strconv"
	"time"

	"ndr/flow"
)

// The firewall of the company.
const (
	serial      = "007051000123"
	firewall    = "fw-1"
	domain      = `corp\user`
	logDelay    = second // between the end of a session and its log
	typeEcho    = 8
	typeEchoV6  = 128
	arenaChunk  = 1 << 16
	longestText = 64
)

var (
	serialText   = []byte(serial)
	observerType = []byte("panos")
	directionUp  = []byte("client-to-server")
)

// flow writes an event out as a record.
func (g *Generator) flow(e *event) (f Flow) {
	f.Label = g.labels[e.label]
	r, p, end := &f.Record, &apps[e.app], &endings[e.ending]
	r.Start, r.End, r.TimesKnown = e.start, e.end, true
	r.Observed, r.ObservedKnown, r.TimeRes = e.end+logDelay, true, flow.ResMillis
	r.SourceIP, r.DestinationIP, r.SourcePort, r.DestPort = e.src, e.dst, e.sourcePort, e.destPort
	r.IPProto, r.Transport = p.proto, flow.TransportOf(p.proto)
	switch {
	case p.proto == protoTCP:
		r.TCPFlagsSource, r.TCPFlagsDest = end.up, end.down
	case p.proto == protoICMP:
		r.ICMPType, r.ICMPKnown = typeEcho, true
		if isV6(e.src) {
			r.IPProto, r.ICMPType = protoICMPv6, typeEchoV6
		}
	}
	r.Action, r.Outcome, r.Reason, r.ReasonRaw = end.action, end.outcome, end.reason, end.reason
	if e.threat == 0 {
		r.SourceBytes, r.DestBytes = flow.Count{N: e.up, Known: true}, flow.Count{N: e.down, Known: true}
		r.SourcePackets = flow.Count{N: uint64(e.upPackets), Known: true}
		r.DestPackets = flow.Count{N: uint64(e.downPackets), Known: true}
	} else {
		t := &threats[e.threat-1]
		r.Name, r.Kind, r.Observed, r.TCPFlagsSource, r.TCPFlagsDest = flow.Threat, flow.Event, e.end, 0, 0
		r.Category, r.ThreatName, r.ThreatSeverity, r.ThreatDirection = t.category, t.name, t.severity, directionUp
	}
	r.App, r.RepeatCount, r.ObserverID, r.ObserverType = p.name, 1, serialText, observerType
	g.describe(r, e)
	return f
}

// describe sets what follows from the addresses, and the texts that are made for the record.
func (g *Generator) describe(r *flow.Record, e *event) {
	from, to := zoneOf(e.src), zoneOf(e.dst)
	r.SourceZone, r.DestZone = zoneNames[from], zoneNames[to]
	switch {
	case e.ending == endDenied || e.ending == endDeniedReset:
		r.Rule = ruleDeny
	case from == zoneInternet:
		r.Rule = ruleIn
	case to == zoneInternet:
		r.Rule = ruleOut
	default:
		r.Rule = ruleInside
	}
	switch {
	case from == zoneInternet:
		r.DirectionHint = flow.HintIn
	case to == zoneInternet:
		r.DirectionHint = flow.HintOut
	default:
		r.DirectionHint = flow.HintLateral
	}
	r.SessionID = g.text.number("", e.number)
	if i, ok := workstationOf(e.src); ok && i < g.cfg.Hosts {
		r.User = g.text.number(domain, uint64(i))
	}
}

var (
	ruleDeny   = []byte("deny-rest")
	ruleIn     = []byte("web-in")
	ruleOut    = []byte("web-out")
	ruleInside = []byte("inside")
)

// arena makes texts that are never overwritten, with one allocation for thousands of them.
type arena struct{ chunk []byte }

// number makes the text of a prefix and a number.
func (t *arena) number(prefix string, n uint64) []byte {
	if cap(t.chunk)-len(t.chunk) < longestText {
		t.chunk = make([]byte, 0, arenaChunk)
	}
	from := len(t.chunk)
	t.chunk = strconv.AppendUint(append(t.chunk, prefix...), n, 10)
	return t.chunk[from:len(t.chunk):len(t.chunk)]
}

func (g *Generator) at(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }
