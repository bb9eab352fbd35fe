package oracle

import (
	"encoding/csv"
	"regexp"
	"strings"
	"time"
)

// panosJSON reads one parsed PAN-OS record whose keys are the canonical field names.
func panosJSON(s string) *Flow {
	row, err := object(s)
	if err != nil {
		return rejected("malformed")
	}
	f := &Flow{Threat: strings.EqualFold(row["event_name"], "THREAT")}
	proto := row["network_transport"]
	if proto == "" {
		proto = row["ip_proto"]
	}
	f.Transport = transport(proto)
	subtype := strings.ToLower(row["cef_category"])
	if !f.Threat && (subtype == "start" || strings.EqualFold(row["record_kind"], "start")) {
		return filtered("start")
	}
	f.BothTimes = row["event_start"] != "" && row["event_end"] != ""
	if f.times(row["event_start"], row["event_end"]) != nil || !f.ports(row["source_port"], row["destination_port"]) {
		return rejected("malformed")
	}
	if !f.bytes(row["source_bytes"], row["destination_bytes"]) {
		return rejected("malformed")
	}
	f.Source, f.Destination = f.address(row["source_ip"]), f.address(row["destination_ip"])
	f.panosVerdict(row["event_action"], row["event_reason"])
	return f.finish(f.Threat)
}

// panosVerdict sets action and reason from the words of the device.
func (f *Flow) panosVerdict(action, reason string) {
	action, f.Reason = strings.ToLower(action), strings.ToLower(reason)
	if f.Reason == "n-a" {
		f.Reason = "n/a"
	}
	starts := func(prefix string) bool { return strings.HasPrefix(action, prefix) }
	f.Action = "unknown"
	switch {
	case starts("reset"):
		f.Action = "reset"
	case action == "deny", starts("drop"), starts("block"),
		f.Threat && (action == "sinkhole" || action == "random-drop" || action == "syncookie-sent"):
		f.Action = "deny"
	case action == "alert":
		f.Action = "alert"
	case action == "allow", f.Threat && (action == "continue" || action == "override"):
		f.Action = "allow"
	}
	if f.Action == "allow" && (f.Reason == "threat" || f.Reason == "policy-deny") {
		f.Action = "deny"
	}
}

var (
	panosStart  = regexp.MustCompile(`(^|[\s:])\d+,\d{4}/\d\d/\d\d \d\d:\d\d:\d\d,`)
	panosBraces = regexp.MustCompile(`\{[^{}]*\}`)
)

// panosCSV reads one PAN-OS TRAFFIC or THREAT line, with or without a syslog header. Times without an offset are
// in the given zone.
func panosCSV(s string, zone *time.Location) *Flow {
	at := panosStart.FindStringIndex(s)
	if at == nil {
		return rejected("malformed")
	}
	s = strings.TrimLeft(s[at[0]:], " \t:")
	s = panosBraces.ReplaceAllStringFunc(s, func(b string) string { return strings.ReplaceAll(b, ",", ";") })
	r := csv.NewReader(strings.NewReader(s))
	r.LazyQuotes, r.FieldsPerRecord = true, -1
	cells, err := r.Read()
	if err != nil || len(cells) < 5 {
		return rejected("malformed")
	}
	kind := cells[3]
	if kind != "TRAFFIC" && kind != "THREAT" {
		return filtered("unselected")
	}
	if len(cells) < 47 {
		return rejected("malformed")
	}
	if kind == "TRAFFIC" && cells[4] == "start" {
		return filtered("start")
	}
	return panosRow(cells, kind == "THREAT", zone)
}

func panosRow(cells []string, threat bool, zone *time.Location) *Flow {
	f := &Flow{Threat: threat, Transport: transport(cells[29]), BothTimes: !threat}
	zone = panosZone(cells, threat, zone)
	began := cells[35]
	if threat {
		began = cells[6]
	}
	if began == "" {
		f.startAbsent, f.endAbsent = true, true
	} else {
		t, e := time.ParseInLocation("2006/01/02 15:04:05", began, zone)
		if e != nil {
			return rejected("malformed")
		}
		f.Start, f.End = t.UnixNano(), t.UnixNano()
	}
	reason := ""
	if !threat {
		seconds, e := whole(cells[36])
		if e != nil {
			return rejected("malformed")
		}
		f.End += seconds * 1e9
		if !f.bytes(cells[32], cells[33]) {
			return rejected("malformed")
		}
		reason = cells[46]
	}
	if !f.ports(cells[24], cells[25]) {
		return rejected("malformed")
	}
	f.Source, f.Destination = f.address(cells[7]), f.address(cells[8])
	f.panosVerdict(cells[30], reason)
	return f.finish(threat)
}

// panosZone is the offset of the high resolution timestamp, where the row has one, else the configured zone.
func panosZone(cells []string, threat bool, zone *time.Location) *time.Location {
	column := 102
	if threat {
		column = 107
	}
	if column < len(cells) {
		if t, err := time.Parse(time.RFC3339Nano, cells[column]); err == nil {
			return t.Location()
		}
	}
	return zone
}
