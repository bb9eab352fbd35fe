package flow

import (
	"fmt"
	"strings"
	"testing"
)

func zeekHeaderText(fields string) string {
	return "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\t" +
		strings.ReplaceAll(fields, " ", "\t") + "\n"
}

// lastRecord decodes records and returns a copy of the last flow in them.
func lastRecord(t *testing.T, d Decoder, records ...string) (r Record) {
	t.Helper()
	found := false
	for _, text := range records {
		err := d.Decode([]byte(text), func(it *Item) {
			if found = it.Verdict == Accepted; found {
				r = it.Record
			} else if it.Verdict == Rejected {
				t.Logf("%s: %s", it.Reason, it.Detail)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !found {
		t.Fatalf("no flow in %q", records[len(records)-1])
	}
	return r
}

func TestZeekConnState(t *testing.T) {
	d := newDecoder(t, Config{Format: FormatZeekTSV})
	header := zeekHeaderText("ts id.orig_h id.orig_p id.resp_h id.resp_p proto conn_state")
	for _, c := range []struct {
		proto, state string
		outcome      Outcome
		action       Action
		reason       string
	}{
		{"tcp", "SF", Established, Allow, "tcp-fin"},
		{"udp", "SF", Established, Allow, "aged-out"},
		{"icmp", "SF", Established, Allow, "aged-out"},
		{"unknown_transport", "SF", Established, Allow, "aged-out"},
		{"tcp", "S1", Established, Allow, "active"},
		{"tcp", "S2", Established, Allow, "half-open"},
		{"tcp", "S3", Established, Allow, "half-open"},
		{"tcp", "RSTO", Established, Allow, "tcp-rst-from-client"},
		{"tcp", "RSTR", Established, Allow, "tcp-rst-from-server"},
		{"tcp", "S0", Failed, ActionUnknown, "no-reply"},
		{"tcp", "REJ", Failed, ActionUnknown, "conn-refused"},
		{"tcp", "RSTOS0", Failed, ActionUnknown, "tcp-rst-from-client"},
		{"tcp", "RSTRH", OutcomeUnknown, ActionUnknown, "tcp-rst-from-server"},
		{"tcp", "SH", Failed, ActionUnknown, "half-open"},
		{"tcp", "SHR", OutcomeUnknown, ActionUnknown, "midstream"},
		{"tcp", "OTH", OutcomeUnknown, ActionUnknown, "midstream"},
		{"tcp", "-", OutcomeUnknown, ActionUnknown, ""},
		{"tcp", "NEW1", OutcomeUnknown, ActionUnknown, ""},
	} {
		row := strings.Join([]string{"1.5", "10.0.0.1", "8", "10.0.0.2", "0", c.proto, c.state}, "\t")
		r := lastRecord(t, d, header+row)
		if r.Outcome != c.outcome || r.Action != c.action || string(r.Reason) != c.reason {
			t.Errorf("%s %s: %d %d %q; want %d %d %q", c.proto, c.state, r.Outcome, r.Action, r.Reason, c.outcome, c.action, c.reason)
		}
	}
}

func TestZeekHints(t *testing.T) {
	d := newDecoder(t, Config{Format: FormatZeekTSV})
	header := zeekHeaderText("ts id.orig_h id.orig_p id.resp_h id.resp_p proto duration local_orig local_resp history")
	for _, c := range []struct {
		orig, resp, history string
		hint                Hint
		orientation         Orientation
	}{
		{"T", "T", "ShAD", HintLateral, Known},
		{"T", "F", "^hAD", HintOut, Guessed},
		{"F", "T", "Sh^", HintIn, Guessed},
		{"F", "F", "-", HintUnknown, Known},
		{"T", "-", "D", HintUnknown, Known},
	} {
		row := strings.Join([]string{"1.5", "10.0.0.1", "1", "10.0.0.2", "2", "udp", "-", c.orig, c.resp, c.history}, "\t")
		r := lastRecord(t, d, header+row)
		if r.DirectionHint != c.hint || r.Orientation != c.orientation {
			t.Errorf("%s %s %s: hint %d orientation %d; want %d %d", c.orig, c.resp, c.history, r.DirectionHint, r.Orientation, c.hint, c.orientation)
		}
	}
}

func TestZeekBytes(t *testing.T) {
	d := newDecoder(t, Config{Format: FormatZeekTSV})
	header := zeekHeaderText("ts id.orig_h id.orig_p id.resp_h id.resp_p proto orig_bytes resp_bytes orig_ip_bytes resp_ip_bytes")
	for _, c := range []struct {
		cells        string
		source, dest Count
	}{
		{"1 2 3 4", Count{3, true}, Count{4, true}},
		{"1 2 - -", Count{1, true}, Count{2, true}},
		{"1 2 0 0", Count{0, true}, Count{0, true}},
		{"- - - -", Count{}, Count{}},
		{"-1 - - 7", Count{}, Count{7, true}},
	} {
		row := "1.5\t10.0.0.1\t1\t10.0.0.2\t2\tudp\t" + strings.ReplaceAll(c.cells, " ", "\t")
		r := lastRecord(t, d, header+row)
		if r.SourceBytes != c.source || r.DestBytes != c.dest {
			t.Errorf("%s: %v %v; want %v %v", c.cells, r.SourceBytes, r.DestBytes, c.source, c.dest)
		}
	}
}

// TestZeekState hands the state of one decoder to another in the middle of a file.
func TestZeekState(t *testing.T) {
	const row = "1.5\t10.0.0.1\t1\t10.0.0.2\t2\tudp\t-\t9"
	header := zeekHeaderText("ts id.orig_h id.orig_p id.resp_h id.resp_p proto orig_bytes resp_bytes")
	first := newDecoder(t, Config{Format: FormatZeekTSV})
	if s := first.State(); s != nil {
		t.Errorf("state without a header: %q", s)
	}
	lastRecord(t, first, header+row)
	state := string(first.State())
	second := newDecoder(t, Config{Format: FormatZeekTSV})
	if got := summary(second, []byte(row)); got != ReasonMalformed {
		t.Errorf("without a header: %q", got)
	}
	if err := second.Restore([]byte(state)); err != nil {
		t.Fatal(err)
	}
	if r := lastRecord(t, second, row); r.DestBytes != (Count{9, true}) {
		t.Errorf("restored: %v bytes; want 9", r.DestBytes)
	}
	if got := string(second.State()); got != state {
		t.Errorf("state after restore %q; want %q", got, state)
	}
	kept := second.State()
	if got := summary(second, []byte("#close\t2024\n#open\t2024\n"+row)); got != "unselected unselected +" || &kept[0] != &second.State()[0] {
		t.Errorf("%q, or a new state although nothing changed", got)
	}
	if got := summary(second, []byte("#separator ,\n"+row)); got != "unselected malformed" {
		t.Errorf("a new header that has only begun: %q", got)
	}
	if err := second.Restore(nil); err != nil || second.State() != nil || summary(second, []byte(row)) != ReasonMalformed {
		t.Errorf("restore of nothing: %v, state %q", err, second.State())
	}
	for _, bad := range []string{"row", "#separator ", "\n"} {
		if err := second.Restore([]byte(bad)); err == nil {
			t.Errorf("restored %q", bad)
		}
	}
}

func TestZeekHeader(t *testing.T) {
	const row = "1.5\t10.0.0.1\t1\t10.0.0.2\t2\tudp\t3"
	fields := "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\t"
	for name, c := range map[string]struct{ in, want string }{
		"no path":            {fields + "orig_bytes\n" + row, "unselected +"},
		"no path, other log": {fields + "query\n" + row, "unselected unselected"},
		"other path":         {"#path\tdns\n" + fields + "orig_bytes\n" + row, "unselected unselected unselected"},
		"open_conn":          {"#path\topen_conn\n" + fields + "orig_bytes\n" + row, "unselected unselected unselected"},
		"one cell less":      {fields + "orig_bytes\tresp_bytes\n" + row, "unselected malformed"},
		"one cell more":      {fields + "orig_bytes\n" + row + "\t", "unselected malformed"},
		"name with spaces":   {fields + "orig_bytes   label   detail\n#path\tconn\n" + row + "   Benign   -", "unselected unselected +"},
		"bad separator":      {"#separator \\xzz\n" + row, "malformed malformed"},
		"tab after key":      {"#separator\t\\x09\n" + fields + "orig_bytes\n" + row, "unselected unselected +"},
		"too many fields":    {"#fields" + strings.Repeat("\tx", 2000) + "\n" + row, "malformed malformed"},
		"bare mark":          {"#\n" + row, "unselected malformed"},
		"envelope":           {`{"message":"#path\tconn"}`, "unselected"},
	} {
		if got := summary(newDecoder(t, Config{Format: FormatZeekTSV}), []byte(c.in)); got != c.want {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
}

// TestZeekJSONShapes decodes one connection in every shape that producers give it.
func TestZeekJSONShapes(t *testing.T) {
	for name, text := range map[string]string{
		"dotted":     `{"ts":1.000000001,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":2,"proto":"tcp","duration":2}`,
		"underscore": `{"ts":"1.000000001","id_orig_h":"10.0.0.1","id_orig_p":"1","id_resp_h":"10.0.0.2","id_resp_p":2.0,"proto":"tcp","duration":"2.0"}`,
		"nested":     `{"id":{"resp_p":2,"resp_h":"10.0.0.2","orig_p":1,"orig_h":"10.0.0.1"},"proto":"TCP","ts":"1970-01-01T00:00:01.000000001Z","duration":2e0}`,
		"wrapped":    `{"conn":{"ts":1.000000001,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":2,"proto":"tcp","duration":2}}`,
		"both":       `{"conn":{"id":{"resp_p":2,"resp_h":"10.0.0.2","orig_p":1,"orig_h":"10.0.0.1"},"proto":"tcp","ts":1.000000001,"duration":2}}`,
		"streaming":  `{"_path":"conn","_write_ts":"x","ts":1.000000001,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":2,"proto":"tcp","duration":2,"x":[{"y":{}}]}`,
	} {
		r := lastRecord(t, newDecoder(t, Config{Format: FormatZeekJSON}), text)
		if r.Start != 1000000001 || r.End != 3000000001 || r.SourceIP.String() != "10.0.0.1" ||
			r.DestinationIP.String() != "10.0.0.2" || r.SourcePort != 1 || r.DestPort != 2 || r.Transport != TCP {
			t.Errorf("%s: %s", name, AppendCanonicalJSON(nil, &r))
		}
	}
}

func TestSplitByte(t *testing.T) {
	for _, c := range []struct {
		line string
		most int
		want string
		n    int
	}{
		{"", 1, "[]", 1}, {"a", 1, "[a]", 1}, {"a,b", 2, "[a b]", 2}, {"a,b,", 3, "[a b ]", 3}, {"a,b", 3, "[a b]", 2},
		{"a,b", 1, "[a]", 2}, {"a,b,c,d", 2, "[a b]", 4}, {"a,b,", 2, "[a b]", 3}, {",,", 1, "[]", 3}, {",", 0, "[]", 2},
	} {
		cells, n := splitByte(nil, []byte(c.line), ',', c.most)
		if got := fmt.Sprintf("%s", cells); got != c.want || n != c.n {
			t.Errorf("%q into %d: %s, %d; want %s, %d", c.line, c.most, got, n, c.want, c.n)
		}
	}
	d := newDecoder(t, Config{Format: FormatZeekTSV})
	lastRecord(t, d, "#separator \\x3b\\x3b\n#fields;;ts;;id.orig_h;;id.orig_p;;id.resp_h;;id.resp_p;;duration\n1;;::1;;2;;::2;;3;;-")
	if got := summary(d, []byte("1;;::1;;2;;::2;;3;;-;;-")); got != ReasonMalformed {
		t.Errorf("one cell more with a long separator: %q", got)
	}
}
