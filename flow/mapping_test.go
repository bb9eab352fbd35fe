package flow

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outline is a flow in few words, for tests that look at a few fields.
func outline(it *Item) string {
	r := &it.Record
	if it.Verdict != Accepted {
		return strings.TrimPrefix(itemLine(it), "rejected ")
	}
	count := func(c Count) string {
		if !c.Known {
			return "?"
		}
		return fmt.Sprint(c.N)
	}
	return fmt.Sprintf("%s-%s %v:%d>%v:%d %s %s/%s %s %s %s rule=%s obs=%s", time.Unix(0, r.Start).UTC().Format("15:04:05.999"),
		time.Unix(0, r.End).UTC().Format("15:04:05.999"), r.SourceIP, r.SourcePort, r.DestinationIP, r.DestPort, transportNames[r.Transport],
		count(r.SourceBytes), count(r.DestBytes), kindNames[r.Kind], actionNames[r.Action], r.Reason, r.Rule, r.ObserverID)
}

func outlines(t *testing.T, mapping string, records ...string) (lines []string) {
	t.Helper()
	d, err := New(Config{Format: FormatMapping, Mapping: []byte(mapping)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := d.Decode([]byte(r), func(it *Item) { lines = append(lines, outline(it)) }); err != nil {
			lines = append(lines, err.Error())
		}
	}
	return lines
}

func TestMappingLanguage(t *testing.T) {
	const head = "fields:\n  event_end: $.t\n  source_ip: $.s\n  destination_ip: $.d\n  destination_port: $.p\n"
	for _, c := range []struct {
		name, mapping string
		records, want []string
	}{
		{"null, swap, precision, units", head + "  source_bytes: {path: $.b, type: uint, scale: $.n?}\n  event_start: {sub: [$.t, {path: $.ms, unit: ms}]}\n  event_action: {case: [['who == \"DEST\" and not b == 0', allow], ['b =~ \"^9\" or x.y has \"q\"', deny], ['*', unknown]]}\n",
			[]string{
				`{"t":100,"s":"10.0.0.1","d":"10.0.0.2","p":53.0,"b":"9007199254740993","n":1,"ms":1500,"who":"DEST"}`,
				`{"t":"100.5","s":"10.0.0.1","d":"10.0.0.2","p":"53","b":5,"n":100,"x":{"y":["p","q"]}}`,
				`{"t":100,"s":"10.0.0.1","d":"10.0.0.2","p":53,"b":"-","n":7}`,
				`{"t":100,"s":"10.0.0.1","d":"10.0.0.2","p":53,"b":-3,"n":7}`,
				`{"t":100,"s":"10.0.0.1","d":"10.0.0.2","p":53,"b":9223372036854775807,"n":2}`,
				`{"t":100,"s":"N/A","d":"10.0.0.2","p":53}`,
				`{"t":"x","s":"10.0.0.1","d":"10.0.0.2"}`,
				`{"s":"10.0.0.1","d":"10.0.0.2","p":1}`,
			},
			[]string{
				"00:01:38.5-00:01:40 10.0.0.1:0>10.0.0.2:53 OTHER 9007199254740993/? session allow  rule= obs=",
				"00:01:40.5-00:01:40.5 10.0.0.1:0>10.0.0.2:53 OTHER 500/? session deny  rule= obs=",
				"00:01:40-00:01:40 10.0.0.1:0>10.0.0.2:53 OTHER ?/? session unknown  rule= obs=",
				"00:01:40-00:01:40 10.0.0.1:0>10.0.0.2:53 OTHER ?/? session unknown  rule= obs=",
				`malformed: "9223372036854775807" is no source_bytes`,
				"missing_address: source address is missing or unreadable",
				`malformed: "x" is no event_start`,
				"missing_time: neither start nor end",
			}},
		{"enum, const, concat, regex, tz, layout", `
kind: {case: [[k == 7, event], ['*', session]]}
fields:
  event_start: {path: $.t, time: "02.01.2006 15:04:05", tz: Europe/Berlin}
  source_ip: {path: $.ends, regex: '^([^>]+)>'}
  destination_ip: {path: $.ends, regex: '>(.+)$'}
  destination_bytes: [$.bytes.in, $.in]
  source_bytes: {const: 5}
  network_transport: {path: $.proto, enum: {6: TCP, 17: UDP, '*': OTHER}}
  event_reason: {path: $.why, enum: {close: tcp-fin, gone: null}}
  rule: {path: [$.rule.name, $.rule.id]}
  observer_id: {concat: [$.a, $.b, $.c], separator: "+"}
  destination_port: {const: 443}
`,
			[]string{
				`{"t":"01.07.2024 14:00:00","ends":"10.0.0.1>10.0.0.2","bytes.in":4,"proto":6.0,"why":"close","rule":{"id":9},"a":"x","c":"z","k":7}`,
				`{"t":"01.01.2024 13:00:00","ends":"10.0.0.1>10.0.0.2","in":4,"proto":"50","why":"gone","rule.name":"r","rule":{"id":9}}`,
				`{"t":"01.01.2024 13:00:00","ends":"10.0.0.1"}`,
				`{"t":"2024","ends":"10.0.0.1>10.0.0.2"}`,
			},
			[]string{
				"12:00:00-12:00:00 10.0.0.1:0>10.0.0.2:443 TCP ?/? event unknown tcp-fin rule=9 obs=x+z",
				"12:00:00-12:00:00 10.0.0.1:0>10.0.0.2:443 OTHER 5/4 session unknown  rule=9 obs=",
				"missing_address: source address is missing or unreadable",
				`malformed: "2024" is no event_start`,
			}},
		{"select, filter, unwrap", "unwrap: [$.event, $]\nselect: type == flow\nfilter: {nodata: status == NODATA, duplicate: dup == true}\n" + head,
			[]string{
				`{"event":{"type":"flow","t":60,"s":"10.0.0.1","d":"10.0.0.2","p":1},"type":"no"}`,
				`{"type":"flow","t":60,"s":"10.0.0.1","d":"10.0.0.2","p":1}`, `{"type":"dns"}`,
				`{"type":"flow","status":"NODATA"}`, `{"type":"flow","dup":true}`, `{"type":"flow"`,
			},
			[]string{
				"00:01:00-00:01:00 10.0.0.1:0>10.0.0.2:1 OTHER ?/? session unknown  rule= obs=",
				"00:01:00-00:01:00 10.0.0.1:0>10.0.0.2:1 OTHER ?/? session unknown  rule= obs=",
				"filtered unselected", "filtered nodata", "filtered duplicate", "malformed: json: input ends inside a container at offset 14",
			}},
		{"explode with tuples and parents", `
explode: {path: '$.records[*].flowRecords.flows[*].flowGroups[*].flowTuples[*]', tuple: csv}
kind: {case: [['tuple[7] == B', start], ['tuple[7] =~ "^[CE]$"', interim_delta], ['tuple[7] == D', event]]}
fields:
  event_start: {tuple: 0, time: auto}
  source_ip: {tuple: 1}
  destination_ip: {tuple: 2}
  source_port: {tuple: 3}
  destination_port: {tuple: 4}
  network_transport: {tuple: 5}
  source_bytes: {tuple: 10}
  destination_bytes: {tuple: 12}
  event_action: {case: [['tuple[7] == D', deny], ['*', allow]]}
  rule: ^rule
  observer_id: ^macAddress
`,
			[]string{
				`{"records":[{"macAddress":"m1","flowRecords":{"flows":[{"flowGroups":[{"rule":"r1","flowTuples":["1714996800000,10.0.0.1,10.0.0.2,1000,443,6,O,B,NX,0,0,0,0","1714996800000,10.0.0.1,10.0.0.2,1000,443,6,O,C,NX,1,100,2,200"]},{"rule":"r2","flowTuples":["1714996800000,10.0.0.3,10.0.0.2,1001,22,6,I,D,NX,0,0,0,0",5]}]}]}},{"macAddress":"m2","flowRecords":{"flows":[]}}]}`,
				`{"records":[]}`, `{"other":1}`, ` {"records":[1,{"flowRecords":1}]} `, `{"records":[}`,
			},
			[]string{
				"filtered start",
				"12:00:00-12:00:00 10.0.0.1:1000>10.0.0.2:443 TCP 100/200 interim_delta allow  rule=r1 obs=m1",
				"12:00:00-12:00:00 10.0.0.3:1001>10.0.0.2:22 TCP ?/? event deny  rule=r2 obs=m1",
				`malformed: element is no text: "5"`,
				"filtered unselected", "filtered unselected", "filtered unselected", "malformed: json: no value at offset 12",
			}},
		{"explode with objects", "explode: $.flows[*]\n" + head + "  observer_id: [$.obs, ^obs, ^meta.name]\n",
			[]string{`{"meta":{"name":"n"},"flows":[{"t":60,"s":"10.0.0.1","d":"10.0.0.2","p":1,"obs":"own"},{"t":60,"s":"10.0.0.1","d":"10.0.0.3","p":2}]}`},
			[]string{
				"00:01:00-00:01:00 10.0.0.1:0>10.0.0.2:1 OTHER ?/? session unknown  rule= obs=own",
				"00:01:00-00:01:00 10.0.0.1:0>10.0.0.3:2 OTHER ?/? session unknown  rule= obs=n",
			}},
		{"csv", "decode: [{csv: {cols: [t, s, d, p, rule]}}]\n" + head + "  rule: $.rule\nstate: {pair: mirror, join: null}\n",
			[]string{`60,10.0.0.1,10.0.0.2,80,"a ""b"", c"`, "60,10.0.0.1,10.0.0.2,80", `60,10.0.0.1,"10`, "60,10.0.0.1,10.0.0.2,80,-,more\n61,10.0.0.1,10.0.0.2,81"},
			[]string{
				`00:01:00-00:01:00 10.0.0.1:0>10.0.0.2:80 OTHER ?/? half unknown  rule=a "b", c obs=`,
				"00:01:00-00:01:00 10.0.0.1:0>10.0.0.2:80 OTHER ?/? half unknown  rule= obs=",
				"malformed: quote in column 2, offset 12, is not closed",
				"00:01:00-00:01:00 10.0.0.1:0>10.0.0.2:80 OTHER ?/? half unknown  rule= obs=",
				"00:01:01-00:01:01 10.0.0.1:0>10.0.0.2:81 OTHER ?/? half unknown  rule= obs=",
			}},
		{"kv", "decode: [kv]\nkind: session\n" + head + "  rule: $.rule\nswap: {bytes: false, endpoints: rule == back}\n",
			[]string{
				`<13>May 1 fw: t=60 s=10.0.0.1 d=10.0.0.2 p=80 rule="a \"b\", c=d" s=9.9.9.9`, `t=60,s=10.0.0.1,d=10.0.0.2,p=80,rule=back`,
				`t=60 s="10.0.0.1`, `no pairs here`,
			},
			[]string{
				`00:01:00-00:01:00 10.0.0.1:0>10.0.0.2:80 OTHER ?/? session unknown  rule=a "b", c=d obs=`,
				"00:01:00-00:01:00 10.0.0.2:80>10.0.0.1:0 OTHER ?/? session unknown  rule=back obs=",
				`malformed: quote of key "s", offset 7, is not closed`,
				"missing_address: source address is missing or unreadable",
			}},
		{"text", "decode: [gzip?, {text: {fields: [t, s, skip, d, p]}}]\n" + head,
			[]string{"60  10.0.0.1 x\t10.0.0.2 80", "60 10.0.0.1"},
			[]string{
				"00:01:00-00:01:00 10.0.0.1:0>10.0.0.2:80 OTHER ?/? session unknown  rule= obs=",
				"missing_address: destination address is missing or unreadable",
			}},
		{"preset with swapped bytes", "format: ocsf\nswap: {bytes: true}\nfields: {rule: $.mine, observer_id: {const: me}}\n",
			[]string{`{"class_uid":4001,"activity_id":6,"time":60000,"src_endpoint":{"ip":"10.0.0.1","port":1},"dst_endpoint":{"ip":"10.0.0.2","port":2},"traffic":{"bytes_in":1,"bytes_out":2},"mine":"r"}`},
			[]string{"16:40:00-16:40:00 10.0.0.1:1>10.0.0.2:2 OTHER 1/2 session unknown window-end rule=r obs=me"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(outlines(t, c.mapping, c.records...), c.want); d != "" {
				t.Errorf("got-want:\n%s", d)
			}
		})
	}
}

func TestMappingPeels(t *testing.T) {
	const record = `{"t":60,"s":"10.0.0.1","d":"10.0.0.2","p":1}`
	const want = "00:01:00-00:01:00 10.0.0.1:0>10.0.0.2:1 OTHER ?/? session unknown  rule= obs="
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write([]byte(record))
	w.Close()
	mapping := "decode: [gzip?, base64?, json]\nfields:\n  event_end: $.t\n  source_ip: $.s\n  destination_ip: $.d\n  destination_port: $.p\n"
	envelope, _ := json.Marshal(map[string]string{"message": record})
	for _, packed := range []string{
		record, zipped.String(), base64.StdEncoding.EncodeToString(zipped.Bytes()), base64.StdEncoding.EncodeToString([]byte(record)),
		string(envelope), "\xef\xbb\xbf" + record,
	} {
		if d := cmp.Diff(outlines(t, mapping, packed), []string{want}); d != "" {
			t.Errorf("%.60q: got-want:\n%s", packed, d)
		}
	}
}

func TestMappingFaults(t *testing.T) {
	const fields = "fields: {event_start: $.t, source_ip: $.s, destination_ip: $.d}\n"
	for _, c := range []struct {
		mapping string
		want    []string
	}{
		{"", []string{"it is empty"}},
		{"- a", []string{"line 1, column 1: a mapping"}},
		{"a: [", []string{"line"}},
		{"colour: red\n" + fields, []string{`line 1, column 1: unknown key "colour" (known: format,`}},
		{"fields:\n  source_ipp: $.s\n  source_ip: $.s\n  destination_ip: {pth: $.d}\n  event_end: $.t\n", []string{
			`line 2, column 3: unknown key "source_ipp"`, `line 4, column 20: unknown key "pth"`, `exactly one of path`,
		}},
		{"kind: halve\n" + fields, []string{`line 1, column 7: "halve" is no record_kind (known: session, start`}},
		{"select: 'a =='\n" + fields, []string{"line 1, column 9: predicate", "a value is missing after =="}},
		{"select: 'a == 1 b'\n" + fields, []string{`"b" is too much`}},
		{"select: 'a =~ \"(\"'\n" + fields, []string{"missing closing )"}},
		{"select: '(a'\n" + fields, []string{"a closing parenthesis is missing"}},
		{"select: 'a == %'\n" + fields, []string{`cannot read "%"`}},
		{"state: {join: {key: loguid}}\n" + fields, []string{"line 1, column 15: join is not supported"}},
		{"state: {pair: twice}\n" + fields, []string{`unknown pair "twice" (known: mirror)`}},
		{"decode: [cef]\n" + fields, []string{`line 1, column 10: unknown decode "cef" (known: gzip?, base64?, json, csv`}},
		{"decode: [{text: {header: true}}]\n" + fields, []string{`unknown key "header" (known: fields)`}},
		{"decode: [csv]\n" + fields, []string{"csv needs {cols: [name, ..]}"}},
		{"decode: [{csv: {cols: [t, s]}}]\n" + fields, []string{`line 2, column 60: "d" is no column (known: t, s)`}},
		{"decode: [json, kv]\n" + fields, []string{"nothing can follow"}},
		{"decode: [gzip?]\n" + fields, []string{"decode says not what the text is"}},
		{"unwrap: [event]\n" + fields, []string{`unwrap path "event" is neither`}},
		{"explode: $.a\n" + fields, []string{`explode path "$.a" is not of the form`}},
		{"explode: {path: '$.a[*]', tuple: tsv}\n" + fields, []string{`unknown tuple "tsv"`}},
		{"fields: {event_start: ^t, source_ip: 'tuple[1]', destination_ip: '$.d[*]'}\n", []string{"^ needs explode", "tuple needs explode", "only one index"}},
		{"fields: {event_start: $.t, source_ip: $.s}\n", []string{"destination_ip is missing"}},
		{"fields: {destination_ip: $.t, source_ip: $.s}\n", []string{"event_start and event_end are missing"}},
		{"kind: half\n", []string{"fields is missing"}},
		{fields + "kind: half\nkind: half\n", []string{"kind"}},
		{"fields: {event_start: {path: $.t, time: sometimes}, source_ip: $.s, destination_ip: $.d}\n", []string{`unknown time "sometimes"`}},
		{"fields: {event_start: {path: $.t, tz: Mars/Base}, source_ip: $.s, destination_ip: $.d}\n", []string{"Mars/Base"}},
		{"fields: {event_start: $.t, source_ip: {path: $.s, time: auto}, destination_ip: {path: $.d, scale: 2}}\n", []string{"time does not fit source_ip", "scale multiplies counters"}},
		{"fields: {event_start: {add: [$.t, {path: $.x, unit: h}]}, source_ip: $.s, destination_ip: {path: $.d, type: uint}}\n", []string{`unknown unit "h"`, `type "uint" does not fit destination_ip, which is ip`}},
		{"fields: {event_start: $.t, source_ip: $.s, destination_ip: $.d, event_action: {path: $.a, enum: {x: permit}}}\n", []string{`"permit" is no event_action (known: unknown, allow`}},
		{"filter: {boring: a}\n" + fields, []string{`unknown key "boring" (known: nodata`}},
		{"swap: {endpoints: 'a ='}\n" + fields, []string{"cannot read"}},
		{"fields: {event_start: &x $.t, source_ip: *x, destination_ip: $.d}\n", []string{"line 1, column 42: anchors and aliases"}},
	} {
		_, err := New(Config{Format: FormatMapping, Mapping: []byte(c.mapping)})
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q:\n got %v\nwant %s", c.mapping, err, want)
			}
		}
	}
}

