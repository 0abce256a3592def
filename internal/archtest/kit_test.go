package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stateful names the packages of kit that may keep a package variable, and why.
var stateful = map[string]string{
	"kit/redistest": "testing.M hands nothing to the tests it runs, so the package's server has to wait for them in a variable",
}

// TestKit_source reads every file of kit, whatever system or tag it is for.
func TestKit_source(t *testing.T) {
	files := 0
	err := filepath.WalkDir(filepath.Join(root, "kit"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		faults, err := faultsOf(name, string(source))
		for _, fault := range faults {
			t.Error(fault)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Error("found no files in kit")
	}
}

// TestFaultsOf proves that the reader of source catches what it is for.
func TestFaultsOf(t *testing.T) {
	const head = "package p\n"
	tests := map[string]struct {
		name, source string
		want         []string
	}{
		"init":       {"kit/p/p.go", "func init() {}", []string{"kit/p/p.go:2: func init: kit has no registration and no work at import"}},
		"a map":      {"kit/p/p.go", "var m = map[string]int{}", []string{"kit/p/p.go:2: var m: kit keeps no package state"}},
		"a counter":  {"kit/p/p.go", "var a, b int", []string{"kit/p/p.go:2: var a: kit keeps no package state", "kit/p/p.go:2: var b: kit keeps no package state"}},
		"a logger":   {"kit/p/p.go", `import "log"`, []string{"kit/p/p.go:2: import log: the caller's *slog.Logger, or none"}},
		"a server":   {"kit/p/p.go", `import "net/http"`, []string{"kit/p/p.go:2: import net/http: only in middleware.go or handler.go, or in a package named http…"}},
		"http…":      {"kit/p/httpp/p.go", `import "net/http"`, nil},
		"middleware": {"kit/p/middleware.go", `import "net/http"`, nil},
		"redistest":  {"kit/redistest/main.go", "var server *int", nil},
		"sentinel":   {"kit/p/p.go", "import \"errors\"\nvar ErrNo = errors.New(\"p: no\")", nil},
		"assertion":  {"kit/p/p.go", "var _ I = T{}", nil},
		"expression": {"kit/p/p.go", "import \"regexp\"\nvar word = regexp.MustCompile(`\\w`)", nil},
		"script":     {"kit/p/p.go", "import \"p/script\"\nvar take = script.Must(source)", nil},
		"embedded":   {"kit/p/p.go", "import _ \"embed\"\n//go:embed a.lua\nvar source string", nil},
		"method":     {"kit/p/p.go", "type T struct{}\nfunc (T) init() {}", nil},
		"a group": {"kit/p/p.go", "import \"errors\"\nvar (\n\tErrA = errors.New(\"a\")\n\tseen = 0\n)",
			[]string{"kit/p/p.go:5: var seen: kit keeps no package state"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := faultsOf(test.name, head+test.source)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// faultsOf returns what a file of kit does that kit does not do.
func faultsOf(name, source string) ([]string, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var faults []string
	add := func(at ast.Node, what, rule string) {
		faults = append(faults, fmt.Sprintf("%s:%d: %s: %s", name, set.Position(at.Pos()).Line, what, rule))
	}
	base, dir := filepath.Base(name), filepath.ToSlash(filepath.Dir(name))
	for _, spec := range file.Imports {
		switch spec.Path.Value {
		case `"log"`:
			add(spec, "import log", "the caller's *slog.Logger, or none")
		case `"net/http"`:
			if base != "middleware.go" && base != "handler.go" && !strings.HasPrefix(filepath.Base(dir), "http") {
				add(spec, "import net/http", "only in middleware.go or handler.go, or in a package named http…")
			}
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Name.Name == "init" && decl.Recv == nil {
				add(decl, "func init", "kit has no registration and no work at import")
			}
		case *ast.GenDecl:
			if decl.Tok != token.VAR || stateful[dir] != "" {
				continue
			}
			for _, spec := range decl.Specs {
				for _, variable := range mutable(decl, spec.(*ast.ValueSpec)) {
					add(variable, "var "+variable.Name, "kit keeps no package state")
				}
			}
		}
	}
	return faults, nil
}

// mutable returns the variables of a declaration that are none of the five
// kinds kit may have: an assertion (var _ I = …), an embedded file, a sentinel
// error, a compiled regular expression, a script.
func mutable(decl *ast.GenDecl, spec *ast.ValueSpec) []*ast.Ident {
	if embedded(decl.Doc) || embedded(spec.Doc) {
		return nil
	}
	var found []*ast.Ident
	for i, name := range spec.Names {
		if name.Name == "_" || i < len(spec.Values) && constant(spec.Values[i]) {
			continue
		}
		found = append(found, name)
	}
	return found
}

func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// constant reports whether a value is made by a call whose result nobody can
// change.
func constant(value ast.Expr) bool {
	call, ok := value.(*ast.CallExpr)
	if !ok {
		return false
	}
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	of, ok := function.X.(*ast.Ident)
	if !ok {
		return false
	}
	switch of.Name + "." + function.Sel.Name {
	case "errors.New", "regexp.MustCompile", "script.Must", "script.MustLibrary":
		return true
	}
	return false
}
