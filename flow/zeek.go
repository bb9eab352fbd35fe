package flow

import "time"

// zeekField is a field of conn.log that the record needs.
type zeekField uint8

const (
	zeekSkip zeekField = iota
	zeekTS
	zeekUID
	zeekOrigHost
	zeekOrigPort
	zeekRespHost
	zeekRespPort
	zeekProto
	zeekService
	zeekDuration
	zeekOrigBytes
	zeekRespBytes
	zeekConnState
	zeekLocalOrig
	zeekLocalResp
	zeekHistory
	zeekOrigPackets
	zeekOrigIPBytes
	zeekRespPackets
	zeekRespIPBytes
	zeekIPProto
	zeekVLAN
)

// zeekFieldOf names the field, in the dotted form of Zeek or with underscores as shippers write it.
func zeekFieldOf(name []byte) zeekField {
	switch string(name) {
	case "ts":
		return zeekTS
	case "uid":
		return zeekUID
	case "id.orig_h", "id_orig_h":
		return zeekOrigHost
	case "id.orig_p", "id_orig_p":
		return zeekOrigPort
	case "id.resp_h", "id_resp_h":
		return zeekRespHost
	case "id.resp_p", "id_resp_p":
		return zeekRespPort
	case "proto":
		return zeekProto
	case "service":
		return zeekService
	case "duration":
		return zeekDuration
	case "orig_bytes":
		return zeekOrigBytes
	case "resp_bytes":
		return zeekRespBytes
	case "conn_state":
		return zeekConnState
	case "local_orig":
		return zeekLocalOrig
	case "local_resp":
		return zeekLocalResp
	case "history":
		return zeekHistory
	case "orig_pkts":
		return zeekOrigPackets
	case "orig_ip_bytes":
		return zeekOrigIPBytes
	case "resp_pkts":
		return zeekRespPackets
	case "resp_ip_bytes":
		return zeekRespIPBytes
	case "ip_proto":
		return zeekIPProto
	case "vlan":
		return zeekVLAN
	}
	return zeekSkip
}

// zeekConn collects what a conn row says until all of it is known.
type zeekConn struct {
	have                     Have
	duration                 int64
	origPayload, respPayload Count // the fallback of the IP byte counters
	origPort, respPort       uint16
	localOrig, localResp     tristate
	ipProto                  uint8
	state                    []byte
	millis                   bool // times may be in other units than seconds (JSON)
}

type tristate uint8

const (
	unknown tristate = iota
	no
	yes
)

func readTristate(v []byte) (tristate, bool) {
	switch string(v) {
	case "T", "true":
		return yes, true
	case "F", "false":
		return no, true
	}
	return unknown, false
}

// set takes over one field that is present. It reports false if the value cannot be read; an unreadable address
// is no fault here, since finish rejects it as missing.
func (c *zeekConn) set(r *Record, f zeekField, v []byte) (ok bool) {
	ok = true
	switch f {
	case zeekTS:
		r.Start, ok = c.time(v)
		c.have.Start = ok
	case zeekUID:
		r.SessionID = v
	case zeekOrigHost:
		r.SourceIP, c.have.Source = ParseAddr(v)
	case zeekOrigPort:
		c.origPort, ok = ParsePort(v)
		c.have.Ports = true
	case zeekRespHost:
		r.DestinationIP, c.have.Dest = ParseAddr(v)
	case zeekRespPort:
		c.respPort, ok = ParsePort(v)
		c.have.Ports = true
	case zeekProto:
		r.Transport, r.IPProto, ok = ParseProtocol(v)
	case zeekService:
		r.App = v
	case zeekDuration:
		c.duration, ok = ParseDecimalSeconds(v)
	case zeekConnState:
		c.state = v
	case zeekLocalOrig:
		c.localOrig, ok = readTristate(v)
	case zeekLocalResp:
		c.localResp, ok = readTristate(v)
	case zeekHistory:
		for _, b := range v {
			if b == '^' { // Zeek flipped the direction
				r.Orientation = Guessed
			}
		}
	case zeekIPProto:
		var n uint64
		n, ok = ParseUint(v)
		c.ipProto, ok = uint8(n), ok && n <= 255
	case zeekVLAN:
		r.VLAN = v
	default:
		return c.setCount(r, f, v)
	}
	return ok
}

