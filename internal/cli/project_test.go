package cli

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestProject_usage: each wrong mixture is exit 2 and says what is right.
func TestProject_usage(t *testing.T) {
	newcomer(t)
	for line, say := range map[string]string{
		"check 9.01":                                              "grind check 9.01 -- PROGRAM",
		"check 9.01 --":                                           "no program behind --",
		"check 9.01 --file main.go -- true":                       "--file is for exercises",
		"check 9.01 --url http://127.0.0.1:1":                     "give --url twice",
		"check 9.01 --url http://a --url http://a":                "same instance twice",
		"check 9.01 --url http://a --url http://b --url http://c": "give --url twice, got 3",
		"check 9.01 --url http://a --url b":                       `got "b"`,
		"check 9.01 --url http://a --url http://b -- true":        "one of the two",
		"check 9.01 --until nine -- true":                         "there are api, cached, stampede",
		"check 9.01 --patience 0s -- true":                        "--patience must be longer",
		"check 1.01 --url http://a":                               "1.01 is an exercise",
		"check 1.01 -- true":                                      "1.01 is an exercise",
		"check 1.01 --until api":                                  "1.01 is an exercise",
		"check --all --url http://a":                              "nor what is for projects",
		"check 9.01 9.02 -- true":                                 "takes one unit",
		"start 9.01 --lang cobol":                                 "there are go, fastapi",
		"start 1.01 --lang go":                                    "--lang is for projects",
		"solution 9.01":                                           "9.01 is a project",
		"watch 9.01":                                              "9.01 is a project",
	} {
		t.Run(line, func(t *testing.T) {
			got := call(t, strings.Fields(line)...)
			if got.code != exitUsage || !strings.Contains(got.err, say) {
				t.Errorf("got exit %d and %s, want %d and %q", got.code, got.err, exitUsage, say)
			}
		})
	}
}

// TestProject_lacks: what the environment lacks is exit 3, and what to do about it.
func TestProject_lacks(t *testing.T) {
	newcomer(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for line, say := range map[string]string{
		"check 9.01 --listen-redis " + busy.Addr().String() + " -- true":                                                                       "--listen-redis and --listen-origin choose other addresses",
		"check 9.01 --listen-origin " + busy.Addr().String() + " -- true":                                                                      "the origin: the address is taken",
		"check 9.01 --listen-redis 127.0.0.1:0 --listen-origin 127.0.0.1:0 --patience 300ms --url http://127.0.0.1:1 --url http://127.0.0.1:2": "Start two instances",
		"check 9.01 -- no-such-program": "executable file not found",
	} {
		t.Run(line, func(t *testing.T) {
			got := call(t, strings.Fields(line)...)
			if got.code != exitLacks || !strings.Contains(got.err, say) {
				t.Errorf("got exit %d and %s, want %d and %q", got.code, got.err, exitLacks, say)
			}
		})
	}
	t.Run("no redis-server", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		got := call(t, "check", "9.01", "--", "/bin/true")
		if got.code != exitLacks || !strings.Contains(got.err, "`grind setup` installs one") {
			t.Errorf("got exit %d and %s", got.code, got.err)
		}
	})
}

// TestProject_ends: a program that does not come up is told in the report, exit 1.
func TestProject_ends(t *testing.T) {
	newcomer(t)
	got := call(t, "check", "9.01", "--json", "--", "sh", "-c", "echo no module; exit 4")
	var report struct {
		ID, Status, Kind, Message, Printed string
		Tests                              []any
	}
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.code != exitNo || got.err != "" {
		t.Fatalf("got exit %d, %v, %s%s", got.code, err, got.out, got.err)
	}
	if report.ID != "9.01" || report.Status != "error" || report.Kind != "ready" || report.Tests == nil ||
		!strings.Contains(report.Message, "exit status 4") || !strings.Contains(report.Printed, "no module") {
		t.Errorf("got %+v", report)
	}
}

