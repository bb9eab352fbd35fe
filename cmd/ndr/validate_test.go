package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestValidateGolden(t *testing.T) {
	for _, c := range []struct {
		files []string
		code  int
		name  string
	}{
		{[]string{"testdata/validate/good.yaml"}, exitDone, "good"},
		{[]string{"testdata/validate/good.yaml", "testdata/validate/bad.yaml", "testdata/validate/mapping.yaml"}, exitConfig, "bad"},
	} {
		r := runs(t, append([]string{"validate"}, c.files...)...)
		if r.code != c.code {
			t.Errorf("%s: exit %d, want %d", c.name, r.code, c.code)
		}
		golden(t, "validate/"+c.name+".golden", r.out+"--- stderr\n"+r.err)
	}
}

// A mapping may be given itself or be named by a configuration; its faults have places in it either way.
func TestValidateMapping(t *testing.T) {
	place := regexp.MustCompile(`(?m)^testdata/validate/badmapping\.yaml:\d+:\d+: `)
	for _, file := range []string{"badmapping.yaml", "naming.yaml"} {
		r := runs(t, "validate", "testdata/validate/"+file)
		if r.code != exitConfig {
			t.Errorf("%s: exit %d, want 78", file, r.code)
		}
		if n := len(place.FindAllString(r.out, -1)); n < 3 {
			t.Errorf("%s: %d faults with a place, want at least 3:\n%s", file, n, r.out)
		}
		if want := "    2 | decode: [jsn]\n      |          ^\n"; !strings.Contains(r.out, want) {
			t.Errorf("%s: no excerpt in:\n%s", file, r.out)
		}
	}
	if r := runs(t, "validate", "testdata/validate/syntax.yaml"); r.code != exitConfig {
		t.Errorf("mapping that is no YAML: exit %d, want 78", r.code)
	}
}

func TestValidateMappingOnce(t *testing.T) {
	text := runsWell(t, "validate", "testdata/validate/good.yaml", "testdata/validate/mapping.yaml", "testdata/validate/good.yaml")
	if want := "testdata/validate/good.yaml: ok\ntestdata/validate/mapping.yaml: ok\n"; text != want {
		t.Errorf("got:\n%swant:\n%s", text, want)
	}
}

func TestValidateJSON(t *testing.T) {
	r := runs(t, "validate", "--output", "json", "testdata/validate/good.yaml", "testdata/validate/bad.yaml")
	files := jsonValues(t, r.out)[0]["files"].([]any)
	if r.code != exitConfig || len(files) != 3 {
		t.Fatalf("exit %d, %d files; want 78 and 3", r.code, len(files))
	}
	bad := files[2].(map[string]any)
	faults := bad["faults"].([]any)
	first := faults[len(faults)-1].(map[string]any)
	if bad["ok"] != false || first["line"] != 7.0 || first["column"] != 9.0 || first["path"] != "shards" {
		t.Errorf("got %v", bad)
	}
	r = runs(t, "validate", "--output", "jsonl", "testdata/validate/good.yaml", "testdata/validate/bad.yaml")
	if n := len(jsonValues(t, r.out)); n != 3 || strings.Count(r.out, "\n") != 3 {
		t.Errorf("%d values in JSONL, want 3 lines", n)
	}
}

func TestValidateMissing(t *testing.T) {
	if r := runs(t, "validate", filepath.Join(t.TempDir(), "none.yaml")); r.code != exitFailed {
		t.Errorf("missing file: exit %d, want 1", r.code)
	}
	file := filepath.Join(t.TempDir(), "ndr.yaml")
	text := "version: 1\nroot: file:///x\nsource: {type: file, file: {inputs: [a]}, mapping: nowhere.yaml}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := runs(t, "validate", file); r.code != exitConfig || !strings.Contains(r.out, ":3:") || !strings.Contains(r.out, "nowhere.yaml") {
		t.Errorf("missing mapping: exit %d, want 78 and the place:\n%s", r.code, r.out)
	}
}

func TestExcerpt(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
		want         string
	}{
		{"a\n\tb: c  \nd", 2, 5, "\n    2 | \tb: c\n      | \t   ^"},
		{"a", 1, 1, "\n    1 | a\n      | ^"},
		{"a", 1, 9, "\n    1 | a\n      |  ^"},
		{"a", 2, 1, ""},
		{"\xff: b", 1, 4, "\n    1 | ?: b\n      |    ^"},
	} {
		if got := excerpt(c.text, c.line, c.column); got != c.want {
			t.Errorf("%q %d:%d: got %q, want %q", c.text, c.line, c.column, got, c.want)
		}
	}
}
