// Package docs_test keeps the pages of this repository true: their links lead
// somewhere, what they name exists, and their words are the house's.
package docs_test

import (
	"bytes"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/redis-grind/grind/internal/unit/lesson"
)

const root = ".."

// TestMain defines -update, unless a package that the tests import has.
func TestMain(m *testing.M) {
	if flag.Lookup("update") == nil {
		flag.Bool("update", false, "rewrite the fences of the pages")
	}
	os.Exit(m.Run())
}

// TestFences: code in a page is code that is compiled and tested. The texts of
// the course have a test of their own.
func TestFences(t *testing.T) {
	fences := lesson.Syncer{Root: root, Update: flag.Lookup("update").Value.String() == "true"}
	for path := range pages(t) {
		if strings.HasPrefix(path, "course/") {
			continue
		}
		if err := fences.Sync(filepath.Join(root, path)); err != nil {
			t.Error(err)
		}
	}
	if err := fences.Close(); err != nil {
		t.Error(err)
	}
}

// TestWords: the text of this repository speaks of the product, not of where or
// how it was made. The words are put together here so that this file passes.
func TestWords(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"a path of one machine":  regexp.MustCompile(`/wo` + `rk/|/ho` + `me/[a-z]|/Us` + `ers/[a-z]|/ro` + `ot/`),
		"a folder that is not":   regexp.MustCompile(`\bsha` + `red/|\brese` + `arch/`),
		"a registry's address":   regexp.MustCompile(`(?i)proxy\.gol` + `ang\.org|sum\.gol` + `ang\.org|py` + `pi\.org|registry\.n` + `pmjs|dock` + `er\.io|gh` + `cr\.io|quay` + `\.io`),
		"a number of a tracker":  regexp.MustCompile(`(?i)\bissu` + `es? #?\d|\(#\d+\)`),
		"work that is left open": regexp.MustCompile(`(//|#|--|/\*) ?(TO` + `DO|FIX` + `ME)\b`),
	}
	files := 0
	for path, text := range texts(t) {
		files++
		for line, content := range numbered(text) {
			for what, pattern := range forbidden {
				if found := pattern.FindString(content); found != "" {
					t.Errorf("%s:%d: %s: %q", path, line, what, found)
				}
			}
		}
	}
	if files < 20 {
		t.Errorf("read %d files, want those of the whole repository", files)
	}
}

// TestSpelling: prose is British. Code and what programs print are spelt as they
// are.
func TestSpelling(t *testing.T) {
	american := regexp.MustCompile(`(?i)\b(behaviors?|colors?|colored|favorites?|honors?|neighbors?|analyzed?|analyzing|labeled|modeled|fulfill|canceled|centered|gray|artifacts?)\b`)
	code := regexp.MustCompile("`[^`]*`|\\]\\([^)]*\\)")
	for path, text := range pages(t) {
		fenced := false
		for line, content := range numbered(text) {
			if strings.HasPrefix(strings.TrimSpace(content), "```") {
				fenced = !fenced
				continue
			}
			if found := american.FindString(code.ReplaceAllString(content, "")); found != "" && !fenced {
				t.Errorf("%s:%d: %q is American spelling", path, line, found)
			}
		}
	}
}

// TestLinks: a link inside the repository leads to something.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)
	for path, text := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			target := found[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(path), target)); err != nil {
				t.Errorf("%s: link to %s leads nowhere", path, target)
			}
		}
	}
}

// TestPromises_named: every proof that a page names is a test that exists.
func TestPromises_named(t *testing.T) {
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w+)\(`)
	exists := map[string]bool{}
	for path, text := range texts(t) {
		if strings.HasSuffix(path, "_test.go") {
			for _, found := range declared.FindAllStringSubmatch(text, -1) {
				exists[found[1]] = true
			}
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`")
	proofs := 0
	for _, path := range []string{"docs/PROMISES.md", "docs/decisions/0003-a-reaper-process.md"} {
		for _, found := range named.FindAllStringSubmatch(pages(t)[path], -1) {
			proofs++
			if !exists[found[1]] {
				t.Errorf("%s names %s, which does not exist", path, found[1])
			}
		}
	}
	if proofs == 0 {
		t.Error("the pages name no proof")
	}
}

// TestKitTables: a package of kit stands in the first table of ARCHITECTURE.md
// from the day it exists, and until then in the second.
func TestKitTables(t *testing.T) {
	_, kit, found := strings.Cut(pages(t)["docs/ARCHITECTURE.md"], "\n## kit\n")
	if !found {
		t.Fatal("docs/ARCHITECTURE.md has no chapter on kit")
	}
	here, planned, found := strings.Cut(kit, "\nPlanned:\n")
	if !found {
		t.Fatal("the chapter on kit has no planned packages")
	}
	planned, _, _ = strings.Cut(planned, "\n## ")
	row := regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|")
	names := func(table string) (names []string) {
		for _, found := range row.FindAllStringSubmatch(table, -1) {
			names = append(names, found[1])
		}
		return slices.Sorted(slices.Values(names))
	}
	packages := map[string]bool{}
	for path := range texts(t) {
		if dir, ok := strings.CutPrefix(filepath.ToSlash(filepath.Dir(path)), "kit/"); ok && strings.HasSuffix(path, ".go") {
			packages[dir] = true
		}
	}
	if got, want := names(here), slices.Sorted(maps.Keys(packages)); !slices.Equal(got, want) {
		t.Errorf("packages that the page says are here: got %v, want %v", got, want)
	}
	for _, name := range names(planned) {
		if packages[name] {
			t.Errorf("the page says that kit/%s is planned, but it exists", name)
		}
	}
}

// pages returns the Markdown of the repository by its path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := texts(t)
	maps.DeleteFunc(all, func(path, _ string) bool { return !strings.HasSuffix(path, ".md") })
	return all
}

// texts returns every text file of the repository by its path, slashes forward.
func texts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", "workspace", "bin", "tmp":
				return filepath.SkipDir
			}
			return nil
		}
		if entry.Name() == ".git" { // of a worktree: a file that says where the repository is
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if utf8.Valid(data) && !bytes.ContainsRune(data, 0) {
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			all[filepath.ToSlash(relative)] = string(data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// numbered yields the lines of a text with their numbers, from 1.
func numbered(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		number := 0
		for line := range strings.Lines(text) {
			number++
			if !yield(number, line) {
				return
			}
		}
	}
}
