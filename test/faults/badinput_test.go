package faults

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
	"ndr/stream"
)

// good is a record that is used, at a minute of the test's hour; extra replaces or adds fields.
func good(minute int, extra string) string {
	end := at(2023, 6, 2, 10).Unix() + int64(60*minute)
	if extra != "" {
		extra = "," + extra
	}
	return fmt.Sprintf(`{"event_name":"TRAFFIC","event_start":%d,"event_end":%d,"source_ip":"10.0.0.1","destination_ip":"10.0.0.2",`+
		`"source_port":1000,"destination_port":443,"network_transport":"tcp","source_bytes":10,"destination_bytes":20%s}`, end, end, extra)
}

func gzipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// limits make a bomb of a record that is cheap to test.
const limits = "version: 1\nlimits: {decompression: {max_input: 64KiB, max_record: 1MiB}}\n"

// outcome is what an input must come to.
type outcome struct {
	records, accepted, late int64
	rejects                 map[string]int64 // published, by reason
	undecodable             int64            // of them, records that could not be opened
	filtered                map[string]int64
}

// TestBadInput replays records and files that are of little use with the real program: each is counted under its
// reason in the accounts and in the summary and kept in the published rejects, the exit code is 0, and the flows
// around it are there.
func TestBadInput(t *testing.T) {
	const minute = 5
	around := func(lines ...string) string { // good flows before and after, in the order of time
		all := append([]string{good(0, "")}, lines...)
		return strings.Join(append(all, good(60, "")), "\n") + "\n"
	}
	bomb := base64.StdEncoding.EncodeToString(gzipped(t, make([]byte, 8<<20)))
	long := `{"event_name":"` + strings.Repeat("x", 100<<10) + `"}`
	tsv := "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n#types\ttime\taddr\tport\taddr\tport\tenum\n"
	broken := gzipped(t, []byte(strings.Repeat(good(minute, "")+"\n", 2000)))
	for _, c := range []struct {
		name, format, text string
		more               map[string][]byte // further files
		want               outcome
		hosts              map[string]int64 // outbound sessions by host, for some
	}{
		{name: "malformed", text: around(`{"event_name":`, `[]`, "\x00\xff\x00", good(minute, `"destination_port":70000`), good(minute, `"source_bytes":"ten"`)),
			want: outcome{records: 7, accepted: 2, rejects: map[string]int64{"malformed": 5}}},
		{name: "missing", text: around(`{"event_end":1,"source_ip":"10.0.0.1"}`, good(minute, `"destination_ip":"300.1.1.1"`), `{"source_ip":"10.0.0.1","destination_ip":"10.0.0.2","source_port":1}`,
			`{"event_end":1,"source_ip":"10.0.0.1","destination_ip":"10.0.0.2"}`),
			want: outcome{records: 6, accepted: 2, rejects: map[string]int64{"missing_address": 2, "missing_time": 1, "empty_record": 1}}},
		{name: "huge line", text: around(long), want: outcome{records: 3, accepted: 2, undecodable: 1, rejects: map[string]int64{"too_large": 1}}},
		{name: "gzip bomb", text: around(bomb), want: outcome{records: 3, accepted: 2, undecodable: 1, rejects: map[string]int64{"too_large": 1}}},
		{name: "gzip record", text: around(base64.StdEncoding.EncodeToString(gzipped(t, []byte(good(minute, ""))))), want: outcome{records: 3, accepted: 3}},
		{name: "broken gzip record", text: around(base64.StdEncoding.EncodeToString(gzipped(t, []byte(good(minute, ""))))[:80]),
			want: outcome{records: 3, accepted: 2, undecodable: 1, rejects: map[string]int64{"malformed": 1}}},
		{name: "cut gzip file", text: around(), more: map[string][]byte{"input-2.gz": broken[:len(broken)-20]},
			want: outcome{records: -1, accepted: -1, undecodable: 1, rejects: map[string]int64{"malformed": 1}}},
		{name: "gzip file that is none", text: around(), more: map[string][]byte{"input-2.gz": {0x1f, 0x8b, 0xff, 0xff, 0, 0, 0, 0}},
			want: outcome{records: 3, accepted: 2, undecodable: 1, rejects: map[string]int64{"malformed": 1}}},
		{name: "far future", text: around(good(minute, `"event_end":32503680000`)), want: outcome{records: 3, accepted: 2, rejects: map[string]int64{"future_time": 1}}},
		{name: "1970 among others is late", text: around(good(minute, `"event_start":0,"event_end":0`)), want: outcome{records: 3, accepted: 2, late: 1}},
		{name: "1970 is a time", text: good(0, `"event_start":0,"event_end":0`) + "\n", want: outcome{records: 1, accepted: 1}, hosts: map[string]int64{"10.0.0.1": 1}},
		{name: "negative bytes are unknown", text: around(good(minute, `"source_bytes":-5,"destination_bytes":-1`)), want: outcome{records: 3, accepted: 3}, hosts: map[string]int64{"10.0.0.1": 3}},
		{name: "IPv6 and ICMP", text: around(good(minute, `"source_ip":"fd00:0::1","destination_ip":"2001:db8::1"`), good(minute, `"source_ip":"::ffff:10.0.0.9"`),
			good(minute, `"source_ip":"10.0.0.7","network_transport":"icmp"`), good(minute, `"source_ip":"fd00::7%eth0","network_transport":58`)),
			want: outcome{records: 6, accepted: 6}, hosts: map[string]int64{"10.0.0.1": 2, "fd00::1": 1, "10.0.0.9": 1, "10.0.0.7": 1, "fd00::7": 1}},
		{name: "a record twice counts twice", text: around(good(minute, ""), good(minute, "")), want: outcome{records: 4, accepted: 4}, hosts: map[string]int64{"10.0.0.1": 4}},
		{name: "out of order within the lateness", text: around(good(50, ""), good(minute, "")), want: outcome{records: 4, accepted: 4}, hosts: map[string]int64{"10.0.0.1": 4}},
		{name: "out of order beyond it", text: around(good(140, ""), good(minute, "")), want: outcome{records: 4, accepted: 2, late: 2}},
		{name: "external", text: around(good(minute, `"source_ip":"8.8.8.8","destination_ip":"1.1.1.1"`)), want: outcome{records: 3, accepted: 2, filtered: map[string]int64{"external": 1}}},
		{name: "empty lines", text: around("", "  ", ""), want: outcome{records: 5, accepted: 2, filtered: map[string]int64{"unselected": 3}}},
		{name: "empty file", text: "", want: outcome{}},
		{name: "only rejects", text: "{\n{\n", want: outcome{records: 2, rejects: map[string]int64{"malformed": 2}}},
		{name: "only the future", text: good(0, `"event_start":32503680000,"event_end":32503680000`) + "\n", want: outcome{records: 1, rejects: map[string]int64{"future_time": 1}}},
		{name: "only a header", format: "zeek-tsv", text: tsv, want: outcome{records: 7, filtered: map[string]int64{"unselected": 7}}},
		{name: "rows before a header", format: "zeek-tsv", text: "1685700000.0\t10.0.0.1\t1\t10.0.0.2\t2\ttcp\n" + tsv + "1685700000.0\t10.0.0.1\t1\t10.0.0.2\t2\ttcp\n",
			want: outcome{records: 9, accepted: 1, rejects: map[string]int64{"malformed": 1}, filtered: map[string]int64{"unselected": 7}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, Setup{Format: "panos-json", Shards: 2})
			r.write(t, "input.log", c.text)
			r.write(t, "ndr.yaml", limits)
			for name, b := range c.more {
				r.write(t, name, string(b))
			}
			if c.format != "" {
				r.Format = c.format
			}
			r.input, r.extra = "input*", []string{"--config", "ndr.yaml"}
			out := r.done(t)
			checkOutcome(t, &c.want, r.result(t), out)
			checkHosts(t, r.result(t), c.hosts)
		})
	}
}

