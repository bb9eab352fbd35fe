package flow

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// sample is a message of a vendor with what another parser made of it.
type sample struct {
	Test     string
	Message  string
	Expected struct {
		Source, Destination struct {
			IP    string
			Port  int
			Bytes *uint64
		}
	}
}

// readSamples reads a file of samples that may not be there.
func readSamples(t *testing.T, name string) (samples []sample) {
	f, err := os.Open("../../shared/data/vendor-format-samples/" + name)
	if err != nil {
		t.Skip("no vendor samples:", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		samples = append(samples, s)
	}
	return samples
}

func TestPANOSVendorSamples(t *testing.T) {
	d, compared := newDecoder(t, Config{Format: FormatPANOSCSV}), 0
	for _, s := range readSamples(t, "sekoia/panos.ndjson") {
		if strings.Contains(s.Message, "CEF:") || strings.Contains(s.Message, "LEEF:") || s.Message[0] == '{' {
			continue
		}
		err := d.Decode([]byte(s.Message), func(it *Item) {
			r := &it.Record
			switch {
			case it.Verdict == Filtered:
				if it.Reason == FilterUnselected == strings.Contains(s.Message, ",TRAFFIC,") {
					t.Errorf("%s: filtered %s", s.Test, it.Reason)
				}
				return
			case it.Verdict == Rejected && (s.Expected.Source.Port > 65535 || strings.Contains(s.Message, "9/16/19")):
				return // made anonymous with a number that is no port, or by a spreadsheet that wrote the dates anew
			case it.Verdict == Rejected:
				t.Errorf("%s: %s", s.Test, itemLine(it))
				return
			}
			got := fmt.Sprintf("%v %v %v %v", r.SourceIP, r.SourcePort, r.DestinationIP, r.DestPort)
			e := &s.Expected
			if want := fmt.Sprintf("%v %v %v %v", e.Source.IP, e.Source.Port, e.Destination.IP, e.Destination.Port); got != want {
				t.Errorf("%s: got %s, want %s", s.Test, got, want)
			}
			if b := e.Source.Bytes; b != nil && r.SourceBytes != (Count{*b, true}) || b == nil && r.SourceBytes.Known {
				t.Errorf("%s: source bytes %v", s.Test, r.SourceBytes)
			}
			if b := e.Destination.Bytes; b != nil && r.DestBytes != (Count{*b, true}) || b == nil && r.DestBytes.Known {
				t.Errorf("%s: destination bytes %v", s.Test, r.DestBytes)
			}
			compared++
		})
		if err != nil {
			t.Errorf("%s: %v", s.Test, err)
		}
	}
	if compared < 8 {
		t.Errorf("only %d flows compared", compared)
	}
}
