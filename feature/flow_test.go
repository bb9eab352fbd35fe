package feature

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAddFlow(t *testing.T) {
	ports, err := NewPortSets(DefaultPortLists())
	if err != nil {
		t.Fatal(err)
	}
	const second = int64(time.Second)
	for _, c := range []struct {
		name string
		flow Flow
		want map[Sum]int64
	}{
		{"empty", Flow{}, map[Sum]int64{Traffic: 1}},
		{"short", Flow{Start: -second, End: 0, TimesKnown: true}, map[Sum]int64{Traffic: 1, ShortSession: 1, DurationMillis: 1000}},
		{"a nanosecond too long", Flow{Start: -second, End: 1, TimesKnown: true}, map[Sum]int64{Traffic: 1, DurationMillis: 1000}},
		{"one time", Flow{Start: 5, End: 5}, map[Sum]int64{Traffic: 1}},
		{"threat", Flow{Start: 5, End: 5, TimesKnown: true, Threat: true, Action: ActionAlert}, map[Sum]int64{Threat: 1, Alert: 1}},
		{"duration is cut", Flow{Start: 1, End: 4*second + 1_999_999, TimesKnown: true}, map[Sum]int64{Traffic: 1, DurationMillis: 4001}},
		{"no reply", Flow{SrcBytes: 60, SrcKnown: true, DstKnown: true, Transport: TransportTCP, Action: ActionAllow},
			map[Sum]int64{Traffic: 1, BytesSrc: 60, ZeroReply: 1, TCP: 1, Allow: 1}},
		{"reply unknown", Flow{SrcBytes: 60, SrcKnown: true}, map[Sum]int64{Traffic: 1, BytesSrc: 60}},
		{"denied", Flow{Action: ActionDeny, Transport: TransportUDP, DestPort: 53}, map[Sum]int64{Traffic: 1, Deny: 1, UDP: 1}},
		{"reset", Flow{Action: ActionReset, Transport: TransportICMP, Rst: true}, map[Sum]int64{Traffic: 1, Deny: 1, ICMP: 1, Rst: 1}},
		{"several sets", Flow{DestPort: 445, AgedOut: true, DstKnown: true, DstBytes: 1 << 60},
			map[Sum]int64{Traffic: 1, HighRiskPort: 1, FilesharePort: 1, AgedOut: 1, BytesDst: 1 << 60}},
		{"admin", Flow{DestPort: 22}, map[Sum]int64{Traffic: 1, AdminPort: 1}},
		{"directory", Flow{DestPort: 389}, map[Sum]int64{Traffic: 1, DirectoryPort: 1}},
		{"database", Flow{DestPort: 1433, SourcePort: 22}, map[Sum]int64{Traffic: 1, DBPort: 1, HighRiskPort: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got, want HostCounters
			want.Sum[Sessions], want.Minute[14] = 1, 1
			for s, n := range c.want {
				want.Sum[s] = n
			}
			got.Add(&c.flow, 14, ports)
			if d := cmp.Diff(got, want); d != "" {
				t.Errorf("-got +want:\n%s", d)
			}
		})
	}
}

// TestLongestFlow: from 1677 to 2026 are more nanoseconds than an int64 holds.
func TestLongestFlow(t *testing.T) {
	ports, err := NewPortSets(DefaultPortLists())
	if err != nil {
		t.Fatal(err)
	}
	f := Flow{Start: math.MinInt64 + 1, End: 1_767_225_600 * int64(time.Second), TimesKnown: true}
	var c HostCounters
	c.Add(&f, 0, ports)
	if got, want := c.Sum[DurationMillis], int64(9_223_372_036_854+1_767_225_600_000); got != want || c.Sum[ShortSession] != 0 {
		t.Errorf("duration %d ms, want %d; short %d", got, want, c.Sum[ShortSession])
	}
	late := 1_800_000_000 * int64(time.Second)
	if k := KeptOf(&Flow{Start: math.MinInt64 + 1, End: late}, late); k.Start != math.MinInt32 {
		t.Errorf("kept %+v", k)
	}
}

func TestKeptOf(t *testing.T) {
	const second = int64(time.Second)
	start := 1_000_000 * second
	for _, c := range []struct {
		flow Flow
		want KeptFlow
	}{
		{Flow{Start: start, End: start + 2*second - 1, SrcBytes: 7, SourcePort: 9}, KeptFlow{0, 1, 7, 9}},
		{Flow{Start: start - 1, End: start}, KeptFlow{Start: -1}},
		{Flow{Start: start - 2*second, End: start}, KeptFlow{Start: -2, Duration: 2}},
		{Flow{Start: start + 899*second + 1, End: start + 899*second + 1}, KeptFlow{Start: 899}},
		{Flow{Start: start - 9_000_000_000*second, End: start}, KeptFlow{Start: math.MinInt32, Duration: math.MaxUint32}},
		{Flow{Start: math.MinInt64 + 1, End: start}, KeptFlow{Start: math.MinInt32, Duration: math.MaxUint32}},
	} {
		if d := cmp.Diff(KeptOf(&c.flow, start), c.want); d != "" {
			t.Errorf("-got +want:\n%s", d)
		}
	}
}

func BenchmarkAddFlow(b *testing.B) {
	ports, err := NewPortSets(DefaultPortLists())
	if err != nil {
		b.Fatal(err)
	}
	var c HostCounters
	f := Flow{End: 1 << 31, TimesKnown: true, SrcBytes: 9, DstBytes: 9, Transport: TransportTCP, Action: ActionAllow}
	b.ReportAllocs()
	for b.Loop() {
		f.DestPort++
		c.Add(&f, 3, ports)
	}
}
