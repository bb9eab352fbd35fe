package oracle

import (
	"strconv"
	"strings"
)

// zeekTable reads a Zeek TSV log line by line; its columns are those of the latest header.
type zeekTable struct {
	columns          []string
	separator, unset string
}

func (z *zeekTable) line(s string) *Flow {
	if strings.HasPrefix(s, "#") {
		z.header(s)
		return nil
	}
	cells := strings.Split(s, z.separator)
	if z.columns == nil || len(cells) != len(z.columns) {
		return rejected("malformed")
	}
	row := map[string]string{}
	for i, c := range cells {
		if c != z.unset && c != "(empty)" {
			row[z.columns[i]] = c
		}
	}
	return zeekFlow(row)
}

func (z *zeekTable) header(s string) {
	if text, ok := strings.CutPrefix(s, "#separator "); ok {
		if code, err := strconv.Unquote(`"` + text + `"`); err == nil {
			z.separator = code
		}
		return
	}
	if z.separator == "" {
		z.separator = "\t"
	}
	name, rest, _ := strings.Cut(s, z.separator)
	switch name {
	case "#fields":
		z.columns = strings.Split(rest, z.separator)
		if z.unset == "" {
			z.unset = "-"
		}
	case "#unset_field":
		z.unset = rest
	}
}

// zeekJSON reads one Zeek JSON line: flat, with underscores, with a nested id, or below "conn".
func zeekJSON(s string) *Flow {
	flat, err := object(s)
	if err != nil {
		return rejected("malformed")
	}
	if path, ok := flat["_path"]; ok && path != "conn" {
		return filtered("unselected")
	}
	row := map[string]string{}
	for k, v := range flat {
		k = strings.TrimPrefix(k, "conn.")
		for _, end := range []string{"orig_h", "orig_p", "resp_h", "resp_p"} {
			if k == "id_"+end {
				k = "id." + end
			}
		}
		row[k] = v
	}
	return zeekFlow(row)
}

// zeekFlow maps a conn row; names that are not in the map are unset.
func zeekFlow(row map[string]string) *Flow {
	f := &Flow{BothTimes: true, Transport: transport(row["proto"])}
	var err error
	if ts, ok := row["ts"]; !ok {
		f.startAbsent = true
	} else if f.Start, err = instant(ts); err != nil {
		return rejected("malformed")
	}
	f.endAbsent = f.startAbsent
	f.End = f.Start
	if d, ok := row["duration"]; ok {
		span, e := nanos(d)
		if e != nil {
			return rejected("malformed")
		}
		f.End += span
	}
	if !f.ports(row["id.orig_p"], row["id.resp_p"]) || !f.bytes(zeekBytes(row, "orig_"), zeekBytes(row, "resp_")) {
		return rejected("malformed")
	}
	f.Source, f.Destination = f.address(row["id.orig_h"]), f.address(row["id.resp_h"])
	f.Action, f.Reason = zeekState(row["conn_state"], f.Transport)
	return f.finish(false)
}

// zeekBytes is the IP bytes of a side, else its payload.
func zeekBytes(row map[string]string, side string) string {
	if ip := row[side+"ip_bytes"]; ip != "" {
		return ip
	}
	return row[side+"bytes"]
}

func zeekState(state, proto string) (action, reason string) {
	switch state {
	case "SF":
		if proto == "TCP" {
			return "allow", "tcp-fin"
		}
		return "allow", "aged-out"
	case "S1":
		return "allow", "active"
	case "S2", "S3":
		return "allow", "half-open"
	case "RSTO":
		return "allow", "tcp-rst-from-client"
	case "RSTR":
		return "allow", "tcp-rst-from-server"
	case "S0":
		return "unknown", "no-reply"
	case "REJ":
		return "unknown", "conn-refused"
	case "RSTOS0":
		return "unknown", "tcp-rst-from-client"
	case "RSTRH":
		return "unknown", "tcp-rst-from-server"
	case "SH":
		return "unknown", "half-open"
	case "SHR", "OTH":
		return "unknown", "midstream"
	}
	return "unknown", ""
}
