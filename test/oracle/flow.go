package oracle

import (
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"
)

// Flow is one decoded flow. Times are nanoseconds since the Unix epoch; nil bytes are unknown.
type Flow struct {
	Start, End                       int64
	BothTimes                        bool
	Source, Destination              netip.Addr
	SourcePort, DestinationPort      int
	Transport                        string // TCP, UDP, ICMP, OTHER
	SourceBytes, DestinationBytes    *int64
	Action, Reason                   string
	Threat                           bool
	half                             *halfKey // set for one direction of a window that waits for its mirror
	flags                            int      // VPC tcp-flags of a half, -1 if unknown
	reject, filter                   string   // why this is no usable flow; both empty for a flow
	startAbsent, endAbsent, ipAbsent bool
	bytesAbsent, portsAbsent         bool
}

func rejected(reason string) *Flow { return &Flow{reject: reason} }
func filtered(reason string) *Flow { return &Flow{filter: reason} }

// finish applies the rules that are the same for every format to a flow whose fields are filled in.
func (f *Flow) finish(event bool) *Flow {
	switch {
	case f.ipAbsent:
		return rejected("missing_address")
	case f.startAbsent && f.endAbsent:
		return rejected("missing_time")
	case !event && f.bytesAbsent && f.portsAbsent:
		return rejected("empty_record")
	}
	if f.startAbsent {
		f.Start = f.End
	}
	if f.endAbsent || f.End < f.Start {
		f.End = f.Start
	}
	if f.Transport == "ICMP" {
		f.SourcePort, f.DestinationPort = 0, 0
	}
	return f
}

// address parses an IP address as the tables write it: IPv4-mapped IPv6 is IPv4, zones are dropped.
func (f *Flow) address(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil {
		f.ipAbsent = true
		return netip.Addr{}
	}
	return a.WithZone("").Unmap()
}

// transport names the protocol from its name or number.
func transport(s string) string {
	switch strings.TrimLeft(strings.ToLower(s), "0") {
	case "tcp", "6":
		return "TCP"
	case "udp", "17":
		return "UDP"
	case "icmp", "icmp6", "icmpv6", "ipv6-icmp", "1", "58":
		return "ICMP"
	}
	return "OTHER"
}

// absent reports whether a cell says that there is no value.
func absent(s string) bool { return s == "" || s == "-" || s == "N/A" }

var billion = big.NewRat(1e9, 1)

// rational parses a decimal number, with or without an exponent.
func rational(s string) (*big.Rat, error) {
	if len(s) > 64 || strings.ContainsAny(s, "/_xXpPbBoO") {
		return nil, fmt.Errorf("parse number %q", s)
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(s)-i > 5 {
		return nil, fmt.Errorf("parse number %q: exponent", s)
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, fmt.Errorf("parse number %q", s)
	}
	return r, nil
}

// nanos parses decimal seconds to nanoseconds; further digits are cut.
func nanos(s string) (int64, error) {
	r, err := rational(s)
	if err != nil {
		return 0, err
	}
	r.Mul(r, billion)
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() {
		return 0, fmt.Errorf("parse seconds %q: out of range", s)
	}
	return n.Int64(), nil
}

// whole parses an integer that may be written as a float ("25238.0").
func whole(s string) (int64, error) {
	r, err := rational(s)
	if err != nil {
		return 0, err
	}
	if !r.IsInt() || !r.Num().IsInt64() {
		return 0, fmt.Errorf("parse integer %q", s)
	}
	return r.Num().Int64(), nil
}

// bytes sets both byte counters: absent and negative ones are null. It reports whether they are usable.
func (f *Flow) bytes(source, destination string) bool {
	var e1, e2 error
	f.SourceBytes, e1 = byteCount(source)
	f.DestinationBytes, e2 = byteCount(destination)
	f.bytesAbsent = absent(source) && absent(destination)
	return e1 == nil && e2 == nil
}

func byteCount(s string) (*int64, error) {
	if absent(s) {
		return nil, nil
	}
	n, err := whole(s)
	if err != nil || n < 0 {
		return nil, err
	}
	return &n, nil
}

// port parses a port; absent is 0.
func port(s string) (int, error) {
	if absent(s) {
		return 0, nil
	}
	n, err := whole(s)
	if err == nil && (n < 0 || n > 65535) {
		err = fmt.Errorf("port %d", n)
	}
	return int(n), err
}

// instant parses a time: RFC 3339 (also with a space, or an offset without a colon), or epoch by magnitude.
func instant(s string) (int64, error) {
	layouts := []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00"}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixNano(), nil
		}
	}
	r, err := rational(s)
	if err != nil {
		return 0, err
	}
	size, _ := new(big.Rat).Abs(r).Float64()
	perUnit := int64(1)
	switch {
	case size < 1e11:
		perUnit = 1e9
	case size < 1e14:
		perUnit = 1e6
	case size < 1e17:
		perUnit = 1e3
	}
	r.Mul(r, big.NewRat(perUnit, 1))
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() {
		return 0, fmt.Errorf("parse time %q: out of range", s)
	}
	return n.Int64(), nil
}
