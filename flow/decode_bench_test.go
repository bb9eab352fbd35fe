package flow

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// benchRows are accepted records of each format: the header that they need and the rows.
func benchRows(tb testing.TB) map[string]struct {
	header string
	rows   []string
} {
	zeek := zeekHeaderText("ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes " +
		"conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents")
	row := strings.ReplaceAll("1714978800.000001 CwFq3kZ1jLr 10.20.0.5 50122 192.0.2.80 443 tcp ssl 12.500000 1200 48000 SF T F 0 "+
		"ShADadFf 20 2260 40 50100 -", " ", "\t")
	return map[string]struct {
		header string
		rows   []string
	}{
		FormatZeekTSV:     {zeek, []string{row}},
		FormatVPCText:     {"", []string{vpcRowText}},
		FormatZeekJSON:    {"", acceptedLines(tb, FormatZeekJSON, "conn.log")[:2]},
		FormatSuricataEVE: {"", acceptedLines(tb, FormatSuricataEVE, "eve.log")[:5]},
	}
}

// acceptedLines are the lines of a log of testdata that are flows.
func acceptedLines(tb testing.TB, format, log string) (lines []string) {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", format, log))
	if err != nil {
		tb.Fatal(err)
	}
	d := newDecoder(tb, Config{Format: format})
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSuffix(line, "\n"); summary(d, []byte(line)) == "+" {
			lines = append(lines, line)
		}
	}
	return lines
}

func warmDecoder(tb testing.TB, format, header string, rows []string) (Decoder, [][]byte) {
	tb.Helper()
	d := newDecoder(tb, Config{Format: format})
	if header != "" {
		summary(d, []byte(header))
	}
	raw := make([][]byte, len(rows))
	for i, r := range rows {
		raw[i] = []byte(r)
		if got := summary(d, raw[i]); got != "+" {
			tb.Fatalf("%s: %q of %q", format, got, r)
		}
	}
	return d, raw
}

func TestDecodeAllocs(t *testing.T) {
	for format, c := range benchRows(t) {
		d, raw := warmDecoder(t, format, c.header, c.rows)
		bytes := uint64(0)
		emit := func(it *Item) { bytes += it.Record.SourceBytes.N }
		n := testing.AllocsPerRun(100, func() {
			for _, r := range raw {
				if err := d.Decode(r, emit); err != nil {
					t.Fatal(err)
				}
			}
		})
		if n != 0 || bytes == 0 {
			t.Errorf("%s: %v allocations; want 0", format, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for format, c := range benchRows(b) {
		b.Run(format, func(b *testing.B) {
			d, raw := warmDecoder(b, format, c.header, c.rows)
			size := 0
			for _, r := range raw {
				size += len(r)
			}
			sum := uint64(0)
			emit := func(it *Item) { sum += it.Record.SourceBytes.N }
			b.SetBytes(int64(size / len(raw)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := d.Decode(raw[i], emit); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(raw) {
					i = 0
				}
			}
		})
	}
}

// BenchmarkCloudWatch decodes a subscription record of 100 rows; ns/op is for all of them.
func BenchmarkCloudWatch(b *testing.B) {
	messages := make([]string, 100)
	for i := range messages {
		messages[i] = vpcRowText
	}
	d := newDecoder(b, Config{Format: FormatVPCText})
	raw := gzipOf(b, cloudWatch(messages...))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(raw, func(*Item) {}); err != nil {
			b.Fatal(err)
		}
	}
}
