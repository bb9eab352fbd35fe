package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ndr/feature"
	"ndr/sinks"
	"ndr/state"
)

const (
	outboundPairs = 15 // of a host
	inboundPairs  = 5
	// historyStep: a host may have flows in every fourth of the 96 slices before the one that closes, and has them in
	// four of ten of those.
	historyStep = 4
	// closingPairs of a host have flows in the slice that closes, in which every host is active.
	closingPairs = 8
	manyShards   = 8
)

// closingSlice is in the middle of a day, so that lookback30d is not due.
var closingSlice = feature.Clock{}.Of(trafficFrom.UnixNano())

// closeJob asks for the stores of all shards to be built in a folder, or for their slice to be closed, one after the
// other.
type closeJob struct {
	Dir           string
	Hosts, Shards int
}

// closeAnswer is what the closes of all shards came to.
type closeAnswer struct {
	CPU, Scan, Publish, Roll time.Duration // Scan makes the tables too
	Wall, Slowest            time.Duration // of all shards; of one
	Memory                   int64         // peak of the process
	State, Published         int64         // bytes on the disk
	Pairs, Roles             int
}

func shardDir(dir string, shard int) string { return filepath.Join(dir, "shard-"+strconv.Itoa(shard)) }

func openShard(dir string, shard int) (*state.Store, error) {
	return state.Open(state.Config{Dir: shardDir(dir, shard), Logger: slog.New(slog.DiscardHandler), Shard: shard})
}

// buildShards is the child that makes the state: a day of history, and the slice that is about to close.
func buildShards(argument string, out io.Writer) error {
	var job closeJob
	if err := json.Unmarshal([]byte(argument), &job); err != nil {
		return err
	}
	for shard := range job.Shards {
		if err := buildShard(&job, shard); err != nil {
			return err
		}
	}
	return answer(out, struct{}{})
}

