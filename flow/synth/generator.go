package synth

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Generator hands out the flows of a company one by one. It keeps only the flows that have begun and not yet ended:
// with the natural mix those of about half a minute, at 150 bytes each.
type Generator struct {
	cfg        Config
	start, end int64
	hosts      []HostLabel
	labels     []Label // of events; the first is benign
	actors     []*actor
	clock      int64 // no flow will begin before
	pending    pending
	number     uint64 // of the last flow
	text       arena
}

// actor makes flows of one sort. It has its own random numbers, so that leaving out one attack changes no other
// flow.
type actor struct {
	g     *Generator
	rng   *rand.Rand
	zipf  *rand.Zipf
	label uint8
	next  int64 // when it acts again
	until int64 // from when on it acts no more
	count int   // how often it has acted
	gap   func(*actor) int64
	act   func(a *actor, now int64)
}

// never is later than every time.
const never = math.MaxInt64

// New makes a generator. It fails if Config.Validate does.
func New(cfg Config) (*Generator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("make synthetic flows: %w", err)
	}
	cfg = cfg.withDefaults()
	start := cfg.Start.UnixMilli() * millisecond
	g := &Generator{cfg: cfg, start: start, end: start + int64(cfg.Length), clock: start,
		labels: []Label{{Kind: KindBenign}}}
	routines := g.routines()
	scale := g.scale(routines)
	for i, r := range routines {
		a := g.actor(uint64(i), g.start, g.end)
		a.gap, a.act = r.gap(scale), r.act
		if r.label != nil {
			a.label = g.label(*r.label)
		}
		a.next += a.gap(a)
	}
	for i, at := range g.attacks() {
		a := g.actor(1000+uint64(i), at.from, at.until)
		a.gap, a.act = at.gap, at.act
		a.label = g.label(at.HostLabel)
	}
	return g, nil
}

func (g *Generator) actor(stream uint64, from, until int64) *actor {
	rng := rand.New(rand.NewPCG(g.cfg.Seed, mix(stream)))
	a := &actor{g: g, rng: rng, zipf: rand.NewZipf(rng, 1.1, 4, popularPeers-1), next: from, until: min(until, g.end)}
	g.actors = append(g.actors, a)
	return a
}

func (g *Generator) label(l HostLabel) uint8 {
	g.hosts = append(g.hosts, l)
	g.labels = append(g.labels, l.Label)
	return uint8(len(g.labels) - 1)
}

// Labels lists the hosts whose flows have a label other than benign.
func (g *Generator) Labels() []HostLabel { return g.hosts }

// Span returns the times between which flows begin and end.
func (g *Generator) Span() (from, to time.Time) {
	return time.Unix(0, g.start).UTC(), time.Unix(0, g.end).UTC()
}

// Next returns the next flow in the order of their ends, or false when the time is over: a flow that would end
// later has not been logged yet.
func (g *Generator) Next() (Flow, bool) {
	for len(g.pending.keys) == 0 || g.pending.keys[0].end > g.clock {
		if g.clock >= g.end {
			return Flow{}, false
		}
		g.step()
	}
	if g.pending.keys[0].end >= g.end {
		return Flow{}, false
	}
	return g.flow(g.pending.pop()), true
}

// step lets the actor act whose turn it is and moves the clock to the next turn of anyone.
func (g *Generator) step() {
	now, soonest := int64(never), g.actors[0]
	for _, a := range g.actors {
		if a.next < now {
			now, soonest = a.next, a
		}
	}
	g.clock = now
	if now >= g.end {
		return
	}
	soonest.act(soonest, now)
	soonest.count++
	soonest.next += max(soonest.gap(soonest), 1)
	if soonest.next >= soonest.until {
		soonest.next = never
	}
}
