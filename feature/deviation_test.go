package feature

import (
	"math"
	"testing"
)

func testRule(zero bool) *deviationRule {
	c := DefaultFGCConfig()
	c.DegenerateZero = zero
	return c.rule()
}

func compareOne(r *deviationRule, m MetricID, x float64, b MetricBaseline) (comparison, scaleSource) {
	z, from := r.z(m, x-b.Median, &b)
	return comparison{x: x, median: b.Median, z: z, valid: true}, from
}

// The numbers are worked out by hand from the definitions, with eps_c = 1e-6.
func TestTransforms(t *testing.T) {
	for _, c := range []struct {
		name   string
		metric MetricID
		x      float64
		base   MetricBaseline
		zero   bool
		from   scaleSource
		want   [NumTransforms]float64 // z_mad, ratio, log_ratio, diff, abs_dev_over_mad, z_mad_clipped, z_mad_signed_pow3
	}{
		{"mad", MSessionsCnt, 14, MetricBaseline{Median: 10, MAD: 2, IQR: 7}, false, scaleMAD,
			[...]float64{1.9999990000005, 1.39999986000001, 0.336472850906938, 4, 1.9999990000005, 1.9999990000005, 7.999988000012}},
		{"below", MSessionsCnt, 2, MetricBaseline{Median: 10, MAD: 1}, false, scaleMAD,
			[...]float64{-7.999992000008, 0.19999998000000, -1.60943301242, -8, 7.999992000008, -6, -216}},
		{"a rounding error is no spread", MSessionsCnt, 13, MetricBaseline{Median: 10, MAD: 1e-6, IQR: 4}, false, scaleIQR,
			[...]float64{0.749999812500047, 1.29999987000001, 0.262364933697, 3, 0.749999812500047, 0.749999812500047, 0.42187468359}},
		{"floor of a count", MSessionsCnt, 3, MetricBaseline{}, false, scaleFloor,
			[...]float64{2.999997000003, 3e6, 14.914122846632719, 3, 2.999997000003, 2.999997000003, 26.999919000162}},
		{"floor of bytes", MBytesSrcSum, 2048, MetricBaseline{IQR: 1e-6, MAD: 1e-7}, false, scaleFloor,
			[...]float64{1.999999998046875, 2.048e9, 21.4401295441237, 2048, 1.999999998046875, 1.999999998046875, 7.9999999765625}},
		{"floor of a ratio", MDenyRatio, 0.5, MetricBaseline{Median: 0.5}, false, scaleFloor,
			[...]float64{0, 0.999998000004, -0.00000099999999, 0, 0, 0, 0}},
		{"degenerate is zero", MSessionsCnt, 3, MetricBaseline{}, true, scaleFloor,
			[...]float64{0, 3e6, 14.914122846632719, 3, 0, 0, 0}},
		{"nothing of nothing", MSessionsCnt, 0, MetricBaseline{}, false, scaleFloor,
			[...]float64{0, 0, -13.815510557964274, 0, 0, 0, 0}},
	} {
		r := testRule(c.zero)
		d, from := compareOne(r, c.metric, c.x, c.base)
		if from != c.from {
			t.Errorf("%s: scale %s, want %s", c.name, scaleNames[from], scaleNames[c.from])
		}
		for i, want := range c.want {
			if got := r.value(Transform(i), &d); math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
				t.Errorf("%s: %s is %.15g, want %.15g", c.name, Transform(i), got, want)
			}
		}
	}
}

func TestDefaultFloors(t *testing.T) {
	count := map[float64]int{}
	for m := range Metrics {
		count[defaultFloor(MetricID(m))]++
	}
	if count[0.01] != 11 || count[1024] != 2 || count[1] != 35 || defaultFloor(MBytesAsymmetryRatio) != 1 {
		t.Errorf("got %v", count)
	}
	c := DefaultFGCConfig()
	c.ScaleFloor = map[MetricID]float64{MDenyRatio: 0.25}
	if r := c.rule(); r.floor[MDenyRatio] != 0.25 || r.floor[MPeerIPEntropy] != 0.01 {
		t.Errorf("got floors %v", r.floor)
	}
}

func TestTransformNames(t *testing.T) {
	for i := range NumTransforms {
		if got, ok := TransformNamed(Transform(i).String()); !ok || got != Transform(i) {
			t.Errorf("%s: got %d, %v", Transform(i), got, ok)
		}
	}
	if _, ok := TransformNamed("z"); ok {
		t.Error("z is a transform")
	}
}
