package flow

import (
	"bytes"
	"math"
	"time"
)

// draft fills a record field by field from texts, in any order, and settles at the end what depends on several of
// them.
type draft struct {
	record  *Record
	have    Have
	zone    *time.Location // of times without one
	dates   dateMemo
	subtype []byte   // of PAN-OS
	other   bool     // event_name is neither TRAFFIC nor THREAT
	reason  [24]byte // the lower case of a reason that was written otherwise
	icmp    uint8    // bits: type seen, code seen
	outcome bool     // conn_outcome was given
	// guessedTimes is what times_known: false says, though both times are there.
	guessedTimes bool
}

func (d *draft) begin(r *Record) {
	d.record, d.have, d.subtype, d.other, d.icmp, d.outcome, d.guessedTimes = r, Have{}, nil, false, 0, false, false
}

// isNull tells the texts that stand for an absent value in all formats.
func isNull(v []byte) bool {
	switch len(v) {
	case 0:
		return true
	case 1:
		return v[0] == '-'
	case 3:
		return string(v) == "N/A"
	}
	return false
}

// set takes over one present value. It reports false if it cannot be read, which makes the record malformed; an
// unreadable address counts as missing instead.
func (d *draft) set(f field, v []byte) bool {
	r := d.record
	switch f {
	case fieldStart, fieldEnd, fieldObserved:
		ns, ok := d.dates.parse(v, d.zone)
		d.setTime(f, ns)
		return ok
	case fieldSourceIP:
		r.SourceIP, d.have.Source = ParseAddr(v)
	case fieldDestIP:
		r.DestinationIP, d.have.Dest = ParseAddr(v)
	case fieldSourcePort:
		return d.setPort(&r.SourcePort, v)
	case fieldDestPort:
		return d.setPort(&r.DestPort, v)
	case fieldSourceBytes:
		return d.setBytes(&r.SourceBytes, v)
	case fieldDestBytes:
		return d.setBytes(&r.DestBytes, v)
	case fieldBytesTotal:
		return d.setBytes(&r.BytesTotal, v)
	case fieldSourcePackets:
		return setCount(&r.SourcePackets, v)
	case fieldDestPackets:
		return setCount(&r.DestPackets, v)
	case fieldTransport:
		return d.setTransport(v)
	case fieldAction:
		r.Action = actionOf(v)
	case fieldReason:
		if r.Reason = reasonOf(v, &d.reason); r.ReasonRaw == nil {
			r.ReasonRaw = v
		}
	case fieldName:
		if r.Name, d.other = Traffic, false; string(v) != "TRAFFIC" {
			return d.setWord(f, v)
		}
	case fieldNATSource:
		r.NATSource = natAddress(v)
	case fieldNATDest:
		r.NATDest = natAddress(v)
	default:
		if f.isText() {
			*r.textOf(f) = v
			return true
		}
		return d.setWord(f, v) || d.setSmall(f, v)
	}
	return true
}

func (d *draft) setTransport(v []byte) bool {
	r := d.record
	var transport Transport
	var proto uint8
	ok := true
	switch string(v) {
	case "tcp", "TCP":
		transport, proto = TCP, protoTCP
	case "udp", "UDP":
		transport, proto = UDP, protoUDP
	default:
		transport, proto, ok = ParseProtocol(v)
	}
	switch {
	case r.IPProto == 0: // no number, which would be the better source
		r.Transport, r.IPProto = transport, proto
	case transport != TransportOther:
		r.Transport = transport
	}
	return ok
}

func (d *draft) setBytes(c *Count, v []byte) bool {
	d.have.Bytes = true
	return setCount(c, v)
}

// setTime takes over one time in nanoseconds.
func (d *draft) setTime(f field, ns int64) {
	r := d.record
	switch f {
	case fieldStart:
		r.Start, d.have.Start = ns, true
	case fieldEnd:
		r.End, d.have.End = ns, true
	case fieldObserved:
		r.Observed, r.ObservedKnown = ns, true
	}
}

func (d *draft) setPort(port *uint16, v []byte) bool {
	d.have.Ports = true
	n, ok := parseDigits(v)
	if !ok {
		*port, ok = ParsePort(v)
		return ok
	}
	*port = uint16(n)
	return n <= math.MaxUint16
}

