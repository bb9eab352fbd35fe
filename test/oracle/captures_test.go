package oracle

import (
	"path/filepath"
	"testing"
	"time"
)

// captures are real logs beside the repository; where they are absent the tests skip.
var captures = []struct{ name, glob, format string }{
	{"iot23-34-1", "iot23-34-1/conn.log.labeled.gz", "zeek-tsv"},
	{"ctu-sme11-linux-benign", "ctu-sme11-linux-benign/conn.log.labeled.gz", "zeek-tsv"},
	{"ctu-sme11-remcos", "ctu-sme11-remcos/conn.log.labeled.gz", "zeek-tsv"},
	{"stratosphere-001", "stratosphere-small/001-*.gz", "zeek-tsv"}, // times from epoch 0
	{"stratosphere-002", "stratosphere-small/002-*.gz", "zeek-json"},
	{"stratosphere-003", "stratosphere-small/003-*.gz", "zeek-tsv"},
	{"stratosphere-005", "stratosphere-small/005-*.gz", "zeek-tsv"}, // times from epoch 0
	{"apt29", "apt29-zeek/day*.gz", "zeek-json"},
	{"apt29-lsass", "apt29-zeek/lsass/*.gz", "zeek-tsv"},
	{"suricata-24h", "suricata-24h/eve.json.gz", "suricata-eve"},
}

const sharedData = "../../../shared/data"

// TestCapturesAgainstOracle replays each capture with the product and compares every table, row by row.
func TestCapturesAgainstOracle(t *testing.T) {
	binary := build(t)
	for _, c := range captures {
		t.Run(c.name, func(t *testing.T) {
			glob := capture(t, c.glob)
			judge(t, replay(t, binary, glob, c.format), glob, c.format, DefaultOptions())
		})
	}
}

// TestOracleOverCaptures checks the sums of the oracle itself: every accepted flow is in delta once for each of
// its internal ends, and the run is fast enough to be used.
func TestOracleOverCaptures(t *testing.T) {
	for _, c := range captures {
		t.Run(c.name, func(t *testing.T) {
			files, err := ReadFiles(capture(t, c.glob))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			o := DefaultOptions()
			result, err := Run(files, c.format, o)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v: %d closes, %d delta, %d pair_counts, %d fg_a rows, %+v", time.Since(began).Round(time.Millisecond),
				len(result.Closed), len(result.Tables[Delta]), len(result.Tables[PairCounts]), len(result.Tables[FGA]), result.Accounting)
			var want, got int64
			for _, f := range result.OnTimeFlows {
				want += flag(o.internal(f.Source)) + flag(o.internal(f.Destination))
			}
			for _, row := range result.Tables[Delta] {
				got += row["sessions_cnt"].(int64)
			}
			if got != want || got == 0 {
				t.Errorf("delta counts %d sessions, the flows are %d", got, want)
			}
		})
	}
}

func capture(t *testing.T, glob string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(sharedData, glob))
	if err != nil {
		t.Fatal(err)
	}
	if found, err := filepath.Glob(path); err != nil || len(found) == 0 {
		t.Skipf("no capture %s", glob)
	}
	return path
}