func TestPredicates(t *testing.T) {
	const record = `{"a":1,"b":"x","c":["p","q",3],"d":null,"e":{"f":25238.0,"g":[]},"h.i":true,"j":"a\"b","k":"allowed"}`
	for text, want := range map[string]bool{
		"*": true, "a": true, "d": false, "zz": false, "a == 1": true, "a == 1.0": true, `a == "1"`: true, "a == 2": false,
		"a != 1": false, "zz != 1": true, "zz == null": true, "d == null": true, "a == null": false, "a != null": true, "zz == 1": false,
		"b == x": true, "b == 'x'": true, `b =~ "^[xy]$"`: true, `b !~ "^[xy]$"`: false, `zz =~ ""`: false, "c has p": true,
		"c has 3": true, "c has r": false, "c == q": true, `c =~ "^q"`: true, "c != q": false, "c[1] == q": true, "c[7]": false,
		"e.f == 25238": true, "e.g": true, "e.g has p": false, "h.i == true": true, "$.h.i": true, `j == "a\"b"`: true, `b =~ "\w"`: true,
		"not a": false, "not not a": true, "a and b": true, "a and zz": false, "zz or b": true, "zz and b or a": true,
		"zz and (b or a)": false, "not zz and a": true, "not (zz or a)": false, "k has allowed": true, `k has "allow"`: false,
	} {
		mapping := fmt.Sprintf("select: %s\nfields: {event_start: $.t, source_ip: $.s, destination_ip: $.s}\n", quoteYAML(text))
		got := outlines(t, mapping, record)[0] != "filtered unselected"
		if got != want {
			t.Errorf("%s: got %v", text, got)
		}
	}
}

