package flow

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fuzzDecoder feeds any bytes to a decoder of the format, whose state (a header) the input may bring in its first
// record, and checks what holds for every input: verdicts with their reasons, times in order, canonical JSON that
// is JSON, and a state that restores.
func fuzzDecoder(f *testing.F, format string) {
	logs, err := filepath.Glob(filepath.Join("testdata", format, "*.log"))
	if err != nil || len(logs) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, log := range logs {
		raw, err := os.ReadFile(log)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, []byte{})
		for line := range strings.Lines(string(raw)) {
			f.Add([]byte(line), []byte{})
		}
	}
	f.Add([]byte(cloudWatch(vpcRowText)), gzipOf(f, vpcRowText))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		d := newDecoder(t, Config{Format: format, Limits: Limits{MaxInput: 1 << 16, MaxOutput: 1 << 18}})
		for _, raw := range [][]byte{first, second} {
			emitted := 0
			err := d.Decode(raw, func(it *Item) { emitted++; checkItem(t, it) })
			if err != nil && emitted > 0 {
				t.Errorf("%d items and then %v", emitted, err)
			}
			next := newDecoder(t, Config{Format: format})
			if state := d.State(); state != nil {
				if err := next.Restore(state); err != nil {
					t.Errorf("state %q does not restore: %v", state, err)
				}
				if got := string(next.State()); got != string(state) {
					t.Errorf("state %q became %q", state, got)
				}
			}
		}
	})
}

func checkItem(t *testing.T, it *Item) {
	if (it.Verdict == Accepted) != (it.Reason == "") || (it.Verdict == Rejected) != (it.Detail != "") {
		t.Errorf("verdict %d, reason %q, detail %q", it.Verdict, it.Reason, it.Detail)
	}
	if len(it.Detail) > 400 {
		t.Errorf("detail of %d bytes", len(it.Detail))
	}
	if it.Verdict != Accepted {
		return
	}
	r := &it.Record
	if r.Start > r.End || r.Kind == Start || r.Transport == ICMP && (r.SourcePort != 0 || r.DestPort != 0) {
		t.Errorf("record %s", AppendCanonicalJSON(nil, r))
	}
	if text := AppendCanonicalJSON(nil, r); !json.Valid(text) {
		t.Errorf("no JSON: %q", text)
	}
}

func FuzzZeekTSV(f *testing.F)     { fuzzDecoder(f, FormatZeekTSV) }
func FuzzZeekJSON(f *testing.F)    { fuzzDecoder(f, FormatZeekJSON) }
func FuzzVPCText(f *testing.F)     { fuzzDecoder(f, FormatVPCText) }
func FuzzSuricataEVE(f *testing.F) { fuzzDecoder(f, FormatSuricataEVE) }

// FuzzLineReader checks that a reader ends, and that lines of plain files come back as they are.
func FuzzLineReader(f *testing.F) {
	f.Add([]byte("a\nbb\r\n\nccc"), 10)
	f.Add(gzipOf(f, "a\n", "b\n"), 2)
	f.Add(zstdOf(f, "a\nb\n"), 1)
	f.Fuzz(func(t *testing.T, in []byte, maxLine int) {
		lines, err := readLines(t, in, min(max(maxLine, 3), 1000))
		if compressionOf(in) != plain || err != nil {
			return
		}
		want := strings.Split(strings.TrimSuffix(string(in), "\n"), "\n")
		if len(in) == 0 {
			want = nil
		}
		if len(lines) != len(want) {
			t.Fatalf("%d lines; want %d", len(lines), len(want))
		}
		for i, line := range lines {
			if w := strings.TrimSuffix(want[i], "\r"); line != w && !strings.Contains(line, ReasonTooLarge) {
				t.Errorf("line %d: %q; want %q", i, line, w)
			}
		}
	})
}
