package feature

import (
	"math"
	"slices"
)

// fgcScores computes the single features of a row.
type fgcScores struct {
	plan                  *fgcPlan
	singles               *fgcSingles
	rule                  *deviationRule
	counters              *fgcCounters
	pairs                 bool
	band                  string // time_band of the close
	exfiltration, lateral float64

	ordered []MetricID // of the plan, in the order of their numbers in FG-A
	reasons []reason
	text    []byte

	peer     Addr
	peerText string // of peer
}

func newFGCScores(plan *fgcPlan, rule *deviationRule, cfg *FGCConfig, band string, counters *fgcCounters) *fgcScores {
	s := &fgcScores{plan: plan, singles: plan.singles(), rule: rule, counters: counters, pairs: cfg.PairFeatures, band: band,
		exfiltration: cfg.Exfiltration, lateral: cfg.Lateral, ordered: slices.Clone(plan.metrics)}
	slices.Sort(s.ordered)
	return s
}

// fill sets the cells of window w, which was compared. In the shortest one the window of an hour was too.
func (s *fgcScores) fill(f *fgcHorizon, w int, facts *hostFacts) {
	v := &f.windows[w]
	clear(v.cells)
	s.fillPair(f, w)
	s.fillDrift(v.cells[s.singles.drift:], w, facts)
	s.fillSupport(f, w)
	if w != 0 {
		return
	}
	s.fillExcess(f)
	s.fillStrength(f)
	s.fillTime(f)
	s.fillBeacon(v.cells[s.singles.score:], facts.cadence, f.beacons)
	s.fillExfiltration(v)
	s.fillLateral(v, facts)
	s.fillDisagreement(f)
}

func (c *cell) setFloat(v float64)  { c.f, c.ok = v, true }
func (c *cell) setInt(v int64)      { c.i, c.ok = v, true }
func (c *cell) setText(text string) { c.text, c.ok = text, true }

// greatest is the maximum of what is not null; false without any.
type greatest struct {
	value float64
	ok    bool
}

func (g *greatest) take(v float64, ok bool) {
	if ok && (!g.ok || v > g.value) {
		g.value, g.ok = v, true
	}
}

// z is z_mad_clipped of an outbound metric; zAbove is the same, at least 0.
func (s *fgcScores) z(v *fgcWindow, m MetricID) (float64, bool) {
	d := &v.of[Outbound][m]
	return s.rule.clip(d.z), d.valid
}

func (s *fgcScores) zAbove(v *fgcWindow, m MetricID) (float64, bool) {
	z, ok := s.z(v, m)
	return max(0, z), ok
}

// fillPair sets what is of the pair shown.
func (s *fgcScores) fillPair(f *fgcHorizon, w int) {
	p, v := &f.shown[w], &f.windows[w]
	if !p.ok {
		if s.pairs {
			s.counters.imputed[nullNoPair]++
		}
		return
	}
	c := v.cells[s.singles.pair:]
	c[singlePairSeen].setInt(p.row.Seen)
	c[singlePairActiveDays].setInt(p.row.ActiveDays)
	c[singlePairDailyAvg].setFloat(p.row.DailyAvg)
	c[singlePairRarity].setFloat(p.row.Rarity)
	c[singlePairNew].setInt(count(p.row.New))
	c[singlePairRare].setInt(count(p.row.Rare))
	source := "missing"
	switch p.source {
	case sourceNone:
		s.counters.imputed[imputedPairMissing]++
	case sourceSegment:
		s.counters.imputed[imputedPairSegment]++
	}
	if p.source != sourceNone {
		source = sourceNames[p.source]
		c[singlePairLastSeen].setInt(p.row.LastSeen)
	}
	c[singlePairSource].setText(source)
	c[singleShownIP].setText(s.peerName(p.peer))
	c[singleShownPort].setInt(int64(p.port))
	c[singleNewPair].setInt(count(p.fresh))
	c[singlePairWeight].setFloat(p.weight)
	c[singleRarePair].setInt(count(p.row.Rare || p.fresh))
	if z, ok := s.z(v, MSessionsCnt); ok {
		c[singleRareSessions].setFloat(p.weight * z)
	}
	if z, ok := s.z(v, MBytesSrcSum); ok {
		c[singleRareBytes].setFloat(p.weight * z)
	}
}

// peerName is the text of a peer, made once while windows and hosts show the same.
func (s *fgcScores) peerName(a Addr) string {
	if s.peerText == "" || s.peer != a {
		s.peer, s.peerText = a, a.String()
	}
	return s.peerText
}

// fillDrift compares the medians of the two horizons.
func (s *fgcScores) fillDrift(c []cell, w int, facts *hostFacts) {
	if facts.drift[0] == nil {
		return
	}
	now, before := facts.drift[0].chosen[w][Outbound].stats, facts.drift[1].chosen[w][Outbound].stats
	if now == nil || before == nil {
		return
	}
	for i, m := range comparedMetrics {
		a, b := &now[m], &before[m]
		if a.Support == 0 || b.Support == 0 {
			continue
		}
		z, _ := s.rule.z(m, a.Median-b.Median, b)
		c[2*i].setFloat(s.rule.ratio(a.Median, b.Median))
		c[2*i+1].setFloat(z)
	}
}

