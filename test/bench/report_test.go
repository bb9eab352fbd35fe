package bench

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"ndr/flow"
)

var report = flag.Bool("report", false, "measure everything and write docs/performance.md; ten minutes and more")

// reportRounds is how often what is compared is measured in turns. The report states medians.
const reportRounds = 5

// TestReport writes docs/performance.md, when asked to.
func TestReport(t *testing.T) {
	if !*report {
		t.Skip("only with -report")
	}
	var b strings.Builder
	fmt.Fprintf(&b, reportHead, time.Now().UTC().Format(time.DateOnly), machine())
	reportDecode(t, &b)
	reportFold(t, &b)
	reportKafka(t, &b)
	reportClose(t, &b)
	b.WriteString(reportTail)
	if err := os.WriteFile("../../docs/performance.md", []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

const reportHead = `# Performance

Made by ` + "`go test ./test/bench -run TestReport -report -timeout 2h`" + ` on %s: %s,
shared with others. Processor time, the garbage collector and the kernel included; what one table compares was measured in turns in one run. Trust
the ratios, not the nanoseconds.

The flows are of a network of 100,000 hosts with 20 pairs each, of which the first are used more often than the last;
half of the peers are inside, so a flow makes 1.5 host rows and 1.5 pair rows. They come without regard to hosts, from
which the tables get no help by locality.
`

func reportDecode(tb testing.TB, w io.Writer) {
	fmt.Fprint(w, "\n## Decode\n\n| format | bytes | ns per record | allocations |\n|---|---|---|---|\n")
	const n = 100_000
	for _, format := range formats {
		in := newDecodeInput(tb, format, n)
		u := rounds(reportRounds, func() usage { return in.decode(tb) })
		fmt.Fprintf(w, "| %s | %d | %.0f | %.2f |\n", format, in.bytes/n, u[0].per(n), float64(u[0].Allocs)/n)
	}
	in := newDecodeInput(tb, flow.FormatPANOSJSON, n)
	u := rounds(reportRounds, func() usage { return in.decode(tb) }, func() usage { return in.naiveDecode(tb) })
	fmt.Fprintf(w, "| panos-json by encoding/json | %d | %.0f | %.2f |\n", in.bytes/n, u[1].per(n), float64(u[1].Allocs)/n)
	fmt.Fprintf(w, "\nencoding/json costs %.1f times as much.\n", float64(u[1].CPU)/float64(u[0].CPU))
}

func reportFold(tb testing.TB, w io.Writer) {
	fmt.Fprintf(w, "\n## Decode and fold\n\nOne partition that cuts every %d flows; the first cut, which makes the memory, is left out.\n\n"+
		"| format | ns per flow, decode + fold | ns per flow, cut | allocations per flow | bytes of cut per flow |\n|---|---|---|---|---|\n", cutRecords)
	var panos, naive time.Duration
	for _, format := range formats {
		in := newDecodeInput(tb, format, foldFlows)
		var last foldCost
		parts := rounds(reportRounds, func() usage {
			last = in.ingest(tb)
			return usage{CPU: last.fold}
		}, func() usage { return usage{CPU: last.cut} })
		if format == flow.FormatPANOSJSON {
			panos = parts[0].CPU + parts[1].CPU
			naive = rounds(1, func() usage { return in.naiveIngest(tb) })[0].CPU * warmFlows / foldFlows
		}
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.2f | %.1f |\n", format, parts[0].per(warmFlows), parts[1].per(warmFlows),
			float64(last.allocs)/foldFlows, float64(last.cutBytes)/cutRecords)
	}
	fmt.Fprintf(w, "\nencoding/json and Go maps, which make no cut and count less, cost %.1f times as much as all of the first row.\n",
		float64(naive)/float64(panos))
}

func reportKafka(tb testing.TB, w io.Writer) {
	fmt.Fprintf(w, "\n## From Kafka to cuts\n\n%d records of parsed PAN-OS JSON in %d partitions, over the loopback interface from a broker in another\n"+
		"process. The aim is at most 3 times the fetch.\n\n"+
		"| compression | fetch alone, ns per record | fetch and decode | whole ingest | ingest / fetch | ingest / (fetch and decode) | records per second, fetch | ingest | cuts | peak MB |\n"+
		"|---|---|---|---|---|---|---|---|---|---|\n", kafkaFlows, kafkaPartitions)
	var broker brokerAnswer
	startChild(tb, "broker", brokerJob{kafkaFlows}, &broker)
	for _, c := range codecs {
		cuts := 0
		var peak int64
		u := rounds(reportRounds, func() usage { return fetch(tb, &broker, c.name, kafkaFlows) },
			func() usage { return fetchDecode(tb, &broker, c.name, kafkaFlows) },
			func() (u usage) {
				forgetPeak()
				u, cuts = ingestTopic(tb, &broker, c.name, kafkaFlows)
				peak = max(peak, peakMemory())
				return u
			})
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.0f | %.2f | %.2f | %.0f | %.0f | %d | %d |\n", c.name, u[0].per(kafkaFlows), u[1].per(kafkaFlows), u[2].per(kafkaFlows),
			float64(u[2].CPU)/float64(u[0].CPU), float64(u[2].CPU)/float64(u[1].CPU), u[0].rate(kafkaFlows), u[2].rate(kafkaFlows), cuts, peak/1e6)
	}
}

