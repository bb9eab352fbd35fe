package synth

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ndr/flow"
)

// FormatCanonical is one canonical record per line (flow.AppendCanonicalJSON), which the panos-json decoder reads
// without loss. The other formats are those of package flow and carry what such logs carry.
const FormatCanonical = "canonical"

// Formats lists what NewEncoder knows.
func Formats() []string {
	return []string{FormatCanonical, flow.FormatPANOSJSON, flow.FormatPANOSCSV, flow.FormatZeekTSV, flow.FormatZeekJSON,
		flow.FormatVPCText, flow.FormatSuricataEVE}
}

// Encoder writes the flows of a Generator as log lines. It belongs to one goroutine.
type Encoder struct {
	format string
	line   func(e *Encoder, dst []byte, r *flow.Record) []byte
	dates  dates
}

// NewEncoder makes the encoder of one of Formats.
func NewEncoder(format string) (*Encoder, error) {
	e := &Encoder{format: strings.ToLower(format)}
	switch e.format {
	case FormatCanonical:
		e.line = func(_ *Encoder, dst []byte, r *flow.Record) []byte {
			return append(flow.AppendCanonicalJSON(dst, r), '\n')
		}
	case flow.FormatPANOSJSON:
		e.line = (*Encoder).panosJSON
	case flow.FormatPANOSCSV:
		e.line = (*Encoder).panosCSV
	case flow.FormatZeekTSV:
		e.line = (*Encoder).zeekTSV
	case flow.FormatZeekJSON:
		e.line = (*Encoder).zeekJSON
	case flow.FormatVPCText:
		e.line = (*Encoder).vpcText
	case flow.FormatSuricataEVE:
		e.line = (*Encoder).suricataEVE
	default:
		return nil, fmt.Errorf("make encoder: unknown format %q (known: %s)", format, strings.Join(Formats(), ", "))
	}
	return e, nil
}

// AppendHeader appends what a file begins with: the header lines of zeek-tsv and vpc-text, nothing for the others.
// The time is that of the first flow.
func (e *Encoder) AppendHeader(dst []byte, at time.Time) []byte {
	switch e.format {
	case flow.FormatZeekTSV:
		return appendZeekHeader(dst, at)
	case flow.FormatVPCText:
		return append(append(dst, vpcHeader...), '\n')
	}
	return dst
}

// Append appends the lines of a flow, each with its line end: one, or two in vpc-text, where a flow with an answer
// has a line for each direction; none if logs of the format do not report such a flow, as Zeek's conn log and VPC
// flow logs no threats. It allocates only to grow dst.
func (e *Encoder) Append(dst []byte, f *Flow) []byte { return e.line(e, dst, &f.Record) }

// AppendFooter appends what a file ends with: the #close of zeek-tsv.
func (e *Encoder) AppendFooter(dst []byte, at time.Time) []byte {
	if e.format == flow.FormatZeekTSV {
		return append(at.UTC().AppendFormat(append(dst, "#close\t"...), zeekFileTime), '\n')
	}
	return dst
}

// dates writes times in UTC and remembers the text of the last day, since logs rarely change it.
type dates struct {
	day   int64 // days since the Unix epoch; valid with known
	known bool
	text  [10]byte // 2006-01-02
}

// stamp appends YYYY-MM-DD hh:mm:ss with the given separators of date and clock, and as many digits of the second.
func (d *dates) stamp(dst []byte, nanos int64, dash, gap byte, digits int) []byte {
	if today := nanos / day; !d.known || today != d.day {
		time.Unix(0, nanos).UTC().AppendFormat(d.text[:0], time.DateOnly)
		d.day, d.known = today, true
	}
	dst = append(dst, d.text[:]...)
	at := len(dst)
	dst[at-3], dst[at-6] = dash, dash
	clock := nanos % day
	s := int(clock / second)
	dst = append(dst, gap, digit(s/36000), digit(s/3600), ':', digit(s/600%6), digit(s/60), ':', digit(s/10%6), digit(s))
	if digits > 0 {
		dst = append(dst, '.')
	}
	for rest := clock % second; digits > 0; digits-- {
		rest *= 10
		dst = append(dst, digit(int(rest/second)))
		rest %= second
	}
	return dst
}

func digit(n int) byte { return '0' + byte(n%10) }

// isDenied reports that the firewall let nothing of the session through.
func isDenied(r *flow.Record) bool {
	return (r.Action == flow.Deny || r.Action == flow.Reset) && r.Outcome == flow.Failed
}

// appendQuoted appends a JSON string. The texts of a Generator are ASCII without control characters.
func appendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	if !slices.Contains(s, '\\') && !slices.Contains(s, '"') {
		return append(append(dst, s...), '"')
	}
	for _, c := range s {
		if c == '\\' || c == '"' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// appendAddr appends an address in the form of RFC 5952.
func appendAddr(dst []byte, a flow.Addr) []byte { return a.Netip().AppendTo(dst) }