func (c *zeekConn) setCount(r *Record, f zeekField, v []byte) (ok bool) {
	n, ok := ParseCount(v)
	switch f {
	case zeekOrigBytes:
		c.origPayload, c.have.Bytes = n, true
	case zeekRespBytes:
		c.respPayload, c.have.Bytes = n, true
	case zeekOrigIPBytes:
		r.SourceBytes, c.have.Bytes = n, true
	case zeekRespIPBytes:
		r.DestBytes, c.have.Bytes = n, true
	case zeekOrigPackets:
		r.SourcePackets = n
	case zeekRespPackets:
		r.DestPackets = n
	}
	return ok
}

func (c *zeekConn) time(v []byte) (int64, bool) {
	if c.millis || len(v) >= 19 && v[4] == '-' {
		return ParseTime(v, time.UTC)
	}
	return ParseDecimalSeconds(v)
}

// finish derives the rest of the record and gives the item its verdict. A row without a duration says that the
// connection was one packet, or none that Zeek could time: both its times are known.
func (c *zeekConn) finish(it *Item) {
	r := &it.Record
	r.TimeRes, r.ObserverType = ResMicros, observerZeek
	r.End, c.have.End = addNanos(r.Start, c.duration), c.have.Start
	if !r.SourceBytes.Known {
		r.SourceBytes = c.origPayload
	}
	if !r.DestBytes.Known {
		r.DestBytes = c.respPayload
	}
	c.protocol(r)
	c.outcome(r)
	switch {
	case c.localOrig == yes && c.localResp == yes:
		r.DirectionHint = HintLateral
	case c.localOrig == yes && c.localResp == no:
		r.DirectionHint = HintOut
	case c.localOrig == no && c.localResp == yes:
		r.DirectionHint = HintIn
	}
	it.finish(c.have)
}

// protocol settles protocol number and ports; for ICMP the port columns hold type and code.
func (c *zeekConn) protocol(r *Record) {
	if r.IPProto == 0 && c.ipProto != 0 {
		r.IPProto, r.Transport = c.ipProto, TransportOf(c.ipProto)
	}
	if r.Transport != ICMP {
		r.SourcePort, r.DestPort = c.origPort, c.respPort
		return
	}
	if r.IPProto == protoICMP && c.have.Source && !r.SourceIP.is4() {
		r.IPProto = protoICMPv6
	}
	if c.have.Ports && c.origPort <= 255 && c.respPort <= 255 {
		r.ICMPType, r.ICMPCode, r.ICMPKnown = uint8(c.origPort), uint8(c.respPort), true
	}
}

// outcome is the table of conn_state. Zeek is no firewall: it allows what was established and knows no verdict
// of the rest.
func (c *zeekConn) outcome(r *Record) {
	r.ReasonRaw = c.state
	switch string(c.state) {
	case "SF":
		r.Outcome, r.Action, r.Reason = Established, Allow, reasonAgedOut
		if r.Transport == TCP {
			r.Reason = reasonTCPFin
		}
	case "S1":
		r.Outcome, r.Action, r.Reason = Established, Allow, reasonActive
	case "S2", "S3":
		r.Outcome, r.Action, r.Reason = Established, Allow, reasonHalfOpen
	case "RSTO":
		r.Outcome, r.Action, r.Reason = Established, Allow, reasonRSTFromClient
	case "RSTR":
		r.Outcome, r.Action, r.Reason = Established, Allow, reasonRSTFromServer
	case "S0":
		r.Outcome, r.Reason = Failed, reasonNoReply
	case "REJ":
		r.Outcome, r.Reason = Failed, reasonConnRefused
	case "RSTOS0":
		r.Outcome, r.Reason = Failed, reasonRSTFromClient
	case "SH":
		r.Outcome, r.Reason = Failed, reasonHalfOpen
	case "RSTRH":
		r.Reason = reasonRSTFromServer
	case "SHR", "OTH":
		r.Reason = reasonMidstream
	}
}