func reportClose(tb testing.TB, w io.Writer) {
	fmt.Fprintf(w, "\n## Close of a slice\n\nEvery host has %d pairs and was active in about a tenth of the last 96 slices and in the closing one, in both roles.\n"+
		"All tables, FG-A in the long layout, into a folder, with the roll. Shards are closed one after the other in a process\n"+
		"of its own, the peak of whose memory is stated. The aim is 30 s for 100,000 hosts.\n\n"+
		"| hosts | shards | s | s of processor | scan and tables | publish | roll | slowest shard | peak MB | MB published | MB of state |\n"+
		"|---|---|---|---|---|---|---|---|---|---|---|\n", outboundPairs+inboundPairs)
	for _, hosts := range []int{10_000, 100_000} {
		for _, shards := range []int{1, manyShards} {
			a := runClose(tb, hosts, shards)
			fmt.Fprintf(w, "| %d | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %d | %d | %d |\n", hosts, shards, a.Wall.Seconds(), a.CPU.Seconds(),
				a.Scan.Seconds(), a.Publish.Seconds(), a.Roll.Seconds(), a.Slowest.Seconds(), a.Memory/1e6, a.Published/1e6, a.State/1e6)
		}
	}
}

const reportTail = `
## What limits it

- Decoding costs as much as the fetch, so the rest of the aim is one fetch more. The fetch is cheap here because the
  client uses its buffers again before they leave the cache, and touches none of the bytes after that.
- Folding is bound by the latency of memory: a row of the host and one of the pair, several misses each, for both ends
  of a flow. Folding flows in batches of 64, each step touching the memory of all before the next needs it, saved 15
  percent of the fold and 3 percent of the whole ingest; it is left out for the sake of the code.
- A cut costs by its rows: two fifths for sorting and copying them, a third for compression, the rest for encoding. The
  more flows between two cuts share a row, the less each costs. Memory decides how many those are, since every
  partition has rows of every host unless the producer keys its records by host.
- The close is bound by Parquet: half of it is encoding, compression and digests of the tables, a third is the scan of
  the state and the arithmetic of the pairs.

## Memory

` + "`limits.memory`" + ` (1 GiB) is a bound of what is counted, and the heap is kept within three quarters of it by the garbage
collector: a quarter is for the rows of all partitions, a quarter for fetched records, an eighth for the block caches
of the shards, which lie outside of the heap. Waiting halves take at most a sixteenth for each partition. A partition
that is being cut takes its rows once more for a moment. A close holds one host, a row group of each table and the
block cache of its shard: it does not grow with the hosts, and as many run at a time as there are processors. Without
the bound on the heap the ingest above peaks at 1.2 GB; with it the processor time is the same within the noise.
`
