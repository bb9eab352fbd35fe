package oracle

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// text writes what decoding a line gave, for comparison.
func text(f *Flow) string {
	switch {
	case f == nil:
		return "header"
	case f.reject != "":
		return "rejected " + f.reject
	case f.filter != "":
		return "filtered " + f.filter
	}
	count := func(n *int64) string {
		if n == nil {
			return "null"
		}
		return fmt.Sprint(*n)
	}
	name := "TRAFFIC"
	if f.Threat {
		name = "THREAT"
	}
	return fmt.Sprintf("%d +%d %s:%d > %s:%d %s %s/%s %s %s %s", f.Start, f.End-f.Start, f.Source, f.SourcePort, f.Destination,
		f.DestinationPort, f.Transport, count(f.SourceBytes), count(f.DestinationBytes), f.Action, f.Reason, name)
}

func TestDecodeLine(t *testing.T) {
	const ports = `"source_port":1,"destination_port":"2"`
	for _, c := range []struct{ format, line, want string }{
		{"zeek-json", `{"ts":1.9999999999,"id_orig_h":"::ffff:10.0.0.1","id_orig_p":5,"id_resp_h":"fe80::1%eth0","id_resp_p":6.0,"proto":"udp","duration":1e-06,"orig_bytes":7,"conn_state":"S0"}`,
			"1999999999 +1000 10.0.0.1:5 > fe80::1:6 UDP 7/null unknown no-reply TRAFFIC"},
		{"zeek-json", `{"conn":{"ts":"1970-01-01T00:00:01Z","id":{"orig_h":"10.0.0.1","orig_p":8,"resp_h":"10.0.0.2","resp_p":0},"proto":"icmp","orig_ip_bytes":0,"orig_bytes":9,"resp_bytes":3,"conn_state":"OTH"}}`,
			"1000000000 +0 10.0.0.1:0 > 10.0.0.2:0 ICMP 0/3 unknown midstream TRAFFIC"},
		{"zeek-json", `{"_path":"dns","ts":1}`, "filtered unselected"},
		{"zeek-json", `{"ts":1,`, "rejected malformed"},
		{"zeek-json", `{"ts":1} x`, "rejected malformed"},
		{"zeek-json", `{"ts":5,"duration":-2,"id_orig_h":"10.0.0.1","id_orig_p":5,"id_resp_h":"10.0.0.2","id_resp_p":6,"proto":"sctp","conn_state":"RSTR"}`,
			"5000000000 +0 10.0.0.1:5 > 10.0.0.2:6 OTHER null/null allow tcp-rst-from-server TRAFFIC"},
		{"panos-json", `{"event_start":"2023-01-02T00:00:00.5+01:00","event_end":1672614002,"source_ip":"10.0.0.1","destination_ip":"8.8.8.8",` + ports + `,"source_bytes":"9007199254740993","destination_bytes":25238.0,"network_transport":"TCP","event_action":"Allow","event_reason":"policy-deny"}`,
			"1672614000500000000 +1500000000 10.0.0.1:1 > 8.8.8.8:2 TCP 9007199254740993/25238 deny policy-deny TRAFFIC"},
		{"panos-json", `{"event_end":1672614002000,"source_ip":"10.0.0.1","destination_ip":"8.8.8.8","event_name":"threat","cef_category":"start","network_transport":58,"event_action":"reset-both"}`,
			"1672614002000000000 +0 10.0.0.1:0 > 8.8.8.8:0 ICMP null/null reset  THREAT"},
		{"panos-json", `{"event_end":0,"source_ip":"10.0.0.1","destination_ip":"8.8.8.8",` + ports + `,"source_bytes":-4,"event_action":"drop ICMP","event_reason":"N-A"}`,
			"0 +0 10.0.0.1:1 > 8.8.8.8:2 OTHER null/null deny n/a TRAFFIC"},
		{"panos-json", `{"event_end":0,"source_ip":"10.0.0.1","destination_ip":"8.8.8.8"}`, "rejected empty_record"},
		{"panos-json", `{"source_ip":"10.0.0.1","destination_ip":"8.8.8.8",` + ports + `}`, "rejected missing_time"},
		{"panos-json", `{"event_end":0,"source_ip":"","destination_ip":"8.8.8.8",` + ports + `}`, "rejected missing_address"},
		{"panos-json", `{"event_end":"soon","source_ip":"10.0.0.1","destination_ip":"8.8.8.8",` + ports + `}`, "rejected malformed"},
		{"panos-json", `{"event_end":0,"cef_category":"start","event_name":"TRAFFIC"}`, "filtered start"},
		{"suricata-eve", `{"timestamp":"2021-06-06T15:57:37.27+0200","event_type":"flow","src_ip":"10.0.0.1","src_port":1900,"dest_ip":"10.0.0.2","dest_port":445,"proto":"TCP","flow":{"bytes_toserver":120,"bytes_toclient":60,"start":"1970-01-01T02:00:01.000001+0200","end":"1970-01-01T02:00:02.000003+0200","state":"closed","reason":"shutdown"},"tcp":{"tcp_flags":"17","tcp_flags_ts":"02","tcp_flags_tc":"14"}}`,
			"1000001000 +1000002000 10.0.0.1:1900 > 10.0.0.2:445 TCP 120/60 allow tcp-rst-from-server TRAFFIC"},
		{"suricata-eve", `{"timestamp":"1970-01-01T00:00:01.5+0000","event_type":"alert","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"IPv6-ICMP","icmp_type":1,"alert":{"action":"blocked"},"flow":{"bytes_toserver":120,"start":"1970-01-01T00:00:00+0000"}}`,
			"1500000000 +0 10.0.0.1:0 > 10.0.0.2:0 ICMP null/null deny  THREAT"},
		{"suricata-eve", `{"event_type":"dns"}`, "filtered unselected"},
		{"panos-csv", panosLine("TRAFFIC", "end", "+02:00"), "1672610400000000000 +7000000000 10.0.0.1:53722 > 8.8.8.8:8088 TCP 296/0 allow aged-out TRAFFIC"},
		{"panos-csv", "<14>Jan  2 00:00:00 PA-VM " + panosLine("TRAFFIC", "start", ""), "filtered start"},
		{"panos-csv", panosLine("SYSTEM", "x", ""), "filtered unselected"},
		{"panos-csv", panosLine("TRAFFIC", "end", "")[:150], "rejected malformed"},
		{"vpc-text", "version account-id interface-id srcaddr", "header"},
	} {
		o := DefaultOptions()
		flows, err := decode(File{Lines: []string{c.line}}, c.format, &o)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(flows[0]); got != c.want {
			t.Errorf("%s %s\n got  %s\n want %s", c.format, c.line, got, c.want)
		}
	}
}

