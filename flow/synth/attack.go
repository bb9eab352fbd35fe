package synth

import (
	"fmt"
	"time"

	"ndr/flow"
)

// attack is one bad habit of one host, from a time until another.
type attack struct {
	HostLabel
	from, until int64
	gap         func(*actor) int64
	act         func(a *actor, now int64)
}

// attackTail is how long before the end attacks begin.
const attackTail = 6 * hour

// attacks lists what the configuration asks for, each on a workstation of its own as long as there are enough.
func (g *Generator) attacks() (list []attack) {
	length := g.end - g.start
	tail := min(attackTail, length/2)
	begin := g.end - tail
	for k, name := range AttackNames() {
		if !g.cfg.wants(name) {
			continue
		}
		host := workstation(g.attacker(k))
		at := attack{from: begin, until: g.end}
		at.Attack, at.Host = name, host.String()
		switch name {
		case AttackBeacon:
			at.beacon(host, hostile(g.cfg.Seed%80), minute, 0.08)
		case AttackSlowBeacon:
			at.beacon(host, hostile(80+g.cfg.Seed%80), 15*minute, 0.10)
		case AttackExfiltration:
			at.from, at.until = g.nightHour(begin, tail)
			at.exfiltration(host, hostile(160+g.cfg.Seed%80))
		case AttackLateral:
			at.from += tail / 4
			at.until = at.from + min(90*minute, tail/2)
			at.lateral(host)
		case AttackScanHorizontal:
			at.from += tail / 2
			at.until = at.from + min(20*minute, tail/4)
			at.scanHorizontal(host)
		case AttackScanVertical:
			at.from += tail * 5 / 8
			at.until = at.from + min(10*minute, tail/4)
			at.scanVertical(host)
		}
		at.Start = g.at(at.from)
		list = append(list, at)
	}
	return list
}

// attacker is the workstation of the k-th attack. Steps through the workstations are even, so that no two attacks
// meet on one if there are enough.
func (g *Generator) attacker(k int) int {
	n := g.cfg.Hosts
	step := max(1, n/len(AttackNames()))
	return v4Host((int(mix(g.cfg.Seed)%uint64(n))+k*step)%n, n)
}

// nightHour is the last hour between 23:00 and 05:00 that ends in the second half of the time, within 24 hours of
// its end; failing that, the last hour of the tail.
func (g *Generator) nightHour(begin, tail int64) (from, until int64) {
	earliest := max(g.start+(g.end-g.start)/2, g.end-day)
	for from = (g.end - hour) / hour * hour; from >= earliest; from -= hour {
		if h := from % day / hour; h < 5 || h == 23 {
			return from, from + hour
		}
	}
	return max(begin, g.end-hour), g.end
}

// beacon connects at an even rhythm, as a program does that sleeps between.
func (at *attack) beacon(host, to flow.Addr, period int64, jitter float64) {
	at.Kind = KindBeacon
	at.About = fmt.Sprintf("a connection to %s port 443 every %s, jitter %.0f%%", to, time.Duration(period), 100*jitter)
	at.gap = func(a *actor) int64 { return int64(float64(period) * (1 + jitter*(2*a.rng.Float64()-1))) }
	at.act = func(a *actor, now int64) {
		e := a.draw(now, host, to, appTLS)
		e.ending, e.end = endFin, now+200*millisecond+a.rng.Int64N(300*millisecond)
		e.app = appTLS
		e.setBytes(1200+a.size(40, 0.3), 3600+a.size(90, 0.3))
		a.add(&e)
	}
}

// exfiltration uploads sixty pieces of about eight megabytes.
func (at *attack) exfiltration(host, to flow.Addr) {
	const pieces = 60
	at.Kind = KindExfiltration
	at.About = fmt.Sprintf("about 500 MB to %s port 443 in %s", to, time.Duration(at.until-at.from).Round(time.Second))
	step := max((at.until-at.from)/pieces, millisecond)
	at.gap = func(*actor) int64 { return step }
	at.act = func(a *actor, now int64) {
		e := a.draw(now, host, to, appTLS)
		e.ending, e.app, e.end = endFin, appTLS, now+step/2+a.rng.Int64N(step/3+1)
		e.setBytes(a.size(8e6, 0.3), a.size(60000, 0.3))
		a.add(&e)
	}
}

// lateral tries remote administration on one internal host after the other, and gets into some.
func (at *attack) lateral(host flow.Addr) {
	at.Kind = KindLateral
	at.About = "SMB, RDP, WinRM and RPC to internal hosts, one after the other"
	at.gap = func(a *actor) int64 { return 2*second + int64(a.rng.ExpFloat64()*18*float64(second)) }
	at.act = func(a *actor, now int64) {
		dst := server(a.rng.UintN(uint(serverCount))).addr(false)
		if a.rng.IntN(5) > 0 {
			n := a.g.cfg.Hosts
			dst = workstation(v4Host(a.rng.IntN(n), n))
		}
		ids := [...]appID{appSMB, appSMB, appRDP, appWinRM, appRPC}
		e := a.draw(now, host, dst, ids[a.rng.IntN(len(ids))])
		e.end = min(e.end, now+5*minute)
		switch p := a.rng.IntN(100); {
		case p < 25:
			e.fail(a, endNoReply)
		case p < 40:
			e.fail(a, endRefused)
		case p < 50:
			e.fail(a, endDenied)
		}
		if dst != host {
			a.add(&e)
		}
	}
}

// scanHorizontal knocks at one port of the addresses of the workstations, those that nobody has too.
func (at *attack) scanHorizontal(host flow.Addr) {
	at.Kind = KindScanHorizontal
	at.About = "port 445 of 10.1.0.0/16, five addresses a second"
	at.gap = func(a *actor) int64 { return 150*millisecond + a.rng.Int64N(100*millisecond) }
	at.act = func(a *actor, now int64) {
		dst := v4(10, netWorkstations, uint8(a.count/254), uint8(1+a.count%254))
		if i, ok := workstationOf(dst); ok && i < a.g.cfg.Hosts {
			a.probe(now, host, dst, apps[appSMB].port, 8)
		} else {
			e := a.draw(now, host, dst, appIncomplete)
			e.destPort = apps[appSMB].port
			e.fail(a, endNoReply)
			a.add(&e)
		}
		a.noticed(now, host, dst)
	}
}

// scanVertical knocks at the ports of a file server from 1 on.
func (at *attack) scanVertical(host flow.Addr) {
	at.Kind = KindScanVertical
	to := file1.addr(false)
	at.About = fmt.Sprintf("the ports of %s from 1 on, ten a second", to)
	at.gap = func(a *actor) int64 { return 80*millisecond + a.rng.Int64N(40*millisecond) }
	at.act = func(a *actor, now int64) {
		a.probe(now, host, to, uint16(1+a.count%65535), 40)
		a.noticed(now, host, to)
	}
}

// noticed lets the firewall report a scan from time to time.
func (a *actor) noticed(now int64, host, dst flow.Addr) {
	if a.count%500 == 499 {
		e := a.draw(now, host, dst, appNone)
		e.end = now
		a.report(e, threatScan)
	}
}
