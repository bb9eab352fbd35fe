package oracle

import (
	"net/netip"
	"strings"
)

// vpcTable reads AWS VPC flow log text; a header line sets the field order.
type vpcTable struct{ fields []string }

var vpcVersion2 = strings.Fields(
	"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status")

// halfKey is what the two halves of one conversation have in common: the interface and both ends, sorted.
type halfKey struct {
	observer  string
	low, high netip.AddrPort
	transport string
}

func (v *vpcTable) line(s string) *Flow {
	cells := strings.Fields(s)
	if strings.Contains(s, "srcaddr") {
		v.fields = cells
		return nil
	}
	if v.fields == nil {
		v.fields = vpcVersion2
	}
	if len(cells) != len(v.fields) {
		return rejected("malformed")
	}
	row := map[string]string{}
	for i, name := range v.fields {
		if cells[i] != "-" {
			row[name] = cells[i]
		}
	}
	if status := row["log-status"]; status == "NODATA" || status == "SKIPDATA" {
		return filtered("nodata")
	}
	return vpcHalf(row)
}

func vpcHalf(row map[string]string) *Flow {
	f := &Flow{Transport: transport(row["protocol"]), BothTimes: row["start"] != "" && row["end"] != "", flags: -1}
	if f.times(row["start"], row["end"]) != nil || !f.ports(row["srcport"], row["dstport"]) {
		return rejected("malformed")
	}
	if !f.bytes(row["bytes"], "") {
		return rejected("malformed")
	}
	if text := row["tcp-flags"]; text != "" {
		n, err := whole(text)
		if err != nil {
			return rejected("malformed")
		}
		f.flags = int(n)
	}
	source, destination := row["srcaddr"], row["dstaddr"]
	if row["pkt-srcaddr"] != "" {
		source = row["pkt-srcaddr"]
	}
	if row["pkt-dstaddr"] != "" {
		destination = row["pkt-dstaddr"]
	}
	f.Source, f.Destination = f.address(source), f.address(destination)
	f.Action = map[string]string{"ACCEPT": "allow", "REJECT": "deny"}[row["action"]]
	if f.Action == "deny" {
		f.Reason = "acl-deny"
		if row["reject-reason"] != "" {
			f.Reason = row["reject-reason"]
		}
	}
	f = f.finish(false)
	if f.reject == "" {
		low := netip.AddrPortFrom(f.Source, uint16(f.SourcePort))
		high := netip.AddrPortFrom(f.Destination, uint16(f.DestinationPort))
		if high.Compare(low) < 0 {
			low, high = high, low
		}
		f.half = &halfKey{row["interface-id"], low, high, f.Transport}
	}
	return f
}

// initiator reports whether the tcp-flags of a half name it: 1 the client's half, -1 the server's, 0 unknown.
func (f *Flow) initiator() int {
	switch {
	case f.flags < 0 || f.flags&2 == 0:
		return 0
	case f.flags&18 == 18:
		return -1
	}
	return 1
}

// join makes the session of two halves.
func join(a, b *Flow) *Flow {
	client, server := a, b
	switch {
	case (a.initiator() > 0) != (b.initiator() > 0):
		if b.initiator() > 0 {
			client, server = b, a
		}
	case a.Start != b.Start:
		if b.Start < a.Start {
			client, server = b, a
		}
	case b.SourcePort != a.SourcePort:
		if b.SourcePort > a.SourcePort {
			client, server = b, a
		}
	case b.Source.Less(a.Source): // the specification leaves this open; the result must not depend on the order
		client, server = b, a
	}
	f := *client
	f.half = nil
	f.Start, f.End = min(a.Start, b.Start), max(a.End, b.End)
	f.DestinationBytes = server.SourceBytes
	if server.Action == "allow" || f.Action == "" {
		f.Action, f.Reason = server.Action, server.Reason
	}
	if client.Action == "allow" {
		f.Action, f.Reason = client.Action, client.Reason
	}
	f.vpcReason(client, server)
	return &f
}

// alone makes the session of a half without a mirror.
func alone(half *Flow) *Flow {
	f := *half
	f.half = nil
	if half.initiator() < 0 {
		f.Source, f.Destination = f.Destination, f.Source
		f.SourcePort, f.DestinationPort = f.DestinationPort, f.SourcePort
		f.SourceBytes, f.DestinationBytes = nil, f.SourceBytes
		f.vpcReason(nil, half)
		return &f
	}
	f.vpcReason(half, nil)
	return &f
}

// vpcReason replaces the reason of an allowed session by the reset that a half saw.
func (f *Flow) vpcReason(client, server *Flow) {
	const rst = 4
	if f.Action == "deny" {
		return
	}
	switch {
	case client != nil && client.flags > 0 && client.flags&rst != 0:
		f.Reason = "tcp-rst-from-client"
	case server != nil && server.flags > 0 && server.flags&rst != 0:
		f.Reason = "tcp-rst-from-server"
	}
}
