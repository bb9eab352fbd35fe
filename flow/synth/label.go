package synth

import (
	"time"

	"ndr/flow"
)

// The kinds of labels.
const (
	KindBenign         = "benign"
	KindKnownScanner   = "known_scanner" // the company's own vulnerability scanner: good, though it scans
	KindBeacon         = "beacon"
	KindExfiltration   = "exfiltration"
	KindLateral        = "lateral"
	KindScanHorizontal = "scan_horizontal"
	KindScanVertical   = "scan_vertical"
)

// Label says what a flow belongs to.
type Label struct {
	Kind string
	Host string // the address of the labelled host; empty with KindBenign
}

// Malicious tells attacks from what is benign or known.
func (l Label) Malicious() bool { return l.Kind != KindBenign && l.Kind != KindKnownScanner }

// HostLabel says what a host does beside its benign traffic, and from when on.
type HostLabel struct {
	Label
	Attack string    // the name in Config.Attacks; empty for the known scanner
	Start  time.Time // no labelled flow starts before
	About  string    // a phrase for people
}

// Flow is a record and its label. Its byte slices are never overwritten.
type Flow struct {
	Record flow.Record
	Label  Label
}
