package flow

// TCP flags as VPC flow logs and Suricata write them.
const (
	flagFIN = 0x01
	flagSYN = 0x02
	flagRST = 0x04
	flagACK = 0x10
)

// vpcRow collects what a row says until all of it is known.
type vpcRow struct {
	have                    Have
	source, dest            Addr // of the interface's own view
	packetSource, packetEnd Addr // of the packet, where a NAT gateway or a pod stands behind the interface
	sourceText, destText    []byte
	hasPacketSource         bool
	hasPacketEnd            bool
	egress, ingress         bool
	reject                  bool
	rejectReason            []byte
}

// set takes over one field that is present. It reports false if the value cannot be read; an unreadable address is
// no fault here, since finish rejects it as missing.
func (v *vpcRow) set(r *Record, f vpcField, cell []byte) (ok bool) {
	ok = true
	switch f {
	case vpcAccount:
		r.Tenant = cell
	case vpcInterface:
		r.ObserverID = cell
	case vpcSource:
		v.source, v.have.Source = ParseAddr(cell)
		v.sourceText = cell
	case vpcDest:
		v.dest, v.have.Dest = ParseAddr(cell)
		v.destText = cell
	case vpcPacketSource:
		v.packetSource, v.hasPacketSource = ParseAddr(cell)
	case vpcPacketDest:
		v.packetEnd, v.hasPacketEnd = ParseAddr(cell)
	case vpcSourcePort:
		r.SourcePort, ok = ParsePort(cell)
		v.have.Ports = true
	case vpcDestPort:
		r.DestPort, ok = ParsePort(cell)
		v.have.Ports = true
	case vpcProtocol:
		r.Transport, r.IPProto, ok = ParseProtocol(cell)
	case vpcPackets:
		r.SourcePackets, ok = ParseCount(cell)
	case vpcBytes:
		r.SourceBytes, ok = ParseCount(cell)
		v.have.Bytes = true
	case vpcStart:
		r.Start, ok = ParseDecimalSeconds(cell)
		v.have.Start = true
	case vpcEnd:
		r.End, ok = ParseDecimalSeconds(cell)
		v.have.End = true
	case vpcAction:
		ok = v.action(r, cell)
	case vpcTCPFlags:
		var flags uint64
		flags, ok = ParseUint(cell)
		r.TCPFlagsSource, ok = uint16(flags), ok && flags <= 0xffff
	case vpcDirection:
		v.egress, v.ingress = string(cell) == "egress", string(cell) == "ingress"
	case vpcRejectReason:
		v.rejectReason = cell
	}
	return ok
}

func (v *vpcRow) action(r *Record, cell []byte) bool {
	switch string(cell) {
	case "ACCEPT":
		r.Action = Allow
	case "REJECT":
		r.Action, v.reject = Deny, true
	default:
		return false
	}
	return true
}

// finish derives the rest of the record and gives the item its verdict.
func (v *vpcRow) finish(it *Item) {
	r := &it.Record
	r.Kind, r.TimeRes, r.ObserverType = Half, ResWindow, observerVPC
	v.addresses(r)
	v.reason(r)
	if r.Transport == ICMP {
		r.SourcePort, r.DestPort = 0, 0
	}
	switch {
	case v.egress:
		r.DirectionHint = HintOut
	case v.ingress:
		r.DirectionHint = HintIn
	}
	it.finish(v.have)
}

// addresses prefers the packet's addresses to the interface's, which then are what was translated to.
func (v *vpcRow) addresses(r *Record) {
	r.SourceIP, r.DestinationIP = v.source, v.dest
	if v.hasPacketSource && (!v.have.Source || v.packetSource != v.source) {
		r.SourceIP, r.NATSource, v.have.Source = v.packetSource, v.sourceText, true
	}
	if v.hasPacketEnd && (!v.have.Dest || v.packetEnd != v.dest) {
		r.DestinationIP, r.NATDest, v.have.Dest = v.packetEnd, v.destText, true
	}
}

// reason tells why a half was rejected, or who reset it: the flags of one window tell the client's half by a SYN
// without ACK, the server's by both.
func (v *vpcRow) reason(r *Record) {
	switch {
	case v.reject:
		r.Reason, r.ReasonRaw = reasonACLDeny, v.rejectReason
		if string(v.rejectReason) == "EC" {
			r.Reason = reasonEncryptionDeny
		}
	case r.TCPFlagsSource&(flagRST|flagSYN|flagACK) == flagRST|flagSYN:
		r.Reason = reasonRSTFromClient
	case r.TCPFlagsSource&(flagRST|flagSYN|flagACK) == flagRST|flagSYN|flagACK:
		r.Reason = reasonRSTFromServer
	}
}

// otherEnd reports that the row is seen at the higher of two internal interfaces, which both log it: a copy of what
// the lower one says. Without flow-direction the interface's own address is unknown and the row stays.
func (v *vpcRow) otherEnd(internal func(Addr) bool) bool {
	own, peer := v.source, v.dest
	switch {
	case v.ingress:
		own, peer = peer, own
	case !v.egress:
		return false
	}
	return peer.less(own) && internal(own) && internal(peer)
}
