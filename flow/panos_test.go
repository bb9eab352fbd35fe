package flow

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPANOSActionAndReason(t *testing.T) {
	for text, want := range map[string]Action{
		"allow": Allow, "ALLOW": Allow, "continue": Allow, "override": Allow, "alert": Alert, "deny": Deny, "drop": Deny,
		"drop ICMP": Deny, "drop-all-packets": Deny, "Drop": Deny, "block-url": Deny, "block-ip": Deny, "block-continue": Deny,
		"sinkhole": Deny, "random-drop": Deny, "syncookie-sent": Deny, "reset-both": Reset, "reset-client": Reset,
		"Reset-Server": Reset, "reset": Reset, "": ActionUnknown, "unknown": ActionUnknown, "allowed?": ActionUnknown,
		"A VERY LONG ACTION THAT NO RELEASE HAS": ActionUnknown,
	} {
		if got := actionOf([]byte(text)); got != want {
			t.Errorf("action %q: got %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"aged-out": "aged-out", "TCP-FIN": "tcp-fin", "tcp-rst-from-client": "tcp-rst-from-client",
		"DECRYPT-UNSUPPORT-PARAM": "decrypt-unsupport-param", "decrypt-cert-validation": "decrypt-cert-validation",
		"n-a": "n/a", "N/A": "n/a", "split-tunnel": "unknown", "Abort-From-Endpoint": "unknown", "": "",
	} {
		var buf [24]byte
		if got := string(reasonOf([]byte(text), &buf)); got != want {
			t.Errorf("reason %q: got %q, want %q", text, got, want)
		}
	}
}

func TestPANOSZones(t *testing.T) {
	line := func(column102 string) string {
		cells := make([]string, 117)
		for i, v := range map[int]string{
			0: "1", 1: "2024/07/01 12:00:00", 3: "TRAFFIC", 4: "end", 6: "2024/07/01 12:00:00", 7: "10.0.0.1", 8: "10.0.0.2",
			24: "1", 25: "2", 35: "2024/07/01 11:59:50", 36: "5", 102: column102,
		} {
			cells[i] = v
		}
		return strings.Join(cells, ",")
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone database:", err)
	}
	for _, c := range []struct {
		zone           *time.Location
		highRes, start string
	}{
		{time.UTC, "", "2024-07-01T11:59:50Z"},
		{berlin, "", "2024-07-01T09:59:50Z"},
		{berlin, "2024-07-01T12:00:00.500-07:00", "2024-07-01T18:59:50Z"},
		{berlin, "2024-07-01T12:00:00.500Z", "2024-07-01T11:59:50Z"},
		{berlin, "2024-07-01T12:00:00.500+02:0", "2024-07-01T09:59:50Z"}, // cut: not used
	} {
		d := newPANOSCSV(Config{Timezone: c.zone})
		for range 2 {
			d.decode([]byte(line(c.highRes)), func(it *Item) {
				if got := time.Unix(0, it.Record.Start).UTC().Format(time.RFC3339Nano); got != c.start || it.Verdict != Accepted {
					t.Errorf("%v, %q: got start %s (%s), want %s", c.zone, c.highRes, got, it.Detail, c.start)
				}
			})
		}
	}
}

func TestSplitCSV(t *testing.T) {
	for line, want := range map[string][]string{
		"a,b,,c":               {"a", "b", "", "c"},
		"":                     {""},
		",":                    {"", ""},
		`"a,b",c`:              {"a,b", "c"},
		`"a""b",""`:            {`a""b`, ""},
		`{a,b,c},d`:            {"{a,b,c}", "d"},
		`{a,b`:                 {"{a", "b"},
		`{a}x,b`:               {"{a}x", "b"},
		`x"y,z"`:               {`x"y`, `z"`},
		`\"a,b\"`:              {`\"a`, `b\"`},
		`"a"x,b"`:              {`a"x,b`},
		strings.Repeat(",", 9): {"", "", "", "", "", "", "", ""}, // as many as there is room for
	} {
		cells := make([]csvCell, 8)
		n, unclosed := splitCSV([]byte(line), cells)
		var got []string
		for _, c := range cells[:n] {
			got = append(got, line[c.start:c.end])
		}
		if d := cmp.Diff(got, want); d != "" || unclosed != -1 {
			t.Errorf("%s: unclosed %d, got-want:\n%s", line, unclosed, d)
		}
	}
	if _, unclosed := splitCSV([]byte(`a,"b,c`), make([]csvCell, 8)); unclosed != 2 {
		t.Errorf("open quote: got offset %d, want 2", unclosed)
	}
}

func TestPANOSFieldMapping(t *testing.T) {
	d := newDecoder(t, Config{Format: FormatPANOSJSON, FieldMapping: map[string]string{
		"source_ip": "flow.src", "destination_ip": "flow.dst.ip", "event_start": "ts", "event_end": "ts", "source_bytes": "out",
	}})
	got := decodeAll(t, d, `{"ts":1714996800,"flow":{"src":"10.0.0.1","dst":{"ip":"10.0.0.2"}},"out":"7","source_ip":"1.1.1.1","destination_bytes":8}`,
		`{"ts":1714996800,"flow.src":"10.0.0.1","flow":{"dst.ip":"10.0.0.2"},"out":7}`)
	want := []string{
		`{"event_start":"2024-05-06T12:00:00Z","event_end":"2024-05-06T12:00:00Z","times_known":true,"time_res":"s","source_ip":"10.0.0.1","source_port":0,"destination_ip":"10.0.0.2","destination_port":0,"orientation":"known","network_transport":"OTHER","source_bytes":7,"destination_bytes":8,"record_kind":"session","conn_outcome":"unknown","event_action":"unknown","event_name":"TRAFFIC","observer_type":"panos"}`,
		`rejected missing_address: source address is missing or unreadable`, // flow replaces what was below it
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got-want:\n%s", diff)
	}
	for _, mapping := range []map[string]string{{"source_ipp": "a"}, {"source_ip": " "}} {
		if _, err := New(Config{Format: FormatPANOSJSON, FieldMapping: mapping}); err == nil {
			t.Errorf("%v: no error", mapping)
		}
	}
}

// What AppendCanonicalJSON writes, panos-json reads back without a loss.
func TestPANOSJSONReadsCanonicalJSON(t *testing.T) {
	d := newDecoder(t, Config{Format: FormatPANOSJSON})
	again := newDecoder(t, Config{Format: FormatPANOSJSON})
	for _, format := range []string{FormatPANOSCSV, FormatPANOSJSON, FormatECS, FormatOCSF} {
		logs, _ := os.ReadDir("testdata/" + format)
		for _, f := range logs {
			if !strings.HasSuffix(f.Name(), ".golden.ndjson") {
				continue
			}
			body, err := os.ReadFile("testdata/" + format + "/" + f.Name())
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(body)) {
				if line = strings.TrimSuffix(line, "\n"); line[0] != '{' {
					continue
				}
				got := decodeAll(t, d, line)
				if diff := cmp.Diff(got, []string{line}); diff != "" {
					t.Errorf("got-want:\n%s", diff)
				}
				if diff := cmp.Diff(decodeAll(t, again, strings.ReplaceAll(line, `":`, `" : `)), []string{strings.ReplaceAll(line, `":`, `":`)}); diff != "" {
					t.Errorf("with white space, got-want:\n%s", diff)
				}
			}
		}
	}
}

// panosJSONSlowly is the oracle of the fast decoder: encoding/json into a map, then the same fields in the order
// of the record.
func panosJSONSlowly(raw []byte) string {
	var it Item
	it.begin(raw)
	d := draft{zone: time.UTC}
	d.begin(&it.Record)
	it.Record.TimeRes = ResSeconds
	values, err := decodeByStdlib(raw)
	if err != nil {
		return "rejected malformed"
	}
	bad := false
	for f := range fieldCount {
		var text string
		switch v := values[fieldNames[f]].(type) {
		case nil:
			continue
		case string:
			text = v
		case json.Number:
			text = v.String()
		case bool:
			text = fmt.Sprint(v)
		default: // the decoder looks at the text of objects and arrays, which is never a value
			text = "{}"
		}
		if isNull([]byte(text)) && !((f == fieldReason || f == fieldReasonRaw) && text == "N/A") {
			continue
		}
		bad = !d.set(f, []byte(text)) || bad
	}
	switch filter := d.settlePANOS(); {
	case filter != "":
		return "filtered " + filter
	case bad:
		return "rejected malformed"
	}
	d.finish(&it)
	if it.Verdict == Rejected {
		return "rejected " + it.Reason
	}
	return itemLine(&it)
}

func FuzzPANOSJSON(f *testing.F) {
	body, err := os.ReadFile("testdata/panos-json/records.log")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		f.Add([]byte(panosRecord), []byte(line))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		d, err := newPANOSJSON(Config{Timezone: time.UTC})
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range [][]byte{first, second, first} {
			if len(raw) == 0 || containsContainer(raw) {
				continue
			}
			d.decode(raw, func(it *Item) {
				got, want := itemLine(it), panosJSONSlowly(raw)
				if it.Verdict == Rejected {
					got = "rejected " + it.Reason
				}
				if it.Verdict == Rejected && strings.Contains(it.Detail, "too deep") {
					return
				}
				if got != want {
					t.Fatalf("%q:\n got %s\nwant %s", raw, got, want)
				}
			})
		}
	})
}

