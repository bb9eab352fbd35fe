package flow

import (
	"net/netip"
	"strings"
	"testing"
)

var addressTexts = []string{
	"::", "::1", "1::", "2001:db8::5", "2001:DB8:0:0:0:0:0:5", "fe80:0000:0000:0000:fc16:3eff:fe01:3dd2", "1:2:3:4:5:6:7:8",
	"1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::8", "1:2::7:8", "::ffff:10.0.0.1", "::10.0.0.1", "1:2:3:4:5:6:10.0.0.1",
	"1:2:3::10.0.0.1", "10.0.0.1", "0.0.0.0", "255.255.255.255",
	"", ":", ":::", "1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3",
	"1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "12345::", "g::", "::10.0.0", "::10.0.0.256", "10.0.0.1::", "::10.0.0.1:5",
	"1:2:3:4:5:6:7:10.0.0.1", "10.0.0.01", "10.0.0.1.2", "1.2.3", "localhost", "-", ":::1", "1:::2",
}

func compareAddr(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "%") {
		return
	}
	got, ok := ParseAddr([]byte(text))
	want, err := netip.ParseAddr(text)
	if ok != (err == nil) || ok && got.Netip() != want.Unmap() {
		t.Errorf("ParseAddr(%q) = %v, %v; want %v, %v", text, got, ok, want, err)
	}
}

func TestParseAddr(t *testing.T) {
	for _, text := range addressTexts {
		compareAddr(t, text)
	}
	for text, want := range map[string]string{"fe80::1%eth0": "fe80::1", "fe80::1%": "invalid IP", "%eth0": "invalid IP", "10.0.0.1%eth0": "invalid IP"} {
		got := "invalid IP"
		if a, ok := ParseAddr([]byte(text)); ok {
			got = a.String()
		}
		if got != want {
			t.Errorf("ParseAddr(%q) = %s; want %s", text, got, want)
		}
	}
}

func TestParseAddrAllocs(t *testing.T) {
	for _, text := range []string{"10.0.0.1", "fe80:0000:0000:0000:fc16:3eff:fe01:3dd2", "somewhere else"} {
		b := []byte(text)
		if n := testing.AllocsPerRun(100, func() { ParseAddr(b) }); n != 0 {
			t.Errorf("%q: %v allocations; want 0", text, n)
		}
	}
}

func FuzzParseAddr(f *testing.F) {
	for _, text := range addressTexts {
		f.Add(text)
	}
	f.Fuzz(compareAddr)
}