// fillSupport sets what the row rests on, and its reasons.
func (s *fgcScores) fillSupport(f *fgcHorizon, w int) {
	v := &f.windows[w]
	c := v.cells[s.singles.support:]
	least := int64(-1)
	for _, n := range v.support {
		if n >= 0 && (least < 0 || n < least) {
			least = n
		}
	}
	if least >= 0 {
		c[singleMinSupport].setInt(least)
	}
	from := &f.chosen[w]
	c[singleColdAny].setInt(count(from[Outbound].source != sourceHost || from[Inbound].source != sourceHost))
	s.reasons = topReasonsOf(s.reasons, s.rule, s.ordered, &v.of)
	s.text = appendReasons(s.text[:0], s.reasons, s.rule, w, &v.of, from)
	c[singleReasons].setText(string(s.text))
}

// fillExcess compares the suspicion metrics with what is usual at most.
func (s *fgcScores) fillExcess(f *fgcHorizon) {
	v := &f.windows[0]
	c := v.cells
	add := func(role Role, m MetricID) {
		if d := &v.of[role][m]; d.valid {
			b := &f.chosen[0][role].stats[m]
			c[0].setFloat(max(0, d.x-b.P95))
			c[1].setFloat(s.rule.ratio(d.x, b.P95))
			c[2].setFloat((d.x - d.median) / (b.IQR + s.rule.eps))
		}
		c = c[3:]
	}
	for _, m := range s.plan.suspicion {
		add(Outbound, m)
	}
	for _, m := range s.plan.suspicion[:min(inboundSuspicions, len(s.plan.suspicion))] {
		add(Inbound, m)
	}
}

func (s *fgcScores) fillStrength(f *fgcHorizon) {
	v := &f.windows[0]
	var g greatest
	for _, m := range s.plan.suspicion {
		z, ok := s.z(v, m)
		g.take(math.Abs(z), ok)
	}
	rare := &v.cells[s.singles.pair+singleRareSessions]
	g.take(math.Abs(rare.f), rare.ok)
	if g.ok {
		v.cells[s.singles.score+singleStrength].setFloat(g.value)
	}
}

func (s *fgcScores) fillTime(f *fgcHorizon) {
	unusual, known := unusualTime(f.host, s.band)
	if !known {
		s.counters.imputed[imputedNoMetadata]++
	}
	f.windows[0].cells[s.singles.score+singleTimeBand].setInt(count(unusual))
}

// fillBeacon sets the scores of cadence, which are negative without a pair that qualifies.
func (s *fgcScores) fillBeacon(c []cell, cadence, suspicion float64) {
	if cadence < 0 {
		s.counters.imputed[nullNoCadence]++
		return
	}
	c[singleCadence].setFloat(cadence)
	c[singleBeacon].setFloat(suspicion)
}

func (s *fgcScores) fillExfiltration(v *fgcWindow) {
	sum, any := 0.0, false
	for _, m := range [...]MetricID{MBytesSrcSum, MBytesAsymmetryRatio} {
		if z, ok := s.zAbove(v, m); ok {
			sum, any = sum+z, true
		}
	}
	if rare := &v.cells[s.singles.pair+singleRareBytes]; rare.ok {
		sum, any = sum+max(0, rare.f), true
	}
	if !any {
		return
	}
	score := min(1, sum/(3*s.rule.zMax))
	c := v.cells[s.singles.score:]
	c[singleExfiltration].setFloat(score)
	c[singleExfiltrationFlag].setInt(count(score >= s.exfiltration))
}

// lateralMetrics grow when a host looks around among its neighbours.
var lateralMetrics = [...]MetricID{MPeerIPNunique, MPeerSegmentNunique, MAdminPortSessionsCnt, MFilesharePortSessionsCnt, MNewPeerCnt}

func (s *fgcScores) fillLateral(v *fgcWindow, facts *hostFacts) {
	if facts.peers == 0 {
		s.counters.imputed[nullNoPeers]++
		return
	}
	var g greatest
	for _, m := range lateralMetrics {
		g.take(s.zAbove(v, m))
	}
	if !g.ok {
		return
	}
	score := share(facts.internalPeers, facts.peers) * g.value / s.rule.zMax
	c := v.cells[s.singles.score:]
	c[singleLateral].setFloat(score)
	c[singleLateralFlag].setInt(count(score >= s.lateral))
}

// fillDisagreement compares the shortest window with an hour; a difference needs both.
func (s *fgcScores) fillDisagreement(f *fgcHorizon) {
	v, hour := &f.windows[0], &f.windows[windowHour]
	for i, m := range comparedMetrics {
		if a, b := &v.of[Outbound][m], &hour.of[Outbound][m]; a.valid && b.valid {
			v.cells[s.singles.disagreement+i].setFloat(a.z - b.z)
		}
	}
}