func checkOutcome(t *testing.T, want *outcome, r *Result, out string) {
	t.Helper()
	a := &r.Account
	got := outcome{records: a.Records, accepted: a.Accepted, late: a.Late, undecodable: a.Undecodable, filtered: a.Filtered}
	if want.records < 0 && a.Accepted > 100 && a.Records == a.Accepted+1 { // as many whole lines as the broken file gave
		got.records, got.accepted = want.records, want.accepted
	}
	for _, row := range r.Tables[feature.DatasetRejects] {
		reason, _, _ := strings.Cut(row, " ")
		if got.rejects == nil {
			got.rejects = make(map[string]int64)
		}
		got.rejects[reason]++
	}
	if d := cmp.Diff(got, *want, cmp.AllowUnexported(outcome{})); d != "" {
		t.Errorf("accounts and published rejects (-got +want):\n%s\n%s", d, out)
	}
	if r.Slices == 0 || len(r.Faults) > 0 || !r.Ended {
		t.Errorf("%d slices, ended %v, %v", r.Slices, r.Ended, r.Faults)
	}
	checkSummary(t, a, r, out)
}

// checkSummary looks for what the summary must tell: each outcome with its number, and an example of each reason.
func checkSummary(t *testing.T, a *stream.Counters, r *Result, out string) {
	t.Helper()
	var want []string
	add := func(what string, n int64) { want = append(want, fmt.Sprintf("%s %d", what, n)) }
	add("records", a.Records)
	add("accepted flows", a.Accepted)
	add("late flows", a.Late)
	if a.Undecodable > 0 {
		add("undecodable", a.Undecodable)
	}
	for _, reason := range slices.Sorted(maps.Keys(a.Rejected)) {
		add("rejected: "+reason, a.Rejected[reason])
	}
	for _, reason := range slices.Sorted(maps.Keys(a.Filtered)) {
		add("filtered: "+reason, a.Filtered[reason])
	}
	for _, row := range r.Tables[feature.DatasetRejects] {
		reason, _, _ := strings.Cut(row, " ")
		want = append(want, reason)
	}
	lines := make(map[string]bool)
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		lines[strings.Join(words, " ")] = true
		if len(words) > 0 {
			lines[words[0]] = true
		}
	}
	for _, w := range want {
		if !lines[w] {
			t.Errorf("the summary does not say %q:\n%s", w, out)
		}
	}
}

