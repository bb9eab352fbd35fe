package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ndr/feature"
	"ndr/sinks"
)

func TestCatalogBuildAndCheck(t *testing.T) {
	dir := t.TempDir()
	md := filepath.Join(dir, "feature_catalog.md")
	text := runsWell(t, "catalog", "build", "--out", dir)
	if strings.Count(text, "created") != 2+len(publishedTables("long")) {
		t.Errorf("first build:\n%s", text)
	}
	if text := runsWell(t, "catalog", "build", "--out", dir); strings.Count(text, "\n") != strings.Count(text, "unchanged") {
		t.Errorf("second build:\n%s", text)
	}
	runsWell(t, "catalog", "check", md)

	good, err := os.ReadFile(md)
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(good), "| sessions_cnt_w_15m |", "| session_cnt_w_15m |", 1)
	if err := os.WriteFile(md, []byte(bad), 0o600); err != nil || bad == string(good) {
		t.Fatal("nothing to change", err)
	}
	if err := os.Remove(filepath.Join(dir, "feature_catalog.parquet")); err != nil {
		t.Fatal(err)
	}
	r := runs(t, "catalog", "check", md)
	if r.code != exitFailed || strings.Count(r.out, "\n") != 1 || !strings.Contains(r.out, "sessions_cnt_w_15m") {
		t.Errorf("check: exit %d, stdout:\n%s", r.code, r.out)
	}
	r = runs(t, "catalog", "check", md, "--output", "json")
	if list := jsonValues(t, r.out); r.code != exitFailed || len(list[0]["differences"].([]any)) != 1 {
		t.Errorf("check: exit %d, %v", r.code, list)
	}
	r = runs(t, "catalog", "build", "--out", dir)
	if r.code != exitFailed || fileExists(filepath.Join(dir, "feature_catalog.parquet")) || !strings.Contains(r.err, "--force") {
		t.Errorf("build over other content: exit %d, stderr %s; want 1 and nothing written", r.code, r.err)
	}
	if text := runsWell(t, "catalog", "build", "--out", dir, "--force"); !strings.Contains(text, "replaced") || !strings.Contains(text, "created") {
		t.Errorf("forced build:\n%s", text)
	}
	runsWell(t, "catalog", "check", md)
}

func TestCatalogInRoot(t *testing.T) {
	root := fileURL(t.TempDir())
	for i, want := range []string{"created", "unchanged"} {
		list := jsonValues(t, runsWell(t, "catalog", "build", "--root", root, "--output", "jsonl"))
		for _, f := range list {
			if f["state"] != want {
				t.Errorf("build %d: got %v, want %s", i, f, want)
			}
		}
	}
	text := runsWell(t, "inspect", "parquet", "--root", root, "catalog/feature_catalog.parquet", "--columns", "feature_name", "--rows", "1")
	if text = stable(text); !strings.Contains(text, "schema  ok") || !strings.HasSuffix(text, "\nfeature_name\nadmin_port_sessions_cnt\n") {
		t.Errorf("inspect parquet:\n%s", text)
	}
}

// The tables of a layout have each name once, and the wide ones alone are fg_a and fg_c.
func TestPublishedTables(t *testing.T) {
	for layout, columns := range map[string]int{"long": len(feature.FGATable().Columns), "wide": len(feature.FGAWideTable().Columns),
		"both": len(feature.FGATable().Columns)} {
		seen := make(map[string]int)
		for _, table := range publishedTables(layout) {
			if seen[table.Name] != 0 {
				t.Errorf("%s: %s twice", layout, table.Name)
			}
			seen[table.Name] = len(table.Columns)
		}
		both := layout == "both"
		if seen[feature.DatasetFGA] != columns || seen[feature.DatasetFGC] == 0 ||
			(seen[feature.DatasetFGAWide] > 0) != both || (seen[feature.DatasetFGCWide] > 0) != both {
			t.Errorf("%s: %v", layout, seen)
		}
	}
}

func TestSameRows(t *testing.T) {
	if sameRows([]byte("x"), []byte("x")) {
		t.Error("what is no table has the same rows")
	}
	l, err := feature.NewLayout("ndr", "v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	var one, other strings.Builder
	if err := writeCatalogTable(&one, feature.Catalog("v1", l), "v1"); err != nil {
		t.Fatal(err)
	}
	w, err := sinks.NewTableWriter(&other, feature.FeatureCatalogTable(), map[string]string{"more": "metadata"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(feature.CatalogBatch(feature.Catalog("v1", l))); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if one.String() == other.String() || !sameRows([]byte(one.String()), []byte(other.String())) {
		t.Error("the same rows with other metadata are not the same")
	}
	if sameRows([]byte(one.String()), []byte("x")) {
		t.Error("a table and something else have the same rows")
	}
}
