package archtest

import (
	"fmt"
	"strings"
)

// modulePath is the prefix of every import path of ours.
const modulePath = "github.com/redis-grind/grind"

// goRedis is what the word "go-redis" in an arrow stands for.
const goRedis = "github.com/redis/go-redis/v9"

// rules are the arrows of the architecture, in the order of the page. For an
// import of the program the first line that matches the importer decides, so
// narrow lines stand above wide ones; an import of a test may also follow any
// line that begins with "tests of".
type rules struct {
	code, tests []arrow
}

// arrow is one line of the block.
type arrow struct {
	from    string
	to      []string
	planned bool
}

// pkg is what the rules look at in a package: import paths, shortened to the
// part below modulePath where they are ours.
type pkg struct {
	path        string
	imports     []string
	testImports []string // of both kinds of test
}

// parseArrows reads the fenced block that follows the heading "## Arrows".
//
// Each line is "FROM → TO, TO, …": a path below the module, or one with the
// wildcard "..." at its end ("kit/..." is everything below kit; "apps/*" is one
// level). In TO, "go-redis" is that client, "libraries" any package from
// outside the module, "-" nothing. The standard library is always allowed. A
// FROM that begins with "tests of " speaks of test files, and one that ends in
// "(planned)" of a package that does not exist yet.
func parseArrows(page string) (rules, error) {
	var parsed rules
	_, rest, found := strings.Cut(page, "\n## Arrows")
	if !found {
		return parsed, fmt.Errorf("archtest: no heading %q", "## Arrows")
	}
	_, rest, found = strings.Cut(rest, "```arrows\n")
	if !found {
		return parsed, fmt.Errorf("archtest: no block of arrows below its heading")
	}
	block, _, _ := strings.Cut(rest, "```")
	for line := range strings.Lines(block) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		from, to, found := strings.Cut(line, "→")
		if !found {
			return parsed, fmt.Errorf("archtest: line %q has no arrow", line)
		}
		var a arrow
		a.from = strings.TrimSpace(from)
		a.from, a.planned = strings.CutSuffix(a.from, " (planned)")
		a.from = strings.TrimSpace(a.from)
		for target := range strings.SplitSeq(to, ",") {
			if target = strings.TrimSpace(target); target != "-" {
				a.to = append(a.to, target)
			}
		}
		if tested, ok := strings.CutPrefix(a.from, "tests of "); ok {
			a.from = tested
			parsed.tests = append(parsed.tests, a)
		} else {
			parsed.code = append(parsed.code, a)
		}
	}
	return parsed, nil
}

// violations returns a message for each import that no arrow allows, and for
// each package that no arrow speaks of.
func (r rules) violations(pkgs []pkg) []string {
	var found []string
	for _, p := range pkgs {
		own, ok := r.lineFor(p.path)
		if !ok {
			found = append(found, fmt.Sprintf("no arrow begins at %s: add a line to docs/ARCHITECTURE.md", p.path))
			continue
		}
		for _, to := range p.imports {
			if !own.allows(to) {
				found = append(found, refusal(p.path, to))
			}
		}
		for _, to := range p.testImports {
			if to != p.path && !own.allows(to) && !r.testMay(p.path, to) {
				found = append(found, refusal("tests of "+p.path, to))
			}
		}
	}
	return found
}

func refusal(from, to string) string {
	return fmt.Sprintf("arrow not allowed: %s → %s (see docs/ARCHITECTURE.md)", from, to)
}

// lineFor finds the line that decides for the package at path.
func (r rules) lineFor(path string) (arrow, bool) {
	for _, a := range r.code {
		if matches(a.from, path) {
			return a, true
		}
	}
	return arrow{}, false
}

func (r rules) testMay(from, to string) bool {
	for _, a := range r.tests {
		if matches(a.from, from) && a.allows(to) {
			return true
		}
	}
	return false
}

// allows reports whether the line lets its packages import to.
func (a arrow) allows(to string) bool {
	for _, target := range a.to {
		switch {
		case target == "libraries" && external(to):
			return true
		case target == "go-redis" && (to == goRedis || strings.HasPrefix(to, goRedis+"/")):
			return true
		case matches(target, to):
			return true
		}
	}
	return standard(to)
}

// matches reports whether path is what the pattern means: itself, "dir/..." for
// everything below dir and dir itself, "dir/*" for one level below it.
func matches(pattern, path string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == dir || strings.HasPrefix(path, dir+"/")
	}
	if dir, ok := strings.CutSuffix(pattern, "/*"); ok {
		below, inside := strings.CutPrefix(path, dir+"/")
		return inside && !strings.Contains(below, "/")
	}
	return pattern == path
}

// external reports whether an import path leaves the module: ours are short
// (kit/cache), the standard library has no dot before its first slash.
func external(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

// standard reports whether an import path is the standard library's. Ours begin
// with one of the folders of the house.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	switch first {
	case "cmd", "kit", "course", "apps", "docs", "internal", "":
		return false
	}
	return !external(path)
}
