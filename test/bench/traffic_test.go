package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"ndr/flow"
	"ndr/flow/synth"
)

// traffic draws flows of a network that is large enough for tables to fall out of the processor's caches: each of the
// hosts has a fixed set of pairs, of which it uses the first ones more often than the last ones. Half of the peers are
// inside, so that a flow makes 1.5 host rows and 1.5 pair rows. The same seed gives the same flows.
type traffic struct {
	rng   *rand.Rand
	hosts int
	from  int64 // nanoseconds
	step  int64 // between two flows
	n     int
}

const (
	pairsPerHost = 20
	insideHosts  = 100_000
	servers      = 4000
)

var (
	trafficFrom  = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	trafficSpan  = 15 * time.Minute // of event time, whatever the number of flows: one slice
	trafficPorts = [...]uint16{443, 443, 443, 443, 80, 53, 445, 389, 8443, 22, 3389, 5432}
	someReasons  = [...]string{"tcp-fin", "tcp-fin", "aged-out", "tcp-rst-from-client"}
	someApps     = [...]string{"ssl", "web-browsing", "dns-base", "ms-office365-base", "ms-update", "zoom-meeting", "slack-base", "ldap",
		"ms-ds-smbv3", "ssh", "ms-rdp", "postgres", "google-base", "quic", "windows-push-notifications", "github-base"}
	someZones = [...]string{"internet", "dmz", "servers-prod", "servers-test", "partners", "voice"}
)

func newTraffic(seed uint64, flows int) *traffic {
	return &traffic{rng: rand.New(rand.NewPCG(seed, 1)), hosts: insideHosts, from: trafficFrom.UnixNano(),
		step: int64(trafficSpan) / int64(flows)}
}

// next draws a flow. Texts are shared: they are encoded at once.
func (t *traffic) next() *synth.Flow {
	host := t.rng.IntN(t.hosts)
	u := t.rng.Float64()
	pair := int(u * u * pairsPerHost)
	r := &synth.Flow{}
	f := &r.Record
	f.SourceIP = flow.Addr{Lo: mapped4 | 10<<24 | uint64(host)}
	mixed := mix(uint64(host*pairsPerHost + pair))
	if pair%2 == 0 {
		f.DestinationIP = flow.Addr{Lo: mapped4 | 10<<24 | 200<<16 | mixed%servers}
	} else {
		f.DestinationIP = flow.Addr{Lo: mapped4 | 93<<24 | mixed%(1<<24)}
	}
	f.DestPort = trafficPorts[mixed>>32%uint64(len(trafficPorts))]
	f.SourcePort = uint16(32768 + t.rng.IntN(28000))
	f.IPProto, f.Transport = 6, flow.TCP
	if f.DestPort == 53 {
		f.IPProto, f.Transport = 17, flow.UDP
	}
	f.End = t.from + int64(t.n)*t.step
	f.Start = f.End - t.rng.Int64N(int64(30*time.Second))
	f.TimesKnown, f.TimeRes = true, flow.ResSeconds
	f.Observed, f.ObservedKnown = f.End+int64(time.Second), true
	sent := uint64(200 + t.rng.ExpFloat64()*4000)
	back := uint64(t.rng.ExpFloat64() * 60000)
	f.SourceBytes, f.DestBytes = flow.Count{N: sent, Known: true}, flow.Count{N: back, Known: true}
	f.SourcePackets, f.DestPackets = flow.Count{N: 1 + sent/900, Known: true}, flow.Count{N: 1 + back/1300, Known: true}
	f.Action, f.Outcome = flow.Allow, flow.Established
	f.Reason = []byte(someReasons[t.rng.IntN(len(someReasons))])
	f.ReasonRaw, f.App = f.Reason, []byte(someApps[mixed>>20%uint64(len(someApps))])
	f.Rule = fmt.Appendf(nil, "allow-%s-%02d", f.App, mixed>>40%40)
	f.SourceZone, f.DestZone = []byte("users-"+string(rune('a'+host%8))), []byte(someZones[mixed>>24%uint64(len(someZones))])
	f.ObserverID, f.ObserverType = fmt.Appendf(nil, "00705100012%04d", host%24), []byte("panos")
	f.User = fmt.Appendf(nil, `corp\u%07x`, mix(uint64(host))>>36)
	f.SessionID = strconv.AppendUint(nil, t.rng.Uint64N(4_000_000), 10)
	f.RepeatCount = 1
	t.n++
	return r
}

const mapped4 = 0xffff << 32

func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	return h ^ h>>33
}

// lines are n records of a format, and the header that a decoder needs before them. In vpc-text a flow has two
// records, one for each direction.
func lines(format string, n int) (header []byte, records [][]byte) {
	e, err := synth.NewEncoder(format)
	if err != nil {
		panic(err) // formats are named in this package
	}
	header = e.AppendHeader(nil, trafficFrom)
	var all []byte
	t := newTraffic(1, n)
	for range n {
		all = e.Append(all, t.next())
	}
	records = make([][]byte, 0, n)
	for line := range bytes.Lines(all) {
		if len(records) == n {
			break
		}
		records = append(records, bytes.TrimSuffix(line, []byte{'\n'}))
	}
	return header, records
}
