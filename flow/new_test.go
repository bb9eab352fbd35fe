package flow

import (
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	for _, format := range []string{FormatZeekTSV, FormatZeekJSON, FormatVPCText, FormatSuricataEVE, "ZEEK-TSV"} {
		d := newDecoder(t, Config{Format: format})
		if s := d.State(); s != nil {
			t.Errorf("%s begins with state %q", format, s)
		}
		if err := d.Restore(nil); err != nil {
			t.Errorf("%s: restore of nothing: %v", format, err)
		}
	}
	for _, format := range []string{"", "netflow"} {
		if _, err := New(Config{Format: format}); err == nil || !strings.Contains(err.Error(), "zeek-tsv") {
			t.Errorf("%q: %v; want the known formats", format, err)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, format := range []string{FormatZeekTSV, FormatZeekJSON, FormatVPCText, FormatSuricataEVE} {
		d := newDecoder(t, Config{Format: format, Limits: Limits{MaxInput: 100, MaxOutput: 1000}})
		for in, want := range map[string]string{
			strings.Repeat("x", 101):                       "undecodable too_large",
			string(gzipOf(t, strings.Repeat("x", 1001))):   "undecodable too_large",
			string(zstdOf(t, strings.Repeat("x", 1<<20))):  "undecodable too_large",
			string(gzipOf(t, strings.Repeat(" \n", 500))):  FilterUnselected,
			string(gzipOf(t, "some text of a record")[:9]): "undecodable malformed",
		} {
			if got := summary(d, []byte(in)); got != want {
				t.Errorf("%s: %.20q: %q; want %q", format, in, got, want)
			}
		}
	}
}
