package exercise

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// maxCode bounds the source of a task in a report, in lines.
const maxCode = 60

// taskSources returns the source of each task's function in a check_test.go, by
// the task's id.
func taskSources(file string) (map[string]string, error) {
	_, sources, err := readTasks(file)
	return sources, err
}

// taskFunction is the name of the function that checks a task. Empty means that
// there is none.
func taskFunction(file, task string) string {
	sources, err := taskSources(file)
	if err != nil {
		return ""
	}
	name, _, found := strings.Cut(strings.TrimPrefix(sources[task], "func "), "(")
	if !found {
		return ""
	}
	return name
}

// readTasks finds the calls of check.Task in a file: the ids in their order, and
// the source of the function around each.
func readTasks(file string) (ids []string, sources map[string]string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	sources = map[string]string{}
	for _, decl := range parsed.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		for node := range ast.Preorder(function) {
			id, ok := taskID(node)
			if !ok {
				continue
			}
			if _, twice := sources[id]; twice {
				return nil, nil, fmt.Errorf("the task %q is in %s twice", id, file)
			}
			ids = append(ids, id)
			sources[id] = bounded(string(text[set.Position(function.Pos()).Offset:set.Position(function.End()).Offset]))
		}
	}
	return ids, sources, nil
}

// taskID is the second argument of a call of check.Task.
func taskID(node ast.Node) (string, bool) {
	call, ok := node.(*ast.CallExpr)
	if !ok || len(call.Args) != 3 {
		return "", false
	}
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || function.Sel.Name != "Task" {
		return "", false
	}
	if pkg, ok := function.X.(*ast.Ident); !ok || pkg.Name != "check" {
		return "", false
	}
	literal, ok := call.Args[1].(*ast.BasicLit)
	if !ok {
		return "", false
	}
	id, err := strconv.Unquote(literal.Value)
	return id, err == nil
}

func bounded(source string) string {
	lines := strings.SplitAfter(source, "\n")
	if len(lines) <= maxCode {
		return source
	}
	return strings.Join(lines[:maxCode], "") + "// …"
}

var buildLine = regexp.MustCompile(`(?m)\A//go:build (.*)\n\n?`)

// WithoutBuildLine is a file as a learner sees it.
func WithoutBuildLine(source []byte) []byte { return buildLine.ReplaceAll(source, nil) }

// leftOut is the build line of a learner's file that keeps it out of the check, and
// where it stands. Empty means that there is none.
func leftOut(source []byte) (line string, number int) {
	for text := range strings.Lines(string(source)) {
		number++
		text = strings.TrimSpace(text)
		if strings.HasPrefix(text, "package ") {
			break
		}
		if !constraint.IsGoBuild(text) {
			continue
		}
		tags, err := constraint.Parse(text)
		if err == nil && !tags.Eval(func(tag string) bool { return tag != "solution" && tag != "ignore" }) {
			return text, number
		}
	}
	return "", 0
}

// buildConstraint is what the build line of a file says.
func buildConstraint(source []byte) string {
	m := buildLine.FindSubmatch(source)
	if m == nil {
		return ""
	}
	return string(m[1])
}
