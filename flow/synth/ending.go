package synth

import "ndr/flow"

// ending is how a session ends.
type ending uint8

const (
	endFin         ending = iota
	endClientReset        // the client resets an established session
	endServerReset        // the server does
	endAged               // no packet for long: every UDP and ICMP session, some TCP
	endNoReply            // nothing comes back
	endRefused            // TCP only: RST to the SYN
	endDenied             // dropped by policy
	endDeniedReset        // refused by policy with a RST of the firewall
	endThreat             // cut by the firewall because of a threat
	endAlert              // no session: a THREAT record that only reports
	endBlock              // no session: a THREAT record of a blocked attempt
)

// TCP flags.
const (
	fin = 1
	syn = 2
	rst = 4
	psh = 8
	ack = 16
)

// endings says what the record of each ending holds; flags are those of TCP. TestEndings compares it with what
// decoders make of it.
var endings = [...]struct {
	outcome  flow.Outcome
	action   flow.Action
	reason   []byte
	up, down uint16
}{
	endFin:         {flow.Established, flow.Allow, []byte("tcp-fin"), syn | ack | psh | fin, syn | ack | psh | fin},
	endClientReset: {flow.Established, flow.Allow, []byte("tcp-rst-from-client"), syn | ack | psh | rst, syn | ack | psh},
	endServerReset: {flow.Established, flow.Allow, []byte("tcp-rst-from-server"), syn | ack | psh, syn | ack | psh | rst},
	endAged:        {flow.Established, flow.Allow, []byte("aged-out"), syn | ack | psh, syn | ack | psh},
	endNoReply:     {flow.Failed, flow.Allow, []byte("aged-out"), syn, 0},
	endRefused:     {flow.Failed, flow.Allow, []byte("tcp-rst-from-server"), syn, rst | ack},
	endDenied:      {flow.Failed, flow.Deny, []byte("policy-deny"), syn, 0},
	endDeniedReset: {flow.Failed, flow.Reset, []byte("policy-deny"), syn, 0},
	endThreat:      {flow.Established, flow.Deny, []byte("threat"), syn | ack | psh, syn | ack | psh | rst},
	endAlert:       {flow.OutcomeUnknown, flow.Alert, nil, 0, 0},
	endBlock:       {flow.OutcomeUnknown, flow.Reset, nil, 0, 0},
}
