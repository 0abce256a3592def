package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the repository, seen from this package's folder.
const root = "../.."

// TestArrows holds docs/ARCHITECTURE.md against every import of the module.
func TestArrows(t *testing.T) {
	t.Parallel()
	arrows := readArrows(t)
	// A file that is left out on this machine has imports too, so the module is
	// listed for three systems, and once with the tags that turn an exercise
	// into its solution and its check.
	for _, view := range []struct{ system, tags string }{
		{"linux", ""},
		{"darwin", ""},
		{"windows", ""},
		{"linux", "exercise,solution"},
	} {
		t.Run(view.system+" "+view.tags, func(t *testing.T) {
			t.Parallel()
			for _, v := range arrows.violations(list(t, view.system, view.tags)) {
				t.Error(v)
			}
		})
	}
}

// TestArrows_planned holds the page's word on what exists: a line marked
// planned has no package, any other has one.
func TestArrows_planned(t *testing.T) {
	arrows := readArrows(t)
	pkgs := list(t, "linux", "")
	for _, a := range slices.Concat(arrows.code, arrows.tests) {
		exists := slices.ContainsFunc(pkgs, func(p pkg) bool { return matches(a.from, p.path) })
		if exists && a.planned {
			t.Errorf("docs/ARCHITECTURE.md marks %s as planned, but it exists", a.from)
		}
		if !exists && !a.planned {
			t.Errorf("docs/ARCHITECTURE.md draws arrows from %s, which does not exist: mark it (planned)", a.from)
		}
	}
}

// TestViolations proves that the checker catches what it is for.
func TestViolations(t *testing.T) {
	arrows, err := parseArrows(`
## Arrows: an example
` + "```arrows" + `
internal/unit/check       → internal/trace, go-redis
internal/unit/...         → internal/trace, libraries
kit/realtime/... (planned) → kit/pubsub
kit/...                   → kit/internal/..., go-redis
apps/*                    → kit/...
tests of kit/...          → kit/redistest, internal/trace, libraries
` + "```\n")
	if err != nil {
		t.Fatal(err)
	}
	const toml = "github.com/pelletier/go-toml/v2"
	tests := map[string]struct {
		give pkg
		want []string
	}{
		"kit imports the inside": {
			pkg{path: "kit/cache", imports: []string{"context", "internal/trace"}},
			[]string{"arrow not allowed: kit/cache → internal/trace (see docs/ARCHITECTURE.md)"},
		},
		"kit imports a sibling": {
			pkg{path: "kit/cache", imports: []string{"kit/lock"}},
			[]string{"arrow not allowed: kit/cache → kit/lock (see docs/ARCHITECTURE.md)"},
		},
		"kit imports a web framework": {
			pkg{path: "kit/session", imports: []string{"github.com/danielgtaylor/huma/v2"}},
			[]string{"arrow not allowed: kit/session → github.com/danielgtaylor/huma/v2 (see docs/ARCHITECTURE.md)"},
		},
		"an app imports another": {
			pkg{path: "apps/chat", imports: []string{"kit/pubsub", "apps/shop"}},
			[]string{"arrow not allowed: apps/chat → apps/shop (see docs/ARCHITECTURE.md)"},
		},
		"a narrow line wins over a wide one": {
			pkg{path: "internal/unit/check", imports: []string{toml}},
			[]string{"arrow not allowed: internal/unit/check → " + toml + " (see docs/ARCHITECTURE.md)"},
		},
		"a test goes where no test may": {
			pkg{path: "kit/cache", testImports: []string{"internal/cli"}},
			[]string{"arrow not allowed: tests of kit/cache → internal/cli (see docs/ARCHITECTURE.md)"},
		},
		"what only a test may": {
			pkg{path: "kit/cache", imports: []string{"kit/redistest"}},
			[]string{"arrow not allowed: kit/cache → kit/redistest (see docs/ARCHITECTURE.md)"},
		},
		"a package nobody drew": {
			pkg{path: "internal/util"},
			[]string{"no arrow begins at internal/util: add a line to docs/ARCHITECTURE.md"},
		},
		"all that is allowed": {
			pkg{
				path:        "kit/cache",
				imports:     []string{"net/netip", "kit/internal/keys", goRedis, goRedis + "/push"},
				testImports: []string{"kit/cache", "kit/redistest", "go.uber.org/goleak"},
			},
			nil,
		},
		"external is free where libraries stands": {
			pkg{path: "internal/unit/exercise", imports: []string{toml, "internal/trace"}},
			nil,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, arrows.violations([]pkg{test.give})); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseArrows_refused: a page without its arrows must not mean that
// everything is allowed.
func TestParseArrows_refused(t *testing.T) {
	for _, page := range []string{
		"no heading",
		"\n## Arrows\nno block",
		"\n## Arrows\n```arrows\nkit/... -> go-redis\n```",
	} {
		if _, err := parseArrows(page); err == nil {
			t.Errorf("parseArrows(%q): got no error", page)
		}
	}
}

func readArrows(t *testing.T) rules {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	arrows, err := parseArrows(string(page))
	if err != nil {
		t.Fatal(err)
	}
	return arrows
}

// list returns every package of the module as that system sees it.
func list(t *testing.T, system, tags string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "-tags", tags, "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var listed struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := decoder.Decode(&listed); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: output not understood: %v", err)
		}
		pkgs = append(pkgs, pkg{
			path:        short(listed.ImportPath),
			imports:     shorten(listed.Imports),
			testImports: shorten(slices.Concat(listed.TestImports, listed.XTestImports)),
		})
	}
	if len(pkgs) == 0 {
		t.Fatal("go list: got no packages, want those of the module")
	}
	return pkgs
}

func shorten(paths []string) []string {
	out := make([]string, 0, len(paths))
	for _, path := range paths {
		out = append(out, short(path))
	}
	return out
}

// short takes the module's path off an import path of ours.
func short(path string) string { return strings.TrimPrefix(path, modulePath+"/") }
