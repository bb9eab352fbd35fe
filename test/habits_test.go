package test

import (
	"fmt"
	"go/ast"
	"go/token"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	maxFileLines     = 400
	maxFunctionLines = 70
)

// topLevel is all that may lie in the root of the repository.
var topLevel = []string{
	"cmd", "feature", "flow", "stream", "state", "sinks", "batch", "configs", "deploy", "test", "docs",
	"go.mod", "go.sum", "README.md", "LICENSE", "CHANGELOG.md", "Makefile", ".ci", ".gitignore", "staticcheck.conf",
}

// vague are names that say nothing of what is in a file or folder.
var vague = []string{"util", "utils", "helper", "helpers", "common", "type", "types", "root", "misc", "base", "shared"}

func TestTopLevel(t *testing.T) {
	git := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	git.Dir = repository
	out, err := git.Output()
	if err != nil {
		t.Skipf("this is no git working tree, or git is missing: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		top, _, _ := strings.Cut(strings.TrimSpace(line), "/")
		if !slices.Contains(topLevel, top) {
			t.Errorf("%q may not lie at the top: add its folder to the table in %s, or move it", top, "habits_test.go")
		}
	}
}

func TestFileNames(t *testing.T) {
	for _, name := range files(t, ".go") {
		for part := range strings.SplitSeq(strings.TrimSuffix(name, ".go"), "/") {
			if slices.Contains(vague, strings.TrimSuffix(part, "_test")) {
				t.Errorf("%s: %q says nothing of what is inside", name, part)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	for _, f := range sources(t) {
		if f.isTest() {
			continue
		}
		if n := strings.Count(f.text, "\n"); n > maxFileLines {
			t.Errorf("%s has %d lines, at most %d: more than one noun?", f.path, n, maxFileLines)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > maxFunctionLines {
				t.Errorf("%s:%d: %s has %d lines, at most %d", f.path, f.line(fn.Pos()), fn.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

// TestNothingOutside makes sure that the program, its documentation and its examples stand alone, and that packages
// whose tests look for data outside the repository know how to skip them.
func TestNothingOutside(t *testing.T) {
	outside := "../" + "shared"
	reads, skips := make(map[string]string), make(map[string]bool) // by folder
	for _, name := range files(t, ".go", ".md", ".yaml", ".sh", "Makefile", ".ci/run") {
		text := read(t, name)
		if !strings.Contains(text, outside) {
			continue
		}
		if !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s depends on %s, which is not part of the project", name, outside)
		}
		dir := path.Dir(name)
		reads[dir], skips[dir] = name, skips[dir] || strings.Contains(text, ".Skip")
	}
	for dir, name := range reads {
		if !skips[dir] {
			t.Errorf("%s reads %s, and no test of its folder skips", name, outside)
		}
	}
}

func TestDocComments(t *testing.T) {
	packages := make(map[string]bool) // by folder: whether one of its files says what the package is for
	for _, f := range sources(t) {
		if f.isTest() || f.ast.Name.Name == "main" {
			continue
		}
		packages[f.dir()] = packages[f.dir()] || f.ast.Doc != nil
		for _, d := range f.ast.Decls {
			for _, u := range undocumented(d) {
				t.Errorf("%s:%d: %s has no comment", f.path, f.line(u.at), u.name)
			}
		}
	}
	for dir, documented := range packages {
		if !documented {
			t.Errorf("%s: no file has a package comment", dir)
		}
	}
}

// symbol is a name and where it stands.
type symbol struct {
	name string
	at   token.Pos
}

// customary are methods whose meaning is that of the interface that they are for.
var customary = []string{"Error", "Unwrap", "String", "Len", "Less", "Swap", "Push", "Pop", "Set", "Type"}

// undocumented lists the exported names of a declaration that have no comment. In a group the comment of the group
// counts for all, and so does that of the type whose values a group lists.
func undocumented(d ast.Decl) (out []symbol) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		receiver := receiverName(d)
		hidden := d.Recv != nil && (!ast.IsExported(receiver) || slices.Contains(customary, d.Name.Name))
		if d.Name.IsExported() && !hidden && d.Doc == nil {
			out = append(out, symbol{strings.TrimPrefix(receiver+"."+d.Name.Name, "."), d.Pos()})
		}
	case *ast.GenDecl:
		typed := false // the group lists the values of a named type
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					out = append(out, symbol{s.Name.Name, s.Pos()})
				}
			case *ast.ValueSpec:
				typed = typed || s.Type != nil
				if d.Doc != nil || s.Doc != nil || s.Comment != nil || typed && d.Lparen.IsValid() {
					continue
				}
				for _, n := range s.Names {
					if n.IsExported() {
						out = append(out, symbol{n.Name, n.Pos()})
					}
				}
			}
		}
	}
	return out
}

func receiverName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// TestNoGlobalState finds package variables that are written to after their declaration, those that are declared to
// be filled later, and init functions. It resolves names without types, so it sees what is plain to see.
func TestNoGlobalState(t *testing.T) {
	byFolder := make(map[string][]*sourceFile)
	for _, f := range sources(t) {
		if !f.isTest() {
			byFolder[f.dir()] = append(byFolder[f.dir()], f)
		}
	}
	for _, fs := range byFolder {
		globals := make(map[string]bool)
		for _, f := range fs {
			for _, fault := range declareGlobals(f, globals) {
				t.Error(fault)
			}
		}
		for _, f := range fs {
			for _, fault := range globalWrites(f, globals) {
				t.Error(fault)
			}
		}
	}
}

// declareGlobals adds the package variables of a file and returns those that can only be meant as state.
func declareGlobals(f *sourceFile, globals map[string]bool) (faults []string) {
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			faults = append(faults, fmt.Sprintf("%s:%d: func init", f.path, f.line(fn.Pos())))
		}
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for _, n := range v.Names {
				globals[n.Name] = n.Name != "_"
				if len(v.Values) == 0 && !embedded(g.Doc) && !embedded(v.Doc) {
					faults = append(faults, fmt.Sprintf("%s:%d: package variable %s has no value", f.path, f.line(n.Pos()), n.Name))
				}
			}
		}
	}
	return faults
}

