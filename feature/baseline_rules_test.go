package feature

import (
	"math"
	"slices"
	"testing"
)

func TestMarkAnomalies(t *testing.T) {
	r := DefaultBaselineRules()
	values := []float64{10, 15.9, 16.1, 4.1, 3.9, math.NaN(), 1000}
	for _, c := range []struct {
		name   string
		spread Spread
		want   []bool
	}{
		{"beyond six spreads", Spread{10, 1, true}, []bool{false, false, true, false, true, false, true}},
		{"no spread", Spread{10, 0, true}, make([]bool, 7)},
		{"no values", Spread{}, make([]bool, 7)},
	} {
		light := make([]bool, len(values))
		r.MarkAnomalies(values, c.spread, light)
		if !slices.Equal(light, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, light, c.want)
		}
	}
	light := []bool{true, false, false, false, false, false, false}
	r.MarkAnomalies(values, Spread{10, 100, true}, light)
	if !light[0] || !light[6] || light[1] {
		t.Errorf("a mark of another metric stays: %v", light)
	}
	// z = 6 exactly is none: 6 x (1 + eps_c) is the edge.
	edge := []float64{10 + 6*(1+1e-6), 10 + 6.1}
	light = make([]bool, 2)
	r.MarkAnomalies(edge, Spread{10, 1, true}, light)
	if light[0] || !light[1] {
		t.Errorf("at the edge: %v", light)
	}
}

func TestCappedScale(t *testing.T) {
	r := DefaultBaselineRules()
	if got := r.Capped(MBytesSrcSum, 100); got != 100 {
		t.Errorf("raw: got %v", got)
	}
	r.Log = true
	if got := r.Capped(MBytesSrcSum, 100); got != math.Log(101) {
		t.Errorf("bytes: got %v", got)
	}
	if got := r.Capped(MDenyRatio, 0.5); got != 0.5 {
		t.Errorf("a ratio: got %v", got)
	}
}

func TestFullHistory(t *testing.T) {
	r := DefaultBaselineRules()
	if len(r.Required) != 41 {
		t.Fatalf("%d required metrics, want all but the 7 of novelty", len(r.Required))
	}
	var s BaselineStats
	for m := range s {
		s[m].Support = 50
		if Metrics[m].Kind == KindNovelty {
			s[m].Support = 0
		}
	}
	r.Finish(&s)
	if !r.FullHistory(&s) || s[MSessionsCnt].Cold || !s[MNewPeerCnt].Cold {
		t.Error("50 values of each but of novelty are a full history")
	}
	s[MDBPortSessionsCnt].Support = 49
	if r.FullHistory(&s) {
		t.Error("49 values are not")
	}
	r.SupportMin[MDBPortSessionsCnt] = 49
	if !r.FullHistory(&s) {
		t.Error("support_min is by metric")
	}
}

func TestNewPairBaseline(t *testing.T) {
	for _, c := range []struct {
		seen, days int64
		want       PairBaseline
	}{
		{0, 0, PairBaseline{LastSeen: 7, Rarity: 1, New: true, Rare: true}},
		{1, 1, PairBaseline{Seen: 1, LastSeen: 7, ActiveDays: 1, DailyAvg: 1, Rarity: 0.5, Rare: true}},
		{2, 1, PairBaseline{Seen: 2, LastSeen: 7, ActiveDays: 1, DailyAvg: 2, Rarity: 1.0 / 3}},
		{30, 4, PairBaseline{Seen: 30, LastSeen: 7, ActiveDays: 4, DailyAvg: 7.5, Rarity: 1.0 / 31}},
	} {
		if got := NewPairBaseline(c.seen, 7, c.days, 0.5); got != c.want {
			t.Errorf("got %+v, want %+v", got, c.want)
		}
	}
}

func TestIsTypicalBand(t *testing.T) {
	for _, c := range []struct {
		active, slices int64
		want           bool
	}{{0, 0, false}, {1, 20, true}, {1, 21, false}, {0, 10, false}, {63, 1260, true}, {62, 1260, false}} {
		if got := IsTypicalBand(c.active, c.slices); got != c.want {
			t.Errorf("%d of %d: got %t", c.active, c.slices, got)
		}
	}
}

func TestGuardMoved(t *testing.T) {
	g, err := NewBaselineGuard(3, map[string]float64{"bytes_src_sum": 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		m        MetricID
		old, now MetricBaseline
		want     bool
	}{
		{"within the mad", MSessionsCnt, MetricBaseline{Median: 10, MAD: 2, Support: 1}, MetricBaseline{Median: 16, Support: 1}, false},
		{"beyond the mad", MSessionsCnt, MetricBaseline{Median: 10, MAD: 2, Support: 1}, MetricBaseline{Median: 16.1, Support: 1}, true},
		{"downwards", MSessionsCnt, MetricBaseline{Median: 10, MAD: 2, Support: 1}, MetricBaseline{Median: 3.9, Support: 1}, true},
		{"iqr without mad", MSessionsCnt, MetricBaseline{Median: 10, MAD: 1e-9, IQR: 1, Support: 1}, MetricBaseline{Median: 12.9, Support: 1}, false},
		{"floor without spread", MSessionsCnt, MetricBaseline{Median: 10, Support: 1}, MetricBaseline{Median: 13, Support: 1}, false},
		{"beyond the floor", MSessionsCnt, MetricBaseline{Median: 10, Support: 1}, MetricBaseline{Median: 13.5, Support: 1}, true},
		{"a configured floor", MBytesSrcSum, MetricBaseline{Median: 10, Support: 1}, MetricBaseline{Median: 41, Support: 1}, true},
		{"the default floor of bytes", MBytesDstSum, MetricBaseline{Median: 10, Support: 1}, MetricBaseline{Median: 3000, Support: 1}, false},
		{"no old support", MSessionsCnt, MetricBaseline{}, MetricBaseline{Median: 1000, Support: 1}, false},
		{"no new support", MSessionsCnt, MetricBaseline{Median: 1000, Support: 1}, MetricBaseline{}, false},
	} {
		if got := g.Moved(c.m, &c.old, &c.now); got != c.want {
			t.Errorf("%s: got %t", c.name, got)
		}
	}
	if _, err := NewBaselineGuard(3, map[string]float64{"what": 1}); err == nil {
		t.Error("want an error for an unknown metric")
	}
}

func TestMetricsNamed(t *testing.T) {
	ids, err := MetricsNamed([]string{"deny_ratio", "sessions_cnt"})
	if err != nil || !slices.Equal(ids, []MetricID{MDenyRatio, MSessionsCnt}) {
		t.Errorf("got %v, %v", ids, err)
	}
	if _, err := MetricsNamed([]string{"x"}); err == nil {
		t.Error("want an error")
	}
}