func quoteYAML(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func FuzzMapping(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/*.log")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		if format := filepath.Base(filepath.Dir(path)); format != FormatECS && format != FormatOCSF {
			continue
		}
		body, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(body)) {
			f.Add([]byte(line))
		}
	}
	f.Add([]byte(`{"a":[{"b":["1,2,3"]}]}`))
	f.Add([]byte(`t=60 s=10.0.0.1 d="10.0.0.2"`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, mapping := range []string{
			"format: ecs\n", "format: ocsf\n", "decode: [kv]\nfields: {event_start: t, source_ip: s, destination_ip: d}\n",
			"decode: [base64?, {csv: {cols: [t, s, d]}}]\nfields: {event_start: t, source_ip: s, destination_ip: d}\n",
			"unwrap: [$.a, $]\nexplode: '$.a[*].b[*] as tuple: csv'\nfields: {event_start: {tuple: 0}, source_ip: ^c, destination_ip: {tuple: 1}}\n",
		} {
			var lines [2][]string
			for i := range lines {
				d := newDecoder(t, Config{Format: FormatMapping, Mapping: []byte(mapping)})
				if i == 1 { // what came before must not show
					_ = d.Decode([]byte(`{"class_uid":4001,"source":{"ip":"10.0.0.1"},"destination.ip":"10.0.0.2","a":[{"b":["1,2"]}]}`), func(*Item) {})
				}
				if err := d.Decode(raw, func(it *Item) { lines[i] = append(lines[i], itemLine(it)) }); err != nil {
					lines[i] = append(lines[i], err.Error())
				}
			}
			if d := cmp.Diff(lines[0], lines[1]); d != "" || len(lines[0]) == 0 {
				t.Fatalf("%s: fresh-used:\n%s", mapping, d)
			}
		}
	})
}

func FuzzLoadMapping(f *testing.F) {
	for _, name := range presetNames() {
		body, err := presets.ReadFile("presets/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte("fields: {event_start: {add: [a, b]}, source_ip: [{tuple: 1}], destination_ip: {case: [[a, b]]}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := New(Config{Format: FormatMapping, Mapping: text})
		if err == nil {
			_ = d.Decode([]byte(`{"a":1,"source":{"ip":"10.0.0.1"}}`), func(*Item) {})
		}
	})
}

func TestOCSFVendorSamples(t *testing.T) {
	d, flows := newDecoder(t, Config{Format: FormatOCSF}), 0
	for _, s := range readSamples(t, "sekoia/ocsf.ndjson") {
		err := d.Decode([]byte(s.Message), func(it *Item) {
			network := strings.Contains(s.Message, `"class_uid": 4001`) || strings.Contains(s.Message, `"class_uid":4001`)
			switch r := &it.Record; {
			case it.Verdict == Filtered && it.Reason != FilterUnselected, it.Verdict == Filtered && !network:
			case it.Verdict != Accepted:
				t.Errorf("%s: %s", s.Test, itemLine(it))
			case r.SourceIP.String() != s.Expected.Source.IP || r.DestinationIP.String() != s.Expected.Destination.IP:
				t.Errorf("%s: got %v > %v, want %+v", s.Test, r.SourceIP, r.DestinationIP, s.Expected)
			default:
				flows++
			}
		})
		if err != nil {
			t.Errorf("%s: %v", s.Test, err)
		}
	}
	paths, _ := filepath.Glob("../../shared/data/vendor-format-samples/ocsf/*.ocsf")
	silk, _ := filepath.Glob("../../shared/data/vendor-format-samples/ocsf/*OCSF*.json")
	for _, path := range append(paths, silk...) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(raw, func(it *Item) {
			t.Logf("%s: %s", filepath.Base(path), outline(it))
			if it.Verdict != Accepted || it.Record.End-it.Record.Start > int64(time.Hour) || it.Record.Start == 0 {
				t.Errorf("%s: %s", filepath.Base(path), itemLine(it))
			}
			flows++
		}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	t.Logf("%d flows", flows)
}
