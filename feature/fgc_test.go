package feature

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// nearly takes floats that differ by 1e-9 for equal: a deviation is the difference of numbers that the oracle adds
// up in another order.
var nearly = gocmp.Comparer(func(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b))
})

func fgcConfig(t testing.TB) FGCConfig {
	t.Helper()
	c := DefaultFGCConfig()
	internal, err := NewNetworks(DefaultInternalNetworks())
	if err != nil {
		t.Fatal(err)
	}
	c.Internal = internal
	c.Cadence.MinConnections, c.Cadence.MinStarts = 4, 3
	return c
}

// fgcSinks are sinks of both layouts of the horizons.
type fgcSinks struct {
	long, wide map[string]*rowsOf
	evidence   *rowsOf
}

// close closes the world with the configuration.
func (w *world) closeFGC(t *testing.T, c FGCConfig) (fgcSinks, FGCAccount) {
	t.Helper()
	s := fgcSinks{map[string]*rowsOf{}, map[string]*rowsOf{}, &rowsOf{t: t}}
	sinks := CloseSinks{FGC: map[string]RowSink{}, FGCWide: map[string]RowSink{}, BeaconEvidence: s.evidence}
	for _, h := range c.Horizons {
		s.long[h.Label], s.wide[h.Label] = &rowsOf{t: t}, &rowsOf{t: t}
		sinks.FGC[h.Label], sinks.FGCWide[h.Label] = s.long[h.Label], s.wide[h.Label]
	}
	cfg := w.config(t)
	cfg.FGC = &c
	b, err := NewCloseBuilder(cfg, sinks)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.visit(b), b.Flush()); err != nil {
		t.Fatal(err)
	}
	for _, rows := range []map[string]*rowsOf{s.long, s.wide} {
		for _, r := range rows {
			readReasons(t, r.rows)
		}
	}
	return s, b.FGCAccount()
}

func newFGCOracle(w *world, c FGCConfig, base map[string]*fakeBaselines) *fgcOracle {
	p, err := c.plan()
	if err != nil {
		panic(err)
	}
	o := &fgcOracle{world: w, cfg: c, base: base, known: map[string]row{}, dark: map[string]bool{}, metrics: strings.Fields(oracleCurated),
		internal: c.Internal.Contains}
	for _, m := range c.Metrics {
		if !slices.Contains(o.metrics, Metrics[m].Name) {
			o.metrics = append(o.metrics, Metrics[m].Name)
		}
	}
	for _, m := range p.suspicion {
		o.suspicion = append(o.suspicion, Metrics[m].Name)
	}
	for _, x := range p.transforms {
		o.transforms = append(o.transforms, x.String())
	}
	for _, i := range p.windows {
		o.windows = append(o.windows, Windows[i].Label)
	}
	return o
}

func allMetrics() (all []MetricID) {
	for m := range Metrics {
		all = append(all, MetricID(m))
	}
	return all
}

func allTransforms() (all []Transform) {
	for i := range NumTransforms {
		all = append(all, Transform(i))
	}
	return all
}

// fgcVariants are configurations that change rows, columns or arithmetic.
var fgcVariants = []struct {
	name   string
	change func(*FGCConfig)
}{
	{"default", func(*FGCConfig) {}},
	{"expanded", func(c *FGCConfig) { c.Metrics, c.Transforms = allMetrics(), allTransforms() }},
	{"compact", func(c *FGCConfig) { c.Windows = []string{"w_24h", "w_15m", "w_1h"} }},
	{"degenerate zero", func(c *FGCConfig) { c.DegenerateZero, c.ZMax, c.Lateral = true, 2, 0.1 }},
	{"no pair features", func(c *FGCConfig) { c.PairFeatures, c.Windows = false, []string{"w_15m", "w_8h"} }},
	{"other suspicion", func(c *FGCConfig) {
		c.Suspicion = []MetricID{MTCPCnt, MPeerIPEntropy, MNewPeerCnt, MSessionsCnt}
		c.Windows, c.Metrics = []string{"w_30m", "w_24h"}, []MetricID{MAgedOutCnt}
	}},
	{"other suspicion of w_15m", func(c *FGCConfig) { c.Suspicion = []MetricID{MTCPCnt, MPeerIPEntropy, MNewPeerCnt, MSessionsCnt} }},
}

func TestFGCAgainstOracle(t *testing.T) {
	for i, at := range []time.Time{time.Date(2026, 3, 18, 12, 3, 0, 0, time.UTC), time.Date(2026, 3, 29, 0, 50, 0, 0, time.UTC),
		time.Date(2026, 10, 25, 23, 50, 0, 0, time.UTC)} {
		for v, variant := range fgcVariants {
			for seed := range []uint64{3, 1, 1}[i] {
				t.Run(fmt.Sprintf("%d/%s/%d", i, variant.name, seed), func(t *testing.T) {
					w := randomWorld(seed+uint64(10*v), at, 0)
					w.kept = true
					c := fgcConfig(t)
					variant.change(&c)
					base := map[string]*fakeBaselines{"7d": randomBaselines(t, w, seed), "30d": randomBaselines(t, w, seed+100)}
					for _, label := range []string{"30d", "7d"} {
						c.Horizons = append(c.Horizons, FGCHorizon{Label: label, Baselines: base[label]})
					}
					compareFGC(t, w, c, base)
				})
			}
		}
	}
}

func compareFGC(t *testing.T, w *world, c FGCConfig, base map[string]*fakeBaselines) {
	sinks, _ := w.closeFGC(t, c)
	o := newFGCOracle(w, c, base)
	want := o.fgc()
	if len(want["7d"]) == 0 {
		t.Error("the world is too quiet to test anything")
	}
	if d := gocmp.Diff(sinks.evidence.rows, want["beacon_evidence"], nearly); d != "" {
		t.Errorf("beacon_evidence (-got +want):\n%s", d)
	}
	p, err := c.plan()
	if err != nil {
		t.Fatal(err)
	}
	shortest := func(name string) bool {
		return slices.ContainsFunc(p.singles().list, func(s fgcSingle) bool { return s.name == name && s.shortest })
	}
	for label := range base {
		if d := gocmp.Diff(sinks.long[label].rows, want[label], nearly); d != "" {
			t.Errorf("fg_c of %s (-got +want):\n%s", label, d)
		}
		var wide []row // the wide table has hosts that none of the windows shows, too
		for _, r := range sinks.wide[label].rows {
			if slices.ContainsFunc(want[label], func(l row) bool { return l["host_ip"] == r["host_ip"] }) {
				wide = append(wide, r)
			}
		}
		if d := gocmp.Diff(wide, widened(want[label], o.windows, shortest), nearly); d != "" {
			t.Errorf("fg_c_wide of %s is not the pivot of fg_c (-got +want):\n%s", label, d)
		}
		if len(sinks.wide[label].rows) < len(wide) || sinks.wide[label].table != "fg_c_wide" || sinks.long[label].table != "fg_c" {
			t.Errorf("%s: got %d rows of %s and %s", label, len(sinks.wide[label].rows), sinks.wide[label].table, sinks.long[label].table)
		}
	}
}
