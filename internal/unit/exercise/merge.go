package exercise

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// merger makes files of the solutions and their checks that fit into one package: each
// name of package level gets the number of its member. In one package because the
// compiler needs 0.5 s of a core for each package that names redis.Client (see hasty),
// and by the types that it finds because a text does not tell a name from a field.
type merger struct {
	root    string
	set     *token.FileSet
	imports types.Importer
	checks  map[string]map[string][]byte // of an exercise: content by file name
}

// newMerger reads what the files of members need.
func newMerger(ctx context.Context, root string, members []*member) (*merger, error) {
	g := &merger{root: root, set: token.NewFileSet(), checks: map[string]map[string][]byte{}}
	needed := map[string]bool{}
	note := func(name string, source []byte) {
		// A file that cannot be read is told of when its turn comes.
		parsed, _ := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
		if parsed == nil {
			return
		}
		for _, spec := range parsed.Imports {
			if path, err := strconv.Unquote(spec.Path.Value); err == nil {
				needed[path] = true
			}
		}
	}
	for _, m := range members {
		note(m.name, m.source)
		if g.checks[m.dir] != nil {
			continue
		}
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(m.dir), "*_test.go"))
		if err != nil {
			return nil, err
		}
		g.checks[m.dir] = map[string][]byte{}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			g.checks[m.dir][filepath.Base(file)] = text
			note(file, text)
		}
	}
	for _, m := range members {
		delete(needed, modulePath+"/"+m.dir)
	}
	exports, err := exportFiles(ctx, root, slices.Sorted(maps.Keys(needed)))
	if err != nil {
		return nil, err
	}
	g.imports = importer.ForCompiler(g.set, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no required module provides package %s;", path)
		}
		return os.Open(exports[path])
	})
	return g, nil
}

// exportFiles are what the compiler knows of packages, compiled if they are not.
func exportFiles(ctx context.Context, root string, paths []string) (map[string]string, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-e", "-export", "-f", "{{.ImportPath}}\t{{.Export}}", "--"}, paths...)...)
	OwnGroup(cmd)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), lavish...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, &said)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		exports[path] = file
	}
	return exports, nil
}

// part is a package as it is before it is merged.
type part struct {
	files map[string]*ast.File
	pkg   *types.Package
	info  *types.Info
	named func(string) string // the name that one of its names gets
}

// member returns the files of a member, by name, or in errs what the compiler would
// say. It notes the functions of the check.
func (g *merger) member(m *member) (files map[string][]byte, errs string, err error) {
	solution := map[string][]byte{m.name: WithoutBuildLine(m.source)}
	sources := map[*part]map[string][]byte{}
	code, errs := g.part(modulePath+"/"+m.dir, solution, g.imports)
	if errs != "" {
		return nil, errs, nil
	}
	test, errs := g.part(modulePath+"/"+m.dir+"_test", g.checks[m.dir], overImporter{g.imports, code.pkg})
	if errs != "" {
		return nil, errs, nil
	}
	code.named, test.named = m.ofSolution, m.ofCheck
	sources[code], sources[test] = solution, g.checks[m.dir]
	files = map[string][]byte{}
	for _, p := range []*part{code, test} {
		for name, file := range p.files {
			base := strings.TrimSuffix(strings.TrimSuffix(name, ".go"), "_test")
			text, err := g.renamed(file, sources[p][name], p.info, code, test)
			if err != nil {
				return nil, "", err
			}
			// Messages still name the file and the line that it has.
			files[fmt.Sprintf("m%d_%s_.go", m.number, base)] = append(fmt.Appendf(nil, "//line %s:1\n", name), text...)
		}
	}
	m.tests = nil
	for _, name := range test.pkg.Scope().Names() {
		f, ok := test.pkg.Scope().Lookup(name).(*types.Func)
		if ok && strings.HasPrefix(name, "Test") && f.Signature().Params().Len() == 1 {
			m.tests = append(m.tests, name)
		}
	}
	return files, "", nil
}

// ofSolution and ofCheck are the names that names of either get in the program. The
// first letter stays, for it says what is exported.
func (m *member) ofSolution(name string) string { return name + m.mark() }
func (m *member) ofCheck(name string) string    { return name + "__check" + m.mark() }

