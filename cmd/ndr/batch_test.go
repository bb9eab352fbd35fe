package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ndr/feature"
	"ndr/sinks"
)

// baselineRoot is a root with a day of synthetic traffic, up to 2026-11-02.
func baselineRoot(t *testing.T) (root string) {
	t.Helper()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs.ndjson")
	runsWell(t, "generate", "--start", "2026-11-01T00:00:00Z", "--length", "23h59m", "--hosts", "6", "--rate", "1", "--format", "panos-json", "--to", logs)
	root = fileURL(filepath.Join(dir, "out"))
	runsWell(t, "replay", "--source", "file", "--input", logs, "--format", "panos-json", "--root", root, "--shards", "2")
	return root
}

func TestBatchFGB(t *testing.T) {
	t.Setenv("NDR__BASELINES__HORIZONS", "{1d: {days: 1, gap: 0}, 12h: {days: 1, gap: 1}}")
	root := baselineRoot(t)
	args := func(more ...string) []string {
		return append([]string{"batch", "fgb", "--root", root, "--reference-time-iso", "2026-11-02T00:00:00Z"}, more...)
	}
	plan := jsonValues(t, runsWell(t, args("--dry-run", "--output", "json")...))[0]["horizons"].([]any)
	if len(plan) != 2 || plan[1].(map[string]any)["slices"] != 95.0 {
		t.Fatalf("plan: %v", plan)
	}
	r := runs(t, args("--output", "json")...)
	if r.code != exitDone {
		t.Fatalf("exit %d: %s", r.code, r.err)
	}
	if !strings.Contains(r.err, "history begins") || strings.Count(r.err, "inventory") != 1 {
		t.Errorf("warnings: %s", r.err)
	}
	d := jsonValues(t, r.out)[0]
	h := d["horizons"].([]any)[1].(map[string]any)
	if d["published"] != true || d["revision"] != 1.0 || h["baseline_horizon"] != "1d" || h["hosts"].(float64) < 6 || h["rows"].(float64) < 100 {
		t.Errorf("got %v", d)
	}
	for part := range []int{0, 1} {
		text := runsWell(t, args("--part", strings.Join([]string{string(rune('0' + part)), "2"}, "/"))...)
		if !strings.Contains(text, "revision 2") {
			t.Errorf("part %d prints %s", part, text)
		}
	}
	text := runsWell(t, args("--publish", "--run-id", "r-1")...)
	for _, want := range []string{"revision 2", "in force from", "cold start", "down-weighted", "moved segment", "guard of 1d"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	store, err := sinks.OpenStore(t.Context(), root, sinks.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := feature.NewLayout("ndr", "v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	ref, ok, err := sinks.FindPublication(t.Context(), store, l, time.Now().Add(2*time.Hour))
	if err != nil || !ok || ref.Revision != 2 || ref.Month != "2026-11" {
		t.Errorf("in force: %+v, %t, %v", ref, ok, err)
	}
	// Tables open with the schema that this program states.
	m, err := sinks.ReadBaselineMeta(t.Context(), store, l, ref.Month, ref.Revision)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range m.Horizon("1d").Tables {
		if text := runsWell(t, "inspect", "parquet", "--root", root, table.Key); !strings.Contains(stable(text), "schema  ok") {
			t.Errorf("%s:\n%s", table.Key, text)
		}
	}
}

func TestBatchFGBMissing(t *testing.T) {
	t.Setenv("NDR__BASELINES__HORIZONS", "{1d: {days: 1, gap: 0}}")
	root := baselineRoot(t)
	r := runs(t, "batch", "fgb", "--root", root, "--reference-time-iso", "2026-11-02T01:00:00Z")
	if r.code != exitFailed || !strings.Contains(r.err, "--allow-gaps") || !strings.Contains(r.err, "20261102T0000Z") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
	r = runs(t, "batch", "fgb", "--root", root, "--reference-time-iso", "2026-11-02T01:00:00Z", "--allow-gaps", "4")
	if r.code != exitDone || !strings.Contains(r.err, "are missing and were let pass") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}

func TestBatchUsage(t *testing.T) {
	for _, line := range []string{
		"batch frob", "batch fgb", "batch fgb --root file:///x", "batch fgb --root file:///x --month x",
		"batch fgb --root file:///x --month 2026-11 --reference-time-iso 2026-11-01", "batch fgb --root file:///x --month 2026-11 --part 2/2",
		"batch fgb --root file:///x --month 2026-11 --part 1", "batch fgb --root file:///x --month 2026-11 --mode X",
		"batch fgb --root file:///x --month 2026-11 --mode BACKFILL", "batch fgb --root file:///x --month 2026-11 --effective-from 2026-11-01T00:00Z",
		"batch fgb --root file:///x --month 2026-11 --allow-gaps -1", "batch fgb --root file:///x --month 2026-11 --output x", "batch fgb x",
	} {
		r := runs(t, strings.Fields(line)...)
		if r.code != exitUsage || r.out != "" {
			t.Errorf("ndr %s: exit %d, stdout %q, stderr %q; want 64", line, r.code, r.out, r.err)
		}
	}
}

func TestProgressBar(t *testing.T) {
	var out strings.Builder
	b := newProgressBar(&out)
	b.show("read", 1, 10)
	b.clear()
	if out.String() != "" {
		t.Errorf("off a terminal it prints at once: %q", out.String())
	}
	b.moves, b.next = true, time.Time{}
	b.show("read", 5, 10)
	if text := out.String(); !strings.Contains(text, "read") || !strings.Contains(text, "50%") || strings.Count(text, "#") != barWidth/2 {
		t.Errorf("got %q", text)
	}
}
