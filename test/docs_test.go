package test

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ndr/feature"
	"ndr/sinks"
	"ndr/state"
	"ndr/stream"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	testName = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]*\b`)
	fileName = regexp.MustCompile("`((?:cmd|configs|feature|flow|sinks|state|stream|test|docs)/[A-Za-z0-9_./-]+)`")
)

// TestLinks follows every link of the documentation to a file and, where it names one, to a heading of it.
func TestLinks(t *testing.T) {
	for _, name := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(withoutCode(read(t, name)), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			target, anchor, _ := strings.Cut(m[1], "#")
			file := path.Join(path.Dir(name), target)
			if target == "" {
				file = name
			}
			if _, err := os.Stat(filepath.Join(repository, file)); err != nil {
				t.Errorf("%s: link to %s: %v", name, m[1], err)
			} else if anchor != "" && !slices.Contains(anchors(read(t, file)), anchor) {
				t.Errorf("%s: link to %s: the page has no such heading", name, m[1])
			}
		}
	}
}

// anchors lists the anchors of a page's headings.
func anchors(text string) (out []string) {
	for line := range strings.Lines(withoutCode(text)) {
		title := strings.TrimLeft(line, "#")
		if title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		title = strings.ToLower(strings.TrimSpace(title))
		title = regexp.MustCompile("[^a-z0-9 _-]").ReplaceAllString(title, "")
		out = append(out, strings.ReplaceAll(title, " ", "-"))
	}
	return out
}

// withoutCode drops the fenced blocks of a page.
func withoutCode(text string) string {
	parts := strings.Split("\n"+text, "\n```")
	for i := range parts {
		if i%2 == 1 {
			parts[i] = ""
		}
	}
	return strings.Join(parts, "\n")
}

// TestDocsNameWhatExists makes sure that the tests and files that the documentation names are there.
func TestDocsNameWhatExists(t *testing.T) {
	known := make(map[string]bool)
	for _, f := range sources(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				known[fn.Name.Name] = true
			}
		}
	}
	for _, name := range files(t, ".md") {
		text := read(t, name)
		for _, n := range testName.FindAllString(text, -1) {
			if !known[n] {
				t.Errorf("%s names the test %s, which does not exist", name, n)
			}
		}
		for _, m := range fileName.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(repository, m[1])); err != nil {
				t.Errorf("%s names the file %s, which does not exist", name, m[1])
			}
		}
	}
}

// TestSixFiles makes sure that a reader gets from the command to the published object in the six files that the page
// lists, in its table.
func TestSixFiles(t *testing.T) {
	const page = "docs/life-of-a-flow.md"
	var listed []string
	for line := range strings.Lines(read(t, page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		if n, err := strconv.Atoi(strings.TrimSpace(cells[1])); err == nil {
			if n != len(listed)+1 {
				t.Errorf("%s: file %d comes after %d files", page, n, len(listed))
			}
			listed = append(listed, strings.Trim(strings.TrimSpace(cells[2]), "`"))
		}
	}
	if len(listed) != 6 {
		t.Fatalf("%s lists %d files, want 6: %v", page, len(listed), listed)
	}
	for _, name := range listed {
		if !strings.HasSuffix(name, ".go") {
			t.Errorf("%s: %s is no Go file", page, name)
		}
		read(t, name)
	}
}

// TestVersionsOfFormats compares the table of versions with the constants of the code.
func TestVersionsOfFormats(t *testing.T) {
	const page = "docs/formats.md"
	text := read(t, page)
	for _, v := range []struct {
		what    string
		version int
	}{
		{"cut, topology and close record", stream.CutFormat},
		{"keys and values of the state", state.FormatVersion},
		{"checkpoint manifest", state.CheckpointFormat},
		{"slice manifest, dataset manifest, `_SUCCESS`", sinks.ManifestVersion},
		{"tables", feature.TablesVersion},
	} {
		if row := fmt.Sprintf("| %s | %d |", v.what, v.version); !strings.Contains(text, row) {
			t.Errorf("%s lacks the row %q", page, row)
		}
	}
}

// TestReasonsAreExplained makes sure that every reason by which a record can be rejected or filtered, and every
// dataset, is explained.
func TestReasonsAreExplained(t *testing.T) {
	const page = "docs/formats.md"
	text := read(t, page)
	var words []string
	for _, f := range sources(t) {
		if f.path != "flow/decoder.go" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
				if lit, ok := v.Values[0].(*ast.BasicLit); ok {
					words = append(words, strings.Trim(lit.Value, `"`))
				}
			}
			return true
		})
	}
	if len(words) < 12 {
		t.Fatalf("flow/decoder.go has only the reasons %v", words)
	}
	for name := range feature.DefaultLocations() {
		words = append(words, name)
	}
	for _, w := range words {
		if !strings.Contains(text, "`"+w+"`") {
			t.Errorf("%s does not explain `%s`", page, w)
		}
	}
}

// TestReadmeCommands makes sure that the commands of the README's first screen are those of the Makefile and of CI.
func TestReadmeCommands(t *testing.T) {
	readme := read(t, "README.md")
	const screen = 45
	lines := strings.SplitAfter(readme, "\n")
	first := strings.Join(lines[:min(screen, len(lines))], "")
	for _, command := range []string{"go run ./cmd/ndr demo", "go test ./..."} {
		if !strings.Contains(first, command) {
			t.Errorf("the first %d lines of README.md lack %q", screen, command)
		}
		if !strings.Contains(read(t, "Makefile"), command) {
			t.Errorf("Makefile lacks %q", command)
		}
	}
	if ci := read(t, ".ci/run"); !strings.Contains(ci, "\ngo test ./...\n") {
		t.Error(".ci/run does not call the test command of README.md")
	}
}
