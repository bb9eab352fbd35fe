package synth

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ndr/flow"

	"github.com/google/go-cmp/cmp"
)

// collect returns all flows of a configuration.
func collect(t testing.TB, cfg Config) (*Generator, []Flow) {
	t.Helper()
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var flows []Flow
	for {
		f, ok := g.Next()
		if !ok {
			return g, flows
		}
		flows = append(flows, f)
	}
}

func lines(flows []Flow) []string {
	var out []string
	for i := range flows {
		out = append(out, flows[i].Label.Kind+" "+flows[i].Label.Host+" "+string(flow.AppendCanonicalJSON(nil, &flows[i].Record)))
	}
	return out
}

func TestSameConfigSameFlows(t *testing.T) {
	cfg := Config{Seed: 7, Hosts: 20, Length: 12 * time.Hour, Attacks: []string{AttackAll}}
	_, first := collect(t, cfg)
	_, second := collect(t, cfg)
	if a, b := lines(first), lines(second); !slices.Equal(a, b) {
		t.Errorf("two runs differ:\n%.2000s", cmp.Diff(a, b))
	}
	cfg.Seed = 8
	if _, other := collect(t, cfg); slices.Equal(lines(first), lines(other)) {
		t.Error("another seed gives the same flows")
	}
}

func TestOrderAndSpan(t *testing.T) {
	for _, cfg := range []Config{
		{Seed: 1, Hosts: 40, Length: 26 * time.Hour, Attacks: []string{AttackAll}},
		{Seed: 2, Hosts: 1, Length: 20 * time.Hour, Attacks: []string{AttackAll}},
		{Seed: 3, Hosts: 10, Length: 90 * time.Second, Rate: 1000, Attacks: []string{AttackAll},
			Start: time.Date(2024, 2, 29, 9, 59, 59, 123456789, time.UTC)},
	} {
		g, flows := collect(t, cfg)
		from, to := g.Span()
		last := from.UnixNano()
		threats, v6, udp := 0, 0, 0
		for i := range flows {
			r := &flows[i].Record
			switch {
			case r.End < last:
				t.Fatalf("hosts %d: flow %d ends before the one ahead of it", cfg.Hosts, i)
			case r.Start > r.End, r.Start < from.UnixNano(), r.End >= to.UnixNano():
				t.Fatalf("hosts %d: flow %d from %d to %d is out of %s - %s", cfg.Hosts, i, r.Start, r.End, from, to)
			case isV6(r.SourceIP) != isV6(r.DestinationIP):
				t.Fatalf("flow %d from %s to %s", i, r.SourceIP, r.DestinationIP)
			case zoneOf(r.SourceIP) == zoneInternet && zoneOf(r.DestinationIP) == zoneInternet:
				t.Fatalf("flow %d is external: %s to %s", i, r.SourceIP, r.DestinationIP)
			}
			last = r.End
			threats += int(r.Name)
			if isV6(r.SourceIP) {
				v6++
			}
			if r.Transport == flow.UDP {
				udp++
			}
		}
		if len(flows) == 0 || cfg.Hosts != 1 && (threats == 0 || v6 == 0 || udp == 0) {
			t.Errorf("hosts %d: %d flows, %d threats, %d IPv6, %d UDP", cfg.Hosts, len(flows), threats, v6, udp)
		}
	}
}

// TestTextsStay checks that flows may be kept: their texts are never overwritten.
func TestTextsStay(t *testing.T) {
	g, err := New(Config{Hosts: 20})
	if err != nil {
		t.Fatal(err)
	}
	var kept Flow
	for range 100 {
		kept, _ = g.Next()
	}
	before := lines([]Flow{kept})
	for range 20000 {
		g.Next()
	}
	if diff := cmp.Diff(lines([]Flow{kept}), before); diff != "" {
		t.Error(diff)
	}
}

// TestRate compares the mean rate with what was asked for, and with the flows per action that routines claim.
func TestRate(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		want float64 // flows per second; 0: not tested
	}{
		{"two days", Config{Seed: 1, Hosts: 200, Length: 48 * time.Hour, Rate: 0.4}, 0.4},
		{"a week with its weekend", Config{Seed: 2, Hosts: 50, Length: 168 * time.Hour, Rate: 0.2}, 0.2},
		{"a working hour", Config{Seed: 3, Hosts: 1000, Length: time.Hour, Rate: 30,
			Start: time.Date(2026, 1, 6, 14, 0, 0, 0, time.UTC)}, 30},
		{"thinned", Config{Seed: 4, Hosts: 200, Length: 48 * time.Hour, Rate: 2, Thin: 0.25}, 0.5},
	} {
		_, flows := collect(t, tt.cfg)
		got := float64(len(flows)) / tt.cfg.Length.Seconds()
		if got < 0.93*tt.want || got > 1.07*tt.want {
			t.Errorf("%s: %.3f flows/s, want %.3f", tt.name, got, tt.want)
		}
	}
}

