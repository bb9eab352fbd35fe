package synth

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ndr/flow"

	"github.com/google/go-cmp/cmp"
)

// decoderOf is the decoder that reads what an encoder writes.
func decoderOf(t *testing.T, format string) flow.Decoder {
	t.Helper()
	if format == FormatCanonical {
		format = flow.FormatPANOSJSON
	}
	d, err := flow.New(flow.Config{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// carried returns what a format can tell of a record: the expectation of the round trip, written by hand from what
// the logs of each product hold.
func carried(format string, r flow.Record) []flow.Record {
	switch format {
	case flow.FormatPANOSJSON, flow.FormatPANOSCSV:
		return carriedPANOS(format, r)
	case flow.FormatZeekTSV, flow.FormatZeekJSON:
		return carriedZeek(r)
	case flow.FormatVPCText:
		return carriedVPC(r)
	case flow.FormatSuricataEVE:
		return carriedSuricata(r)
	}
	return []flow.Record{r}
}

// strip takes away what only the firewall knows.
func strip(r *flow.Record, observer string) {
	r.Rule, r.SourceZone, r.DestZone, r.User, r.RepeatCount = nil, nil, nil, nil, 0
	r.ObserverType = []byte(observer)
}

// nameIn is the name of a PAN-OS application in other words, nil if it has none.
func nameIn(panos []byte, words func(app) string) []byte {
	for _, p := range apps {
		if name := words(p); string(p.name) == string(panos) && name != "" {
			return []byte(name)
		}
	}
	return nil
}

func cutTo(r *flow.Record, unit int64) {
	r.Start -= r.Start % unit
	r.End -= r.End % unit
}

func carriedPANOS(format string, r flow.Record) []flow.Record {
	cutTo(&r, second)
	r.TimeRes, r.DirectionHint, r.TCPFlagsSource, r.TCPFlagsDest = flow.ResSeconds, flow.HintUnknown, 0, 0
	r.ICMPType, r.ICMPCode, r.ICMPKnown = 0, 0, false
	if r.IPProto == protoICMP && isV6(r.SourceIP) {
		r.IPProto = protoICMPv6
	}
	if format == flow.FormatPANOSJSON {
		r.Observed, r.ObservedKnown, r.RepeatCount = 0, false, 0
		return []flow.Record{r}
	}
	r.SourceIf, r.DestIf = []byte("ethernet1/1"), []byte("ethernet1/2")
	at := time.Unix(0, r.Start).UTC()
	if r.Name == flow.Threat {
		at = time.Unix(0, r.Observed).UTC()
	}
	r.DedupKey = fmt.Appendf(nil, "%s/vsys1/%s/%s", serial, r.SessionID, at.Format("2006/01/02 15:04:05"))
	return []flow.Record{r}
}

func carriedZeek(r flow.Record) []flow.Record {
	if r.Name == flow.Threat {
		return nil
	}
	strip(&r, "zeek")
	r.Observed, r.ObservedKnown, r.TimeRes = 0, false, flow.ResMicros
	r.TCPFlagsSource, r.TCPFlagsDest, r.ObserverID = 0, 0, nil
	r.SessionID = append([]byte("C"), r.SessionID...)
	r.App = nameIn(r.App, func(p app) string { return p.zeek })
	reasons := map[string][2]string{ // PAN-OS reason to conn_state and reason, of established sessions
		"tcp-fin": {"SF", "tcp-fin"}, "tcp-rst-from-client": {"RSTO", "tcp-rst-from-client"},
		"tcp-rst-from-server": {"RSTR", "tcp-rst-from-server"}, "threat": {"RSTR", "tcp-rst-from-server"},
		"aged-out": {"S1", "active"},
	}
	want := reasons[string(r.Reason)]
	r.Action = flow.Allow
	switch {
	case r.Outcome == flow.Failed && r.DestPackets.N == 1:
		want, r.Action = [2]string{"REJ", "conn-refused"}, flow.ActionUnknown
	case r.Outcome == flow.Failed:
		want, r.Action = [2]string{"S0", "no-reply"}, flow.ActionUnknown
	case r.Transport != flow.TCP:
		want = [2]string{"SF", "aged-out"}
	}
	r.ReasonRaw, r.Reason = []byte(want[0]), []byte(want[1])
	return []flow.Record{r}
}

func carriedVPC(r flow.Record) []flow.Record {
	if r.Name == flow.Threat {
		return nil
	}
	cutTo(&r, second)
	half := flow.Record{Start: r.Start, End: r.End, TimesKnown: true, TimeRes: flow.ResWindow, SourceIP: r.SourceIP,
		DestinationIP: r.DestinationIP, SourcePort: r.SourcePort, DestPort: r.DestPort, Transport: r.Transport,
		IPProto: r.IPProto, SourceBytes: r.SourceBytes, SourcePackets: r.SourcePackets, Kind: flow.Half,
		Action: flow.Allow, Tenant: []byte("123456789012"), ObserverID: []byte("eni-0a1b2c3d4e5f60718"),
		ObserverType: []byte("aws-vpc")}
	if string(r.Reason) == "policy-deny" {
		half.Action, half.Reason = flow.Deny, []byte("acl-deny")
	}
	mirror := half
	mirror.SourceIP, mirror.DestinationIP, mirror.SourcePort, mirror.DestPort = r.DestinationIP, r.SourceIP, r.DestPort, r.SourcePort
	mirror.SourceBytes, mirror.SourcePackets = r.DestBytes, r.DestPackets
	if r.DestPackets.N == 0 {
		return []flow.Record{half}
	}
	return []flow.Record{half, mirror}
}

func carriedSuricata(r flow.Record) []flow.Record {
	strip(&r, "suricata")
	r.TimeRes, r.DirectionHint = flow.ResMicros, flow.HintUnknown
	r.App = nameIn(r.App, func(p app) string { return p.suricata })
	if r.Name == flow.Threat {
		r.TimesKnown = false // the decoder takes an alert's only time, that of its packet
		r.ThreatSeverity = map[string][]byte{"informational": []byte("3"), "low": []byte("3"), "medium": []byte("2"),
			"high": []byte("1")}[string(r.ThreatSeverity)]
		if r.Action == flow.Reset {
			r.Action, r.Reason = flow.Deny, []byte("threat")
		}
		return []flow.Record{r}
	}
	switch {
	case r.DestPackets.N == 0:
		r.Reason = []byte("no-reply")
	case string(r.Reason) == "threat" && r.Transport == flow.TCP:
		r.Reason = []byte("tcp-rst-from-server")
	case string(r.Reason) == "threat":
		r.Reason = []byte("aged-out")
	}
	if r.Action == flow.Reset {
		r.Action = flow.Deny
	}
	r.ReasonRaw = []byte("timeout")
	return []flow.Record{r}
}

// sample returns flows with every ending, every application and every label.
func sample(t testing.TB) []Flow {
	t.Helper()
	g, all := collect(t, Config{Seed: 21, Hosts: 24, Length: 8 * time.Hour, Start: time.Date(2026, 1, 6, 6, 0, 0, 0, time.UTC), Attacks: []string{AttackAll}})
	for i := range apps { // every ending of every application
		for how := range ending(len(endings)) {
			a := g.actors[0]
			e := a.draw(g.start, workstation(i), peer(uint64(i), isV6(workstation(i))), appID(i))
			switch {
			case how == endAlert || how == endBlock:
				e.threat, e.ending, e.end = 1, how, e.start
			case apps[i].proto != protoTCP && (how == endRefused || how == endDeniedReset): // need a RST
				continue
			case endings[how].outcome == flow.Failed:
				e.fail(a, how)
			case e.app == appIncomplete || e.app == appNone:
				continue
			case apps[i].proto != protoTCP && how != endAged: // there is no other
				continue
			default:
				e.ending = how
				e.setBytes(1000, 2000)
			}
			e.number, e.end = uint64(len(all)), e.end-e.end%millisecond
			all = append(all, g.flow(&e))
		}
	}
	return all
}

// decodeAll returns the records of raw as canonical JSON. Lines of a header, and nothing else, may be filtered.
func decodeAll(t *testing.T, d flow.Decoder, raw []byte, header bool) (got []string) {
	t.Helper()
	err := d.Decode(raw, func(it *flow.Item) {
		switch {
		case it.Verdict == flow.Accepted:
			got = append(got, string(flow.AppendCanonicalJSON(nil, &it.Record)))
		case it.Verdict != flow.Filtered || !header:
			t.Fatalf("verdict %d, %s, %s: %s", it.Verdict, it.Reason, it.Detail, it.Raw)
		}
	})
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return got
}

func TestRoundTrip(t *testing.T) {
	flows := sample(t)
	for _, format := range Formats() {
		t.Run(format, func(t *testing.T) {
			d := decoderOf(t, format)
			e, err := NewEncoder(format)
			if err != nil {
				t.Fatal(err)
			}
			if h := e.AppendHeader(nil, time.Unix(0, flows[0].Record.Start)); len(h) > 0 {
				decodeAll(t, d, h, true)
			}
			for i := range flows {
				line := e.Append(nil, &flows[i])
				var got, want []string
				if len(line) > 0 {
					got = decodeAll(t, d, line, false)
				}
				for _, r := range carried(format, flows[i].Record) {
					want = append(want, string(flow.AppendCanonicalJSON(nil, &r)))
				}
				if !slices.Equal(got, want) {
					t.Fatalf("line: %s%s", line, cmp.Diff(fields(got), fields(want)))
				}
			}
		})
	}
}

// fields parts records for a readable difference.
func fields(records []string) []string { return strings.Split(strings.Join(records, "\n"), ",") }

func TestFileShape(t *testing.T) {
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	_, flows := collect(t, Config{Seed: 1, Hosts: 20, Length: time.Hour})
	for _, tt := range []struct{ format, first, last string }{
		{FormatCanonical, `{"event_start":"2026-01-05T0`, ""},
		{flow.FormatPANOSJSON, `{"event_start":"2026-01-05T0`, ""},
		{flow.FormatPANOSCSV, "1,2026/01/05 00:", ""},
		{flow.FormatZeekTSV, "#separator \\x09\n", "#close\t2026-01-05-00-00-00\n"},
		{flow.FormatZeekJSON, `{"ts":17675`, ""},
		{flow.FormatVPCText, "version account-id ", ""},
		{flow.FormatSuricataEVE, `{"timestamp":"2026-01-05T00:`, ""},
	} {
		e, err := NewEncoder(strings.ToUpper(tt.format))
		if err != nil {
			t.Fatal(err)
		}
		b := e.AppendHeader(nil, at)
		for i := range flows {
			b = e.Append(b, &flows[i])
		}
		b = e.AppendFooter(b, at)
		if !strings.HasPrefix(string(b), tt.first) || !strings.HasSuffix(string(b), tt.last) || b[len(b)-1] != '\n' {
			t.Errorf("%s: file begins %.60q and ends %.60q", tt.format, b, b[len(b)-60:])
		}
	}
	if _, err := NewEncoder("pcap"); err == nil || !strings.Contains(err.Error(), "zeek-tsv") {
		t.Errorf("unknown format: %v", err)
	}
}

// TestColumns pins the columns of PAN-OS 11 and the size of panos-json.
func TestColumns(t *testing.T) {
	csv, err := NewEncoder(flow.FormatPANOSCSV)
	if err != nil {
		t.Fatal(err)
	}
	json, err := NewEncoder(flow.FormatPANOSJSON)
	if err != nil {
		t.Fatal(err)
	}
	var size, keys, n int
	for _, f := range sample(t) {
		want := 117
		if f.Record.Name == flow.Threat {
			want = 123
		}
		if line := csv.Append(nil, &f); bytes.Count(line, []byte(","))+1 != want {
			t.Fatalf("%d columns, want %d: %s", bytes.Count(line, []byte(","))+1, want, line)
		}
		if _, ok := workstationOf(f.Record.SourceIP); ok && f.Record.Name == flow.Traffic && !f.Label.Malicious() {
			line := json.Append(nil, &f)
			size, keys, n = size+len(line), keys+bytes.Count(line, []byte(`":`)), n+1
		}
	}
	if mean := size / n; mean < 440 || mean > 530 || keys/n < 22 || keys/n > 25 {
		t.Errorf("panos-json: %d bytes and %d keys in the mean", mean, keys/n)
	}
}

func BenchmarkGenerate(b *testing.B) {
	for _, format := range append([]string{"none"}, Formats()...) {
		b.Run(format, func(b *testing.B) {
			g, err := New(Config{Hosts: 1000, Length: 10 * 365 * 24 * time.Hour, Start: time.Date(2026, 1, 6, 9, 0, 0, 0, time.UTC)})
			if err != nil {
				b.Fatal(err)
			}
			e := &Encoder{line: func(_ *Encoder, dst []byte, _ *flow.Record) []byte { return dst }}
			if format != "none" {
				if e, err = NewEncoder(format); err != nil {
					b.Fatal(err)
				}
			}
			buf := make([]byte, 0, 4096)
			size, f, ok := 0, Flow{}, false
			b.ReportAllocs()
			for b.Loop() {
				if f, ok = g.Next(); !ok {
					b.Fatal("no more flows")
				}
				buf = e.Append(buf[:0], &f)
				size += len(buf)
			}
			b.ReportMetric(float64(size)/float64(b.N), "bytes/flow")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flows/s")
		})
	}
}
