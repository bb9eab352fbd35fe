package synth

import "ndr/flow"

// devices is how many hosts are watched and backed up: servers and printers.
func (g *Generator) devices() int { return int(serverCount) + g.printers() }

func (g *Generator) device(i int) flow.Addr {
	if i < int(serverCount) {
		return server(i).addr(false)
	}
	return internal(netPrinters, uint8(1+i-int(serverCount)), false)
}

// serve is what servers do among themselves and towards the internet. 1.15 flows in the mean.
func (a *actor) serve(now int64) {
	if !a.takesPlace(busyness(now)) {
		return
	}
	switch p := a.rng.IntN(100); {
	case p < 60:
		a.session(now, intranet.addr(false), (db1 + server(a.rng.UintN(2))).addr(false), appSQL)
	case p < 75:
		now = a.session(now, mail.addr(false), a.domainController().addr(false), appDNS)
		a.session(now, mail.addr(false), peer(a.zipf.Uint64(), false), appSMTP)
	case p < 85:
		v6 := a.rng.IntN(8) == 0
		a.session(now, dc1.addr(v6), dc2.addr(v6), appLDAP)
	case p < 90:
		a.session(now, dc2.addr(false), dc1.addr(false), appRPC)
	default:
		a.session(now, dmzWeb.addr(false), db2.addr(false), appSQL)
	}
}

// customer comes from the internet to the web server in the DMZ, or brings mail.
func (a *actor) customer(now int64) {
	if !a.takesPlace(busyness(now)) {
		return
	}
	src := peer(500+a.rng.Uint64N(1<<22), false)
	if a.rng.IntN(8) == 0 {
		a.session(now, src, mail.addr(false), appSMTP)
		return
	}
	a.session(now, src, dmzWeb.addr(false), appTLS)
}

// noise is what the internet tries on every address; the firewall drops it.
func (a *actor) noise(now int64) {
	e := a.draw(now, peer(500+a.rng.Uint64N(1<<12), false), dmzWeb.addr(false), appTLS)
	ports := [...]uint16{22, 23, 80, 445, 1433, 3389, 5900, 8080, 8443}
	e.destPort = ports[a.rng.IntN(len(ports))]
	e.fail(a, endDenied)
	a.add(&e)
}

// watch lets the monitor ask the devices in turn, each in an even rhythm.
func (a *actor) watch(now int64) {
	id := appPing
	if round := a.count / a.g.devices(); round%2 == 1 {
		id = appSNMP
	}
	a.session(now, monitor.addr(false), a.g.device(a.count%a.g.devices()), id)
}

// backUp copies one server each time, in the night: gigabytes from the server to the backup host, which asked.
func (a *actor) backUp(now int64) {
	if within(1*hour, 3*hour)(now) == 0 {
		return
	}
	s := server(a.count % int(serverCount))
	if s == backup {
		s = file1
	}
	a.session(now, backup.addr(false), s.addr(false), appBackup)
}

// auditPorts are what the vulnerability scanner knocks at.
var auditPorts = [...]uint16{21, 22, 23, 25, 53, 80, 88, 110, 135, 139, 143, 389, 443, 445, 993, 1433, 3306, 3389,
	5432, 5900, 5985, 8080, 8443, 9100}

// auditProbe is one knock of the vulnerability scanner, which walks through all ports of a device, then of the next,
// and of workstations between them.
func (a *actor) auditProbe(now int64) {
	if within(3*hour, 5*hour)(now) == 0 {
		return
	}
	target := a.count / len(auditPorts)
	dst := a.g.device(target % a.g.devices())
	if target%2 == 1 {
		dst = workstation(v4Host(int(mix(uint64(target))%uint64(a.g.cfg.Hosts)), a.g.cfg.Hosts))
	}
	a.probe(now, scanner.addr(false), dst, auditPorts[a.count%len(auditPorts)], 8)
}

// probe knocks at a port: one time in oneOpen something answers and says hello.
func (a *actor) probe(now int64, src, dst flow.Addr, port uint16, oneOpen int) {
	e := a.draw(now, src, dst, appIncomplete)
	e.destPort = port
	switch a.rng.IntN(oneOpen) {
	case 0:
		e.app, e.ending = appAt(port), endClientReset
		e.setBytes(300, 400)
		e.end = now + 40*millisecond
	case 1, 2:
		e.fail(a, endDenied)
	case 3:
		e.fail(a, endNoReply)
	default:
		e.fail(a, endRefused)
	}
	a.add(&e)
}

// appAt is the TCP application that is usual at a port.
func appAt(port uint16) appID {
	for id := range apps {
		if p := &apps[id]; p.port == port && p.proto == protoTCP {
			return appID(id)
		}
	}
	return appHTTP
}

// v4Host is the workstation, or another one near it that speaks IPv4.
func v4Host(i, hosts int) int {
	if i%16 == 7 && hosts > 1 {
		return i - 1
	}
	return i
}
