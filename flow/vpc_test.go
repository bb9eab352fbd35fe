package flow

import (
	"net/netip"
	"strings"
	"testing"
)

func TestVPCFields(t *testing.T) {
	for name, c := range map[string]struct {
		fields string
		fault  string
	}{
		"default":      {"", ""},
		"custom":       {"srcaddr dstaddr start", ""},
		"underscores":  {"pkt_srcaddr pkt_dstaddr end tcp_flags", ""},
		"skipped":      {"- srcaddr - dstaddr end -", ""},
		"typo":         {"srcaddr dstaddr start tcp-flag", `unknown field "tcp-flag"`},
		"twice":        {"srcaddr dstaddr start end start", "start occurs twice"},
		"no address":   {"srcaddr start end", "no source or no destination"},
		"no time":      {"srcaddr dstaddr", "neither start nor end"},
		"all versions": {vpcVersion2 + " " + strings.TrimPrefix(vpcOtherFields, " version "), ""},
	} {
		_, err := New(Config{Format: FormatVPCText, VPC: VPCConfig{Fields: strings.Fields(c.fields)}})
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v; want %q", name, err, c.fault)
		}
	}
	if _, err := New(Config{Format: FormatVPCText, VPC: VPCConfig{BothEnds: true}}); err == nil {
		t.Error("both ends without internal networks")
	}
}

func TestVPCHeader(t *testing.T) {
	row := "10.0.0.5 10.0.1.9 1700000000 77"
	d := newDecoder(t, Config{Format: FormatVPCText, VPC: VPCConfig{Fields: []string{"srcaddr", "dstaddr", "end", "bytes"}}})
	if r := lastRecord(t, d, row); d.State() != nil || r.SourceBytes != (Count{77, true}) {
		t.Errorf("configured order: %v bytes, state %q", r.SourceBytes, d.State())
	}
	if r := lastRecord(t, d, "dstaddr srcaddr start bytes\n"+row); r.SourceIP.String() != "10.0.1.9" ||
		r.SourceBytes != (Count{77, true}) {
		t.Errorf("announced order: %s", AppendCanonicalJSON(nil, &r))
	}
	next := newDecoder(t, Config{Format: FormatVPCText})
	if err := next.Restore(d.State()); err != nil {
		t.Fatal(err)
	}
	if r := lastRecord(t, next, row); r.SourceIP.String() != "10.0.1.9" {
		t.Errorf("restored order: %s", AppendCanonicalJSON(nil, &r))
	}
	if got, want := string(next.State()), "dstaddr srcaddr start bytes"; got != want {
		t.Errorf("state %q; want %q", got, want)
	}
	for _, bad := range []string{row, "srcaddr start", "srcaddr srcaddr dstaddr end"} {
		if err := next.Restore([]byte(bad)); err == nil {
			t.Errorf("restored %q", bad)
		}
	}
	for in, want := range map[string]string{
		"srcaddr start":                     ReasonMalformed, // a header that lacks an address
		"srcaddr dstaddr end srcaddr":       ReasonMalformed,
		"srcaddr dstaddr end a-new-field":   FilterUnselected,
		"srcaddr" + strings.Repeat(" x", 5): ReasonMalformed,
	} {
		if got := summary(newDecoder(t, Config{Format: FormatVPCText}), []byte(in)); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
}

// TestVPCTextFirst checks that a row whose first cell is a word is no header.
func TestVPCTextFirst(t *testing.T) {
	d := newDecoder(t, Config{Format: FormatVPCText, VPC: VPCConfig{
		Fields: []string{"interface-id", "instance-tag", "srcaddr", "dstaddr", "end", "bytes"}}})
	for in, want := range map[string]string{
		"eni-1 srcaddr 10.0.0.5 10.0.1.9 1700000000 5": "+",
		"region x 10.0.0.5 10.0.1.9 1700000000 5":      "+",
	} {
		if got := summary(d, []byte(in)); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
}

func TestVPCBothEnds(t *testing.T) {
	private := netip.MustParsePrefix("10.0.0.0/8")
	d := newDecoder(t, Config{Format: FormatVPCText, VPC: VPCConfig{
		Fields:   strings.Fields("interface-id srcaddr dstaddr srcport dstport protocol bytes start end action flow-direction log-status"),
		BothEnds: true, Internal: func(a Addr) bool { return private.Contains(a.Netip()) }}})
	for in, want := range map[string]string{
		// The connection from .5 to .9 as both interfaces log it: those of .5, the lower address, stay.
		"eni-5 10.0.0.5 10.0.0.9 40000 443 6 100 1 2 ACCEPT egress OK":  "+",
		"eni-5 10.0.0.9 10.0.0.5 443 40000 6 100 1 2 ACCEPT ingress OK": "+",
		"eni-9 10.0.0.5 10.0.0.9 40000 443 6 100 1 2 ACCEPT ingress OK": FilterDuplicate,
		"eni-9 10.0.0.9 10.0.0.5 443 40000 6 100 1 2 ACCEPT egress OK":  FilterDuplicate,
		// One end outside: only one interface logs it.
		"eni-9 10.0.0.9 8.8.8.8 443 40000 6 100 1 2 ACCEPT egress OK":   "+",
		"eni-9 8.8.8.8 10.0.0.9 40000 443 6 100 1 2 ACCEPT ingress OK":  "+",
		"eni-9 10.0.0.5 10.0.0.9 40000 443 6 100 1 2 ACCEPT - OK":       "+",
		"eni-5 10.0.0.5 10.0.0.5 40000 443 6 100 1 2 ACCEPT ingress OK": "+",
		"eni-9 - 10.0.0.9 40000 443 6 100 1 2 ACCEPT ingress OK":        ReasonMissingAddress,
	} {
		if got := summary(d, []byte(in)); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
}

func TestVPCPacketAddresses(t *testing.T) {
	d := newDecoder(t, Config{Format: FormatVPCText, VPC: VPCConfig{
		Fields: strings.Fields("srcaddr dstaddr pkt-srcaddr pkt-dstaddr bytes end")}})
	for in, want := range map[string][4]string{
		"10.0.0.1 10.0.0.2 - - 1 2":               {"10.0.0.1", "10.0.0.2", "", ""},
		"10.0.0.1 10.0.0.2 10.0.0.1 10.0.0.2 1 2": {"10.0.0.1", "10.0.0.2", "", ""},
		"10.0.0.1 10.0.0.2 10.1.0.1 10.0.0.2 1 2": {"10.1.0.1", "10.0.0.2", "10.0.0.1", ""},
		"10.0.0.1 10.0.0.2 10.0.0.1 10.1.0.2 1 2": {"10.0.0.1", "10.1.0.2", "", "10.0.0.2"},
		"- - 10.1.0.1 10.1.0.2 1 2":               {"10.1.0.1", "10.1.0.2", "", ""},
	} {
		r := lastRecord(t, d, in)
		got := [4]string{r.SourceIP.String(), r.DestinationIP.String(), string(r.NATSource), string(r.NATDest)}
		if got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
}
