package flow

import (
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
	for length := range 40 { // with and without a whole word, in step with strings.Split
		line := strings.Repeat("a,bc,", 8)[:length]
		cells := make([]csvCell, 64)
		n, _ := splitCSV([]byte(line), cells)
		var got []string
		for _, c := range cells[:n] {
			got = append(got, line[c.start:c.end])
		}
		if d := cmp.Diff(got, strings.Split(line, ",")); d != "" {
			t.Errorf("%q: got-want:\n%s", line, d)
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

// The direct way must be the one that ordinary records take, whatever their shapes, or the decoder is slow.
func TestPANOSJSONDirect(t *testing.T) {
	d, err := newPANOSJSON(Config{Timezone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]bool{
		panosRecord: true, strings.ReplaceAll(panosRecord, `":`, `": `): true, strings.Replace(panosRecord, `"app":"ssl",`, "", 1): true,
		strings.Replace(panosRecord, `"url":null`, `"url":{"a":[1,2]}`, 1): true, panosRecord + "\n": true,
		`{}`: true, `{"source_ip":"10.0.0.1"}`: true, `{"source_bytes":1.5e3,"source_port":0}`: true,
		`{"source_ip":"10.0.0.1","source_ip":null}`: false, `{"source_ip":["10.0.0.1"]}`: false, `{"source_bytes":"x"}`: false,
		panosRecord + "x": false, panosRecord[:100]: false, `{"rule":"a\u0062"}`: true, `{"user":"corp\\jdoe"}`: true,
		`{"user":"corp\jdoe"}`: false, `{"user":"corp\\`: false, `{"a":1,}`: false, `{,"a":1}`: false, `{"a":01}`: false,
	} {
		for range 2 {
			if d.begin([]byte(raw)); d.direct([]byte(raw)) != want {
				t.Errorf("%s: got %v", raw, !want)
			}
		}
	}
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
			if len(raw) == 0 || beyondOracle(raw) {
				continue
			}
			want := panosJSONSlowly(raw)
			check := func(it *Item) {
				got := itemLine(it)
				if it.Verdict == Rejected {
					got = "rejected " + it.Reason
				}
				if got != want && !strings.Contains(it.Detail, "too deep") {
					t.Fatalf("%q:\n got %s\nwant %s", raw, got, want)
				}
			}
			if d.begin(raw); d.direct(raw) {
				d.judge(nil)
				check(&d.item)
			}
			d.decode(raw, check)
		}
	})
}

// beyondOracle tells the inputs that the oracle does not model: nesting where a field is wanted, envelopes, and
// bytes that are no UTF-8, which encoding/json replaces.
func beyondOracle(raw []byte) bool {
	m, err := decodeByScanner(&jsonScanner{}, raw)
	if err != nil {
		return false
	}
	for k, v := range m {
		_, wanted := fieldOf(k)
		switch v.(type) {
		case map[string]any, []any:
			if wanted {
				return true
			}
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