// checkHosts compares the outbound sessions of hosts over all of delta.
func checkHosts(t *testing.T, r *Result, want map[string]int64) {
	t.Helper()
	got := make(map[string]int64)
	for _, row := range r.Tables[feature.DatasetDelta] {
		if host, rest, _ := strings.Cut(strings.TrimPrefix(row, "host_ip="), " "); strings.HasPrefix(rest, "role=outbound ") {
			_, after, _ := strings.Cut(rest, " sessions_cnt=")
			var n int64
			if _, err := fmt.Sscan(after, &n); err != nil {
				t.Fatal(err)
			}
			got[host] += n
		}
	}
	for host, n := range want {
		if got[host] != n {
			t.Errorf("%s has %d outbound sessions, want %d", host, got[host], n)
		}
	}
}

// TestRefusedStarts starts a second run that does not fit what the root holds: it is refused with exit code 78, names
// the difference, and leaves the root as it was. The same run again says that there is nothing to do.
func TestRefusedStarts(t *testing.T) {
	r := newReplay(t, Setup{Format: "panos-json", Shards: 2})
	r.write(t, "input.log", good(0, "")+"\n")
	r.write(t, "other.log", good(1, "")+"\n")
	r.done(t)
	before := listing(t, r.root)
	for _, c := range []struct {
		name   string
		change func(r *replay)
		code   int
		says   []string
	}{
		{"the same run", func(*replay) {}, 0, []string{"Nothing to do"}},
		{"another input", func(r *replay) { r.input = "other.log" }, 78, []string{"input.log", "other.log"}},
		{"one more input", func(r *replay) { r.extra = []string{"--input", "other.log"} }, 78, []string{"other.log"}},
		{"a changed input", func(r *replay) { r.write(t, "input.log", good(2, "")+"\n") }, 78, []string{"input.log"}},
		{"other partitions", func(r *replay) { r.Partitions = 3 }, 78, []string{"partition"}},
		{"other shards", func(r *replay) { r.Shards = 4 }, 78, []string{"shards", "2", "4"}},
		{"other networks", func(r *replay) { r.extra = []string{"--internal", "10.0.0.0/16"} }, 78, []string{"internal_networks", "10.0.0.0/16"}},
		{"another event time", func(r *replay) {
			r.write(t, "ndr.yaml", "version: 1\nslices: {event_time: event_start}\n")
			r.extra = []string{"--config", "ndr.yaml"}
		}, 78, []string{"event_time", "event_start"}},
		{"another offset", func(r *replay) {
			r.write(t, "ndr.yaml", "version: 1\nslices: {offset: 8m}\n")
			r.extra = []string{"--config", "ndr.yaml"}
		}, 78, []string{"offset", "8m"}},
		{"no such input", func(r *replay) { r.input = "nothing*" }, 1, []string{"nothing"}},
		{"no such flag", func(r *replay) { r.extra = []string{"--colour"} }, 64, []string{"colour"}},
		{"no such format", func(r *replay) { r.Format = "netflow" }, 78, []string{"netflow"}},
		{"the same run once more", func(*replay) {}, 0, []string{"Nothing to do"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			again := *r
			again.write(t, "input.log", good(0, "")+"\n")
			c.change(&again)
			code, out := again.run(t)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, s := range c.says {
				if !strings.Contains(out, s) {
					t.Errorf("it does not name %q", s)
				}
			}
			if d := cmp.Diff(listing(t, r.root), before); d != "" {
				t.Errorf("the root has changed (-got +want):\n%s", d)
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// listing is every file below a folder with the digest of its bytes.
func listing(t *testing.T, root string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[path] = tagOf(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
