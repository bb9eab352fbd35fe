package stream

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"ndr/feature"
	"ndr/flow"
)

// benchFlows are flows of a network that does not fit the processor's caches: 100,000 hosts of 20 pairs each, whose
// first pairs are used more often than their last ones.
func benchFlows(n int) []feature.Flow {
	rnd := rand.New(rand.NewPCG(1, 2))
	flows := make([]feature.Flow, n)
	for i := range flows {
		host, u := rnd.Uint64N(100_000), rnd.Float64()
		pair := mix(host*20 + uint64(u*u*20) + 1)
		f := &flows[i]
		f.Source = feature.Addr{Lo: 0xffff<<32 | 10<<24 | host}
		f.Destination = feature.Addr{Lo: 0xffff<<32 | 10<<24 | 200<<16 | pair>>20%4000}
		if pair>>60%2 == 0 {
			f.Destination.Lo = 0xffff<<32 | 93<<24 | pair>>20%(1<<24)
		}
		f.SourcePort, f.DestPort = uint16(32768+rnd.IntN(28000)), [...]uint16{443, 443, 80, 53, 445, 389, 22, 8443}[pair>>50%8]
		f.End = t0 + int64(i)*int64(10*time.Minute)/int64(n)
		f.Start = f.End - rnd.Int64N(int64(30*time.Second))
		f.TimesKnown, f.Transport, f.Action, f.Res = true, feature.TransportTCP, feature.ActionAllow, feature.ResSeconds
		f.SrcBytes, f.SrcKnown, f.DstBytes, f.DstKnown = rnd.Int64N(9000), true, rnd.Int64N(90000), true
	}
	return flows
}

// benchPartition is a partition as the command sets it up.
func benchPartition(b *testing.B) *partition {
	internal, err := feature.NewNetworks(feature.DefaultInternalNetworks())
	if err != nil {
		b.Fatal(err)
	}
	ports, err := feature.NewPortSets(feature.DefaultPortLists())
	if err != nil {
		b.Fatal(err)
	}
	p, err := newPartition(&IngestConfig{Source: "bench", Shards: 8, Kept: feature.DefaultKept, Internal: internal, Ports: ports,
		NewDecoder: func() (flow.Decoder, error) { return new(textDecoder), nil }}, "0")
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRows folds decoded flows and makes a cut of them, over and over.
func BenchmarkRows(b *testing.B) {
	const n = 400_000
	flows := benchFlows(n)
	p := benchPartition(b)
	enc, err := newCutEncoder()
	if err != nil {
		b.Fatal(err)
	}
	var fold, cut time.Duration
	var rows, size int
	b.ReportAllocs()
	for b.Loop() {
		began := cpuTime()
		for i := range flows {
			p.fold(&flows[i])
		}
		folded := cpuTime()
		p.count.Items = n // what take would have counted
		rows = p.rows.rows()
		a, err := p.freeze(enc, causeRecords)
		if err != nil {
			b.Fatal(err)
		}
		size = len(a.bytes)
		p.stored(a)
		fold, cut = fold+folded-began, cut+cpuTime()-folded
	}
	b.ReportMetric(float64(fold)/float64(b.N*n), "cpu-ns-fold/flow")
	b.ReportMetric(float64(cut)/float64(b.N*n), "cpu-ns-cut/flow")
	b.ReportMetric(float64(rows)/n, "rows/flow")
	b.ReportMetric(float64(size)/n, "cut-B/flow")
}