func TestRoutinesKeepTheirPromise(t *testing.T) {
	g, err := New(Config{Hosts: 500})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range g.routines() {
		a := g.actor(uint64(i), g.start, g.end)
		before, now := g.number, g.start+10*hour // all at work
		if r.share != nil && r.share(now) == 0 {
			now = g.start + 2*hour - 1
			if r.share(now) == 0 {
				now = g.start + 4*hour
			}
		}
		const actions = 40000
		for ; a.count < actions; a.count++ {
			r.act(a, now)
		}
		want := r.flows * actions
		// Workstations on holiday or at lunch are no fault of the constant.
		if r.share != nil {
			want *= r.share(now)
		}
		if got := float64(g.number - before); got < 0.95*want || got > 1.05*want {
			t.Errorf("routine %d: %.3f flows per action, claims %.3f", i, got/actions, want/actions)
		}
	}
}

func TestRhythm(t *testing.T) {
	_, flows := collect(t, Config{Seed: 5, Hosts: 100, Length: 7 * 24 * time.Hour, Thin: 0.1})
	var working, night, saturday int // flows of workstations
	byHour := map[string]bool{}
	for i := range flows {
		r := &flows[i].Record
		if _, ok := workstationOf(r.SourceIP); !ok {
			continue
		}
		at := time.Unix(0, r.End).UTC()
		byHour[at.Format("15")] = true
		switch {
		case at.Weekday() == time.Saturday && at.Hour() >= 10 && at.Hour() < 12:
			saturday++
		case at.Weekday() == time.Tuesday && at.Hour() >= 10 && at.Hour() < 12:
			working++
		case at.Weekday() == time.Tuesday && at.Hour() < 2:
			night++
		}
	}
	if working < 10*night || working < 8*saturday || night == 0 || len(byHour) != 24 {
		t.Errorf("flows in two hours: working %d, night %d, saturday %d; hours %d", working, night, saturday, len(byHour))
	}
}

// TestAttacksLeaveTheRestAlone checks that attacks add flows and change none.
func TestAttacksLeaveTheRestAlone(t *testing.T) {
	cfg := Config{Seed: 9, Hosts: 20, Length: 24 * time.Hour}
	_, clean := collect(t, cfg)
	cfg.Attacks = []string{AttackAll}
	_, all := collect(t, cfg)
	benign := slices.DeleteFunc(all, func(f Flow) bool { return f.Label.Malicious() })
	if len(benign) != len(clean) || len(all) == len(clean) {
		t.Fatalf("%d flows without attacks, %d benign with, %d in all", len(clean), len(benign), len(all))
	}
	for i := range clean {
		a, b := clean[i].Record, benign[i].Record
		a.SessionID, b.SessionID = nil, nil
		if x, y := flow.AppendCanonicalJSON(nil, &a), flow.AppendCanonicalJSON(nil, &b); string(x) != string(y) {
			t.Fatalf("flow %d: %s became %s", i, x, y)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	_, err := New(Config{Hosts: -1, Length: -time.Second, Rate: -1, Thin: 2, Attacks: []string{"phishing"},
		Start: time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)})
	for _, want := range []string{"hosts: -1", "length: -1s", "rate: -1", "thin: 2", `"phishing"`, "start: 1950"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %s: %v", want, err)
		}
	}
	if _, err := New(Config{}); err != nil {
		t.Errorf("zero config: %v", err)
	}
}

func TestWorkstationInverse(t *testing.T) {
	for _, i := range []int{0, 6, 7, 249, 250, 63999, 64000, 1_000_000, maxHosts - 1} {
		if got, ok := workstationOf(workstation(i)); !ok || got != i {
			t.Errorf("workstation %d at %s reads as %d, %v", i, workstation(i), got, ok)
		}
	}
	for s := range serverCount {
		for _, v6 := range []bool{false, true} {
			if i, ok := workstationOf(s.addr(v6)); ok {
				t.Errorf("server %s is workstation %d", s.addr(v6), i)
			}
		}
	}
}

func Example() {
	g, err := New(Config{Seed: 1, Hosts: 50, Length: 8 * time.Hour, Attacks: []string{AttackBeacon}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range g.Labels() {
		fmt.Println(l.Kind, l.Start.Format(time.TimeOnly))
	}
	// Output:
	// known_scanner 00:00:00
	// beacon 04:00:00
}
