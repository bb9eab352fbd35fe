package stream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"ndr/feature"
	"ndr/flow"
)

const zeekHeader = "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\torig_bytes\tresp_bytes\tconn_state\n"

// traffic makes records of a company of 500 hosts that talk to 2000 peers, in the order of time.
func traffic(format string, records int) (head []byte, out [][]byte) {
	rnd := rand.New(rand.NewPCG(11, 1))
	ports := []int{443, 80, 53, 22, 445, 3389, 8080}
	for i := range records {
		ts := at(time.Duration(i) * 10 * time.Millisecond)
		src := fmt.Sprintf("10.1.%d.%d", rnd.IntN(2), rnd.IntN(250))
		dst := fmt.Sprintf("93.184.%d.%d", rnd.IntN(8), rnd.IntN(250))
		if rnd.IntN(3) == 0 {
			dst = fmt.Sprintf("10.1.%d.%d", rnd.IntN(2), rnd.IntN(250))
		}
		sport, dport, sent, received := 1024+rnd.IntN(60000), ports[rnd.IntN(len(ports))], rnd.IntN(100000), rnd.IntN(1000000)
		switch format {
		case flow.FormatZeekTSV:
			out = append(out, fmt.Appendf(nil, "%d.%06d\tC%d\t%s\t%d\t%s\t%d\ttcp\t0.250000\t%d\t%d\tSF", ts/1e9, ts%1e9/1e3, i, src, sport, dst, dport, sent, received))
		case flow.FormatPANOSJSON:
			out = append(out, fmt.Appendf(nil, `{"event_start":"%s","event_end":"%s","source_ip":"%s","source_port":%d,"destination_ip":"%s","destination_port":%d,`+
				`"source_bytes":%d,"destination_bytes":%d,"network_transport":"tcp","event_action":"allow","event_reason":"tcp-fin","event_name":"TRAFFIC","rule":"outbound"}`,
				stamp(ts), stamp(ts+1e9), src, sport, dst, dport, sent, received))
		}
	}
	if format == flow.FormatZeekTSV {
		head = []byte(zeekHeader)
	}
	return head, out
}

// trafficPartition is a partition that decodes the format, its header read.
func trafficPartition(tb testing.TB, format string, head []byte) *partition {
	tb.Helper()
	cfg := ingestConfig(tb)
	cfg.NewDecoder = func() (flow.Decoder, error) { return flow.New(flow.Config{Format: format}) }
	p, err := newPartition(&cfg, "p")
	if err != nil {
		tb.Fatal(err)
	}
	p.start(0, NoWatermark)
	for line := range bytes.Lines(head) {
		if err := p.apply(&Record{Position: p.next, Value: bytes.TrimSuffix(line, []byte("\n"))}); err != nil {
			tb.Fatal(err)
		}
	}
	return p
}

// TestApplyAllocates nothing once the rows exist: rows and their growth are what a cut costs, records are free.
func TestApplyAllocates(t *testing.T) {
	for _, format := range []string{flow.FormatZeekTSV, flow.FormatPANOSJSON} {
		head, records := traffic(format, 4000)
		p := trafficPartition(t, format, head)
		var r Record
		pass := func() {
			for _, b := range records {
				r = Record{Position: p.next, Value: b}
				if err := p.apply(&r); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range p.cfg.Kept { // until every pair keeps all that it may
			pass()
		}
		if p.count.Accepted != int64(4000*p.cfg.Kept) {
			t.Fatalf("%s: %d accepted, %v", format, p.count.Accepted, p.count.Rejected)
		}
		if n := testing.AllocsPerRun(5, pass); n > 40 { // a growing slab now and then, not one per record
			t.Errorf("%s: %g allocations in 4000 records", format, n)
		}
	}
}

// BenchmarkApply is the per-flow path of ingest: decode and fold, with a cut's reset every 50,000 records.
func BenchmarkApply(b *testing.B) {
	for _, format := range []string{flow.FormatZeekTSV, flow.FormatPANOSJSON} {
		head, records := traffic(format, 50_000)
		b.Run(format, func(b *testing.B) {
			p := trafficPartition(b, format, head)
			b.ReportAllocs()
			i := 0
			var r Record
			for b.Loop() {
				if i == len(records) {
					p.clear()
					i = 0
				}
				r = Record{Position: p.next, Value: records[i]}
				if err := p.apply(&r); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
	_, records := traffic(flow.FormatPANOSJSON, 50_000)
	b.Run("maps-and-encoding-json", func(b *testing.B) { benchPlain(b, records) })
}

// benchPlain is what a straightforward program does: encoding/json into a struct, and Go's maps.
func benchPlain(b *testing.B, records [][]byte) {
	type plain struct {
		EventStart time.Time `json:"event_start"`
		EventEnd   time.Time `json:"event_end"`
		SourceIP   string    `json:"source_ip"`
		DestIP     string    `json:"destination_ip"`
		SourcePort uint16    `json:"source_port"`
		DestPort   uint16    `json:"destination_port"`
		SrcBytes   int64     `json:"source_bytes"`
		DstBytes   int64     `json:"destination_bytes"`
		Action     string    `json:"event_action"`
		Name       string    `json:"event_name"`
	}
	cfg := ingestConfig(b)
	rows := newPlainRows(cfg.Kept)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(records) {
			rows = newPlainRows(cfg.Kept)
			i = 0
		}
		var v plain
		if err := json.Unmarshal(records[i], &v); err != nil {
			b.Fatal(err)
		}
		i++
		src, err1 := feature.ParseAddr(v.SourceIP)
		dst, err2 := feature.ParseAddr(v.DestIP)
		if err1 != nil || err2 != nil {
			b.Fatal(err1, err2)
		}
		f := feature.Flow{Start: v.EventStart.UnixNano(), End: v.EventEnd.UnixNano(), TimesKnown: true, Source: src, Destination: dst,
			SourcePort: v.SourcePort, DestPort: v.DestPort, SrcBytes: v.SrcBytes, DstBytes: v.DstBytes, SrcKnown: true, DstKnown: true}
		s := cfg.Clock.Of(f.End)
		for _, e := range []struct {
			host, peer feature.Addr
			role       feature.Role
		}{{src, dst, feature.Outbound}, {dst, src, feature.Inbound}} {
			if !cfg.Internal.Contains(e.host) {
				continue
			}
			k := hostKey{s, e.host, e.role}
			rows.counters(k).Add(&f, cfg.Clock.Minute(f.End), cfg.Ports)
			rows.add(wholePair{k, e.peer, f.DestPort}, &f, e.role == feature.Outbound, feature.KeptOf(&f, cfg.Clock.Start(s)))
		}
	}
}

// BenchmarkCut is the cost of freezing 50,000 flows into an object.
func BenchmarkCut(b *testing.B) {
	head, records := traffic(flow.FormatZeekTSV, 50_000)
	p := trafficPartition(b, flow.FormatZeekTSV, head)
	for _, v := range records {
		if err := p.apply(&Record{Position: p.next, Value: v}); err != nil {
			b.Fatal(err)
		}
	}
	enc, err := newCutEncoder()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	bytes := 0
	for b.Loop() {
		a, err := p.freeze(enc, causeMemory)
		if err != nil {
			b.Fatal(err)
		}
		bytes = len(a.bytes)
	}
	runtime.KeepAlive(p)
	b.ReportMetric(float64(bytes), "bytes/cut")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50_000, "ns/flow")
}
