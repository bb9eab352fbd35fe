package feature

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// CadenceConfig says which pairs are scored and how their kept flows are read.
type CadenceConfig struct {
	MinConnections int64         // sessions in the window, 12 by default
	MinStarts      int           // distinct start seconds among the kept flows, 4 by default
	Kept           int           // K: a slice with more sessions has lost its later flows
	MergeSlack     time.Duration // largest gap between two exports of one connection, whole seconds
}

// DefaultCadence is 12 sessions, 4 starts, DefaultKept flows and a slack of 5 seconds.
func DefaultCadence() CadenceConfig {
	return CadenceConfig{MinConnections: 12, MinStarts: 4, Kept: DefaultKept, MergeSlack: 5 * time.Second}
}

// Validate reports all faults.
func (c CadenceConfig) Validate() error {
	var faults []error
	for _, f := range []struct {
		name       string
		value, min int64
	}{
		{"min_connections", c.MinConnections, 1}, {"min_starts", int64(c.MinStarts), 2},
		{"kept_flows", int64(c.Kept), 1}, {"merge_slack", int64(c.MergeSlack), 0},
	} {
		if f.value < f.min {
			faults = append(faults, fmt.Errorf("check cadence: %s is %d, at least %d", f.name, f.value, f.min))
		}
	}
	return errors.Join(faults...)
}

// Evidence is what the starts and sizes of one pair's connections say of a beacon: a row of beacon_evidence without
// the host and what the baselines add. Port 0 is a pair without ports or all ports of the peer together.
type Evidence struct {
	Peer            Addr
	Port            uint16
	Connections     int64   // all sessions of the window
	KeptConnections int64   // kept flows, exports of one connection merged
	Period          float64 // best fit in seconds; NaN, null, without an interval
	Jitter          float64 // mad / q2 of the intervals; NaN, null, with fewer than two of them
	Timing, Size    float64 // the four parts, 0..1
	Histogram       float64
	Duration        float64
	Rita            float64 // rita_score: their mean, three decimals
	Score           float64 // cadence_score
	FirstSeen       int64   // start of the first kept flow, microseconds since the Unix epoch
	LastSeen        int64   // start of the last one
}

// Cadence scores the outbound pairs of hosts at the close of one slice. The pairs of a host come peer by peer:
// Pair for each port, then Pooled. It keeps its memory from pair to pair and belongs to one goroutine.
type Cadence struct {
	cfg   CadenceConfig
	clock Clock
	from  Slice // first slice of the window
	pair  cadenceUnit
	pool  cadenceUnit // of the peer, until one of its ports qualifies
	alone bool        // one did

	intervals []float64 // sorted
	sizes     []float64 // sorted
	fits      []float64
}

// NewCadence returns a scorer for the close of slice s.
func NewCadence(cfg CadenceConfig, clock Clock, s Slice) (*Cadence, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Cadence{cfg: cfg, clock: clock}
	c.Reset(s)
	return c, nil
}

// Reset turns to the close of slice s.
func (c *Cadence) Reset(s Slice) {
	c.from = s - RingSlices + 1
	c.pool.reset()
	c.alone = false
}

// Pair scores one pair; false if it does not qualify. The view is not kept.
func (c *Cadence) Pair(p *PairView) (Evidence, bool) {
	u := &c.pair
	u.reset()
	u.addView(p, c.clock, c.from, c.cfg.Kept)
	if len(u.flows) == 0 {
		return Evidence{}, false
	}
	if p.Res == ResWindow {
		u.resolution = c.merge(u)
	}
	e, ok := c.score(u)
	if ok {
		c.alone = true
		e.Peer, e.Port = p.Peer, p.Port
		return e, true
	}
	if !c.alone {
		c.pool.add(u)
	}
	return Evidence{}, false
}

// Pooled scores all ports of the peer whose pairs came since the last call as port 0, if none of them qualified
// alone. It ends the peer.
func (c *Cadence) Pooled(peer Addr) (Evidence, bool) {
	alone, several := c.alone, c.pool.views > 1
	c.alone = false
	defer c.pool.reset()
	if alone || !several {
		return Evidence{}, false
	}
	e, ok := c.score(&c.pool)
	e.Peer = peer
	return e, ok
}

// score computes the evidence of a unit.
func (c *Cadence) score(u *cadenceUnit) (Evidence, bool) {
	if u.sessions < c.cfg.MinConnections || len(u.flows) < c.cfg.MinStarts {
		return Evidence{}, false
	}
	u.sort()
	if !u.hasStarts(c.cfg.MinStarts) {
		return Evidence{}, false
	}
	first, last := u.flows[0].start, u.flows[len(u.flows)-1].start
	e := Evidence{Connections: u.sessions, KeptConnections: int64(len(u.flows)),
		FirstSeen: first * 1e6, LastSeen: last * 1e6}

	c.intervals = u.appendIntervals(c.intervals[:0], c.clock, c.from)
	slices.Sort(c.intervals)
	c.sizes = c.sizes[:0]
	for i := range u.flows {
		c.sizes = append(c.sizes, float64(u.flows[i].bytes))
	}
	slices.Sort(c.sizes)

	d := quartilesOf(c.intervals)
	e.Timing, e.Size = timingPart(d), sizePart(quartilesOf(c.sizes))
	bars := barsOf(&u.bins)
	e.Histogram, e.Duration = histogramPart(&u.bins, bars), durationPart(bars, last-first)
	e.Rita = ritaScore(e.Timing, e.Size, e.Histogram, e.Duration)

	e.Jitter = math.NaN()
	if d.n >= 2 {
		e.Jitter = d.mad / d.q2
	}
	fit := bestFit(c.intervals, u.resolution)
	e.Period, c.fits = fit.period(c.intervals, d, u.resolution, c.fits)
	e.Score = cadenceScore(d, fit, u.resolution)
	return e, true
}