// mark ends the names of a member. What a program says may have them: a type is named
// by %T and by a panic.
func (m *member) mark() string { return fmt.Sprintf("__%d", m.number) }

// overImporter knows a package that has no file of the compiler.
type overImporter struct {
	types.Importer
	over *types.Package
}

func (i overImporter) Import(path string) (*types.Package, error) {
	if path == i.over.Path() {
		return i.over, nil
	}
	return i.Importer.Import(path)
}

// part reads and checks a package; errs is what a compiler says of it.
func (g *merger) part(path string, sources map[string][]byte, imports types.Importer) (p *part, errs string) {
	p = &part{files: map[string]*ast.File{}, info: &types.Info{
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{},
	}}
	var list []*ast.File
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		file, err := parser.ParseFile(g.set, name, sources[name], parser.SkipObjectResolution)
		if many := (scanner.ErrorList)(nil); errors.As(err, &many) {
			for _, e := range many {
				errs += e.Error() + "\n"
			}
		} else if err != nil {
			errs += fmt.Sprintf("%s:1:1: %v\n", name, err)
		}
		p.files[name] = file
		list = append(list, file)
	}
	if errs != "" {
		return nil, errs
	}
	config := types.Config{Importer: imports, Error: func(err error) {
		if one := (types.Error{}); errors.As(err, &one) && strings.HasPrefix(one.Msg, "\t") {
			return // belongs to the one before
		}
		errs += err.Error() + "\n"
	}}
	p.pkg, _ = config.Check(path, g.set, list, p.info) // Error has been told
	return p, errs
}

// edit puts text in the place of what is between two offsets.
type edit struct {
	from, to int
	text     string
}

// renamed is a file with the names of its member, in the package of all.
func (g *merger) renamed(file *ast.File, source []byte, info *types.Info, code, test *part) ([]byte, error) {
	var edits []edit
	at := func(p token.Pos) int { return g.set.PositionFor(p, false).Offset }
	put := func(from, to token.Pos, text string) { edits = append(edits, edit{at(from), at(to), text}) }
	put(file.Name.Pos(), file.Name.End(), code.pkg.Name())
	for node := range ast.Preorder(file) {
		switch n := node.(type) {
		case *ast.GenDecl: // the import of the exercise goes
			for _, spec := range n.Specs {
				s, ok := spec.(*ast.ImportSpec)
				if !ok || s.Path.Value != strconv.Quote(code.pkg.Path()) {
					continue
				}
				if n.Lparen.IsValid() {
					put(s.Pos(), s.End(), "")
				} else {
					put(n.Pos(), n.End(), "")
				}
			}
		case *ast.SelectorExpr: // exercise.Like becomes Like
			if x, ok := n.X.(*ast.Ident); ok {
				if of, ok := info.Uses[x].(*types.PkgName); ok && of.Imported() == code.pkg {
					put(x.Pos(), n.Sel.Pos(), "")
				}
			}
		case *ast.Ident:
			object := info.Defs[n]
			if object == nil {
				object = info.Uses[n]
			}
			for _, p := range []*part{code, test} {
				if name := p.rename(object); name != "" {
					put(n.Pos(), n.End(), name)
				}
			}
		}
	}
	slices.SortFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out []byte
	done := 0
	for _, e := range edits {
		if e.from < done {
			return nil, fmt.Errorf("%s: two changes at offset %d", g.set.Position(file.Pos()).Filename, e.from)
		}
		out = append(append(out, source[done:e.from]...), e.text...)
		done = e.to
	}
	return append(out, source[done:]...), nil
}

// rename is the name that an object gets, or empty when it keeps its own.
func (p *part) rename(o types.Object) string {
	if field, ok := o.(*types.Var); ok && field.Embedded() { // named by its type
		t := field.Type()
		if pointer, ok := t.(*types.Pointer); ok {
			t = pointer.Elem()
		}
		switch t := t.(type) {
		case *types.Named:
			o = t.Obj()
		case *types.Alias:
			o = t.Obj()
		}
	}
	switch {
	case o == nil || o.Name() == "_" || o.Name() == "init" || o.Parent() != p.pkg.Scope():
		return ""
	default:
		return p.named(o.Name())
	}
}