// panosLine is a line of 117 columns that began at 2023-01-02 00:00:00 local time.
func panosLine(kind, subtype, offset string) string {
	cells := make([]string, 117)
	for column, s := range map[int]string{0: "1", 1: "2023/01/02 00:00:09", 3: kind, 4: subtype, 6: "2023/01/02 00:00:08", 7: "10.0.0.1",
		8: "8.8.8.8", 24: "53722", 25: "8088", 29: "tcp", 30: "allow", 31: "296", 32: "296", 33: "0",
		35: "2023/01/02 00:00:00", 36: "7", 46: "aged-out", 69: "{a,b,c}", 109: `"x,y"`} {
		cells[column] = s
	}
	if offset != "" {
		cells[102] = "2023-01-02T00:00:08.123" + offset
	}
	return strings.Join(cells, ",")
}

func TestZeekTableHeader(t *testing.T) {
	o := DefaultOptions()
	lines := strings.Split("#separator \\x7c\n#unset_field|~\n#fields|ts|id.orig_h|id.orig_p|id.resp_h|id.resp_p|proto\n"+
		"1|10.0.0.1|~|10.0.0.2|53|udp\n#fields|id.resp_p|ts|id.orig_h|id.orig_p|id.resp_h|proto\n80|2|10.0.0.1|9|10.0.0.2|tcp", "\n")
	flows, err := decode(File{Lines: lines}, "zeek-tsv", &o)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"1000000000 +0 10.0.0.1:0 > 10.0.0.2:53 UDP null/null unknown  TRAFFIC", "header",
		"2000000000 +0 10.0.0.1:9 > 10.0.0.2:80 TCP null/null unknown  TRAFFIC"} {
		if got := text(flows[3+i]); got != want {
			t.Errorf("line %d: got %s, want %s", 3+i, got, want)
		}
	}
}

func TestInstant(t *testing.T) {
	want := time.Date(2023, 1, 2, 3, 4, 5, 123456789, time.UTC).UnixNano()
	for s, cut := range map[string]int64{"2023-01-02T03:04:05.123456789Z": 1, "2023-01-02T05:04:05.123456789+0200": 1,
		"2023-01-02 03:04:05.123456789Z": 1, "1672628645.1234567899": 1, "1672628645123": 1e6, "1672628645123456": 1e3,
		"1672628645123456789": 1, "1672628645": 1e9} {
		if got, err := instant(s); err != nil || got != want/cut*cut {
			t.Errorf("instant(%s) = %d, %v, want %d", s, got, err, want/cut*cut)
		}
	}
	for _, s := range []string{"", "x", "1/2", "0x10", "1e999999999", "NaN"} {
		if got, err := instant(s); err == nil {
			t.Errorf("instant(%q) = %d, want an error", s, got)
		}
	}
}
