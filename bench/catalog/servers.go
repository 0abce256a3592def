package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis-grind/grind/apps/catalog"
	"github.com/redis-grind/grind/internal/app"
)

// envServer makes this program the catalog. It holds a serverConfig.
const envServer = "GRIND_BENCH_CATALOG"

type serverConfig struct{ Redis, Dir, Layer string }

// serverMain is the whole program of the catalog. It ends with its standard input.
func serverMain(text string) {
	var config serverConfig
	err := json.Unmarshal([]byte(text), &config)
	if err == nil {
		err = config.serve()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: catalog:", err)
		os.Exit(1)
	}
}

func (c serverConfig) serve() error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	a, err := catalog.Open(ctx, app.Env{
		Redis: c.Redis, Prefix: "catalog:", Dir: c.Dir, Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
		Lookup: func(name string) (string, bool) { return strconv.Itoa(products), name == "CATALOG_PRODUCTS" },
	})
	if err != nil {
		return err
	}
	a.Layers().Memory.Store(c.Layer == "memory")
	fmt.Println(strings.TrimPrefix(a.URL(), "http://"))
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		stop()
	}()
	return a.Run(ctx)
}

// program is a server in a process group of its own.
type program struct {
	name string
	cmd  *exec.Cmd
	addr string
}

func startCatalog(ctx context.Context, config serverConfig) (*program, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), envServer+"="+string(text))
	if _, err := cmd.StdinPipe(); err != nil { // closed when this process ends
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p, err := begin("apps/catalog", cmd)
	if err != nil {
		return nil, err
	}
	p.addr, err = bufio.NewReader(out).ReadString('\n')
	p.addr = strings.TrimSpace(p.addr)
	if err == nil {
		err = p.answers(ctx)
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("start the catalog: %w", err)
	}
	return p, nil
}

// styles are the ways in which the twin is written.
var styles = map[string]string{"model": "FastAPI, a response model", "stored": "FastAPI, JSON handed on as it is stored"}

// startFastAPI starts the twin over the database that the catalog has made.
func startFastAPI(ctx context.Context, folder, redis, dir, layer, style string) (*program, error) {
	free, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := free.Addr().String()
	free.Close()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, python(), "-m", "uvicorn", "app:app", "--host", host, "--port", port,
		"--workers", "2", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "DATABASE="+filepath.Join(dir, "catalog.db"), "REDIS_URL="+redis, "LAYER="+layer, "STYLE="+style, "PYTHONDONTWRITEBYTECODE=1")
	p, err := begin(styles[style], cmd)
	if err != nil {
		return nil, err
	}
	p.addr = addr
	if err := p.answers(ctx); err != nil {
		p.stop()
		return nil, fmt.Errorf("start FastAPI (make setup installs what it needs): %w", err)
	}
	return p, nil
}

// python is the system's, for which the packages of Debian are.
func python() string {
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		return "/usr/bin/python3"
	}
	return "python3"
}

func begin(name string, cmd *exec.Cmd) (*program, error) {
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A cancelled context takes the workers along too.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &program{name: name, cmd: cmd}, nil
}

// answers waits until a product is read.
func (p *program) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		c := newClient(p.addr, 1)
		err := c.get(ctx, 0)
		c.close()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond): // it polls
		}
	}
}

// stop ends the program and all that it started.
func (p *program) stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // whoever is left of the group
	<-ended
	for begun := time.Now(); p.alive() && time.Since(begun) < 5*time.Second; {
		time.Sleep(time.Millisecond) // it polls
	}
}

// alive reports whether a process of the group is.
func (p *program) alive() bool {
	for fields := range p.group {
		if fields[0] != "Z" { // ended, and nobody has asked how
			return true
		}
	}
	return false
}

// cpuTime is what the processes of the group have used so far; zero where the system
// does not tell.
func (p *program) cpuTime() time.Duration {
	const tick = 10 * time.Millisecond // of Linux's counts
	var all time.Duration
	for fields := range p.group {
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		all += time.Duration(user+system) * tick
	}
	return all
}

// group yields what /proc/PID/stat says of each process of the group, from its state
// on: parent, group, …
func (p *program) group(yield func([]string) bool) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ") // behind the name, which may hold anything
		fields := strings.Fields(rest)
		if len(fields) > 12 && fields[2] == strconv.Itoa(p.cmd.Process.Pid) && !yield(fields) {
			return
		}
	}
}
