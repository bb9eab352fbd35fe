package feature

// epsA keeps the ratios of FG-A finite.
const epsA = 1e-9

// windowMetrics are the 48 metrics of one role of a host in one window, in ints or in floats by the type of the
// metric. Without flows all are 0, and the nullable ones are null.
type windowMetrics struct {
	flows       bool // the role has flows in the window
	approximate bool // some slice of the window is
	ints        [NumMetrics]int64
	floats      [NumMetrics]float64
}

// sumMetric is the metric that publishes a sum; DurationMillis is published in seconds.
var sumMetric = [NumSums]MetricID{
	Sessions: MSessionsCnt, Allow: MAllowCnt, Deny: MDenyCnt, Alert: MAlertCnt, Rst: MRstCnt, AgedOut: MAgedOutCnt,
	ZeroReply: MZeroReplyCnt, ShortSession: MShortSessionCnt, BytesSrc: MBytesSrcSum, BytesDst: MBytesDstSum,
	DurationMillis: MDurationSum, TCP: MTCPCnt, UDP: MUDPCnt, ICMP: MICMPCnt, Threat: MThreatCnt, Traffic: MTrafficCnt,
	HighRiskPort: MHighRiskPortSessionsCnt, AdminPort: MAdminPortSessionsCnt,
	FilesharePort: MFilesharePortSessionsCnt, DirectoryPort: MDirectoryPortSessionsCnt, DBPort: MDBPortSessionsCnt,
}

// setSums sets the metrics that are sums.
func (m *windowMetrics) setSums(sum *[NumSums]int64) {
	for i, n := range sum {
		m.ints[sumMetric[i]] = n
	}
	m.floats[MDurationSum] = seconds(sum[DurationMillis])
}

// seconds is milliseconds as published.
func seconds(millis int64) float64 { return float64(millis) / 1000 }

// setPeers sets what is computed from the peers of the window, setPorts from its ports above 0.
func (m *windowMetrics) setPeers(d *distribution) {
	m.ints[MPeerIPNunique] = d.unique
	m.floats[MPeerIPEntropy] = d.entropy()
	m.floats[MPeerIPTop1SessionsShare] = d.sessionsShare()
	m.floats[MPeerIPTop1BytesShare] = d.bytesShare()
	m.ints[MNewPeerCnt], m.ints[MRarePeerCnt] = d.fresh, d.rare
}

func (m *windowMetrics) setPorts(d *distribution) {
	m.ints[MPeerPortNunique] = d.unique
	m.floats[MPeerPortEntropy] = d.entropy()
	m.floats[MPeerPortTop1SessionsShare] = d.sessionsShare()
	m.floats[MPeerPortTop1BytesShare] = d.bytesShare()
	m.ints[MNewDstPortCnt], m.ints[MRareDstPortCnt] = d.fresh, d.rare
}

// setDerived sets what follows from the other metrics, all of which are set.
func (m *windowMetrics) setDerived(role Role) {
	n, f := &m.ints, &m.floats
	sessions := float64(n[MSessionsCnt]) + epsA
	f[MDurationMean] = f[MDurationSum] / sessions
	f[MDenyRatio] = float64(n[MDenyCnt]) / sessions
	f[MBytesAsymmetryRatio] = float64(n[MBytesSrcSum]) / (float64(n[MBytesDstSum]) + 1)
	f[MTransportTCPRatio] = float64(n[MTCPCnt]) / sessions
	f[MTransportUDPRatio] = float64(n[MUDPCnt]) / sessions
	f[MTransportICMPRatio] = float64(n[MICMPCnt]) / sessions
	n[MHasHighRiskPortActivity] = count(n[MHighRiskPortSessionsCnt] > 0)
	f[MNewPeerRatio] = float64(n[MNewPeerCnt]) / (float64(n[MPeerIPNunique]) + epsA)
	n[MNewSrcDstPortCnt] = n[MNewPairCnt]
	if role == Outbound { // the source is the host itself
		n[MNewSrcDstPortCnt] = n[MNewDstPortCnt]
	}
	n[MHasHighRiskSegmentInteraction] = count(n[MHighRiskSegmentSessionsCnt] > 0)
}
