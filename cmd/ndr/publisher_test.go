package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecordDecidesTheConfiguration closes a slice a second time, from its cuts and its close record, by a process that
// was started with another segment length: the rows are those of the configuration that the record names.
func TestRecordDecidesTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "conn.log")
	text := "#separator \\x09\n#unset_field\t-\n#path\tconn\n" +
		"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\torig_bytes\tresp_bytes\tconn_state\n" +
		"1700000000.5\tC1\t10.1.2.3\t50000\t192.0.2.1\t443\ttcp\t1.0\t10\t20\tSF\n"
	if err := os.WriteFile(input, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "ndr.yaml")
	root := filepath.Join(dir, "root")
	replayWith := func(bits string) {
		yaml := "version: 1\nroot: file://" + root + "\nshards: 1\nsegments: {default_ipv4: " + bits + "}\n" +
			"source: {type: file, format: zeek-tsv, file: {inputs: [" + input + "]}}\n"
		if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		runsWell(t, "replay", "--config", config)
	}
	replayWith("24")
	version := filepath.Join(root, "projects/ndr/versions/v1")
	for _, gone := range []string{"data", "manifests", "control/checkpoints"} {
		if err := os.RemoveAll(filepath.Join(version, filepath.FromSlash(gone))); err != nil {
			t.Fatal(err)
		}
	}
	replayWith("16")
	files, err := filepath.Glob(filepath.Join(version, "data/features/delta/*/*/*/*.parquet"))
	if err != nil || len(files) != 1 {
		t.Fatalf("delta files: %v, %v", files, err)
	}
	rows := runsWell(t, "inspect", "parquet", files[0], "--columns", "host_ip,segment_id", "--rows", "5")
	if !strings.Contains(rows, "10.1.2.0/24") || strings.Contains(rows, "10.1.0.0/16") {
		t.Errorf("segments are not those of the record's configuration:\n%s", rows)
	}
}
