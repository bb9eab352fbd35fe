package flow

import "bytes"

// The rules that both PAN-OS decoders share: what actions, end reasons and subtypes mean.

var observerPANOS = []byte("panos")

// actionOf reads the verdict of a TRAFFIC or THREAT log, in any case. The words of the canonical record are
// among them.
func actionOf(v []byte) Action {
	var buf [24]byte
	v = lowered(v, &buf)
	switch string(v) {
	case "allow", "continue", "override":
		return Allow
	case "alert":
		return Alert
	case "deny", "sinkhole", "random-drop", "syncookie-sent":
		return Deny
	}
	switch {
	case bytes.HasPrefix(v, []byte("reset")):
		return Reset
	case bytes.HasPrefix(v, []byte("drop")), bytes.HasPrefix(v, []byte("block")):
		return Deny
	}
	return ActionUnknown
}

// reasonOf brings an end reason to the vocabulary of Record.Reason. A reason outside of it is "unknown"; its text
// stays in ReasonRaw. The result is v, or lives in buf, or is shared.
func reasonOf(v []byte, buf *[24]byte) []byte {
	v = lowered(v, buf)
	switch string(v) {
	case "tcp-fin", "tcp-rst-from-client", "tcp-rst-from-server", "aged-out", "tcp-reuse", "policy-deny", "threat",
		"decoder", "resources-unavailable", "decrypt-cert-validation", "decrypt-unsupport-param", "decrypt-error",
		"n/a", "unknown", "no-reply", "conn-refused", "half-open", "midstream", "active", "window-end", "device-rst",
		"quota", "acl-deny", "encryption-deny":
		return v
	case "":
		return nil
	case "n-a": // the Strata Logging Service
		return reasonNA
	}
	return reasonUnknown
}

var (
	reasonNA      = []byte("n/a")
	reasonUnknown = []byte("unknown")
)

// settlePANOS applies the rules of PAN-OS to a record whose fields are all read, and completes it. It returns the
// filter that takes the record out, or "".
func (d *draft) settlePANOS() (filter string) {
	r := d.record
	if d.other {
		return FilterUnselected
	}
	if r.ObserverType == nil {
		r.ObserverType = observerPANOS
	}
	subtype := d.subtype
	if subtype == nil {
		subtype = r.Category // what a CEF header carries for both kinds of logs
	}
	switch {
	case r.Name == Threat:
		r.Kind = Event
		if r.Category == nil {
			r.Category = subtype
		}
	default:
		r.Category = nil
		if isStart(subtype) {
			r.Kind = Start
		}
	}
	if r.Action == Allow && (string(r.Reason) == "threat" || string(r.Reason) == "policy-deny") {
		r.Action = Deny
	}
	if !d.outcome && r.Name == Traffic {
		r.Outcome = panosOutcome(r)
	}
	return ""
}

// isStart tells the subtype that is written when a session begins, sometimes several times, without totals. Drop
// and deny have no end row and count; so does an unknown subtype.
func isStart(subtype []byte) bool {
	var buf [24]byte
	return string(lowered(subtype, &buf)) == "start"
}

// panosOutcome tells whether the peer answered: an incomplete handshake and no packet back say no.
func panosOutcome(r *Record) Outcome {
	switch {
	case string(r.App) == "incomplete", r.DestPackets.Known && r.DestPackets.N == 0:
		return Failed
	case r.DestPackets.Known:
		return Established
	}
	return OutcomeUnknown
}
