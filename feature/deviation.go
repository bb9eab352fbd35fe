package feature

import "math"

// Transform is a way to state how far a metric is from its baseline.
type Transform uint8

// The transforms in catalog order: the contract's three first.
const (
	TransformZMad Transform = iota
	TransformRatio
	TransformLogRatio
	TransformDiff
	TransformAbsDevOverMad
	TransformZMadClipped
	TransformZMadSignedPow3
	NumTransforms int = iota
)

var transformNames = [NumTransforms]string{"z_mad", "ratio", "log_ratio", "diff", "abs_dev_over_mad", "z_mad_clipped",
	"z_mad_signed_pow3"}

// String is the transform as configuration and column names write it.
func (t Transform) String() string { return transformNames[t] }

// TransformNamed returns the transform of a name.
func TransformNamed(name string) (Transform, bool) {
	for t, n := range transformNames {
		if n == name {
			return Transform(t), true
		}
	}
	return 0, false
}

// scaleSource is what a deviation was divided by.
type scaleSource uint8

const (
	scaleMAD scaleSource = iota
	scaleIQR
	scaleFloor
	numScales int = iota
)

var scaleNames = [numScales]string{"mad", "iqr", "floor"}

// deviationRule is the configured arithmetic of deviations.
type deviationRule struct {
	eps, zMax float64
	zero      bool // degenerate_scale: a baseline without spread gives z = 0
	floor     [NumMetrics]float64
}

// comparison is one metric beside its baseline. Without valid it is null.
type comparison struct {
	x, median, z float64
	valid        bool
}

// scale is what deviations of the metric are measured in: the mad, the iqr where that is no more than a rounding
// error, and the metric's floor where there is no spread at all.
func (r *deviationRule) scale(m MetricID, b *MetricBaseline) (float64, scaleSource) {
	switch {
	case b.MAD > r.eps:
		return b.MAD, scaleMAD
	case b.IQR > r.eps:
		return b.IQR, scaleIQR
	}
	return r.floor[m], scaleFloor
}

// z is z_mad of a difference to a median of b.
func (r *deviationRule) z(m MetricID, diff float64, b *MetricBaseline) (float64, scaleSource) {
	s, from := r.scale(m, b)
	if from == scaleFloor && r.zero {
		return 0, from
	}
	return diff / (s + r.eps), from
}

// clip limits z to ±z_max.
func (r *deviationRule) clip(z float64) float64 { return max(-r.zMax, min(r.zMax, z)) }

// ratio is x of a median.
func (r *deviationRule) ratio(x, median float64) float64 { return x / (median + r.eps) }

// value is a transform of a valid comparison.
func (r *deviationRule) value(t Transform, d *comparison) float64 {
	switch t {
	case TransformZMad:
		return d.z
	case TransformRatio:
		return r.ratio(d.x, d.median)
	case TransformLogRatio:
		return math.Log(r.ratio(d.x, d.median) + r.eps)
	case TransformDiff:
		return d.x - d.median
	case TransformAbsDevOverMad: // the scale is that of z_mad
		return math.Abs(d.z)
	case TransformZMadClipped:
		return r.clip(d.z)
	}
	c := r.clip(d.z)
	return c * c * c
}

// defaultFloor is the scale of a metric whose baseline has no spread: one, a kibibyte, or a hundredth of a ratio.
func defaultFloor(m MetricID) float64 {
	switch m {
	case MTransportTCPRatio, MTransportUDPRatio, MTransportICMPRatio, MDenyRatio, MNewPeerRatio, MPeerIPEntropy, MPeerPortEntropy,
		MPeerIPTop1SessionsShare, MPeerPortTop1SessionsShare, MPeerIPTop1BytesShare, MPeerPortTop1BytesShare:
		return 0.01
	case MBytesSrcSum, MBytesDstSum:
		return 1024
	}
	return 1
}