func buildShard(job *closeJob, shard int) (err error) {
	s, err := openShard(job.Dir, shard)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, s.Close()) }()
	n := uint64(0)
	for slice := closingSlice - feature.RingSlices + historyStep; slice <= closingSlice; slice += historyStep {
		n++
		f := &state.Fold{Partition: "0", N: n, Watermark: feature.Clock{}.End(slice), Section: closeSection(job, shard, slice)}
		if _, err := s.Fold(f); err != nil {
			return err
		}
		if slice == closingSlice {
			break
		}
		roll, _, err := s.CloseSlice(context.Background(), state.Close{Slice: slice, Through: map[string]uint64{"0": n}}, nil)
		if err != nil {
			return err
		}
		if err := roll.Commit(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// closeSection is what the hosts of a shard did in a slice.
func closeSection(job *closeJob, shard int, slice feature.Slice) (c feature.Section) {
	for h := range job.Hosts {
		host := feature.Addr{Lo: mapped4 | 10<<24 | uint64(h)}
		if feature.ShardOf(host, job.Shards) != shard {
			continue
		}
		chance := mix(uint64(h)<<20 ^ uint64(slice))
		pairs := closingPairs
		if slice != closingSlice {
			if pairs = 4; chance%10 >= 4 {
				continue
			}
		}
		for role, known := range [...]int{feature.Inbound: inboundPairs, feature.Outbound: outboundPairs} {
			active := max(1, pairs*known/(inboundPairs+outboundPairs))
			row := feature.HostRow{Slice: slice, Host: host, Role: feature.Role(role)}
			first := len(c.Pairs)
			for i := range active {
				p := closePair(h, role, (int(chance>>8&0xffff)+i*known/active)%known)
				p.Slice, p.Host, p.Role = slice, host, feature.Role(role)
				row.Counters.Sum[feature.Sessions] += p.Counters.Sessions
				row.Counters.Sum[feature.BytesSrc] += p.Counters.BytesSrc
				row.Counters.Sum[feature.BytesDst] += p.Counters.BytesDst
				c.Pairs = append(c.Pairs, p)
			}
			slices.SortFunc(c.Pairs[first:], func(a, b feature.PairRow) int {
				return cmp.Or(a.Peer.Compare(b.Peer), cmp.Compare(a.Port, b.Port))
			})
			n := row.Counters.Sum[feature.Sessions]
			row.Counters.Sum[feature.Allow], row.Counters.Sum[feature.TCP], row.Counters.Sum[feature.Traffic] = n, n, n
			row.Counters.Sum[feature.DurationMillis] = n * 1700
			row.Counters.Minute[chance>>40%feature.MinutesPerSlice] = n
			c.Hosts = append(c.Hosts, row)
		}
	}
	return c
}

// closePair is the i-th pair of a host and role.
func closePair(host, role, i int) feature.PairRow {
	m := mix(uint64(host)<<8 ^ uint64(role)<<7 ^ uint64(i))
	p := feature.PairRow{Port: trafficPorts[m>>50%uint64(len(trafficPorts))]}
	p.Peer = feature.Addr{Lo: mapped4 | 10<<24 | 200<<16 | m%servers}
	if i%2 == 0 {
		p.Peer = feature.Addr{Lo: mapped4 | 93<<24 | m%(1<<24)}
	}
	p.Peer.Lo = p.Peer.Lo&^31 | uint64(i) // the pairs of a host differ
	p.Counters = feature.PairCounters{Sessions: int64(1 + m>>20%3), BytesSrc: int64(m >> 24 % 9000), BytesDst: int64(m >> 30 % 90000), Res: feature.ResSeconds}
	if feature.Role(role) == feature.Outbound {
		for k := range p.Counters.Sessions {
			p.Counters.Kept = append(p.Counters.Kept, feature.KeptFlow{Start: int32(m>>36%200 + uint64(k)*200), Duration: 3, Bytes: 900, Port: uint16(m >> 44)})
		}
	}
	return p
}

// closeShards is the child that closes: what the command does at the close of a slice, into a folder.
func closeShards(argument string, out io.Writer) error {
	var job closeJob
	if err := json.Unmarshal([]byte(argument), &job); err != nil {
		return err
	}
	folder := filepath.Join(job.Dir, "published")
	publisher, err := newPublisher(&job, folder)
	if err != nil {
		return err
	}
	var a closeAnswer
	began, cpu := time.Now(), cpuTime()
	for shard := range job.Shards {
		start := time.Now()
		if err := closeShard(&job, shard, publisher, &a); err != nil {
			return err
		}
		a.Slowest = max(a.Slowest, time.Since(start))
	}
	a.CPU, a.Wall, a.Memory = cpuTime()-cpu, time.Since(began), peakMemory()
	if a.Published, err = folderBytes(folder); err != nil {
		return err
	}
	for shard := range job.Shards {
		n, err := folderBytes(shardDir(job.Dir, shard))
		if err != nil {
			return err
		}
		a.State += n
	}
	return answer(out, a)
}

func newPublisher(job *closeJob, folder string) (*sinks.Publisher, error) {
	layout, err := feature.NewLayout("ndr", "v1", nil)
	if err != nil {
		return nil, err
	}
	segments, err := feature.NewSegments(nil, 24, 64)
	if err != nil {
		return nil, err
	}
	store, err := sinks.OpenStore(context.Background(), "file://"+folder, sinks.Config{})
	if err != nil {
		return nil, err
	}
	return sinks.NewPublisher(sinks.PublisherConfig{
		Layout: layout, Shards: job.Shards, Long: true, FGC: feature.DefaultFGCConfig(), BaselineDir: job.Dir, TempDir: job.Dir,
		LogicVersion: feature.LogicVersion, Writer: "bench", Now: time.Now,
		Close: feature.CloseConfig{Segments: segments, HighRisk: feature.NewHighRisk(segments, nil, nil), Calendar: feature.DefaultCalendar(),
			RarePeer: 1, RarePort: 1, FeatureSpecVersion: "v1", Source: sourceName, PairContextWindows: []string{"w_15m"}},
	}, store, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}

// closeShard closes the slice of one shard, in the order of the protocol: tables, objects, manifest, roll.
func closeShard(job *closeJob, shard int, publisher *sinks.Publisher, a *closeAnswer) (err error) {
	ctx := context.Background()
	s, err := openShard(job.Dir, shard)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, s.Close()) }()
	began := time.Now()
	first := feature.Clock{}.Start(closingSlice - 3000)
	pub, err := publisher.Begin(ctx, closingSlice, shard, first, "")
	if err != nil {
		return err
	}
	defer pub.Discard()
	through := map[string]uint64{"0": s.Last("0")}
	roll, stats, err := s.CloseSlice(ctx, state.Close{Slice: closingSlice, Through: through}, pub)
	if err != nil {
		return err
	}
	if err := pub.Finish(&feature.CloseAccount{CloseConfig: "bench"}); err != nil {
		return err
	}
	scanned := time.Now()
	if err := pub.Commit(ctx); err != nil {
		return err
	}
	stored := time.Now()
	if err := roll.Commit(ctx); err != nil {
		return err
	}
	a.Scan, a.Publish, a.Roll = a.Scan+scanned.Sub(began), a.Publish+stored.Sub(scanned), a.Roll+time.Since(stored)
	a.Pairs, a.Roles = a.Pairs+stats.Pairs, a.Roles+stats.Roles
	return nil
}

// folderBytes is the size of all files below a folder.
func folderBytes(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// runClose builds the state of the hosts and closes a slice of it.
func runClose(tb testing.TB, hosts, shards int) (a closeAnswer) {
	tb.Helper()
	dir, err := os.MkdirTemp("", "ndr-bench-")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	}()
	job := closeJob{dir, hosts, shards}
	startChild(tb, "build", job, &struct{}{})
	startChild(tb, "close", job, &a)
	if want := hosts * (outboundPairs + inboundPairs); a.Pairs > want || a.Pairs < want*3/4 || a.Roles != 2*hosts {
		tb.Fatalf("%d pairs and %d roles, want about %d and %d", a.Pairs, a.Roles, want, 2*hosts)
	}
	return a
}

// BenchmarkCloseShards closes one slice of a day's state, shard after shard, as the command does. It builds the state
// anew for every operation: -benchtime 1x.
func BenchmarkCloseShards(b *testing.B) {
	for _, hosts := range []int{10_000, 100_000} {
		for _, shards := range []int{1, manyShards} {
			b.Run(fmt.Sprintf("hosts=%d/shards=%d", hosts, shards), func(b *testing.B) {
				var a closeAnswer
				for range b.N {
					a = runClose(b, hosts, shards)
				}
				b.ReportMetric(a.Wall.Seconds(), "s")
				b.ReportMetric(a.CPU.Seconds(), "cpu-s")
				b.ReportMetric(a.Slowest.Seconds(), "s-slowest-shard")
				b.ReportMetric(a.Scan.Seconds(), "s-scan")
				b.ReportMetric(a.Publish.Seconds(), "s-publish")
				b.ReportMetric(a.Roll.Seconds(), "s-roll")
				b.ReportMetric(float64(a.Memory)/1e6, "MB-peak")
				b.ReportMetric(float64(a.Published)/1e6, "MB-published")
				b.ReportMetric(float64(a.State)/1e6, "MB-state")
			})
		}
	}
}
