package bench

import (
	"testing"
	"time"

	"ndr/flow"
)

// formats are the native formats, the one of the aims first.
var formats = []string{flow.FormatPANOSJSON, flow.FormatPANOSCSV, flow.FormatZeekTSV, flow.FormatZeekJSON, flow.FormatVPCText,
	flow.FormatSuricataEVE}

// decodeInput is records for one decoder; more than the processor caches hold, so that they are read from memory.
type decodeInput struct {
	format  string
	decoder flow.Decoder
	records [][]byte
	bytes   int // of all records
}

func newDecodeInput(tb testing.TB, format string, n int) *decodeInput {
	tb.Helper()
	header, records := lines(format, n)
	in := &decodeInput{format: format, decoder: newDecoder(tb, format), records: records}
	for _, r := range records {
		in.bytes += len(r)
	}
	if len(header) > 0 {
		if err := in.decoder.Decode(header, func(*flow.Item) {}); err != nil {
			tb.Fatal(err)
		}
	}
	return in
}

func newDecoder(tb testing.TB, format string) flow.Decoder {
	tb.Helper()
	d, err := flow.New(flow.Config{Format: format, Timezone: time.UTC})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// decode decodes all records once. Every record must be a flow.
func (in *decodeInput) decode(tb testing.TB) usage {
	accepted := 0
	emit := func(it *flow.Item) {
		if it.Verdict == flow.Accepted {
			accepted++
		}
	}
	m := startMeter()
	for _, r := range in.records {
		if err := in.decoder.Decode(r, emit); err != nil {
			tb.Fatal(err)
		}
	}
	u := m.read()
	if accepted != len(in.records) {
		tb.Fatalf("%s: %d of %d records are flows", in.format, accepted, len(in.records))
	}
	return u
}

// naiveDecode decodes all records with encoding/json, as naive.go does.
func (in *decodeInput) naiveDecode(tb testing.TB) usage {
	m := startMeter()
	var f naiveFlow
	for _, r := range in.records {
		if err := f.read(r); err != nil {
			tb.Fatal(err)
		}
	}
	return m.read()
}

func BenchmarkDecode(b *testing.B) {
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			in := newDecodeInput(b, format, 50_000)
			var sum usage
			n := 0
			for b.Loop() {
				u := in.decode(b)
				sum.CPU, sum.Allocs, n = sum.CPU+u.CPU, sum.Allocs+u.Allocs, n+len(in.records)
			}
			b.ReportMetric(sum.per(n), "cpu-ns/record")
			b.ReportMetric(float64(sum.Allocs)/float64(n), "allocs/record")
			b.ReportMetric(float64(in.bytes)/float64(len(in.records)), "B/record")
		})
	}
}

// BenchmarkDecodeNaive is the reference of BenchmarkDecode/panos-json: encoding/json, time.Parse and netip.ParseAddr.
func BenchmarkDecodeNaive(b *testing.B) {
	in := newDecodeInput(b, flow.FormatPANOSJSON, 50_000)
	n := 0
	var sum usage
	for b.Loop() {
		u := in.naiveDecode(b)
		sum.CPU, sum.Allocs, n = sum.CPU+u.CPU, sum.Allocs+u.Allocs, n+len(in.records)
	}
	b.ReportMetric(sum.per(n), "cpu-ns/record")
	b.ReportMetric(float64(sum.Allocs)/float64(n), "allocs/record")
}
