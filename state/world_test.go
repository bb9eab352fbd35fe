package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"ndr/feature"
)

// event is one contribution of a flow to a host and role, the smallest thing that cuts are made of.
type event struct {
	slice  feature.Slice
	host   feature.Addr
	role   feature.Role
	peer   feature.Addr
	port   uint16
	minute int
	bytes  int64
	threat bool // makes no pair
	res    feature.TimeRes
	flow   feature.KeptFlow
}

func addr(s string) feature.Addr {
	a, err := feature.ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

var (
	worldHosts = []feature.Addr{addr("10.0.0.1"), addr("10.0.0.2"), addr("10.1.0.1"), addr("255.255.255.255"), addr("fd00::1"), addr("fd00::2")}
	worldPeers = []feature.Addr{addr("1.1.1.1"), addr("8.8.8.8"), addr("10.0.0.2"), addr("::"), addr("2001:db8::1"), addr("ff00::ff")}
)

func randomEvent(r *rand.Rand, s feature.Slice) event {
	return event{
		slice: s, host: worldHosts[r.IntN(len(worldHosts))], role: feature.Role(r.IntN(2)),
		peer: worldPeers[r.IntN(len(worldPeers))], port: uint16(r.IntN(4)) * 443, minute: r.IntN(15),
		bytes: r.Int64N(1 << 20), threat: r.IntN(10) == 0, res: feature.TimeRes(r.IntN(5)),
		flow: feature.KeptFlow{Start: int32(r.IntN(900) - 50), Duration: uint32(r.IntN(5)), Bytes: r.Int64N(3), Port: uint16(r.IntN(1 << 16))},
	}
}

// hostCounters and pairCounters are what the event adds.
func (e *event) hostCounters() (c feature.HostCounters) {
	c.Sum[feature.Sessions] = 1
	c.Sum[feature.BytesSrc] = e.bytes
	c.Minute[e.minute] = 1
	return c
}

func (e *event) pairCounters() feature.PairCounters {
	c := feature.PairCounters{Sessions: 1, BytesSrc: e.bytes, BytesDst: 1, Res: e.res}
	if e.role == feature.Outbound {
		c.Kept = []feature.KeptFlow{e.flow}
	}
	return c
}

func compareHosts(a, b feature.HostRow) int {
	if a.Slice != b.Slice {
		return int(a.Slice - b.Slice)
	}
	if c := a.Host.Compare(b.Host); c != 0 {
		return c
	}
	return int(a.Role) - int(b.Role)
}

func comparePairs(a, b feature.PairRow) int {
	if c := compareHosts(feature.HostRow{Slice: a.Slice, Host: a.Host, Role: a.Role}, feature.HostRow{Slice: b.Slice, Host: b.Host, Role: b.Role}); c != 0 {
		return c
	}
	if c := a.Peer.Compare(b.Peer); c != 0 {
		return c
	}
	return int(a.Port) - int(b.Port)
}

// sectionOf makes the section of a cut as ingest does.
func sectionOf(events, late []event, rejects []feature.Reject, kept int) feature.Section {
	var s feature.Section
	s.Hosts, s.Late = hostRows(events), hostRows(late)
	for _, e := range events {
		if e.threat {
			continue
		}
		row := feature.PairRow{Slice: e.slice, Host: e.host, Role: e.role, Peer: e.peer, Port: e.port}
		i, found := slices.BinarySearchFunc(s.Pairs, row, comparePairs)
		if !found {
			s.Pairs = slices.Insert(s.Pairs, i, row)
		}
		c := e.pairCounters()
		s.Pairs[i].Counters.Merge(&c, kept)
	}
	s.Rejects = rejects
	return s
}

func hostRows(events []event) (rows []feature.HostRow) {
	for _, e := range events {
		row := feature.HostRow{Slice: e.slice, Host: e.host, Role: e.role}
		i, found := slices.BinarySearchFunc(rows, row, compareHosts)
		if !found {
			rows = slices.Insert(rows, i, row)
		}
		c := e.hostCounters()
		rows[i].Counters.Merge(&c)
	}
	return rows
}

// recorder writes what a close hands over as lines of text.
type recorder struct{ lines []string }

func (r *recorder) add(format string, args ...any) error {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
	return nil
}

func (r *recorder) BeginHost(h feature.Addr) error { return r.add("host %s", h) }
func (r *recorder) EndHost() error                 { return r.add("end") }

func (r *recorder) BeginRole(role feature.Role, ring []feature.DeltaEntry) error {
	r.add(" role %s", role)
	for i := range ring {
		e := &ring[i]
		line := fmt.Sprintf("  delta %d %v max %d", e.Slice, e.Sum, e.MaxPerMinute)
		if e.Approximate {
			line += fmt.Sprintf(" approximate %d peers %d ports", e.Peers.Estimate(), e.Ports.Estimate())
		}
		r.add("%s", line)
	}
	return nil
}

func (r *recorder) Pair(p *feature.PairView) error {
	r.add("  pair %s %d res %d days %v", p.Peer, p.Port, p.Res, p.Days)
	for _, s := range p.Slices {
		r.add("   slice %d: %d %d %d %v", s.Slice, s.Sessions, s.BytesSrc, s.BytesDst, s.Kept)
	}
	return nil
}

func (r *recorder) Late(l *feature.LateRow) error {
	return r.add("late %s %s %d %s/%d %v %v", l.Host, l.Role, l.Slice, l.Partition, l.Cut, l.Counters.Sum, l.Counters.Minute)
}

func (r *recorder) Reject(p string, cut uint64, j *feature.Reject) error {
	return r.add("reject %s/%d %d.%d %s %s %q", p, cut, j.Position, j.Item, j.Reason, j.Detail, j.Raw)
}

func testConfig(fs vfs.FS) Config {
	return Config{Dir: "store", FS: fs, LogicVersion: "test", Kept: 3}
}

func mustOpen(t testing.TB, cfg Config) *Store {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closeAndCommit closes a slice and returns what was handed over.
func closeAndCommit(t testing.TB, s *Store, c Close) ([]string, CloseStats) {
	t.Helper()
	var r recorder
	roll, stats, err := s.CloseSlice(t.Context(), c, &r)
	if err != nil {
		t.Fatal(err)
	}
	if err := roll.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r.lines, stats
}
