// Package test holds what concerns the whole program: that the packages import each other in the agreed directions,
// that the habits of the project are kept, that the documentation tells of things that exist. The sub-packages run the
// program as a whole.
package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// repository is the root of the repository, seen from here.
const repository = ".."

// sourceFile is a parsed Go file of the repository.
type sourceFile struct {
	path string // from the root, with slashes
	fset *token.FileSet
	ast  *ast.File
	text string
}

func (f *sourceFile) dir() string          { return path.Dir(f.path) }
func (f *sourceFile) isTest() bool         { return strings.HasSuffix(f.path, "_test.go") }
func (f *sourceFile) line(p token.Pos) int { return f.fset.Position(p).Line }

// files lists the files of the repository with one of the endings, as paths from its root.
func files(t *testing.T, endings ...string) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(repository), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (p == ".git" || d.Name() == "testdata" || p == "out" || p == "bin"):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		for _, e := range endings {
			if strings.HasSuffix(p, e) {
				out = append(out, p)
				break
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatalf("no files with the endings %v below %s", endings, repository)
	}
	return out
}

// read returns the text of a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sources parses all Go files of the repository.
func sources(t *testing.T) []*sourceFile {
	t.Helper()
	var out []*sourceFile
	for _, name := range files(t, ".go") {
		f := &sourceFile{path: name, fset: token.NewFileSet(), text: read(t, name)}
		var err error
		if f.ast, err = parser.ParseFile(f.fset, name, f.text, parser.ParseComments); err != nil {
			t.Fatalf("parse %s: %v", name, err)
		}
		out = append(out, f)
	}
	return out
}
