package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ndr/feature"
)

// connLog is a small Zeek log: three hosts, two slices, and a record without an address.
const connLog = "testdata/inspect/conn.log"

// inspected is a root that a replay has filled.
type inspected struct{ root, dir, state string }

// replayed fills a root from connLog, with two shards.
func replayed(t *testing.T, args ...string) inspected {
	t.Helper()
	dir := t.TempDir()
	in := inspected{root: fileURL(filepath.Join(dir, "out")), dir: filepath.Join(dir, "out"), state: filepath.Join(dir, "state")}
	runsWell(t, append([]string{"replay", "--source", "file", "--input", connLog, "--format", "zeek-tsv", "--root", in.root, "--shards", "2",
		"--state-dir", in.state}, args...)...)
	return in
}

func (in inspected) path(t *testing.T, o feature.Object) string {
	t.Helper()
	l, err := feature.NewLayout("ndr", "v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := l.Path(o)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// In every form, every object can be looked at by its short name, key, URL and local path, with the same result.
func TestInspect(t *testing.T) {
	in := replayed(t)
	const first = "20260105T1000Z"
	for _, c := range []struct {
		name   string
		golden string
		short  string
		object feature.Object
		args   []string
	}{
		{"cut", "cut", "file/0/1", feature.CutObject("file", "0", 1), []string{"--rows", "3"}},
		{"close", "close", first, feature.CloseObject(first), nil},
		{"manifest", "manifest", first + "/0", feature.ManifestObject(first, 0, 0), nil},
		{"manifest", "dataset", first, feature.DatasetManifestObject(first), nil},
		{"parquet", "parquet", "pair_counts/" + first + "/1", feature.SliceDataObject(feature.DatasetPairCounts, feature.Clock{}, mustSlice(t, first), 1),
			[]string{"--columns", "src_ip,dst_ip,dst_port,sessions_cnt"}},
	} {
		command := append([]string{"inspect", c.name}, c.args...)
		text := runsWell(t, append(command, "--root", in.root, c.short)...)
		golden(t, "inspect/"+c.golden+".golden", stable(text))
		key := in.path(t, c.object)
		for _, args := range [][]string{{"--root", in.root, key}, {in.root + "/" + key}, {filepath.Join(in.dir, key)},
			{"--root", in.root, filepath.Join(in.dir, key)}, {"--root", in.root, in.root + "/" + key}} {
			if again := runsWell(t, append(command, args...)...); again != text {
				t.Errorf("%s %v prints:\n%swant:\n%s", c.name, args, again, text)
			}
		}
		for _, form := range []string{"json", "jsonl"} {
			if list := jsonValues(t, runsWell(t, append(command, "--root", in.root, c.short, "--output", form)...)); len(list) == 0 {
				t.Errorf("%s --output %s prints nothing", c.name, form)
			}
		}
	}
}

func mustSlice(t *testing.T, name string) feature.Slice {
	t.Helper()
	s, err := feature.Clock{}.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestInspectCutRows(t *testing.T) {
	in := replayed(t)
	kinds := make(map[string]int)
	for _, r := range jsonValues(t, runsWell(t, "inspect", "cut", "--root", in.root, "file/0/1", "--rows", "100", "--output", "jsonl")) {
		kinds[r["kind"].(string)]++
	}
	if kinds["host"] != 5 || kinds["pair"] != 6 || kinds["reject"] != 1 {
		t.Errorf("rows of each kind: %v", kinds)
	}
	d := jsonValues(t, runsWell(t, "inspect", "cut", "--root", in.root, "file/0/1", "--shard", "1", "--output", "json"))[0]
	if len(d["shards"].([]any)) != 1 || d["conserved"] != "ok" || d["rows"] != nil {
		t.Errorf("one shard: %v", d)
	}
	if r := runs(t, "inspect", "cut", "--root", in.root, "file/0/1", "--shard", "2"); r.code != exitUsage {
		t.Errorf("shard 2 of 2: exit %d, want 64", r.code)
	}
}

// An object outside of any root can be looked at too.
func TestInspectCopies(t *testing.T) {
	in := replayed(t)
	const first = "20260105T1000Z"
	for command, o := range map[string]feature.Object{"cut": feature.CutObject("file", "0", 1), "close": feature.CloseObject(first),
		"manifest": feature.SuccessObject(first), "parquet": feature.SliceDataObject(feature.DatasetDelta, feature.Clock{}, mustSlice(t, first), 0)} {
		b, err := os.ReadFile(filepath.Join(in.dir, in.path(t, o)))
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "a copy?#%")
		if err := os.WriteFile(copied, b, 0o600); err != nil {
			t.Fatal(err)
		}
		runsWell(t, "inspect", command, copied)
	}
}

func TestInspectFailures(t *testing.T) {
	in := replayed(t)
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte("{\"format\": 1}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitFailed, []string{"cut", junk}}, {exitFailed, []string{"close", junk}}, {exitFailed, []string{"manifest", junk}},
		{exitFailed, []string{"parquet", junk}}, {exitFailed, []string{"state", filepath.Dir(junk)}}, {exitFailed, []string{"state", "--checkpoint", junk}},
		{exitFailed, []string{"cut", junk + "-missing"}}, {exitFailed, []string{"cut", "--root", in.root, "file/0/2"}},
		{exitFailed, []string{"close", "--root", in.root, "20200101T0000Z"}}, {exitFailed, []string{"manifest", "--root", in.root, "20260105T1000Z/7"}},
		{exitFailed, []string{"parquet", "--root", in.root, "delta/20260105T1000Z/7"}},
		{exitUsage, []string{"parquet", "--root", in.root, "delta/20260105T1000Z/0", "--columns", "frob"}},
		{exitUsage, []string{"cut", "--root", in.root, "file/a b/2"}},
		{exitFailed, []string{"slice", "--root", fileURL(t.TempDir())}},
		{exitConfig, []string{"slice", "--root", "/not/a/url"}}, {exitConfig, []string{"slice", "--config", "testdata/validate/bad.yaml"}},
	} {
		if r := runs(t, append([]string{"inspect"}, c.args...)...); r.code != c.code || r.err == "" || r.out != "" {
			t.Errorf("inspect %v: exit %d, stdout %q, stderr %q; want %d", c.args, r.code, r.out, r.err, c.code)
		}
	}
}

func TestInspectSlice(t *testing.T) {
	in := replayed(t)
	golden(t, "inspect/slice.golden", stable(runsWell(t, "inspect", "slice", "--root", in.root, "2026-01-05 10:07")))
	newest := jsonValues(t, runsWell(t, "inspect", "slice", "--root", in.root, "--output", "json"))[0]
	if newest["slice"] != "20260105T1015Z" || newest["complete"] != true || newest["closed"] != true || len(newest["missing"].([]any)) != 0 {
		t.Errorf("newest slice: %v", newest)
	}
	const first = "20260105T1000Z"
	for _, o := range []feature.Object{feature.SuccessObject(first), feature.ManifestObject(first, 1, 0)} {
		if err := os.Remove(filepath.Join(in.dir, in.path(t, o))); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(in.dir, in.path(t, feature.SliceDataObject(feature.DatasetDelta, feature.Clock{}, mustSlice(t, first), 0)))
	if err := os.Truncate(data, 10); err != nil {
		t.Fatal(err)
	}
	data = filepath.Join(in.dir, in.path(t, feature.SliceDataObject(feature.DatasetFGA, feature.Clock{}, mustSlice(t, first), 0)))
	if err := os.Remove(data); err != nil {
		t.Fatal(err)
	}
	golden(t, "inspect/slice-damaged.golden", stable(runsWell(t, "inspect", "slice", "--root", in.root, first)))
}

// The tables of a replay beside the live ones are found by --run-id and by their path.
func TestInspectRun(t *testing.T) {
	in := replayed(t, "--run-id", "try-1")
	d := jsonValues(t, runsWell(t, "inspect", "slice", "--root", in.root, "--run-id", "try-1", "--output", "json"))[0]
	if d["complete"] != true || d["shards"] != 2.0 {
		t.Errorf("slice of a run: %v", d)
	}
	l, err := feature.NewLayout("ndr", "v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if l, err = l.Run("try-1"); err != nil {
		t.Fatal(err)
	}
	key, err := l.Path(feature.CloseObject("20260105T1000Z"))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{filepath.Join(in.dir, key)}, {"--root", in.root, key}} {
		runsWell(t, append([]string{"inspect", "close"}, args...)...)
	}
}

func TestInspectParquetRows(t *testing.T) {
	in := replayed(t)
	name := "fg_a/20260105T1000Z/0"
	d := jsonValues(t, runsWell(t, "inspect", "parquet", "--root", in.root, name, "--rows", "0", "--output", "json"))[0]
	if d["known"] != "ok" || len(d["first"].([]any)) != 0 || len(d["columns"].([]any)) != len(feature.FGATable().Columns) {
		t.Errorf("no rows: known %v, %v", d["known"], d["first"])
	}
	all := jsonValues(t, runsWell(t, "inspect", "parquet", "--root", in.root, name, "--rows", "-1", "--output", "jsonl"))
	if float64(len(all)) != d["rows"] || all[0]["window_label"] != "w_15m" || all[0]["window_end_ts"] != "2026-01-05T10:15:00Z" {
		t.Errorf("%d of %v rows, the first is %v", len(all), d["rows"], all[0])
	}
	if text := runsWell(t, "inspect", "parquet", "--root", in.root, name, "--rows", "1"); !strings.Contains(text, "\nrow 1\n  feature_spec_version") {
		t.Errorf("a wide row is no list:\n%s", text)
	}
}

func TestInspectState(t *testing.T) {
	in := replayed(t)
	var local []map[string]any
	for _, dir := range []string{"shard-0", "shard-0/store"} {
		local = append(local, jsonValues(t, runsWell(t, "inspect", "state", filepath.Join(in.state, dir), "--output", "json"))...)
	}
	list := jsonValues(t, runsWell(t, "inspect", "state", "--root", in.root, "--shard", "0", "--output", "jsonl"))
	one := jsonValues(t, runsWell(t, "inspect", "state", "--root", in.root, "--shard", "0", "--checkpoint", "20260105T1015Z", "--output", "json"))
	path := filepath.Join(in.dir, in.path(t, feature.CheckpointObject(0, "20260105T1015Z")))
	byPath := jsonValues(t, runsWell(t, "inspect", "state", "--checkpoint", path, "--output", "json"))
	for _, d := range append(append(append(local, list...), one...), byPath...) {
		last := d["meta"].(map[string]any)["partitions"].(map[string]any)["0"].(map[string]any)["last"]
		if d["last_closed"] != "20260105T1015Z" || last != 1.0 || len(d["files"].([]any)) == 0 || d["bytes"].(float64) == 0 {
			t.Errorf("state: %v", d)
		}
	}
	if len(list) != 1 {
		t.Errorf("%d checkpoints, want 1", len(list))
	}
	for _, args := range [][]string{{filepath.Join(in.state, "shard-0")}, {"--root", in.root, "--shard", "0"}, {"--checkpoint", path}} {
		if text := runsWell(t, append([]string{"inspect", "state"}, args...)...); !strings.Contains(text, "20260105T1015Z") {
			t.Errorf("state %v:\n%s", args, text)
		}
	}
	if text := runsWell(t, "inspect", "state", "--root", fileURL(t.TempDir()), "--shard", "1"); text != "shard 1 has no checkpoint\n" {
		t.Errorf("no checkpoint: %q", text)
	}
}
