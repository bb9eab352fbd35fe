package synth

import "math"

// routine is a sort of benign traffic: something that the whole company does at a rate.
type routine struct {
	rate    float64             // actions per second
	flows   float64             // mean flows of an action that takes place; TestRate compares
	share   func(int64) float64 // the share of actions that take place at a time; nil: all
	regular bool                // in even steps, not at random
	label   *HostLabel
	act     func(a *actor, now int64)
}

// routines lists the traffic of the company by size.
func (g *Generator) routines() []routine {
	n := float64(g.cfg.Hosts)
	devices := float64(g.devices())
	known := &HostLabel{Label: Label{KindKnownScanner, scanner.addr(false).String()}, Start: g.at(g.start),
		About: "the company's own vulnerability scanner, every night from 03:00 to 05:00"}
	return []routine{
		{rate: n / 30, flows: 3.08, share: g.meanOf(presence), act: (*actor).office},
		{rate: n / 300, flows: 1.6, share: g.meanOf(powered), act: (*actor).machine},
		{rate: n / 1024, flows: 1, share: g.meanOf(powered), regular: true, act: (*actor).setClock},
		{rate: 0.05 + n/400, flows: 1.15, share: busyness, act: (*actor).serve},
		{rate: 0.05 + n/500, flows: 1, share: busyness, act: (*actor).customer},
		{rate: 0.02 + n/5000, flows: 1, act: (*actor).noise},
		{rate: devices / 300, flows: 1, regular: true, act: (*actor).watch},
		{rate: 1. / 300, flows: 1, share: within(1*hour, 3*hour), regular: true, act: (*actor).backUp},
		{rate: 1, flows: 1, share: within(3*hour, 5*hour), regular: true, act: (*actor).auditProbe, label: known},
	}
}

// gap returns how long an actor of the routine waits.
func (r *routine) gap(scale float64) func(*actor) int64 {
	mean := float64(second) / (r.rate * scale)
	if !(mean < never/4) { // a rate of almost nothing
		return func(*actor) int64 { return never / 4 }
	}
	if r.regular {
		return func(*actor) int64 { return int64(mean) }
	}
	return func(a *actor) int64 { return int64(mean * min(a.rng.ExpFloat64(), 50)) }
}

// scale is by how much all rates are multiplied to get what the configuration asks for.
func (g *Generator) scale(routines []routine) float64 {
	if g.cfg.Rate == 0 {
		return g.cfg.Thin
	}
	const step = 15 * minute
	sum, steps := 0., 0.
	for t := g.start; t < g.end; t += step {
		for i := range routines {
			r := &routines[i]
			share := 1.
			if r.share != nil {
				share = r.share(t)
			}
			sum += r.rate * r.flows * share
		}
		steps++
	}
	if sum == 0 {
		return g.cfg.Thin
	}
	return g.cfg.Thin * g.cfg.Rate * steps / sum
}

// meanOf returns the mean of a chance over the workstations, by up to 64 of them.
func (g *Generator) meanOf(chance func(uint64, int64) float64) func(int64) float64 {
	n := min(g.cfg.Hosts, 64)
	return func(t int64) float64 {
		sum := 0.
		for k := range n {
			sum += chance(g.hash(k*g.cfg.Hosts/n), t)
		}
		return sum / float64(n)
	}
}

// takesPlace draws whether an action with a share takes place now.
func (a *actor) takesPlace(share float64) bool { return share >= 1 || a.rng.Float64() < share }

// normal draws from a normal distribution, cut at three sigma.
func (a *actor) normal() float64 { return max(-3, min(a.rng.NormFloat64(), 3)) }

// size draws bytes around a median.
func (a *actor) size(median, spread float64) float64 { return median * math.Exp(spread*a.normal()) }
