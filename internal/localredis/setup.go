package localredis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/redis-grind/grind/kit/redisproc"
)

// The decisions a caller of setup can make.
var (
	// ErrNoInstaller says that there is no package manager that we know.
	ErrNoInstaller = errors.New("no known package manager")

	// ErrNeedsRoot says that the commands need root and there is no sudo.
	ErrNeedsRoot = errors.New("needs root")
)

// Plan is how a real server comes onto this machine. Its JSON is part of the
// CLI contract.
type Plan struct {
	// Title says in a few words what will happen.
	Title string `json:"title"`
	// Done means that there is nothing to do: a server is installed.
	Done bool `json:"done"`
	// Version is that of the installed server, such as "Redis 7.0.15"; empty
	// when none is.
	Version string `json:"version,omitempty"`
	// Root means that the commands need root. They begin with sudo where it is
	// installed and the user is not root.
	Root bool `json:"root"`
	// Commands run in this order; empty when Done.
	Commands []Command `json:"commands"`
	// Notes are sentences that a person should read before saying yes.
	Notes []string `json:"notes,omitempty"`

	blocked error // why Run refuses
}

// Command is one step of a Plan.
type Command struct {
	// Argv is the program and its arguments.
	Argv []string `json:"argv"`
	// Why is what it is for.
	Why string `json:"why"`
	// Optional means that the plan goes on when it fails.
	Optional bool `json:"optional,omitempty"`
}

// String is the command as one would type it.
func (c Command) String() string {
	words := slices.Clone(c.Argv)
	for i, word := range words {
		if strings.ContainsAny(word, " |&") {
			words[i] = "'" + word + "'"
		}
	}
	return strings.Join(words, " ")
}

// machine is what a plan depends on.
type machine struct {
	system  string // runtime.GOOS
	uid     int
	systemd bool // it runs services
	service bool // a unit for Redis is there already
	wsl     bool
}

// SetupPlan looks at the machine and says how to install a real server: with
// apt-get, dnf, apk, pacman or brew. It changes nothing; the only program it runs
// is an installed server, for its version. The error is ErrNoInstaller where
// nothing known is there to install it with, and says what to do instead.
func SetupPlan() (Plan, error) { return planFor(thisMachine()) }

func thisMachine() machine {
	kernel, _ := os.ReadFile("/proc/version") // only Linux has it
	service := slices.ContainsFunc([]string{"/etc", "/lib", "/usr/lib"}, func(dir string) bool {
		found, _ := filepath.Glob(dir + "/systemd/system/redis*.service") // the pattern is well-formed
		return len(found) > 0
	})
	_, err := os.Stat("/run/systemd/system") // where systemd says that it runs
	return machine{
		system:  runtime.GOOS,
		uid:     os.Getuid(),
		systemd: err == nil,
		service: service,
		wsl:     strings.Contains(strings.ToLower(string(kernel)), "microsoft"),
	}
}

func planFor(m machine) (Plan, error) {
	if binary, err := redisproc.Find(""); err == nil {
		version := flavourName(binary.Flavour) + " " + binary.Version
		return Plan{
			Title:    fmt.Sprintf("Nothing to install: %s is at %s", version, binary.Path),
			Done:     true,
			Version:  version,
			Commands: []Command{},
		}, nil
	}
	if m.system == "windows" {
		return Plan{}, fmt.Errorf("localredis: Redis does not run natively on Windows: run `wsl --install`, then start grind inside WSL: %w", ErrNoInstaller)
	}
	for _, i := range installers(m) {
		if !installed(i.program) {
			continue
		}
		p := Plan{Title: i.title, Root: i.root, Commands: i.commands, Notes: i.notes}
		if m.wsl {
			p.Notes = append(p.Notes, "This is WSL: the server is installed inside it, not in Windows.")
		}
		return p.as(m.uid), nil
	}
	return Plan{}, fmt.Errorf("localredis: found none of apt-get, dnf, apk, pacman and brew: install redis-server or valkey-server by hand, so that it is on PATH: %w", ErrNoInstaller)
}

