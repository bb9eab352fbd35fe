package flow

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew; review their diff like code")

// itemLine is an item as golden files show it: canonical JSON of a flow, or what became of the item otherwise.
func itemLine(it *Item) string {
	switch it.Verdict {
	case Accepted:
		return string(AppendCanonicalJSON(nil, &it.Record))
	case Rejected:
		return fmt.Sprintf("rejected %s: %s", it.Reason, it.Detail)
	}
	return "filtered " + it.Reason
}

// decodeAll decodes records and returns the lines of their items.
func decodeAll(t *testing.T, d Decoder, records ...string) (lines []string) {
	t.Helper()
	for _, r := range records {
		if err := d.Decode([]byte(r), func(it *Item) { lines = append(lines, itemLine(it)) }); err != nil {
			lines = append(lines, err.Error())
		}
	}
	return lines
}

func newDecoder(t testing.TB, cfg Config) Decoder {
	t.Helper()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestGolden decodes each log of testdata/<format> line by line, and once more as one record, and compares with
// the golden file beside it.
func TestGolden(t *testing.T) {
	for _, format := range []string{FormatPANOSJSON, FormatPANOSCSV, FormatECS, FormatOCSF, FormatZeekTSV, FormatZeekJSON, FormatVPCText, FormatSuricataEVE} {
		logs, err := filepath.Glob(filepath.Join("testdata", format, "*.log"))
		if err != nil || len(logs) == 0 {
			t.Fatalf("no logs of %s: %v", format, err)
		}
		for _, log := range logs {
			t.Run(format+"/"+filepath.Base(log), func(t *testing.T) { testGolden(t, format, log) })
		}
	}
}

func testGolden(t *testing.T, format, log string) {
	raw, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	got := decodeAll(t, newDecoder(t, Config{Format: format}), lines...)
	golden := strings.TrimSuffix(log, ".log") + ".golden.ndjson"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	wantLines := strings.Split(string(bytes.TrimSuffix(want, []byte("\n"))), "\n")
	if d := cmp.Diff(got, wantLines); d != "" {
		t.Errorf("line by line (-got +want):\n%s", d)
	}
	whole := decodeAll(t, newDecoder(t, Config{Format: format}), string(raw))
	if d := cmp.Diff(whole, wantLines); d != "" {
		t.Errorf("as one record (-got +want):\n%s", d)
	}
}