// mended is what the starter in Go lacks for the first milestone.
var mended = strings.NewReplacer(
	"// To do: the contract has bounds for it.\n\t\tif limit, err = strconv.Atoi(text); err != nil {",
	"if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 100 {",
	"\t// To do: a price below zero is refused.\n\ta.change(w, r, \"price\", &body)", "\ta.change(w, r, \"price\", &body, func() bool { return body.PriceCents >= 0 })",
	"\t// To do: so is a stock below zero.\n\ta.change(w, r, \"stock\", &body)", "\ta.change(w, r, \"stock\", &body, func() bool { return body.Stock >= 0 })",
	"what string, body any) {", "what string, body any, sound func() bool) {",
	"\tif err != nil {\n\t\tproblem(w, http.StatusUnprocessableEntity, err.Error())\n\t\treturn\n\t}\n\tp, err := a.warehouse.Change",
	"\tif err == nil && !sound() {\n\t\terr = errors.New(\"below zero\")\n\t}\n\tif err != nil {\n\t\tproblem(w, http.StatusUnprocessableEntity, err.Error())\n\t\treturn\n\t}\n\tp, err := a.warehouse.Change",
)

// TestProject_way is a learner's way to the first milestone and past it.
func TestProject_way(t *testing.T) {
	newcomer(t)
	folder := filepath.Join(os.Getenv("GRIND_WORKSPACE"), "9.01-catalog")
	if got := call(t, "start", "9.01"); got.code != exitDone || !strings.Contains(got.out, "go build -o catalog .") || !strings.Contains(got.out, "grind check 9.01 --until api -- ./catalog") {
		t.Fatalf("start: exit %d, %s%s", got.code, got.out, got.err)
	}
	source, err := os.ReadFile(filepath.Join(folder, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	written := []byte(mended.Replace(string(source)))
	if err := os.WriteFile(filepath.Join(folder, "main.go"), written, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := call(t, "start", "9.01", "--lang", "fastapi"); got.code != exitDone || !strings.Contains(got.out, "You have begun already") {
		t.Errorf("start again: exit %d, %s%s", got.code, got.out, got.err)
	}
	if now, err := os.ReadFile(filepath.Join(folder, "main.go")); err != nil || string(now) != string(written) {
		t.Errorf("start wrote over what was built: %v", err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", "catalog", ".")
	build.Dir = folder
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	binary := filepath.Join(folder, "catalog")
	got := call(t, "check", "9.01", "--", binary)
	if got.code != exitNo || !strings.Contains(got.out, "pass   api") || !strings.Contains(got.out, "fail   cached") || !strings.Contains(got.out, "1 of 9 milestones") {
		t.Errorf("check: exit %d, %s%s", got.code, got.out, got.err)
	}
	if got := call(t, "check", "9.01", "--until", "api", "--", binary); got.code != exitDone || !strings.Contains(got.out, "the next is cached") {
		t.Errorf("check --until api: exit %d, %s%s", got.code, got.out, got.err)
	}
	if got := call(t, "list"); !strings.Contains(got.out, "started, 1 of 9 milestones") {
		t.Errorf("list: %s", got.out)
	}
	for _, want := range []string{"cached, hint 1 of 2", "cached, hint 2 of 2", "cached, hint 2 of 2"} {
		if got := call(t, "hint", "9.01"); got.code != exitDone || !strings.Contains(got.out, want) {
			t.Errorf("hint: exit %d, %s%s, want %q", got.code, got.out, got.err, want)
		}
	}
	if got := call(t, "hint", "9.01", "--all"); !strings.Contains(got.out, "hint 1 of 2") || !strings.Contains(got.out, "hint 2 of 2") {
		t.Errorf("hint --all: %s", got.out)
	}
	if got := call(t, "reset", "9.01"); got.code != exitDone || !strings.Contains(got.out, "9.01-catalog.bak-1") {
		t.Errorf("reset: exit %d, %s%s", got.code, got.out, got.err)
	}
	if kept, err := os.ReadFile(filepath.Join(folder+".bak-1", "main.go")); err != nil || string(kept) != string(written) {
		t.Errorf("reset did not keep what was built: %v", err)
	}
	if again, err := os.ReadFile(filepath.Join(folder, "main.go")); err != nil || string(again) != string(source) {
		t.Errorf("reset did not begin anew: %v", err)
	}
	if got := call(t, "hint", "9.01"); !strings.Contains(got.out, "api, hint 1 of 2") {
		t.Errorf("hint after reset: %s", got.out)
	}
}
