package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigPrint(t *testing.T) {
	t.Setenv("NDR__SLICES__OFFSET", "8m")
	text := runsWell(t, "config", "print", "--config", "testdata/validate/good.yaml")
	for _, want := range []string{"offset: 8m  # NDR__SLICES__OFFSET", "topic: flows", "shards: 8  # default"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	again := filepath.Join(t.TempDir(), "again.yaml")
	if err := os.WriteFile(again, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	runsWell(t, "validate", again)
	for _, form := range []string{"json", "jsonl"} {
		list := jsonValues(t, runsWell(t, "config", "print", "--config", "testdata/validate/good.yaml", "--output", form))
		if len(list) != 1 || list[0]["origins"].(map[string]any)["slices.offset"] == nil {
			t.Errorf("%s: got %v", form, list)
		}
	}
}

func TestConfigPrintFaults(t *testing.T) {
	if r := runs(t, "config", "print", "--config", "testdata/validate/bad.yaml"); r.code != exitConfig || r.out != "" {
		t.Errorf("exit %d, stdout %q; want 78 and nothing", r.code, r.out)
	}
	if r := runs(t, "config", "print", "--config", "none.yaml"); r.code != exitFailed {
		t.Errorf("missing file: exit %d, want 1", r.code)
	}
}

func TestConfigSchema(t *testing.T) {
	if text := runsWell(t, "config", "schema"); !strings.HasPrefix(text, "{") || !strings.Contains(text, `"$schema"`) {
		t.Errorf("got %.100s", text)
	}
}
