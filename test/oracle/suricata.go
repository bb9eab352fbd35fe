package oracle

import "strconv"

// suricata reads one EVE line: flow records are flows, alerts and drops are THREAT events, the rest is not ours.
func suricata(s string) *Flow {
	row, err := object(s)
	if err != nil {
		return rejected("malformed")
	}
	f := &Flow{Transport: transport(row["proto"])}
	switch row["event_type"] {
	case "flow":
		f.BothTimes = row["flow.start"] != "" && row["flow.end"] != ""
		err = f.times(row["flow.start"], row["flow.end"])
		f.Action, f.Reason = suricataFlowAction(row), suricataReason(row)
		if !f.bytes(row["flow.bytes_toserver"], row["flow.bytes_toclient"]) {
			return rejected("malformed")
		}
	case "alert", "drop":
		// The timestamp of an alert is that of its packet, unlike that of a flow record.
		f.Threat = true
		err = f.times(row["timestamp"], row["timestamp"])
		f.Action = "alert"
		if row["event_type"] == "drop" || row["alert.action"] == "blocked" {
			f.Action = "deny"
		}
	default:
		return filtered("unselected")
	}
	if err != nil || !f.ports(row["src_port"], row["dest_port"]) {
		return rejected("malformed")
	}
	f.Source, f.Destination = f.address(row["src_ip"]), f.address(row["dest_ip"])
	return f.finish(f.Threat)
}

// times sets both times; an empty text is a missing one.
func (f *Flow) times(start, end string) (err error) {
	if f.startAbsent = start == ""; !f.startAbsent {
		if f.Start, err = instant(start); err != nil {
			return err
		}
	}
	if f.endAbsent = end == ""; !f.endAbsent {
		f.End, err = instant(end)
	}
	return err
}

// ports sets both ports and reports whether they are usable.
func (f *Flow) ports(source, destination string) bool {
	var e1, e2 error
	f.SourcePort, e1 = port(source)
	f.DestinationPort, e2 = port(destination)
	f.portsAbsent = absent(source) && absent(destination)
	return e1 == nil && e2 == nil
}

func suricataFlowAction(row map[string]string) string {
	switch row["flow.action"] {
	case "drop":
		return "deny"
	case "accept", "pass":
		return "allow"
	case "":
		if row["flow.state"] != "new" {
			return "allow"
		}
	}
	return "unknown"
}

func suricataReason(row map[string]string) string {
	has := func(column string, bit uint64) bool {
		n, err := strconv.ParseUint(row[column], 16, 16)
		return err == nil && n&bit != 0
	}
	const fin, rst = 0x01, 0x04
	switch {
	case has("tcp.tcp_flags_tc", rst):
		return "tcp-rst-from-server"
	case has("tcp.tcp_flags_ts", rst):
		return "tcp-rst-from-client"
	case row["flow.state"] == "closed" &&
		(has("tcp.tcp_flags", fin) || has("tcp.tcp_flags_ts", fin) || has("tcp.tcp_flags_tc", fin)):
		return "tcp-fin"
	case row["flow.state"] == "new":
		return "no-reply"
	case row["flow.reason"] == "forced", row["flow.reason"] == "shutdown":
		return "window-end"
	}
	return "aged-out"
}
