package app_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/app"
)

func TestEnv_Value(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := app.Setting{Name: "KEY", Secret: true}
	plain := app.Setting{Name: "TTL", Default: "5m"}
	for _, tc := range []struct {
		name    string
		setting app.Setting
		env     map[string]string
		want    string
		err     string
	}{
		{"set", plain, map[string]string{"TTL": "1s"}, "1s", ""},
		{"default", plain, nil, "5m", ""},
		{"empty", plain, map[string]string{"TTL": ""}, "5m", ""},
		{"no file for what is no secret", plain, map[string]string{"TTL_FILE": file}, "5m", ""},
		{"secret", secret, map[string]string{"KEY": "k"}, "k", ""},
		{"secret in a file", secret, map[string]string{"KEY_FILE": file}, "from the file", ""},
		{"both", secret, map[string]string{"KEY": "hunter2", "KEY_FILE": file}, "", "KEY and KEY_FILE are both set"},
		{"no such file", secret, map[string]string{"KEY_FILE": file + "x"}, "", "read KEY_FILE"},
	} {
		got, err := app.Env{Lookup: func(name string) (string, bool) { v, ok := tc.env[name]; return v, ok }}.Value(tc.setting)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && (!strings.Contains(err.Error(), tc.err) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: got %q and %v, want %q and %q", tc.name, got, err, tc.want, tc.err)
		}
	}
	if got, err := (app.Env{}).Value(plain); got != "5m" || err != nil {
		t.Errorf("without an environment: got %q and %v, want the default", got, err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := func() *app.App {
		return &app.App{
			Name: "books", Title: "Books", Line: "Lends books",
			Open:    func(context.Context, app.Env) (app.Instance, error) { return nil, nil },
			Scripts: []app.Script{{Name: "load", Line: "Readers", Run: func(context.Context, app.Target) (app.Report, error) { return app.Report{}, nil }}},
		}
	}
	if err := app.Check([]*app.App{good()}); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	for want, spoil := range map[string]func(*app.App){
		`got "Books"`:                     func(a *app.App) { a.Name = "Books" },
		"must be there once":              func(a *app.App) { a.Name = "other" },
		"App.Title and App.Line":          func(a *app.App) { a.Line = "" },
		"App.Open":                        func(a *app.App) { a.Open = nil },
		"a name of its own, a line and R": func(a *app.App) { a.Scripts = append(a.Scripts, a.Scripts[0]) },
	} {
		a, other := good(), good()
		other.Name = "other"
		spoil(a)
		if err := app.Check([]*app.App{other, a}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := app.Report{Figures: app.Figures{Elapsed: 2 * time.Second, Requests: 10}, Holds: []app.Hold{{OK: true}}}
	if r.PerSecond() != 5 || !r.OK() {
		t.Errorf("got %v a second and %v, want 5 and true", r.PerSecond(), r.OK())
	}
	if r.Holds = append(r.Holds, app.Hold{}); r.OK() {
		t.Error("with one that did not hold: got true")
	}
	if got := (app.Figures{Requests: 3}).PerSecond(); got != 0 {
		t.Errorf("before time has passed: got %v, want 0", got)
	}
}
