package flow

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// capturesDir holds recorded logs of other projects, which do not belong to this one. Its tests are skipped where
// it is absent.
const capturesDir = "../../shared/data"

// tally counts what becomes of the lines of a file.
type tally struct{ lines, accepted, rejected, filtered int }

func tallyFile(t *testing.T, path, format string) (n tally, reasons map[string]int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := NewLineReader(f, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := newDecoder(t, Config{Format: format})
	reasons = map[string]int{}
	for {
		line, err := l.Next()
		if errors.Is(err, io.EOF) {
			return n, reasons
		}
		if err != nil {
			t.Fatal(err)
		}
		n.lines++
		err = d.Decode(line, func(it *Item) {
			switch it.Verdict {
			case Accepted:
				n.accepted++
			case Rejected:
				n.rejected++
			default:
				n.filtered++
			}
			if it.Verdict != Accepted {
				reasons[it.Reason]++
			}
		})
		if err != nil {
			t.Errorf("line %d: %v", n.lines, err)
		}
	}
}

// TestCaptures decodes recorded logs; the numbers are those that the notes beside them name, or were counted with
// grep.
func TestCaptures(t *testing.T) {
	if _, err := os.Stat(capturesDir); err != nil {
		t.Skip("no captures here")
	}
	for _, c := range []struct {
		path, format string
		want         tally
	}{
		{"iot23-34-1/conn.log.labeled.gz", FormatZeekTSV, tally{23153, 23145, 0, 8}},
		{"ctu-sme11-linux-benign/conn.log.labeled.gz", FormatZeekTSV, tally{7132, 7124, 0, 8}},
		{"ctu-sme11-remcos/conn.log.labeled.gz", FormatZeekTSV, tally{774, 766, 0, 8}},
		{"stratosphere-small/001-zeek-scenario-malicious_labeled-conn.log.gz", FormatZeekTSV, tally{1000, 992, 0, 8}},
		{"stratosphere-small/002-zeek-scenario-port-scanning_conn.log.gz", FormatZeekJSON, tally{4504, 4504, 0, 0}},
		{"stratosphere-small/003-zeek-scenario-malicious_conn.log.gz", FormatZeekTSV, tally{370, 361, 0, 9}},
		{"stratosphere-small/005-zeek-scenario-malicious_conn.log.gz", FormatZeekTSV, tally{1000, 992, 0, 8}},
		{"crossformat-mirai-10min/zeek.conn.log.labeled.gz", FormatZeekTSV, tally{382, 374, 0, 8}},
		{"rita-edge-cases/truncated/conn.log", FormatZeekTSV, tally{67, 58, 1, 8}},
		{"rita-edge-cases/truncated/conn_top.log", FormatZeekTSV, tally{59, 0, 59, 0}},
		{"rita-edge-cases/text_file_conn.log", FormatZeekTSV, tally{9, 0, 5, 4}},
		{"rita-edge-cases/open_conns/open/open_conn.log", FormatZeekTSV, tally{67, 59, 0, 8}},
		{"rita-edge-cases/open_conns/closed/conn.log", FormatZeekTSV, tally{68, 59, 0, 9}},
		{"vendor-format-samples/other/zat_conn.log", FormatZeekTSV, tally{369, 360, 0, 9}},
		{"vendor-format-samples/other/zat_conn_date_issue.log", FormatZeekTSV, tally{11, 3, 0, 8}},
		{"vendor-format-samples/other/netflowlabeler_conn.tab.log", FormatZeekTSV, tally{100, 92, 0, 8}},
		{"apt29-zeek/lsass/campaign05.conn.log.gz", FormatZeekTSV, tally{904, 895, 0, 9}},
		{"apt29-zeek/day1_NASHUA_conn.log.gz", FormatZeekJSON, tally{479, 479, 0, 0}},
		{"rita-edge-cases/json_with_all_fields/conn.log", FormatZeekJSON, tally{29, 29, 0, 0}},
		{"rita-edge-cases/json_with_all_fields/open_conn.log", FormatZeekJSON, tally{59, 59, 0, 0}},
		{"rita-edge-cases/truncated/conn_json.log", FormatZeekJSON, tally{4, 2, 2, 0}},
		{"vendor-format-samples/ocsf/bulk_zeek_conn.json.log.gz", FormatZeekJSON, tally{1250, 1250, 0, 0}},
		{"vendor-format-samples/other/zat_json_conn.log", FormatZeekJSON, tally{50, 50, 0, 0}},
		{"vendor-format-samples/other/netflowlabeler_conn.json.log.gz", FormatZeekJSON, tally{1000, 1000, 0, 0}},
		{"vendor-format-samples/cribl/aws_vpc_flow_v2.log", FormatVPCText, tally{100, 99, 0, 1}},
		{"suricata-24h/eve.json.gz", FormatSuricataEVE, tally{5000, 4257, 0, 743}},
		{"crossformat-mirai-10min/suricata.eve.json.gz", FormatSuricataEVE, tally{403, 333, 0, 70}},
		{"vendor-format-samples/other/netflowlabeler_suricata.json", FormatSuricataEVE, tally{13, 13, 0, 0}},
	} {
		got, reasons := tallyFile(t, filepath.Join(capturesDir, c.path), c.format)
		if got != c.want {
			t.Errorf("%s: %+v %v; want %+v", c.path, got, reasons, c.want)
		}
		if got.lines != got.accepted+got.rejected+got.filtered {
			t.Errorf("%s: %+v does not add up", c.path, got)
		}
	}
}
