package stream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
	"ndr/flow"
)

// halfOf makes a half from an item as textDecoder reads it.
func halfOf(t testing.TB, text string) *half {
	t.Helper()
	var r flow.Record
	if err := parseFlow(strings.Fields("half "+text), &r); err != nil {
		t.Fatal(err)
	}
	return newHalf(&r)
}

// showFlow is a flow in one line: client > server, times, bytes, action.
func showFlow(f *feature.Flow) string {
	count := func(n int64, known bool) string {
		if !known {
			return "?"
		}
		return fmt.Sprint(n)
	}
	s := fmt.Sprintf("%s:%d > %s:%d %s..%s %s/%s", f.Source, f.SourcePort, f.Destination, f.DestPort, showTime(f.Start), showTime(f.End),
		count(f.SrcBytes, f.SrcKnown), count(f.DstBytes, f.DstKnown))
	for _, w := range []struct {
		on   bool
		word string
	}{{f.Action == feature.ActionAllow, "allow"}, {f.Action == feature.ActionDeny, "deny"}, {f.Action == feature.ActionReset, "reset"},
		{f.Action == feature.ActionAlert, "alert"}, {f.Rst, "rst"}, {f.AgedOut, "aged"}, {f.Threat, "threat"}, {!f.TimesKnown, "one-time"}} {
		if w.on {
			s += " " + w.word
		}
	}
	return s
}

