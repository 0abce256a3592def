package exercise

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMerger: two solutions that share no line become one package that compiles, with
// every kind of name that can be taken for another.
func TestMerger(t *testing.T) {
	root := t.TempDir()
	const dir = "u/exercise"
	write(t, filepath.Join(root, "go.mod"), "module "+modulePath+"\n\ngo 1.26\n")
	check := `//go:build exercise

package exercise_test

import "testing"
import ex "` + modulePath + "/" + dir + `"

type base struct{ Value int }

// helper has the name of something in one of the solutions.
func helper(v int) int { return v }

func TestValue(t *testing.T) {
	Value := ex.Value[int](1) // hides nothing: it is of the package
	s := struct {
		base
		*ex.Base
		ex.Named
	}{base{Value}, &ex.Base{Value: 2}, nil}
	if got := helper(s.base.Value + s.Base.Value + ex.Sum(s.Base)); got != 5 {
		t.Errorf("%T says %d", s.Base, got)
	}
}
`
	write(t, filepath.Join(root, dir, "check_test.go"), check)
	const first = `//go:build solution

package exercise

import str "strings"

type (
	Base  struct{ Value int }
	Named interface{ Base() Base }
)

func init() { _ = str.ToUpper("") }

func helper(b *Base) int { return b.Value }

func Value[T any](v T) T { return v }

// Sum is the field, whatever it is called.
func Sum(Base *Base) int { return helper(Base) }
`
	second := strings.NewReplacer("str.", "strings.", "str ", "", "helper(Base)", "Base.Value", "func helper(b *Base) int { return b.Value }\n", "").Replace(first)
	members := []*member{
		{dir: dir, name: "solution.go", source: []byte(first), number: 3},
		{dir: dir, name: "exercise.go", source: []byte(second), number: 14},
		{dir: dir, name: "solution.go", source: []byte(strings.Replace(first, "b.Value }", "b.Valeu }", 1)), number: 15},
		{dir: dir, name: "solution.go", source: []byte(strings.Replace(first, "type (", "type", 1)), number: 16},
		{dir: dir, name: "solution.go", source: []byte(strings.Replace(first, "func Sum", "func Total", 1)), number: 17},
		{dir: dir, name: "solution.go", source: []byte(strings.Replace(first, `"strings"`, `"example.org/no"`, 1)), number: 18},
	}
	g, err := newMerger(t.Context(), root, members)
	if err != nil {
		t.Fatal(err)
	}
	wrong := map[int]string{
		15: "solution.go:12:37: b.Valeu undefined (type *Base has no field or method Valeu)",
		16: "solution.go:7:2: expected declaration, found Named",
		17: "undefined: ex.Sum",
		18: `could not import example.org/no (no required module provides package example.org/no;)`,
	}
	for _, m := range members {
		files, errs, err := g.member(m)
		if err != nil {
			t.Fatal(err)
		}
		if want := wrong[m.number]; (want == "") != (errs == "") || !strings.Contains(errs, want) {
			t.Errorf("member %d: got errors %q, want %q in it", m.number, errs, want)
		}
		for name, text := range files {
			write(t, filepath.Join(root, "merged", name), string(text))
		}
		if errs == "" && !slices.Equal(m.tests, []string{"TestValue"}) {
			t.Errorf("member %d: got tests %v", m.number, m.tests)
		}
	}
	found, err := os.ReadDir(filepath.Join(root, "merged"))
	if err != nil || len(found) != 4 {
		t.Fatalf("merged: got %v, %v, want 4 files", found, err)
	}
	write(t, filepath.Join(root, "merged", "all_test.go"), `//go:build exercise

package exercise

import "testing"

func TestAll(t *testing.T) {
	TestValue__check__3(t)
	TestValue__check__14(t)
	panic("here")
}
`)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-tags", "exercise", "./merged")
	cmd.Dir = root
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "panic: here") || strings.Contains(string(said), "says") {
		t.Errorf("the merged package: got %v\n%s", err, said)
	}
}