// containsContainer tells the inputs that the oracle does not model: nesting, of which it knows no paths and no
// envelopes, dots in keys, and bytes that are no UTF-8, which encoding/json replaces.
func containsContainer(raw []byte) bool {
	s := &jsonScanner{}
	m, err := decodeByScanner(s, raw)
	if err != nil {
		return false
	}
	for k, v := range m {
		switch v.(type) {
		case map[string]any, []any:
			return true
		}
		if k == "message" || k == "logEvents" {
			return true
		}
	}
	return strings.ToValidUTF8(string(raw), "") != string(raw) || strings.Contains(string(raw), `\u`)
}

func FuzzPANOSCSV(f *testing.F) {
	for _, name := range []string{"traffic", "threat"} {
		body, err := os.ReadFile("testdata/panos-csv/" + name + ".log")
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(body)) {
			f.Add([]byte(line))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		used, fresh := newPANOSCSV(Config{Timezone: time.UTC}), newPANOSCSV(Config{Timezone: time.UTC})
		used.decode([]byte("1,2024/05/06 12:00:40,\"a\"\"b\",TRAFFIC,end"), func(*Item) {})
		var lines []string
		for _, d := range []*panosCSV{used, fresh} {
			d.decode(raw, func(it *Item) {
				if r := &it.Record; it.Verdict == Accepted && r.End < r.Start {
					t.Fatalf("end before start: %s", itemLine(it))
				}
				lines = append(lines, itemLine(it))
			})
		}
		if len(lines) != 2 || lines[0] != lines[1] {
			t.Fatalf("depends on the line before, or no single item: %q", lines)
		}
	})
}