func TestJoin(t *testing.T) {
	const a, b = "10.0.0.1:1000 192.0.2.7:443", "192.0.2.7:443 10.0.0.1:1000"
	for _, c := range []struct{ name, x, y, want string }{
		{"syn beats start", a + " 2m 3m src=1 flags=2", b + " 1m 2m src=2 flags=18", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..3m0s 1/2"},
		{"syn with fin", a + " 2m 3m src=1 flags=3", b + " 1m 2m src=2 flags=19", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..3m0s 1/2"},
		{"syn beats port and address", "10.0.0.1:1000 10.0.0.2:2000 1m 2m src=1", "10.0.0.2:2000 10.0.0.1:1000 1m 2m src=2 flags=2",
			"10.0.0.2:2000 > 10.0.0.1:1000 1m0s..2m0s 2/1"},
		{"both with syn and ack: the earlier start", a + " 2m 3m src=1 flags=27", b + " 1m 2m src=2 flags=27",
			"192.0.2.7:443 > 10.0.0.1:1000 1m0s..3m0s 2/1"},
		{"both with syn: the earlier start", a + " 1m 3m src=1 flags=2", b + " 2m 2m src=2 flags=2", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..3m0s 1/2"},
		{"the higher port", a + " 1m 2m src=1", b + " 1m 2m src=2", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..2m0s 1/2"},
		{"the higher port is the greater address", "10.0.0.1:80 10.0.0.2:9000 1m 2m src=1", "10.0.0.2:9000 10.0.0.1:80 1m 2m src=2",
			"10.0.0.2:9000 > 10.0.0.1:80 1m0s..2m0s 2/1"},
		{"without ports the smaller address", "10.0.0.2 10.0.0.1 1m 2m icmp src=1", "10.0.0.1 10.0.0.2 1m 2m icmp src=2",
			"10.0.0.1:0 > 10.0.0.2:0 1m0s..2m0s 2/1"},
		{"same host, two ports", "10.0.0.1:1 10.0.0.1:9 1m 2m src=1", "10.0.0.1:9 10.0.0.1:1 1m 2m src=2", "10.0.0.1:9 > 10.0.0.1:1 1m0s..2m0s 2/1"},
		{"reject and accept is no denial", a + " 1m 2m src=1 deny", b + " 1m 2m src=2 allow", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..2m0s 1/2 allow"},
		{"both rejected", a + " 1m 2m src=1 deny", b + " 1m 2m src=2 deny", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..2m0s 1/2 deny"},
		{"rejected, and the other has no verdict", a + " 1m 2m src=1", b + " 1m 2m src=2 deny", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..2m0s 1/2 deny"},
		{"one direction is unknown", a + " 1m 2m src=1", b + " 1m 2m", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..2m0s 1/?"},
		{"a reset of either side", a + " 1m 2m src=1 flags=6", b + " 1m 2m src=2 flags=18", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..2m0s 1/2 rst"},
		{"one time each", a + " 1m 2m src=1 one-time", b + " 1m 2m src=2", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..2m0s 1/2 one-time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, y := halfOf(t, c.x), halfOf(t, c.y)
			if x.key != y.key || x.forward == y.forward {
				t.Fatalf("the halves are no mirrors: %+v %+v", x, y)
			}
			f, g := join(x, y), join(y, x)
			if got := showFlow(&f); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if f != g {
				t.Errorf("the order decides: %s, %s", showFlow(&f), showFlow(&g))
			}
		})
	}
}

func TestUnpaired(t *testing.T) {
	for _, c := range []struct{ half, want string }{
		{"10.0.0.1:1000 192.0.2.7:443 1m 2m src=1 flags=2 allow", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..2m0s 1/? allow"},
		{"192.0.2.7:443 10.0.0.1:1000 1m 2m src=2 deny", "192.0.2.7:443 > 10.0.0.1:1000 1m0s..2m0s 2/? deny"},
		{"192.0.2.7:443 10.0.0.1:1000 1m 2m src=2 flags=18", "10.0.0.1:1000 > 192.0.2.7:443 1m0s..2m0s ?/2"},
		{"10.0.0.1:443 192.0.2.7:1000 1m 2m src=2 flags=19 reset", "192.0.2.7:1000 > 10.0.0.1:443 1m0s..2m0s ?/2 reset"},
		{"10.0.0.1 192.0.2.7 1m 2m icmp threat reason=aged-out", "10.0.0.1:0 > 192.0.2.7:0 1m0s..2m0s ?/? aged threat"},
		{"10.0.0.1 192.0.2.7 1m 2m src=3 reason=tcp-rst-from-server", "10.0.0.1:0 > 192.0.2.7:0 1m0s..2m0s 3/? rst"},
	} {
		f := halfOf(t, c.half).flow()
		if got := showFlow(&f); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.half, got, c.want)
		}
	}
}

func TestMatch(t *testing.T) {
	const there, back = "10.0.0.1:1 10.0.0.2:2 ", "10.0.0.2:2 10.0.0.1:1 "
	for _, c := range []struct {
		name    string
		waiting []string
		half    string
		want    int // index of the joined half, -1 for none
	}{
		{"nothing waits", nil, back + "1m 2m", -1},
		{"the same direction waits beside it", []string{there + "1m 2m"}, there + "1m 2m", -1},
		{"the longest overlap", []string{there + "1m 2m", there + "90s 3m", there + "2m 3m"}, back + "1m30s 2m30s", 1},
		{"touching is no overlap: then the earliest start", []string{there + "3m 4m", there + "1m 2m"}, back + "2m 3m", 1},
		{"equal overlap: the earliest start", []string{there + "1m10s 3m", there + "1m 3m"}, back + "2m 3m", 1},
		{"equal in all: the first to come", []string{there + "1m 3m", there + "1m 3m src=1"}, back + "2m 3m", 0},
		{"far apart all the same", []string{there + "1m 2m"}, back + "50m 60m", 0},
		{"no overlap of a moment", []string{there + "5m 5m", there + "1m 2m"}, back + "5m 5m", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			carry := newCarry()
			halves := make([]*half, len(c.waiting))
			for i, w := range c.waiting {
				halves[i] = halfOf(t, w)
				carry.wait(halves[i])
			}
			m := carry.match(halfOf(t, c.half))
			got := -1
			for i, h := range halves {
				if m == h {
					got = i
				}
			}
			if got != c.want || (m == nil) != (got < 0) {
				t.Errorf("got %d, want %d", got, c.want)
			}
			checkCarry(t, carry)
		})
	}
}

// checkCarry compares what the carry remembers with what can be counted.
func checkCarry(t *testing.T, c *carry) {
	t.Helper()
	n, bytes := 0, int64(0)
	ends, starts := int64(EndOfInput), int64(EndOfInput)
	for key, list := range c.waiting {
		for _, h := range list {
			if h.key != key || c.byEnd[h.place] != h {
				t.Fatalf("half %+v is not where it should be", h)
			}
			n++
			bytes += h.size()
			ends, starts = min(ends, h.end), min(starts, h.start)
		}
	}
	if n != len(c.byEnd) || bytes != c.bytes {
		t.Errorf("%d halves of %d bytes; the carry says %d of %d", n, bytes, len(c.byEnd), c.bytes)
	}
	for _, byStart := range []bool{false, true} {
		want := ends
		if byStart {
			want = starts
		}
		if hold, ok := c.hold(byStart); ok != (n > 0) || ok && hold != want {
			t.Errorf("hold(%v) = %d, %v, want %d", byStart, hold, ok, want)
		}
		if got := c.holdAfter(NoWatermark, byStart); got != want {
			t.Errorf("holdAfter(%v) = %d, want %d", byStart, got, want)
		}
	}
}

// TestCarryModel puts and takes at random and compares with a plain list.
func TestCarryModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	c := newCarry()
	var model []*half
	for range 600 {
		switch {
		case len(model) > 0 && rnd.IntN(3) == 0:
			got := c.pop()
			least := 0
			for i, h := range model {
				if h.end < model[least].end {
					least = i
				}
			}
			if got != model[least] {
				t.Fatalf("popped %+v, want %+v", got, model[least])
			}
			model = append(model[:least], model[least+1:]...)
		default:
			h := halfOf(t, fmt.Sprintf("10.0.0.%d:1 10.0.0.%d:1 %dm %dm", rnd.IntN(3), rnd.IntN(3), rnd.IntN(20), 20+rnd.IntN(20)))
			if m := c.match(h); m != nil {
				for i, w := range model {
					if w == m {
						model = append(model[:i], model[i+1:]...)
						break
					}
				}
				break
			}
			c.wait(h)
			model = append(model, h)
		}
		checkCarry(t, c)
		if len(c.byEnd) != len(model) {
			t.Fatalf("%d halves, want %d", len(c.byEnd), len(model))
		}
	}
}

// TestPairsInAnyOrder: as long as every half finds its mirror, the rows do not depend on how conversations and sides
// arrive among each other. The windows of one conversation come in their order: a half joins whatever mirror waits.
func TestPairsInAnyOrder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	const conversations, windows = 6, 10
	items := make([][]string, conversations)
	for i := range conversations * windows {
		c, w := i%conversations, i/conversations
		from := time.Duration(w)*time.Minute + time.Duration(rnd.IntN(20))*time.Second
		to := time.Duration(w)*time.Minute + time.Duration(30+rnd.IntN(30))*time.Second
		ends := [2]string{fmt.Sprintf("10.0.0.1:%d", 1000+c), "10.0.0.2:53"}
		for side := range ends {
			items[c] = append(items[c], fmt.Sprintf("half %s %s %s %s udp src=%d", ends[side], ends[1-side], from, to, rnd.IntN(5000)))
		}
	}
	want := ""
	for range 20 {
		s := &script{t: t, cfg: ingestConfig(t), begin: [2]int64{0, NoWatermark}}
		s.cfg.PairTimeout, s.cfg.AllowedLateness = time.Hour, time.Hour
		p := s.fresh()
		s.owners = map[string]*partition{"": p}
		for i, text := range interleaved(rnd, items) {
			if err := p.apply(&Record{Position: int64(i), Value: []byte(text)}); err != nil {
				t.Fatal(err)
			}
		}
		if p.count.Absorbed != conversations*windows || len(p.carry.byEnd) != 0 {
			t.Fatalf("%d joined, %d wait", p.count.Absorbed, len(p.carry.byEnd))
		}
		if want == "" {
			want = s.rows()
		}
		if d := cmp.Diff(s.rows(), want); d != "" {
			t.Fatalf("-got +want:\n%s", d)
		}
	}
}

// interleaved mixes the lists; each keeps its order but for its pairs of neighbours, which may change places.
func interleaved(rnd *rand.Rand, lists [][]string) (out []string) {
	next := make([]int, len(lists))
	for left := len(lists); left > 0; {
		i := rnd.IntN(len(lists))
		at := next[i]
		if at == len(lists[i]) {
			continue
		}
		pair := lists[i][at&^1 : at&^1+2]
		if at&1 == 0 && rnd.IntN(2) == 0 {
			pair[0], pair[1] = pair[1], pair[0]
		}
		out = append(out, pair[at&1])
		if next[i]++; next[i] == len(lists[i]) {
			left--
		}
	}
	return out
}

func randomHalf(rnd *rand.Rand) half {
	addr := func() feature.Addr {
		if rnd.IntN(2) == 0 {
			return feature.Addr{Lo: 0xffff<<32 | uint64(rnd.Uint32())}
		}
		return feature.Addr{Hi: rnd.Uint64(), Lo: rnd.Uint64()}
	}
	text := strings.Repeat("x", rnd.IntN(3)*rnd.IntN(40))
	h := half{
		key: halfKey{observer: text, session: text + "s", proto: uint8(rnd.Uint32()), a: addr(), b: addr(), aPort: uint16(rnd.Uint32()),
			bPort: uint16(rnd.Uint32())},
		forward: rnd.IntN(2) == 0, start: rnd.Int64() - rnd.Int64(), known: rnd.IntN(2) == 0, bytes: rnd.Int64(), counted: rnd.IntN(2) == 0,
		flags: uint16(rnd.Uint32()), action: flow.Action(rnd.IntN(5)), rst: rnd.IntN(2) == 0, aged: rnd.IntN(2) == 0, threat: rnd.IntN(2) == 0,
		res: feature.TimeRes(rnd.IntN(5)), trans: flow.Transport(rnd.IntN(4)),
	}
	h.end = h.start + rnd.Int64N(1<<50)
	return h
}

func TestCarryCodec(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 1))
	for n := range 50 {
		halves := make([]half, n)
		for i := range halves {
			halves[i] = randomHalf(rnd)
		}
		b := appendCarry(nil, halves)
		got, err := parseCarry(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(got, halves, cmp.AllowUnexported(half{}, halfKey{}), equateEmpty); d != "" {
			t.Fatalf("-got +want:\n%s", d)
		}
		for cut := range b {
			if cut == 0 {
				continue
			}
			if _, err := parseCarry(b[:cut]); err == nil {
				t.Fatalf("%d of %d bytes were taken for a carry", cut, len(b))
			}
		}
	}
}

func FuzzParseCarry(f *testing.F) {
	rnd := rand.New(rand.NewPCG(7, 2))
	f.Add(appendCarry(nil, []half{randomHalf(rnd), randomHalf(rnd)}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		halves, err := parseCarry(b)
		if err != nil {
			return
		}
		if len(halves)*20 > len(b) {
			t.Fatalf("%d halves from %d bytes", len(halves), len(b))
		}
		again, err := parseCarry(appendCarry(nil, halves))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(again, halves, cmp.AllowUnexported(half{}, halfKey{}), equateEmpty); d != "" {
			t.Fatalf("-again +first:\n%s", d)
		}
	})
}
