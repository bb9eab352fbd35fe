package feature

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// pathWords are parts of stored paths that no other string has a reason to hold.
var pathWords = []string{"/part-", "data/features", "control/", "manifests/", "dt=", "close/", "cuts/"}

// isSentence reports whether a text is prose, as help texts are: from a capital letter to a full stop.
func isSentence(text string) bool {
	return text != "" && unicode.IsUpper(rune(text[0])) && strings.HasSuffix(text, ".")
}

// pathLiterals returns the string literals of a Go source, but for imports, struct tags and sentences, with a word
// of a stored path in them.
func pathLiterals(name string, src any) (found []string, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			n.Tag = nil
		case *ast.BasicLit:
			text, err := strconv.Unquote(n.Value)
			if err != nil || n.Kind != token.STRING || isSentence(text) {
				return true
			}
			for _, w := range pathWords {
				if strings.Contains(text, w) {
					found = append(found, fset.Position(n.Pos()).String()+": "+n.Value+" holds "+w)
				}
			}
		}
		return true
	})
	return found, nil
}

// Only feature/layout*.go knows where things are stored.
func TestOnlyLayoutBuildsPaths(t *testing.T) {
	files, here := 0, 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != ".." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := pathLiterals(path, src)
		if err != nil {
			return err
		}
		files++
		if m, _ := filepath.Match("../feature/layout*.go", path); m {
			here += len(found)
			return nil
		}
		for _, f := range found {
			t.Error(f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 || here == 0 {
		t.Errorf("looked at %d files and found %d paths in the layout: the search is broken", files, here)
	}
}

func TestPathLiterals(t *testing.T) {
	src := "package p\nimport \"a/cuts/b\"\ntype s struct { f int `x:\"dt=\"` }\n" +
		"var ok = \"closed, width=3\" + \"Folders, e.g. dt={dt}.\"\nvar bad = []string{\"x/dt=\" + d, `control/x`}\n"
	found, err := pathLiterals("p.go", src)
	if err != nil || len(found) != 2 {
		t.Errorf("got %q, %v, want two", found, err)
	}
}
