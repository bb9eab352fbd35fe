package synth

import "ndr/flow"

// office is what a person at a workstation does next: 3.08 flows in the mean.
func (a *actor) office(now int64) {
	g := a.g
	i := a.rng.IntN(g.cfg.Hosts)
	if !a.takesPlace(presence(g.hash(i), now)) {
		return
	}
	src := workstation(i)
	v6 := isV6(src)
	switch p := a.rng.IntN(100); {
	case p < 58:
		a.browse(now, i)
	case p < 66:
		a.session(now, src, (file1 + server(g.hash(i)%2)).addr(v6), appSMB)
	case p < 76:
		a.session(now, src, mail.addr(v6), appIMAP)
	case p < 86:
		a.session(now, src, intranet.addr(v6), appTLS)
	case p < 93:
		dc := a.domainController().addr(v6)
		a.session(a.session(now, src, dc, appKerberos), src, dc, appLDAP)
	case p < 95:
		a.session(now, src, internal(netPrinters, uint8(1+g.hash(i)%uint64(g.printers())), v6), appPrint)
	case p < 97:
		a.linger(now, i)
	case p < 98:
		a.session(now, src, server(a.rng.UintN(uint(serverCount))).addr(v6), appPing)
	default:
		a.refuse(now, i)
	}
}

// browse visits a site: a name is looked up, then one to five connections are made, by way of the proxy from every
// fourth workstation. One visit in a hundred is reported as a threat.
func (a *actor) browse(now int64, i int) {
	src := workstation(i)
	v6 := isV6(src)
	site := a.peerOf(i, v6)
	if a.rng.IntN(10) < 7 {
		now = a.session(now, src, a.domainController().addr(v6), appDNS)
	}
	id := appTLS
	switch p := a.rng.IntN(100); {
	case p < 8:
		id = appHTTP
	case p < 22:
		id = appQUIC
	}
	for range 1 + a.rng.IntN(5) {
		if i%4 == 0 {
			a.session(now, src, proxy.addr(v6), appProxy)
			a.session(now+20*millisecond, proxy.addr(v6), site, appTLS)
		} else {
			a.session(now, src, site, id)
		}
		now += a.rng.Int64N(2 * second)
	}
	if a.rng.IntN(100) == 0 {
		e := a.draw(now, src, site, id)
		number := uint8(1 + a.rng.UintN(commonThreats))
		answered := endings[e.ending].outcome == flow.Established
		if answered && threats[number-1].block {
			e.ending = endThreat
		}
		a.add(&e)
		if answered {
			a.report(e, number)
		}
	}
}

// linger opens a session of half an hour or hours: a call, a remote desktop, a shell.
func (a *actor) linger(now int64, i int) {
	src := workstation(i)
	v6 := isV6(src)
	switch a.g.hash(i) >> 8 % 4 {
	case 0:
		a.session(now, src, file2.addr(v6), appRDP)
	case 1:
		a.session(now, src, db1.addr(v6), appSSH)
	default:
		a.session(now, src, peer(a.zipf.Uint64()%50, v6), appCall)
	}
}

// refuse tries something that the policy does not allow.
func (a *actor) refuse(now int64, i int) {
	src := workstation(i)
	e := a.draw(now, src, a.peerOf(i, isV6(src)), appTLS)
	ports := [...]uint16{25, 23, 6667, 6881, 4444, 8333}
	e.destPort = ports[a.rng.IntN(len(ports))]
	how := endDenied
	if a.rng.IntN(4) == 0 {
		how = endDeniedReset
	}
	e.fail(a, how)
	a.add(&e)
}

// machine is what a workstation does without its person: updates and telemetry, policies from the directory.
// 1.6 flows in the mean.
func (a *actor) machine(now int64) {
	g := a.g
	i := a.rng.IntN(g.cfg.Hosts)
	if !a.takesPlace(powered(g.hash(i), now)) {
		return
	}
	src := workstation(i)
	v6 := isV6(src)
	if a.rng.IntN(10) < 7 {
		if a.rng.IntN(7) < 5 {
			now = a.session(now, src, a.domainController().addr(v6), appDNS)
		}
		a.session(now, src, peer(a.zipf.Uint64()%20, v6), appTLS)
		return
	}
	dc := a.domainController().addr(v6)
	if a.rng.IntN(3) == 0 {
		now = a.session(now, src, dc, appKerberos)
	}
	a.session(now, src, dc, appLDAP)
}

// setClock lets the workstations ask for the time in turn, each in an even rhythm.
func (a *actor) setClock(now int64) {
	i := a.count % a.g.cfg.Hosts
	if !a.takesPlace(powered(a.g.hash(i), now)) {
		return
	}
	src := workstation(i)
	e := a.draw(now+a.rng.Int64N(second), src, clock.addr(isV6(src)), appNTP)
	e.sourcePort = 123
	a.add(&e)
}

func (a *actor) domainController() server { return dc1 + server(a.rng.UintN(2)) }
