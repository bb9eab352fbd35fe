package feature

// DeltaEntry is one closed slice of a (host, role): what windows need of it.
type DeltaEntry struct {
	Slice        Slice
	Sum          [NumSums]int64
	MaxPerMinute int64
	Approximate  bool    // the slice had more pairs than the limits; Peers and Ports are set
	Peers, Ports *Sketch // HyperLogLogs of all peers and all non-zero ports of the slice; nil unless Approximate
}
