package test

import (
	"strconv"
	"strings"
	"testing"
)

// direction says what the packages of a folder may import, beside the standard library.
type direction struct {
	folder    string   // the folder and those below it
	project   []string // folders of the project; "*" is all
	libraries []string // modules, by the beginning of the import path; "*" is all
	tests     []string // further modules that only its tests may import
}

// directions is the table of docs/life-of-a-flow.md. What is not in it may not exist.
var directions = []direction{
	{"cmd", []string{"*"}, []string{"*"}, nil},
	{"feature", nil, nil, []string{"github.com/google/go-cmp"}},
	{"flow", nil, []string{"github.com/klauspost/compress", "go.yaml.in/yaml"}, []string{"github.com/google/go-cmp"}},
	{"stream", []string{"feature", "flow"},
		[]string{"github.com/klauspost/compress", "github.com/prometheus/client_golang"},
		[]string{"github.com/google/go-cmp", "github.com/cockroachdb/datadriven", "github.com/prometheus/client_model"}},
	{"stream/kafka", []string{"feature", "flow", "stream"},
		[]string{"github.com/twmb/franz-go", "github.com/prometheus/client_golang"},
		[]string{"github.com/google/go-cmp", "github.com/klauspost/compress"}},
	{"stream/file", []string{"feature", "flow", "stream"}, nil,
		[]string{"github.com/google/go-cmp", "github.com/klauspost/compress"}},
	{"state", []string{"feature"},
		[]string{"github.com/cockroachdb/pebble", "github.com/prometheus/client_golang"},
		[]string{"github.com/google/go-cmp", "github.com/cockroachdb/datadriven"}},
	{"sinks", []string{"feature"},
		[]string{"github.com/apache/arrow-go", "github.com/aws/", "github.com/klauspost/compress", "github.com/prometheus/client_golang"},
		[]string{"github.com/google/go-cmp", "github.com/johannesboyne/gofakes3"}},
	{"configs", []string{"feature"}, []string{"go.yaml.in/yaml"},
		[]string{"github.com/google/go-cmp", "github.com/cockroachdb/datadriven"}},
	{"batch", []string{"feature", "sinks", "configs"}, []string{"*"}, nil},
	{"deploy", nil, nil, []string{"*"}},
	{"test", []string{"*"}, []string{"*"}, nil},
	// The oracle must not share a mistake with the product.
	{"test/oracle", nil, []string{"github.com/apache/arrow-go"}, []string{"*"}},
}

// directionOf is the row of the deepest folder that holds dir.
func directionOf(dir string) *direction {
	var best *direction
	for i := range directions {
		d := &directions[i]
		if within(dir, d.folder) && (best == nil || len(d.folder) > len(best.folder)) {
			best = d
		}
	}
	return best
}

func within(dir, folder string) bool { return dir == folder || strings.HasPrefix(dir, folder+"/") }

// allows reports whether a file of the folder may import the path.
func (d *direction) allows(path string, inTest bool) bool {
	if own, ok := strings.CutPrefix(path, "ndr/"); ok {
		if directionOf(own) == d { // its own folder, but for what has rules of its own
			return true
		}
		return listed(d.project, own, func(own, folder string) bool { return directionOf(own).folder == folder })
	}
	first, _, _ := strings.Cut(path, "/")
	if !strings.Contains(first, ".") {
		return true // the standard library
	}
	return listed(d.libraries, path, strings.HasPrefix) || inTest && listed(d.tests, path, strings.HasPrefix)
}

func listed(list []string, path string, matches func(path, entry string) bool) bool {
	for _, entry := range list {
		if entry == "*" || matches(path, entry) {
			return true
		}
	}
	return false
}

func TestImportDirections(t *testing.T) {
	for _, f := range sources(t) {
		d := directionOf(f.dir())
		if d == nil {
			t.Errorf("%s: no folder for Go files; see the table in %s", f.path, "imports_test.go")
			continue
		}
		for _, spec := range f.ast.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatalf("%s: %v", f.path, err)
			}
			if !d.allows(path, f.isTest()) {
				t.Errorf("%s:%d: %s may not import %s", f.path, f.line(spec.Pos()), d.folder, path)
			}
		}
	}
}

// TestDirectionsRefuse makes sure that the table can say no.
func TestDirectionsRefuse(t *testing.T) {
	for _, c := range []struct {
		dir, path string
		inTest    bool
		want      bool
	}{
		{"feature", "ndr/flow", false, false},
		{"feature", "github.com/google/go-cmp/cmp", false, false},
		{"feature", "github.com/google/go-cmp/cmp", true, true},
		{"feature", "net/netip", false, true},
		{"flow/synth", "ndr/flow", false, true},
		{"flow", "ndr/feature", false, false},
		{"stream", "ndr/sinks", true, false},
		{"stream", "ndr/stream/kafka", false, false},
		{"stream/kafka", "ndr/stream", false, true},
		{"stream/kafka", "ndr/stream/file", false, false},
		{"state", "ndr/sinks", false, false},
		{"sinks", "ndr/state", false, false},
		{"configs", "ndr/stream", false, false},
		{"cmd/ndr", "ndr/stream/kafka", false, true},
		{"test/oracle", "ndr/feature", false, false},
		{"test/faults", "ndr/sinks", false, true},
		{"test/faults", "ndr/test/oracle", true, true},
	} {
		if got := directionOf(c.dir).allows(c.path, c.inTest); got != c.want {
			t.Errorf("%s imports %s (test: %t): allowed is %t, want %t", c.dir, c.path, c.inTest, got, c.want)
		}
	}
}
