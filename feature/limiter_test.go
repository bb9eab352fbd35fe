package feature

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// keptByDefinition sorts everything by hash.
func keptByDefinition(host Addr, role Role, pairs []seenPair, maxPairs, maxPorts int) map[seenPair]bool {
	byHash := slices.Clone(pairs)
	slices.SortFunc(byHash, func(a, b seenPair) int {
		return cmp.Compare(PairHash(host, role, a.peer, a.port), PairHash(host, role, b.peer, b.port))
	})
	kept, ofPeer := map[seenPair]bool{}, map[Addr]int{}
	for _, p := range byHash {
		if ofPeer[p.peer]++; ofPeer[p.peer] <= maxPorts && len(kept) < maxPairs {
			kept[p] = true
		}
	}
	return kept
}

func runLimiter(l *PairLimiter, host Addr, role Role, pairs []seenPair) (kept map[seenPair]bool, approximate bool) {
	sorted := slices.Clone(pairs)
	slices.SortFunc(sorted, func(a, b seenPair) int { return cmp.Or(a.peer.Compare(b.peer), cmp.Compare(a.port, b.port)) })
	l.Begin(host, role)
	for _, p := range sorted {
		l.First(p.peer, p.port)
	}
	approximate = l.Decide()
	kept = map[seenPair]bool{}
	for _, p := range sorted {
		if l.Keep(p.peer, p.port) {
			kept[p] = true
		}
	}
	return kept, approximate
}

func randomPairs(rnd *rand.Rand, n int) []seenPair {
	set := map[seenPair]bool{}
	for range n {
		set[seenPair{Addr{0, mapped4 | rnd.Uint64N(1+rnd.Uint64N(40))}, uint16(rnd.IntN(1 + rnd.IntN(60)))}] = true
	}
	var out []seenPair
	for p := range set {
		out = append(out, p)
	}
	return out
}

func TestPairLimiter(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 3))
	host := addrs("10.0.0.1")[0]
	over := 0
	for range 600 {
		maxPairs, maxPorts := 1+rnd.IntN(60), 1+rnd.IntN(8)
		l := NewPairLimiter(maxPairs, maxPorts)
		for _, role := range []Role{Inbound, Outbound} { // one limiter serves many
			pairs := randomPairs(rnd, rnd.IntN(100))
			ports := map[Addr]int{}
			want := len(pairs) > maxPairs
			for _, p := range pairs {
				ports[p.peer]++
				want = want || ports[p.peer] > maxPorts
			}
			kept, approximate := runLimiter(l, host, role, pairs)
			if approximate != want {
				t.Fatalf("approximate: got %t, want %t", approximate, want)
			}
			if d := gocmp.Diff(len(kept), len(keptByDefinition(host, role, pairs, maxPairs, maxPorts))); d != "" {
				t.Fatalf("number kept (-got +want):\n%s", d)
			}
			for p := range keptByDefinition(host, role, pairs, maxPairs, maxPorts) {
				if !kept[p] {
					t.Fatalf("pair %v is not kept", p)
				}
			}
			checkSketches(t, l, pairs, approximate)
			over += int(count(approximate))
		}
	}
	if over < 100 || over > 1100 {
		t.Errorf("%d of 1200 were over the limits: too one-sided", over)
	}
}

func checkSketches(t *testing.T, l *PairLimiter, pairs []seenPair, approximate bool) {
	t.Helper()
	peers, ports := l.Sketches()
	if !approximate {
		if peers != nil || ports != nil {
			t.Fatal("an exact role has sketches")
		}
		return
	}
	var wantPeers, wantPorts Sketch
	for _, p := range pairs {
		wantPeers.AddPeer(p.peer)
		if p.port != 0 {
			wantPorts.AddPort(p.port)
		}
	}
	if *peers != wantPeers || *ports != wantPorts {
		t.Fatal("the sketches are not those of all peers and all ports above 0")
	}
}

// A cut that drops what is beyond its own limits does not change what is kept of the union.
func TestPairLimiterOverCuts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 5))
	host := addrs("10.0.0.1")[0]
	for range 300 {
		l := NewPairLimiter(1+rnd.IntN(40), 1+rnd.IntN(6))
		pairs := randomPairs(rnd, 150)
		want, _ := runLimiter(l, host, Outbound, pairs)
		union := map[seenPair]bool{}
		for cut := range 3 {
			var of []seenPair
			for i, p := range pairs {
				if i%3 == cut || rnd.IntN(4) == 0 {
					of = append(of, p)
				}
			}
			kept, _ := runLimiter(l, host, Outbound, of)
			for p := range kept {
				union[p] = true
			}
		}
		var all []seenPair
		for p := range union {
			all = append(all, p)
		}
		got, _ := runLimiter(l, host, Outbound, all)
		if len(got) != len(want) {
			t.Fatalf("got %d pairs, want %d", len(got), len(want))
		}
		for p := range want {
			if !got[p] {
				t.Fatalf("pair %v was lost by a cut", p)
			}
		}
	}
}

func TestPairLimiterAtTheLimits(t *testing.T) {
	host, peer := addrs("10.0.0.1")[0], addrs("10.0.0.2")[0]
	ports := func(n int) (out []seenPair) {
		for p := range n {
			out = append(out, seenPair{peer, uint16(p)})
		}
		return out
	}
	l := NewPairLimiter(100, 5)
	if _, approximate := runLimiter(l, host, Inbound, ports(5)); approximate {
		t.Error("5 ports are over a limit of 5")
	}
	if kept, approximate := runLimiter(l, host, Inbound, ports(6)); !approximate || len(kept) != 5 {
		t.Errorf("6 ports of 5: approximate %t, %d kept", approximate, len(kept))
	}
	l = NewPairLimiter(5, 100)
	if _, approximate := runLimiter(l, host, Inbound, ports(5)); approximate {
		t.Error("5 pairs are over a limit of 5")
	}
	if kept, approximate := runLimiter(l, host, Inbound, ports(6)); !approximate || len(kept) != 5 {
		t.Errorf("6 pairs of 5: approximate %t, %d kept", approximate, len(kept))
	}
	if kept, approximate := runLimiter(l, host, Inbound, nil); approximate || len(kept) != 0 {
		t.Error("nothing is over the limits")
	}
}

func BenchmarkPairLimiterOrdinary(b *testing.B) { benchmarkLimiter(b, 20) }
func BenchmarkPairLimiterScanner(b *testing.B)  { benchmarkLimiter(b, 1_000_000) }

func benchmarkLimiter(b *testing.B, pairs int) {
	l := NewPairLimiter(DefaultMaxPairsPerHost, DefaultMaxPortsPerPeer)
	b.ReportAllocs()
	for b.Loop() {
		l.Begin(Addr{}, Outbound)
		for i := range pairs {
			l.First(Addr{0, mapped4 | uint64(i)}, 443)
		}
		l.Decide()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*pairs), "ns/pair")
}