func embedded(c *ast.CommentGroup) bool {
	return c != nil && slices.ContainsFunc(c.List, func(l *ast.Comment) bool { return strings.HasPrefix(l.Text, "//go:embed") })
}

// globalWrites finds assignments to package variables and to parts of them.
func globalWrites(f *sourceFile, globals map[string]bool) (faults []string) {
	check := func(e ast.Expr) {
		n := rootOf(e)
		if n == nil || !globals[n.Name] {
			return
		}
		if n.Obj != nil { // resolved within this file: a package variable or a local one of the same name
			if spec, ok := n.Obj.Decl.(*ast.ValueSpec); !ok || !isTopLevel(f.ast, spec) {
				return
			}
		}
		faults = append(faults, fmt.Sprintf("%s:%d: package variable %s is written to", f.path, f.line(n.Pos()), n.Name))
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if n.Tok != token.DEFINE {
					check(e)
				}
			}
		case *ast.IncDecStmt:
			check(n.X)
		}
		return true
	})
	return faults
}

// rootOf is the variable that an assignable expression is a part of, nil if it is not plain to see.
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func isTopLevel(f *ast.File, spec *ast.ValueSpec) bool {
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && slices.Contains(g.Specs, ast.Spec(spec)) {
			return true
		}
	}
	return false
}

// TestPackagesHaveTests makes sure that no package is without a test of its own.
func TestPackagesHaveTests(t *testing.T) {
	has := make(map[string]bool)
	for _, f := range sources(t) {
		has[f.dir()] = has[f.dir()] || f.isTest()
	}
	for dir, tested := range has {
		if !tested && !within(dir, "test") {
			t.Errorf("%s has no tests", dir)
		}
	}
}
