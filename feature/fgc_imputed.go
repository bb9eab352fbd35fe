package feature

// imputation is a reason for which a number is not the host's own or is null. The list is closed: what is missing
// for another reason is a defect.
type imputation uint8

const (
	imputedColdStart     imputation = iota // a role of a row: segment baseline of a host without full history
	imputedNonPersistent                   // a role of a row: segment baseline of a non-persistent machine
	imputedPairSegment                     // a row: the pair shown has a row of its segment only
	imputedPairMissing                     // a row: the pair shown has none, zeros
	nullNoBaseline                         // a role of a row: no baseline at all
	nullNoFlows                            // a metric of a row: ratio, entropy or share of a role without flows
	nullNoSupport                          // a metric of a row: the baseline has no value of it
	nullShortLookback                      // a novelty metric of a row: too short a history
	nullNoPair                             // a row: no outbound pair with a port
	nullNoPeers                            // a row of w_15m: no outbound peer
	nullNoCadence                          // a row of w_15m: no pair that qualifies for cadence
	imputedNoMetadata                      // a row of w_15m: the host is not in fg_b/ip_metadata
	nullNoPublication                      // a row of beacon_evidence: no prevalence
	numImputations       int        = iota
)

// imputationNames are the names as manifests and metrics count them: dataset and reason.
var imputationNames = [numImputations]string{"fg_c.cold_start", "fg_c.non_persistent", "fg_c.pair_segment", "fg_c.pair_missing",
	"fg_c.no_baseline", "fg_c.no_flows", "fg_c.no_support", "fg_c.short_lookback", "fg_c.no_pair", "fg_c.no_peers", "fg_c.no_cadence",
	"fg_c.no_metadata", "beacon_evidence.no_publication"}

// ImputationReasons lists every reason that FGCAccount may name.
func ImputationReasons() []string { return append([]string(nil), imputationNames[:]...) }

// ScaleSources lists what z_mad may have been divided by.
func ScaleSources() []string { return append([]string(nil), scaleNames[:]...) }

// FGCAccount is what a close counted while it compared hosts with baselines. Reasons and scales that did not occur
// are left out.
type FGCAccount struct {
	// Imputed is by "<dataset>.<reason>": rows, roles of rows or metrics of rows, by the nature of the reason.
	Imputed map[string]int64
	Scales  map[string]int64 // z_mad by the scale that was used
}

// fgcCounters counts without a map.
type fgcCounters struct {
	imputed [numImputations]int64
	scales  [numScales]int64
}

func (c *fgcCounters) account() FGCAccount {
	a := FGCAccount{Imputed: map[string]int64{}, Scales: map[string]int64{}}
	for i, n := range c.imputed {
		if n > 0 {
			a.Imputed[imputationNames[i]] = n
		}
	}
	for i, n := range c.scales {
		if n > 0 {
			a.Scales[scaleNames[i]] = n
		}
	}
	return a
}