func TestPANOSDecodesWithoutAllocation(t *testing.T) {
	body, err := os.ReadFile("testdata/panos-csv/traffic.log")
	if err != nil {
		t.Fatal(err)
	}
	traffic, _, _ := strings.Cut(string(body), "\n")
	quoted := strings.Replace(traffic, ",allow-web,", `,"rule ""a, b""",`, 1)
	threat := strings.Replace(traffic, "TRAFFIC", "THREAT", 1)
	inSyslog := "<14>May  6 12:00:40 fw-1 " + traffic
	for format, records := range map[string][]string{
		FormatPANOSJSON: {
			panosRecord, panosRecord + "\n", strings.Replace(panosRecord, `"rule":"web"`, `"rule":"a\\b \u00e9"`, 1),
			strings.Replace(panosRecord, `"allow"`, `"Reset-Both"`, 1), strings.Replace(panosRecord, `"app":"ssl",`, ``, 1),
		},
		FormatPANOSCSV: {traffic, quoted, threat, inSyslog},
	} {
		for _, r := range records {
			d, raw, accepted := newDecoder(t, Config{Format: format}), []byte(r), 0
			emit := func(it *Item) {
				if it.Verdict == Accepted {
					accepted++
				}
			}
			decode := func() {
				if err := d.Decode(raw, emit); err != nil {
					t.Fatal(err)
				}
			}
			decode()
			if n := testing.AllocsPerRun(100, decode); n != 0 || accepted != 102 {
				t.Errorf("%s: %v allocations, %d of 102 accepted: %s", format, n, accepted, r)
			}
		}
	}
}

// sample is a message of a vendor with what another parser made of it.
type sample struct {
	Test     string
	Message  string
	Expected struct {
		Source, Destination struct {
			IP    string
			Port  int
			Bytes *uint64
		}
	}
}

// readSamples reads a file of samples that may not be there.
func readSamples(t *testing.T, name string) (samples []sample) {
	f, err := os.Open("../../shared/data/vendor-format-samples/" + name)
	if err != nil {
		t.Skip("no vendor samples:", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		samples = append(samples, s)
	}
	return samples
}

func TestPANOSVendorSamples(t *testing.T) {
	d, compared := newDecoder(t, Config{Format: FormatPANOSCSV}), 0
	for _, s := range readSamples(t, "sekoia/panos.ndjson") {
		if strings.Contains(s.Message, "CEF:") || strings.Contains(s.Message, "LEEF:") || s.Message[0] == '{' {
			continue
		}
		err := d.Decode([]byte(s.Message), func(it *Item) {
			r := &it.Record
			switch {
			case it.Verdict == Filtered:
				if it.Reason == FilterUnselected == strings.Contains(s.Message, ",TRAFFIC,") {
					t.Errorf("%s: filtered %s", s.Test, it.Reason)
				}
				return
			case it.Verdict == Rejected && (s.Expected.Source.Port > 65535 || strings.Contains(s.Message, "9/16/19")):
				return // made anonymous with a number that is no port, or by a spreadsheet that wrote the dates anew
			case it.Verdict == Rejected:
				t.Errorf("%s: %s", s.Test, itemLine(it))
				return
			}
			got := fmt.Sprintf("%v %v %v %v", r.SourceIP, r.SourcePort, r.DestinationIP, r.DestPort)
			e := &s.Expected
			if want := fmt.Sprintf("%v %v %v %v", e.Source.IP, e.Source.Port, e.Destination.IP, e.Destination.Port); got != want {
				t.Errorf("%s: got %s, want %s", s.Test, got, want)
			}
			if b := e.Source.Bytes; b != nil && r.SourceBytes != (Count{*b, true}) || b == nil && r.SourceBytes.Known {
				t.Errorf("%s: source bytes %v", s.Test, r.SourceBytes)
			}
			if b := e.Destination.Bytes; b != nil && r.DestBytes != (Count{*b, true}) || b == nil && r.DestBytes.Known {
				t.Errorf("%s: destination bytes %v", s.Test, r.DestBytes)
			}
			compared++
		})
		if err != nil {
			t.Errorf("%s: %v", s.Test, err)
		}
	}
	if compared < 8 {
		t.Errorf("only %d flows compared", compared)
	}
}
