package synth

import (
	"strconv"
	"time"

	"ndr/flow"
)

// zeekFileTime is the layout of #open and #close.
const zeekFileTime = "2006-01-02-15-04-05"

func appendZeekHeader(dst []byte, at time.Time) []byte {
	dst = append(dst, "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t"...)
	dst = at.UTC().AppendFormat(dst, zeekFileTime)
	dst = append(dst, "\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes"+
		"\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts"+
		"\tresp_ip_bytes\ttunnel_parents\n"...)
	return append(dst, "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool"+
		"\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\n"...)
}

// zeekRow is what Zeek, in front of the firewall, makes of a session.
type zeekRow struct {
	origPort, respPort     uint16 // ICMP: type and code
	proto, service         string
	state, history         string
	origPayload, respBytes uint64
	localOrig, localResp   bool
}

func zeekOf(r *flow.Record) (z zeekRow) {
	z.origPort, z.respPort, z.proto = r.SourcePort, r.DestPort, transportWords[r.Transport]
	headers := uint64(40)
	switch r.Transport {
	case flow.ICMP:
		z.origPort, z.respPort = uint16(r.ICMPType), uint16(r.ICMPCode)
		headers = 28
	case flow.UDP:
		headers = 28
	}
	z.service = appByName(r.App).zeek
	z.state, z.history = zeekState(r)
	z.origPayload = r.SourceBytes.N - min(r.SourceBytes.N, headers*r.SourcePackets.N)
	z.respBytes = r.DestBytes.N - min(r.DestBytes.N, headers*r.DestPackets.N)
	z.localOrig, z.localResp = r.DirectionHint != flow.HintIn, r.DirectionHint != flow.HintOut
	return z
}

// zeekState is conn_state and history. Zeek sees the RST of the firewall as one of the server, and a packet that
// the firewall drops as one without an answer.
func zeekState(r *flow.Record) (state, history string) {
	switch reason := string(r.Reason); {
	case r.Outcome == flow.Failed && r.Transport == flow.TCP && reason == "tcp-rst-from-server":
		return "REJ", "Sr"
	case r.Outcome == flow.Failed && r.Transport == flow.TCP:
		return "S0", "S"
	case r.Outcome == flow.Failed:
		return "S0", "D"
	case r.Transport != flow.TCP:
		return "SF", "Dd"
	case reason == "tcp-fin":
		return "SF", "ShADadFf"
	case reason == "tcp-rst-from-client":
		return "RSTO", "ShADadR"
	case reason == "tcp-rst-from-server", reason == "threat":
		return "RSTR", "ShADadr"
	}
	return "S1", "ShADad"
}

func (e *Encoder) zeekTSV(dst []byte, r *flow.Record) []byte {
	if r.Name == flow.Threat {
		return dst
	}
	z := zeekOf(r)
	dst = appendSeconds(dst, r.Start)
	dst = append(append(dst, "\tC"...), r.SessionID...)
	dst = appendAddr(append(dst, '\t'), r.SourceIP)
	dst = strconv.AppendUint(append(dst, '\t'), uint64(z.origPort), 10)
	dst = appendAddr(append(dst, '\t'), r.DestinationIP)
	dst = strconv.AppendUint(append(dst, '\t'), uint64(z.respPort), 10)
	dst = append(append(dst, '\t'), z.proto...)
	dst = append(append(dst, '\t'), orDash(z.service)...)
	dst = appendSeconds(append(dst, '\t'), r.End-r.Start)
	dst = strconv.AppendUint(append(dst, '\t'), z.origPayload, 10)
	dst = strconv.AppendUint(append(dst, '\t'), z.respBytes, 10)
	dst = append(append(dst, '\t'), z.state...)
	dst = append(dst, '\t', letter(z.localOrig), '\t', letter(z.localResp))
	dst = append(append(dst, "\t0\t"...), z.history...)
	for _, n := range [...]uint64{r.SourcePackets.N, r.SourceBytes.N, r.DestPackets.N, r.DestBytes.N} {
		dst = strconv.AppendUint(append(dst, '\t'), n, 10)
	}
	return append(dst, "\t-\n"...)
}

func (e *Encoder) zeekJSON(dst []byte, r *flow.Record) []byte {
	if r.Name == flow.Threat {
		return dst
	}
	z := zeekOf(r)
	dst = appendSeconds(append(dst, `{"ts":`...), r.Start)
	dst = append(append(dst, `,"uid":"C`...), r.SessionID...)
	dst = appendAddr(append(dst, `","id.orig_h":"`...), r.SourceIP)
	dst = strconv.AppendUint(append(dst, `","id.orig_p":`...), uint64(z.origPort), 10)
	dst = appendAddr(append(dst, `,"id.resp_h":"`...), r.DestinationIP)
	dst = strconv.AppendUint(append(dst, `","id.resp_p":`...), uint64(z.respPort), 10)
	dst = append(append(append(dst, `,"proto":"`...), z.proto...), '"')
	if z.service != "" {
		dst = append(append(append(dst, `,"service":"`...), z.service...), '"')
	}
	dst = appendSeconds(append(dst, `,"duration":`...), r.End-r.Start)
	dst = strconv.AppendUint(append(dst, `,"orig_bytes":`...), z.origPayload, 10)
	dst = strconv.AppendUint(append(dst, `,"resp_bytes":`...), z.respBytes, 10)
	dst = append(append(dst, `,"conn_state":"`...), z.state...)
	dst = strconv.AppendBool(append(dst, `","local_orig":`...), z.localOrig)
	dst = strconv.AppendBool(append(dst, `,"local_resp":`...), z.localResp)
	dst = append(append(dst, `,"missed_bytes":0,"history":"`...), z.history...)
	dst = strconv.AppendUint(append(dst, `","orig_pkts":`...), r.SourcePackets.N, 10)
	dst = strconv.AppendUint(append(dst, `,"orig_ip_bytes":`...), r.SourceBytes.N, 10)
	dst = strconv.AppendUint(append(dst, `,"resp_pkts":`...), r.DestPackets.N, 10)
	dst = strconv.AppendUint(append(dst, `,"resp_ip_bytes":`...), r.DestBytes.N, 10)
	return append(dst, '}', '\n')
}

// appendSeconds appends a time or a duration as seconds with six decimals, as Zeek does.
func appendSeconds(dst []byte, nanos int64) []byte {
	dst = append(strconv.AppendInt(dst, nanos/second, 10), '.')
	micros := int(nanos % second / 1000)
	return append(dst, digit(micros/100000), digit(micros/10000), digit(micros/1000), digit(micros/100), digit(micros/10),
		digit(micros))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func letter(b bool) byte {
	if b {
		return 'T'
	}
	return 'F'
}
