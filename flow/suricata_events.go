package flow

// flow reads a flow record, which comes when the engine lets go of the flow: its timestamp is not the flow's time.
func (d *suricataEVE) flow(r *Record) {
	r.Start, d.have.Start = d.time(eveFlowStart)
	r.End, d.have.End = d.time(eveFlowEnd)
	r.SourceBytes, r.DestBytes = d.count(eveFlowBytesServer), d.count(eveFlowBytesClient)
	r.SourcePackets, r.DestPackets = d.count(eveFlowPacketsServer), d.count(eveFlowPacketsClient)
	d.have.Bytes = d.text(eveFlowBytesServer) != nil || d.text(eveFlowBytesClient) != nil
	r.TCPFlagsSource, r.TCPFlagsDest = d.flags(eveTCPFlagsServer), d.flags(eveTCPFlagsClient)
	r.ReasonRaw = d.text(eveFlowReason)
	state := string(d.text(eveFlowState))
	d.flowOutcome(r, state)
	r.Action = d.flowAction(state)
}

// flowAction is the verdict of an inline engine; one that only listens lets pass what was answered.
func (d *suricataEVE) flowAction(state string) Action {
	switch string(d.text(eveFlowAction)) {
	case "drop":
		return Deny
	case "accept", "pass":
		return Allow
	}
	if state != "" && state != "new" {
		return Allow
	}
	return ActionUnknown
}

// flowOutcome tells how the flow ended. A flow that the engine gave up (forced, shutdown) was cut, not aged out. A
// RST that answers a SYN is a refusal, so nothing was established.
func (d *suricataEVE) flowOutcome(r *Record, state string) {
	flags := r.TCPFlagsSource | r.TCPFlagsDest | d.flags(eveTCPFlags)
	closed := state == "closed" || string(d.text(eveTCPState)) == "closed"
	switch {
	case state == "new":
		r.Outcome = Failed
	case r.TCPFlagsDest&(flagRST|flagSYN) == flagRST && r.TCPFlagsSource&flagSYN != 0:
		r.Outcome = Failed
	case state != "":
		r.Outcome = Established
	}
	switch reason := string(r.ReasonRaw); {
	case r.TCPFlagsDest&flagRST != 0:
		r.Reason = reasonRSTFromServer
	case r.TCPFlagsSource&flagRST != 0:
		r.Reason = reasonRSTFromClient
	case closed && flags&flagFIN != 0:
		r.Reason = reasonTCPFin
	case state == "new":
		r.Reason = reasonNoReply
	case reason == "forced" || reason == "shutdown":
		r.Reason = reasonWindowEnd
	default:
		r.Reason = reasonAgedOut
	}
}

// netflow reads one direction of a flow.
func (d *suricataEVE) netflow(r *Record) {
	r.Kind = Half
	r.Start, d.have.Start = d.time(eveNetStart)
	r.End, d.have.End = d.time(eveNetEnd)
	r.SourceBytes, r.SourcePackets = d.count(eveNetBytes), d.count(eveNetPackets)
	d.have.Bytes = d.text(eveNetBytes) != nil
	r.TCPFlagsSource = d.flags(eveTCPFlags)
}

// alert reads an alert or a drop. Its addresses are those of the packet, so a packet to the client is turned round;
// Suricata 7 repeats the client's view in "flow", and older versions tell no direction.
func (d *suricataEVE) alert(r *Record, drop bool) {
	r.Kind, r.Name = Event, Threat
	direction := string(d.text(eveDirection))
	if d.text(eveFlowSource) != nil && d.text(eveFlowDest) != nil {
		d.common(r, eveFlowSource)
	} else {
		d.common(r, eveSource)
		switch direction {
		case "to_server":
		case "to_client":
			r.SourceIP, r.DestinationIP = r.DestinationIP, r.SourceIP
			r.SourcePort, r.DestPort = r.DestPort, r.SourcePort
			d.have.Source, d.have.Dest = d.have.Dest, d.have.Source
		default:
			r.Orientation = Guessed
		}
	}
	switch direction {
	case "to_server":
		r.ThreatDirection = directionToServer
	case "to_client":
		r.ThreatDirection = directionToClient
	}
	r.End, d.have.End = r.Observed, r.ObservedKnown
	r.Category, r.ThreatName, r.ThreatSeverity = d.text(eveAlertCategory), d.text(eveAlertSignature), d.text(eveAlertSeverity)
	verdict := string(d.text(eveVerdict))
	r.Action = Alert
	if drop || verdict == "drop" || verdict == "reject" || string(d.text(eveAlertAction)) == "blocked" {
		r.Action, r.Reason = Deny, reasonThreat
	}
}