// installer is a package manager and what it would do.
type installer struct {
	program  string
	title    string
	root     bool
	commands []Command
	notes    []string
}

// installers are in the order in which they are looked for: those of the system
// before brew, which may be added to any.
func installers(m machine) []installer {
	// Fedora 41, RHEL 10 and newer Alpine carry Valkey, their predecessors Redis.
	either := func(install string) []string {
		return []string{"sh", "-c", install + " valkey || " + install + " redis"}
	}
	const why = "installs the server"
	return []installer{
		aptGet(m),
		{"dnf", "Install Valkey or Redis with dnf", true, []Command{{Argv: either("dnf install -y"), Why: why}}, nil},
		{"apk", "Install Valkey or Redis with apk", true, []Command{{Argv: either("apk add"), Why: why}}, nil},
		{"pacman", "Install Valkey with pacman", true, []Command{{Argv: []string{"pacman", "-S", "--needed", "--noconfirm", "valkey"}, Why: why}}, nil},
		{"brew", "Install Redis with brew", false, []Command{{Argv: []string{"brew", "install", "redis"}, Why: why}}, nil},
	}
}

// aptGet also undoes what Debian adds to an installation: it starts a server as
// a system service, on port 6379 and at every boot. A service that was there
// before is the user's and stays.
func aptGet(m machine) installer {
	i := installer{
		program: "apt-get",
		title:   "Install Redis with apt-get",
		root:    true,
		commands: []Command{
			{Argv: []string{"apt-get", "update"}, Why: "reads the lists of packages", Optional: true},
			{Argv: []string{"apt-get", "install", "-y", "--no-install-recommends", "redis-server"}, Why: "installs the server"},
		},
	}
	if m.systemd && !m.service && installed("systemctl") {
		i.commands = append(i.commands, Command{
			Argv:     []string{"systemctl", "disable", "--now", "redis-server.service"},
			Why:      "stops the service that Debian starts by itself",
			Optional: true,
		})
		i.notes = append(i.notes, "Debian starts Redis as a system service on port 6379, now and at every boot. grind starts servers of its own, so that service is stopped and disabled again; `systemctl enable --now redis-server` brings it back.")
	}
	return i
}

// as puts sudo before commands that need root, where the user is not root.
func (p Plan) as(uid int) Plan {
	if !p.Root || uid == 0 {
		return p
	}
	if !installed("sudo") {
		p.blocked = ErrNeedsRoot
		p.Notes = append(p.Notes, "The commands need root, and sudo is not installed: run them as root.")
		return p
	}
	for i := range p.Commands {
		p.Commands[i].Argv = append([]string{"sudo"}, p.Commands[i].Argv...)
	}
	return p
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// stopWait is how long a cancelled command gets to end in order: a package
// manager that is killed at work leaves a broken database of packages.
const stopWait = 20 * time.Second

// Run runs the commands, with what they print going to out, and then looks
// whether a server is there. With nothing to do it does nothing. After an error
// it may be run again: each command finds done what is done.
func (p Plan) Run(ctx context.Context, out io.Writer) error {
	if p.Done {
		return nil
	}
	if p.blocked != nil {
		return fmt.Errorf("localredis: run as root: %s: %w", p.Commands[len(p.Commands)-1], p.blocked)
	}
	for _, c := range p.Commands {
		fmt.Fprintf(out, "$ %s\n", c)
		cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = out, out
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = stopWait
		err := cmd.Run()
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("localredis: run %s: %w", c, context.Cause(ctx))
		case err != nil && c.Optional:
			fmt.Fprintf(out, "%s did not work (%v); going on\n", c, err)
		case err != nil:
			return fmt.Errorf("localredis: run %s: %w", c, err)
		}
	}
	if _, err := redisproc.Find(""); err != nil {
		return fmt.Errorf("localredis: the commands ran, and yet: %w", err)
	}
	return nil
}