// setWord reads the fields whose texts are words. It reports false for other fields and for unknown words.
func (d *draft) setWord(f field, v []byte) bool {
	var buf [24]byte
	word := string(lowered(v, &buf))
	r, ok := d.record, true
	switch f {
	case fieldName:
		r.Name, d.other = Traffic, word != "traffic" && word != "threat"
		if word == "threat" {
			r.Name = Threat
		}
	case fieldSubtype:
		d.subtype = v
	case fieldScaled:
		r.Scaled, ok = yesOrNo(word)
	case fieldTimesKnown:
		var known bool
		known, ok = yesOrNo(word)
		d.guessedTimes = ok && !known
	case fieldKind:
		r.Kind, ok = kindOf(word)
	case fieldOutcome:
		d.outcome = true
		r.Outcome = wordIndex(word, OutcomeUnknown, outcomeNames[:])
	case fieldOrientation:
		r.Orientation = wordIndex(word, Guessed, orientationNames[:])
	case fieldHint:
		r.DirectionHint = wordIndex(word, HintUnknown, hintNames[:])
	case fieldTimeRes:
		r.TimeRes = wordIndex(word, ResSeconds, timeResNames[:])
	default:
		ok = false
	}
	return ok
}

func yesOrNo(word string) (yes, ok bool) {
	switch word {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// wordIndex is the value of an enumeration that counts from 0, or unknown.
func wordIndex[T ~uint8](word string, unknown T, words []string) T {
	for i, w := range words {
		if w == word {
			return T(i)
		}
	}
	return unknown
}

func kindOf(word string) (Kind, bool) {
	for i, w := range kindNames {
		if w == word {
			return Kind(i), true
		}
	}
	return Session, false
}

// setSmall reads the small integers, decimal or hexadecimal with 0x.
func (d *draft) setSmall(f field, v []byte) bool {
	n, ok := ParseUint(v)
	if hex := bytes.TrimPrefix(v, []byte("0x")); len(hex) < len(v) {
		var h uint16
		h, ok = parseHex(hex)
		n = uint64(h)
	}
	if !ok {
		return false
	}
	r := d.record
	switch f {
	case fieldIPProto:
		r.IPProto, r.Transport = uint8(n), TransportOf(uint8(n))
		return n <= math.MaxUint8
	case fieldICMPType:
		r.ICMPType = uint8(n)
		d.icmp |= 1
		return n <= math.MaxUint8
	case fieldICMPCode:
		r.ICMPCode = uint8(n)
		d.icmp |= 2
		return n <= math.MaxUint8
	case fieldFlagsSource:
		r.TCPFlagsSource = uint16(n)
		return n <= math.MaxUint16
	case fieldFlagsDest:
		r.TCPFlagsDest = uint16(n)
		return n <= math.MaxUint16
	case fieldSamplingRate:
		r.SamplingRate = uint32(n)
		return n <= math.MaxUint32
	case fieldRepeatCount:
		r.RepeatCount = uint32(n)
		return n <= math.MaxUint32
	}
	return false
}

// settle completes what depends on several fields, whatever their order was. Name, kind and action are final by
// now.
func (d *draft) settle() {
	r := d.record
	if r.IPProto == protoICMP && d.have.Source && !r.SourceIP.is4() {
		r.IPProto = protoICMPv6
	}
	if r.Transport == ICMP {
		r.SourcePort, r.DestPort = 0, 0
	}
	if d.icmp != 0 {
		d.have.Ports, r.ICMPKnown = true, d.icmp == 3
	}
	if r.SourceBytes.Known && r.DestBytes.Known {
		r.BytesTotal = Count{} // says nothing new
	}
	if r.Kind == Event {
		r.SourceBytes, r.DestBytes, r.BytesTotal = Count{}, Count{}, Count{}
		r.SourcePackets, r.DestPackets = Count{}, Count{}
	}
}

// finish gives the item its verdict. Nothing is set after it.
func (d *draft) finish(it *Item) {
	d.settle()
	it.finish(d.have)
	if d.guessedTimes {
		it.Record.TimesKnown = false
	}
}

// parseDigits reads 1 to 18 decimal digits and nothing else: the form that nearly all numbers of logs have.
func parseDigits(v []byte) (n uint64, ok bool) {
	if len(v)-1 > 17 {
		return 0, false
	}
	for _, c := range v {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return n, len(v) > 0
}

func setCount(c *Count, v []byte) (ok bool) {
	if n, ok := parseDigits(v); ok {
		*c = Count{n, true}
		return true
	}
	*c, ok = ParseCount(v)
	return ok
}

// lowered is v in lower case: itself if it has no upper case letter or is longer than every known word, else in
// buf.
func lowered(v []byte, buf *[24]byte) []byte {
	for i, c := range v {
		if c >= 'A' && c <= 'Z' {
			if len(v) > len(buf) {
				return v
			}
			copy(buf[:i], v)
			for ; i < len(v); i++ {
				if c = v[i]; c >= 'A' && c <= 'Z' {
					c += 'a' - 'A'
				}
				buf[i] = c
			}
			return buf[:len(v)]
		}
	}
	return v
}

// natAddress drops the address that stands for "not translated".
func natAddress(v []byte) []byte {
	switch string(v) {
	case "0.0.0.0", "0.0.0.0:0", "::", "0":
		return nil
	}
	return v
}
