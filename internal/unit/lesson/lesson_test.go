package lesson

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const text = "# Counters\n\nTwo people, one *photo*.\n\n## Try it\n\nRun it:\n\n```sh\n## no heading\n```\n\n### Deeper\nyes\n\n## Exercise\nWrite [Like](https://x.example/a-b).\n"

func TestParse(t *testing.T) {
	got, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := Doc{Title: "Counters", Lead: "Two people, one *photo*.", Sections: []Section{
		{"Try it", "Run it:\n\n```sh\n## no heading\n```\n\n### Deeper\nyes"},
		{"Exercise", "Write [Like](https://x.example/a-b)."},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if s, ok := got.Section("exercise"); !ok || s.Title != "Exercise" {
		t.Errorf("Section(exercise): got %v, %v, want the last one", s, ok)
	}
	if s, ok := got.Section("Sources"); ok {
		t.Errorf("Section(Sources): got %v, want none", s)
	}
}

func TestParse_refused(t *testing.T) {
	for md, want := range map[string]string{
		"## only a section\n":    "no title",
		"# one\n# two\n":         "two titles",
		"# a\n```go\nopen\n":     "line 2: this fence is not closed",
		"# a\n```go =x\nx\n```":  "want name=value",
		"# a\n````\n```\nopen\n": "line 2",
	} {
		if _, err := Parse([]byte(md)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): got error %v, want one with %q", md, err, want)
		}
	}
}

func TestWords(t *testing.T) {
	// Counters · Two people one photo · Try it · Run it · Deeper · yes · Exercise · Write Like
	if got, want := Words([]byte(text)), 14; got != want {
		t.Errorf("Words: got %d, want %d", got, want)
	}
}

func TestRegion(t *testing.T) {
	source := "//go:build solution\n\npackage p\n\n// region: all\nfunc A() {\n\t// region: inner\n\tif x {\n\t\ty()\n\n\t}\n\t// endregion\n}\n\n// endregion: all\n-- region: sql\nSELECT 1;\n-- endregion\n# region: empty\n\n# endregion\n"
	for name, want := range map[string]string{
		"inner": "if x {\n\ty()\n\n}",
		"all":   "func A() {\n\tif x {\n\t\ty()\n\n\t}\n}",
		"sql":   "SELECT 1;",
		"":      "package p\n\nfunc A() {\n\tif x {\n\t\ty()\n\n\t}\n}\n\nSELECT 1;",
	} {
		got, err := region(source, name)
		if err != nil {
			t.Errorf("region %q: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("region %q (-want +got):\n%s", name, diff)
		}
	}
	for _, test := range []struct{ source, name, want string }{
		{source, "empty", `region "empty" is empty`},
		{source, "nosuch", `there is no region "nosuch"`},
		{"// region: a\nx\n", "a", `region "a" is not ended`},
		{"x\n// endregion\n", "a", "line 2 ends a region"},
		{"// region: a\nx\n// endregion\n// region: a\ny\n// endregion\n", "a", "begins twice, the second time in line 4"},
	} {
		if _, err := region(test.source, test.name); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("region %q of %q: got error %v, want one with %q", test.name, test.source, err, test.want)
		}
	}
}
