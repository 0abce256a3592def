package lesson

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree writes a module with one unit and returns its root and the text's path.
func tree(t *testing.T, md string) (root, path string) {
	t.Helper()
	root = t.TempDir()
	dir := filepath.Join(root, "course", "01-a")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{
		filepath.Join(dir, "lesson.md"): md,
		filepath.Join(dir, "a.go"):      "package a\n\nfunc A() {\n\t// region: hit\n\thit()\n\t// endregion\n}\n",
		filepath.Join(root, "b.lua"):    "return 1\n",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root, filepath.Join(dir, "lesson.md")
}

// TestSync_files: the text differs, is told of, is rewritten, and then stays.
func TestSync_files(t *testing.T) {
	const before = "# A\n\n```go file=a.go region=hit\nmiss()\n```\ntext\n```lua file=b.lua\nreturn 1\n```\n````lua file=/b.lua\n```\n````\n```python\nfree()\n```\n```go nocompile\nx :=\n```\n"
	const after = "# A\n\n```go file=a.go region=hit\nhit()\n```\ntext\n```lua file=b.lua\nreturn 1\n```\n````lua file=/b.lua\nreturn 1\n````\n```python\nfree()\n```\n```go nocompile\nx :=\n```\n"
	root, path := tree(t, before)
	err := Sync(path, root, false)
	var drift *DriftError
	if !errors.As(err, &drift) || drift.File != path || drift.Line != 3 || drift.Fence != "a.go region hit" {
		t.Fatalf("Sync: got %v, want a *DriftError of the fence in line 3", err)
	}
	for _, want := range []string{"-miss()", "+hit()", "lesson.md:10: the fence of /b.lua"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Sync: got error %q, want it to say %q", err, want)
		}
	}
	if got := read(t, path); got != before {
		t.Errorf("Sync without update changed the text:\n%s", got)
	}
	if err := Sync(path, root, true); err != nil {
		t.Errorf("Sync with update: %v", err)
	}
	if diff := cmp.Diff(after, read(t, path)); diff != "" {
		t.Errorf("text after an update (-want +got):\n%s", diff)
	}
	if err := Sync(path, root, false); err != nil {
		t.Errorf("Sync after an update: %v", err)
	}
}

func TestSync_refused(t *testing.T) {
	for md, want := range map[string]string{
		"```go\nx()\n```\n":                          "lesson.md:1: a go fence must name its file",
		"```go file=a.go region=no\n```\n":           `there is no region "no"`,
		"```go file=none.go\n```\n":                  "none.go",
		"```console\n$ ls\n```\n":                    `needs cmd="grind …"`,
		"```console cmd=\"rm -rf x\"\n```\n":         `needs cmd="grind …", got "rm -rf x"`,
		"```console cmd=\"grind 'run\"\n```\n":       "a quote is not closed",
		"```console cmd=\"grind x\" mask=[\n```\n":   "mask of a console fence",
		"```console cmd=\"grind x\" exit=yes\n```\n": "exit of a console fence",
		"```console cmd=\"grind x\" exit=2\n```\n":   "exit code 0, want 2",
		"```go file=a.go\nopen\n":                    "not closed",
	} {
		root, path := tree(t, md)
		s := &Syncer{Root: root, Update: true, run: func([]string) (string, int, error) { return "out\n", 0, nil }}
		if err := s.Sync(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Sync of %q: got error %v, want one with %q", md, err, want)
		}
		if got := read(t, path); got != md {
			t.Errorf("Sync of %q wrote %q, want it left alone", md, got)
		}
	}
}

// TestSync_console: output that differs in masked text only is no difference.
func TestSync_console(t *testing.T) {
	md := "```console cmd=\"grind run 1.01 --schedule 'A B'\" mask=\"[0-9]+ lost\" exit=1\n" +
		"$ grind run 1.01 --schedule 'A B'\n" +
		"Redis 7.0.15, private, 127.0.0.1:40121   1.4 s   38,212 likes/s  ██▌\n31 lost, 2 round trips\n```\n"
	root, path := tree(t, md)
	output := "Redis 7.2.1, private, 127.0.0.1:5   12 ms   9 likes/s  █\n7 lost, 2 round trips\n\n"
	var args []string
	s := &Syncer{Root: root, run: func(a []string) (string, int, error) { args = a; return output, 1, nil }}
	if err := s.Sync(path); err != nil {
		t.Errorf("Sync of the same but for masked text: %v", err)
	}
	if diff := cmp.Diff([]string{"run", "1.01", "--schedule", "A B"}, args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	output = strings.Replace(output, "2 round trips", "3 round trips", 1)
	var drift *DriftError
	if err := s.Sync(path); !errors.As(err, &drift) || !strings.Contains(drift.Diff, "+7 lost, 3 round trips") {
		t.Errorf("Sync of other output: got %v, want a *DriftError with the new line", err)
	}
	s.Update = true
	if err := s.Sync(path); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); !strings.Contains(got, "12 ms   9 likes/s  █\n7 lost, 3 round trips\n```\n") {
		t.Errorf("text after an update: got %q, want the new output", got)
	}
}

// TestSync_program builds a program as cmd/grind, once, and runs it clean.
func TestSync_program(t *testing.T) {
	root, path := tree(t, "```console cmd=\"grind hello\"\n```\n```console cmd=\"grind fail\" exit=3\n```\n")
	if err := os.MkdirAll(filepath.Join(root, "cmd", "grind"), 0o755); err != nil {
		t.Fatal(err)
	}
	const program = "package main\n\nimport (\"fmt\"; \"os\")\n\nfunc main() {\n\tfmt.Println(os.Args[1], os.Getenv(\"REDIS_URL\")+\"|\"+os.Getenv(\"NO_COLOR\"))\n\tif os.Args[1] == \"fail\" {\n\t\tos.Exit(3)\n\t}\n}\n"
	for file, content := range map[string]string{"go.mod": "module x\n\ngo 1.26\n", "cmd/grind/main.go": program} {
		if err := os.WriteFile(filepath.Join(root, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("REDIS_URL", "redis://secret.example")
	s := &Syncer{Root: root, Update: true}
	if err := s.Sync(path); err != nil {
		t.Fatal(err)
	}
	tmp := s.tmp
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(tmp); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder of the program after Close: %v, want it gone", err)
	}
	if got, want := read(t, path), "$ grind hello\nhello |1\n"; !strings.Contains(got, want) {
		t.Errorf("text: got %q, want it to hold %q", got, want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
