package synth

import (
	"slices"
	"testing"
	"time"

	"ndr/flow"
)

// facts are what the labelled flows of one host add up to.
type facts struct {
	flows, established, peers, ports int
	bytesUp                          uint64
	first, last                      int64
	starts                           []int64 // sorted
}

func factsOf(flows []Flow, l HostLabel) (f facts) {
	peers, ports := map[flow.Addr]bool{}, map[uint16]bool{}
	for i := range flows {
		r := &flows[i].Record
		if flows[i].Label != l.Label || r.Name == flow.Threat {
			continue
		}
		if f.flows == 0 {
			f.first = r.Start
		}
		f.first, f.last = min(f.first, r.Start), max(f.last, r.End)
		f.flows++
		f.bytesUp += r.SourceBytes.N
		f.starts = append(f.starts, r.Start)
		if r.Outcome == flow.Established {
			f.established++
		}
		peers[r.DestinationIP], ports[r.DestPort] = true, true
	}
	f.peers, f.ports = len(peers), len(ports)
	slices.Sort(f.starts)
	return f
}

func TestAttacks(t *testing.T) {
	g, flows := collect(t, Config{Seed: 11, Hosts: 120, Length: 30 * time.Hour, Thin: 0.2, Attacks: []string{AttackAll}})
	_, end := g.Span()
	hosts := map[string]bool{}
	checks := map[string]func(facts) bool{
		"": func(f facts) bool { return f.flows > 1200 && f.peers > 20 && f.ports == len(auditPorts) },
		AttackBeacon: func(f facts) bool {
			return f.peers == 1 && f.flows >= 340 && f.flows <= 380 && rhythmic(f.starts, 55*time.Second, 65*time.Second)
		},
		AttackSlowBeacon: func(f facts) bool {
			return f.peers == 1 && f.flows >= 22 && rhythmic(f.starts, 810*time.Second, 990*time.Second)
		},
		AttackExfiltration: func(f facts) bool {
			at := time.Unix(0, f.first).UTC()
			return f.peers == 1 && f.bytesUp > 300e6 && f.bytesUp < 900e6 && f.last-f.first <= hour && (at.Hour() < 5 || at.Hour() == 23)
		},
		AttackLateral: func(f facts) bool {
			return f.peers > 70 && f.ports == 4 && f.established > f.flows/3 && f.established < f.flows*2/3
		},
		AttackScanHorizontal: func(f facts) bool { return f.peers > 5000 && f.ports == 1 && f.established < f.flows/20 },
		AttackScanVertical:   func(f facts) bool { return f.peers == 1 && f.ports > 5000 && f.established < f.flows/20 },
	}
	if got := len(g.Labels()); got != len(checks) {
		t.Errorf("%d labels, want %d", got, len(checks))
	}
	for _, l := range g.Labels() {
		f := factsOf(flows, l)
		if check := checks[l.Attack]; check == nil || !check(f) {
			f.starts = nil
			t.Errorf("%s of %s (%s): %+v", l.Attack, l.Host, l.About, f)
		}
		if hosts[l.Host] {
			t.Errorf("%s has two labels", l.Host)
		}
		hosts[l.Host] = true
		if f.first < l.Start.UnixNano() {
			t.Errorf("%s starts at %s, before its label says %s", l.Attack, time.Unix(0, f.first).UTC(), l.Start)
		}
		if l.Malicious() && l.Attack != AttackExfiltration && l.Start.Before(end.Add(-6*time.Hour)) {
			t.Errorf("%s starts at %s, too early", l.Attack, l.Start)
		}
	}
}

func rhythmic(starts []int64, least, most time.Duration) bool {
	for i, t := range starts[1:] {
		if d := time.Duration(t - starts[i]); d < least-time.Millisecond || d > most+time.Millisecond {
			return false
		}
	}
	return true
}

// TestPeersOfAttacksAreNew checks that nobody else talks to the peers of beacons and of the exfiltration.
func TestPeersOfAttacksAreNew(t *testing.T) {
	_, flows := collect(t, Config{Seed: 12, Hosts: 60, Length: 48 * time.Hour, Thin: 0.2, Attacks: []string{AttackAll}})
	attacked := map[flow.Addr]bool{}
	for i := range flows {
		if k := flows[i].Label.Kind; k == KindBeacon || k == KindExfiltration {
			attacked[flows[i].Record.DestinationIP] = true
		}
	}
	if len(attacked) != 3 {
		t.Errorf("%d hostile peers, want 3", len(attacked))
	}
	for i := range flows {
		r := &flows[i].Record
		if !flows[i].Label.Malicious() && (attacked[r.DestinationIP] || attacked[r.SourceIP]) {
			t.Fatalf("benign flow with a hostile peer: %s to %s", r.SourceIP, r.DestinationIP)
		}
	}
}

func TestOneAttackByName(t *testing.T) {
	for _, name := range AttackNames() {
		for _, length := range []time.Duration{time.Minute, 40 * time.Minute, 10 * time.Hour} {
			g, flows := collect(t, Config{Seed: 3, Hosts: 25, Length: length, Attacks: []string{name}})
			labels := g.Labels()
			if len(labels) != 2 || labels[1].Attack != name {
				t.Fatalf("%s: labels %+v", name, labels)
			}
			bad := 0
			for i := range flows {
				if flows[i].Label == labels[1].Label {
					bad++
				}
			}
			if least := map[bool]int{true: 10, false: 0}[length > time.Hour]; bad < least {
				t.Errorf("%s in %s: %d flows", name, length, bad)
			}
		}
	}
}
