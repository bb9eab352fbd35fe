package feature

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// curatedMetrics are the metrics of FG-C in the order of the contract, which is not that of Metrics: the traffic
// counters come after those of the port sets.
var curatedMetrics = [...]MetricID{
	MSessionsCnt, MAllowCnt, MDenyCnt, MAlertCnt, MRstCnt, MZeroReplyCnt, MShortSessionCnt, MBytesSrcSum, MBytesDstSum,
	MDurationSum, MPeerIPNunique, MPeerPortNunique, MPeerSegmentNunique, MPeerIPEntropy, MPeerPortEntropy,
	MPeerIPTop1SessionsShare, MPeerPortTop1SessionsShare, MPeerIPTop1BytesShare, MPeerPortTop1BytesShare,
	MMaxSessionsPerMinute, MHighRiskPortSessionsCnt, MAdminPortSessionsCnt, MFilesharePortSessionsCnt,
	MDirectoryPortSessionsCnt, MDBPortSessionsCnt, MTrafficCnt, MThreatCnt,
	MDurationMean, MDenyRatio, MBytesAsymmetryRatio, MTransportTCPRatio, MTransportUDPRatio, MTransportICMPRatio,
	MHasHighRiskPortActivity, MNewPeerCnt, MRarePeerCnt, MNewPeerRatio, MNewDstPortCnt, MRareDstPortCnt, MNewPairCnt,
	MNewSrcDstPortCnt, MHighRiskSegmentSessionsCnt, MHighRiskSegmentUniqueDsts, MHasHighRiskSegmentInteraction,
}

// CuratedMetrics are the 44 metrics that FG-C compares by default, in catalog order.
func CuratedMetrics() []MetricID { return slices.Clone(curatedMetrics[:]) }

// DefaultTransforms are the transforms of the contract.
func DefaultTransforms() []Transform {
	return []Transform{TransformZMad, TransformRatio, TransformLogRatio}
}

// DefaultSuspicionMetrics are the metrics that have excess features and make anomaly_strength_core.
func DefaultSuspicionMetrics() []MetricID {
	return []MetricID{MSessionsCnt, MBytesSrcSum, MBytesDstSum, MDenyRatio, MPeerIPNunique}
}

// inboundSuspicions is how many of the first suspicion metrics have excess features of the inbound role too.
const inboundSuspicions = 3

// MetricNamed returns the metric of a name.
func MetricNamed(name string) (MetricID, bool) {
	for m := range Metrics {
		if Metrics[m].Name == name {
			return MetricID(m), true
		}
	}
	return 0, false
}

// FGCShape is what decides the columns and rows of FG-C. An empty field is its default.
type FGCShape struct {
	Transforms []Transform // replace DefaultTransforms
	Metrics    []MetricID  // beside the curated ones
	Windows    []string    // labels, all by default; w_15m, w_1h and w_24h are the compact profile
	Suspicion  []MetricID  // replace DefaultSuspicionMetrics
}

// fgcPlan is a shape with its defaults and in catalog order.
type fgcPlan struct {
	transforms []Transform
	metrics    []MetricID // the curated ones, then the further ones in the order of Metrics
	windows    []int      // indexes of Windows, ascending
	suspicion  []MetricID
	evaluated  []MetricID // metrics and suspicion in the order of Metrics
}

// plan completes the shape. The error names every fault.
func (s FGCShape) plan() (*fgcPlan, error) {
	p := &fgcPlan{transforms: slices.Clone(s.Transforms), metrics: CuratedMetrics(), suspicion: slices.Clone(s.Suspicion)}
	if len(p.transforms) == 0 {
		p.transforms = DefaultTransforms()
	}
	if len(p.suspicion) == 0 {
		p.suspicion = DefaultSuspicionMetrics()
	}
	var faults []error
	slices.Sort(p.transforms)
	for i, t := range p.transforms {
		if int(t) >= NumTransforms || i > 0 && p.transforms[i-1] == t {
			faults = append(faults, fmt.Errorf("shape fg_c: transform %d is unknown or named twice", t))
		}
	}
	further := slices.Sorted(slices.Values(s.Metrics))
	for _, m := range slices.Compact(further) {
		if !knownMetric(m) {
			faults = append(faults, fmt.Errorf("shape fg_c: metric %d is unknown", m))
		} else if !slices.Contains(p.metrics, m) {
			p.metrics = append(p.metrics, m)
		}
	}
	for i, m := range p.suspicion {
		if !knownMetric(m) || slices.Contains(p.suspicion[:i], m) {
			faults = append(faults, fmt.Errorf("shape fg_c: suspicion metric %d is unknown or named twice", m))
		}
	}
	faults = append(faults, p.setWindows(s.Windows)...)
	p.evaluated = slices.Concat(p.metrics, p.suspicion)
	slices.SortFunc(p.evaluated, func(a, b MetricID) int { return cmp.Compare(a, b) })
	p.evaluated = slices.Compact(p.evaluated)
	return p, errors.Join(faults...)
}

func knownMetric(m MetricID) bool { return m >= 0 && int(m) < NumMetrics }

func (p *fgcPlan) setWindows(labels []string) (faults []error) {
	for _, l := range labels {
		if !slices.ContainsFunc(Windows[:], func(w Window) bool { return w.Label == l }) {
			faults = append(faults, fmt.Errorf("shape fg_c: window %q is unknown", l))
		}
	}
	for i, w := range Windows {
		if len(labels) == 0 || slices.Contains(labels, w.Label) {
			p.windows = append(p.windows, i)
		}
	}
	return faults
}

// FGCFeatureName is the catalog name of a deviation in a window, e.g. in_sessions_cnt_w_8h_z_mad.
func FGCFeatureName(r Role, metric, window string, t Transform) string {
	return FGAFeatureName(r, metric, window) + "_" + t.String()
}
