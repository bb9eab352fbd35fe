package synth

import (
	"strconv"

	"ndr/flow"
)

const (
	vpcHeader = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"

	vpcAccount   = "123456789012"
	vpcInterface = "eni-0a1b2c3d4e5f60718"
)

// vpcText writes the two directions of a session as version 2 flow logs, each over the whole session: the answer
// has no line if nothing was answered.
func (e *Encoder) vpcText(dst []byte, r *flow.Record) []byte {
	if r.Name == flow.Threat {
		return dst
	}
	dst = vpcHalf(dst, r, r.SourceIP, r.DestinationIP, r.SourcePort, r.DestPort, r.SourcePackets.N, r.SourceBytes.N)
	if r.DestPackets.N > 0 {
		dst = vpcHalf(dst, r, r.DestinationIP, r.SourceIP, r.DestPort, r.SourcePort, r.DestPackets.N, r.DestBytes.N)
	}
	return dst
}

func vpcHalf(dst []byte, r *flow.Record, src, dest flow.Addr, srcPort, destPort uint16, packets, bytes uint64) []byte {
	dst = appendAddr(append(dst, "2 "+vpcAccount+" "+vpcInterface+" "...), src)
	dst = appendAddr(append(dst, ' '), dest)
	for _, n := range [...]uint64{uint64(srcPort), uint64(destPort), uint64(r.IPProto), packets, bytes,
		uint64(r.Start / second), uint64(r.End / second)} {
		dst = strconv.AppendUint(append(dst, ' '), n, 10)
	}
	if isDenied(r) {
		return append(dst, " REJECT OK\n"...)
	}
	return append(dst, " ACCEPT OK\n"...)
}
