package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"time"
)

// Need is what an application uses.
type Need string

// What an application can use. Who starts it gives each: a private Redis, and a
// folder for SQLite, where the environment names nothing else.
const (
	Redis    Need = "redis"    // REDIS_URL
	Database Need = "database" // DATABASE_URL; zero is SQLite in Env.Dir
)

// App describes an application.
type App struct {
	Name  string // as it is typed: small letters, digits and hyphens
	Title string
	Line  string // what it is for, in one line
	Needs []Need

	// Settings are the variables of the environment that it reads, beyond
	// REDIS_URL, DATABASE_URL, ADDR and LOG_LEVEL.
	Settings []Setting

	// Open reads the settings, opens what it needs and takes its address. ctx
	// bounds that alone.
	Open func(ctx context.Context, env Env) (Instance, error)

	// Scripts try it, the load first.
	Scripts []Script
}

// Setting is a variable of the environment that an application reads.
type Setting struct {
	Name    string // such as CATALOG_TTL
	Default string // what empty stands for, as a person would write it
	Line    string
	Secret  bool // its value is never shown, and NAME_FILE may name a file that holds it
}

// Instance is an application that is open.
type Instance interface {
	// URL is its page, such as http://127.0.0.1:8080.
	URL() string
	// Run serves until ctx ends, and closes all that Open opened. It is called
	// once.
	Run(ctx context.Context) error
}

// Env is what an application is given.
type Env struct {
	Redis    string // URL of its Redis; it may hold a password
	Prefix   string // begins the name of every key that it writes, such as grind:catalog:
	Database string // URL of its database; empty is SQLite in Dir
	Dir      string // a folder of its own, which may be gone after Run
	Addr     string // where to listen, host:port; port 0 is any

	// Reveal says that who uses it may see the commands behind each request: as
	// one does who started it to learn.
	Reveal bool

	// Lookup finds the value of a setting, as os.LookupEnv does. Nil finds none.
	Lookup func(name string) (string, bool)

	// Faults break its Redis, for a page with buttons. Nil unless that is a private
	// server of who started the application.
	Faults Faults

	Logger *slog.Logger // zero is slog.Default
}

// Faults are failures of a server. A *redisproc.Server has them.
type Faults interface {
	Pause() error // it answers nothing until Resume
	Resume() error
	Kill(ctx context.Context) error
	Restart(ctx context.Context) error // after Kill it may be empty
}

// Value is what the environment has for a setting, and its default otherwise. A
// secret may be in the file that NAME_FILE names; its last line break does not
// count. No error holds the value.
func (e Env) Value(s Setting) (string, error) {
	lookup := e.Lookup
	if lookup == nil {
		lookup = func(string) (string, bool) { return "", false }
	}
	value, found := lookup(s.Name)
	if file, named := lookup(s.Name + "_FILE"); s.Secret && named && file != "" {
		if found && value != "" {
			return "", fmt.Errorf("app: %s and %[1]s_FILE are both set; keep one", s.Name)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("app: read %s_FILE: %w", s.Name, err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	if !found || value == "" {
		return s.Default, nil
	}
	return value, nil
}

// Script tries an application: a load, a fault drill.
type Script struct {
	Name string // as it is typed after the application's: "load", "drill"
	Line string // what it does, in one line

	// Whole says that it starts all that it needs by itself, such as two instances
	// and a Redis that it may kill. Otherwise it is given instances that run.
	Whole bool

	// Run does it. An error is one of the script; what the application got wrong
	// is in the report.
	Run func(ctx context.Context, t Target) (Report, error)
}

// Target is what a script is let loose on.
type Target struct {
	URLs []string      // of the instances; none for a Whole script
	Env  Env           // for a Whole script
	For  time.Duration // how long to go on; zero is the script's own choice

	// Progress is told how it stands, about once a second, from one goroutine at a
	// time. It is never nil.
	Progress func(Figures)
}

// Figures are how a script stands.
type Figures struct {
	Elapsed  time.Duration `json:"elapsed_ns"`
	Requests int64         `json:"requests"` // answered as they should be
	Errors   int64         `json:"errors"`   // answered otherwise, or not at all
	P50      time.Duration `json:"p50_ns"`   // of the answered
	P99      time.Duration `json:"p99_ns"`
	Doing    string        `json:"doing,omitempty"` // what it is at, in a few words
}

// PerSecond is the requests answered in a second; 0 before time has passed.
func (f Figures) PerSecond() float64 {
	if f.Elapsed <= 0 {
		return 0
	}
	return float64(f.Requests) / f.Elapsed.Seconds()
}

// Report is what a script found.
type Report struct {
	Figures
	Holds []Hold `json:"holds"`
}

// Hold is something the application promises, and whether it held.
type Hold struct {
	Text string `json:"text"` // "no acknowledged order is lost"
	OK   bool   `json:"ok"`
	Seen string `json:"seen"` // "1,204 acknowledged, 1,204 there"
}

// OK reports whether all held.
func (r Report) OK() bool {
	for _, h := range r.Holds {
		if !h.OK {
			return false
		}
	}
	return true
}

// Script finds a script by its name.
func (a *App) Script(name string) (Script, bool) {
	for _, s := range a.Scripts {
		if s.Name == name {
			return s, true
		}
	}
	return Script{}, false
}

var name = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// Find finds an application in a table by its name.
func Find(table []*App, name string) (*App, bool) {
	for _, a := range table {
		if a.Name == name {
			return a, true
		}
	}
	return nil, false
}

// Check says what is wrong with a table: a name that cannot be typed or is there
// twice, a part that is missing.
func Check(table []*App) error {
	seen := map[string]bool{}
	for _, a := range table {
		switch {
		case !name.MatchString(a.Name):
			return fmt.Errorf("app: App.Name must be small letters, digits and hyphens, got %q", a.Name)
		case seen[a.Name]:
			return fmt.Errorf("app: App.Name must be there once, got %q again", a.Name)
		case a.Title == "" || a.Line == "":
			return fmt.Errorf("app: App.Title and App.Line of %s must not be empty", a.Name)
		case a.Open == nil:
			return fmt.Errorf("app: App.Open of %s must not be nil", a.Name)
		}
		seen[a.Name] = true
		scripts := map[string]bool{}
		for _, s := range a.Scripts {
			if !name.MatchString(s.Name) || scripts[s.Name] || s.Line == "" || s.Run == nil {
				return fmt.Errorf("app: App.Scripts of %s: each needs a name of its own, a line and Run, got %q", a.Name, s.Name)
			}
			scripts[s.Name] = true
		}
	}
	return nil
}
