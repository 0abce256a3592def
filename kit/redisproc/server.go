package redisproc

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// The decisions a caller can make.
var (
	// ErrUnsupported says that this system runs no Redis server.
	ErrUnsupported = errors.New("redisproc: no Redis server runs natively on this system; on Windows work inside WSL (wsl --install)")

	// ErrPortTaken says that another program listens on Options.Port.
	ErrPortTaken = errors.New("redisproc: port taken")

	// ErrNotRunning says that the process has ended.
	ErrNotRunning = errors.New("redisproc: not running")

	// ErrStopped says that Stop has ended the server for good.
	ErrStopped = errors.New("redisproc: stopped")
)

// stopWait is how long a server gets to end by itself.
const stopWait = 3 * time.Second

// portTries bounds the starts on a port that another program took between our
// look and the server's bind.
const portTries = 5

// Server is one redis-server or valkey-server process and its directory. Most
// callers want Addr, and Stop when done. It is safe for concurrent use; Pause,
// Resume, Kill, Restart and Stop wait for each other.
type Server struct {
	options Options
	binary  Binary
	dir     string
	port    int
	tls     *tls.Config
	reaper  *reaper

	mu      sync.Mutex // held by what changes the process
	stopped bool
	process atomic.Pointer[process] // nil only inside Start

	admin *redis.Client // of a topology, for its own commands; nil for a single server
}

// Start starts a server and returns when it answers PING and has loaded its
// data. ctx bounds the start only; the server runs until Stop, or until this
// process ends in whatever way. On an error nothing is left.
func Start(ctx context.Context, o Options) (*Server, error) {
	if err := supported(); err != nil {
		return nil, fmt.Errorf("redisproc: start %q: %w", o.name(), err)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	binary, err := find(ctx, o.Binary)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Join(os.TempDir(), dirName(o.name())))
	if err != nil {
		return nil, fmt.Errorf("redisproc: start %q: %w", o.name(), err)
	}
	s := &Server{options: o, binary: binary, dir: dir}
	if s.reaper, err = startReaper(dir); err != nil {
		return nil, fmt.Errorf("redisproc: start %q: %w", o.name(), err)
	}
	if err := s.start(ctx); err != nil {
		_ = s.reaper.close() // what it could not remove matters less than why we are here
		return nil, fmt.Errorf("redisproc: start %q: %w", o.name(), err)
	}
	return s, nil
}

// start fills the directory and runs the process, on another port if the free
// one was taken meanwhile.
func (s *Server) start(ctx context.Context) (err error) {
	if s.options.TLS {
		certs := s.options.wiring.certs
		if certs == nil {
			if certs, err = makeCerts(); err != nil {
				return err
			}
		}
		if err := certs.write(s.dir); err != nil {
			return err
		}
		s.tls = certs.client
	}
	if s.options.hasACLFile() {
		if err := s.write(aclFile, acl(s.options)); err != nil {
			return err
		}
	}
	for try := 1; ; try++ {
		s.port = s.options.Port
		if s.port == 0 {
			if s.port, err = s.options.wiring.freePort(); err != nil {
				return err
			}
		}
		if err := s.write(confFile, conf(s.options, s.binary, s.dir, s.port)); err != nil {
			return err
		}
		err := s.launch(ctx)
		if errors.Is(err, ErrPortTaken) && s.options.Port == 0 && try < portTries {
			continue
		}
		return err
	}
}

func (s *Server) write(file, text string) error {
	return os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o600)
}

// launch runs the process and waits until it serves.
func (s *Server) launch(ctx context.Context) error {
	logged := len(s.log())
	argv := []string{s.binary.Path, filepath.Join(s.dir, confFile)}
	if s.options.wiring.watches != "" {
		argv = append(argv, "--sentinel")
	}
	p, err := startProcess(s.reaper, s.dir, filepath.Join(s.dir, logFile), argv...)
	if err != nil {
		return err
	}
	s.process.Store(p)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		// The line proves that it is our server that has the port and that its
		// data are loaded; the PING proves that it can be reached.
		if strings.Contains(s.log()[logged:], s.options.wiring.readyLine()) && ping(ctx, s.Addr(), s.tls) {
			return nil
		}
		select {
		case <-p.done:
			return diagnose(s.options, s.log()[logged:], s.port)
		case <-ctx.Done():
			p.kill()
			<-p.done
			return fmt.Errorf("not ready in time: %w%s", context.Cause(ctx), logTail(s.log()[logged:]))
		case <-poll.C:
		}
	}
}

// Pause stops the process as it stands (SIGSTOP): connections stay open and
// new ones are accepted by the kernel, and nothing is answered until Resume.
func (s *Server) Pause() error { return s.signal("pause", (*process).pause) }

// Resume lets a paused process go on (SIGCONT).
func (s *Server) Resume() error { return s.signal("resume", (*process).resume) }

func (s *Server) signal(what string, send func(*process) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := send(s.process.Load()); err != nil {
		if errors.Is(err, os.ErrProcessDone) {
			err = ErrNotRunning
		}
		return fmt.Errorf("redisproc: %s %q: %w", what, s.options.name(), err)
	}
	return nil
}

// Kill ends the process at once (kill -9), with the children that save its data, and
// returns when it is dead; nil too when it was dead before. Restart brings it
// back. A context's error means that the signal was sent and death not seen.
func (s *Server) Kill(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.process.Load()
	p.kill()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("redisproc: kill %q: %w", s.options.name(), context.Cause(ctx))
	}
}

// Restart runs the server again on the same port and directory, so that an
// append-only file or a snapshot is loaded; without one it comes back empty. A
// running process is ended gracefully first. After an error the server is down,
// and may be restarted again.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return fmt.Errorf("redisproc: restart %q: %w", s.options.name(), ErrStopped)
	}
	s.end()
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("redisproc: restart %q: %w", s.options.name(), err)
	}
	return nil
}

// Stop ends the process, gracefully within three seconds and by force after
// them, and removes the directory. A second call does nothing.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	s.end()
	_ = s.reaper.close() // if somebody killed it, the next line does its work
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("redisproc: stop %q: %w", s.options.name(), err)
	}
	return nil
}

// end ends the process, paused or not, and waits for it.
func (s *Server) end() {
	p := s.process.Load()
	if p.resume() == nil && p.terminate() == nil {
		timer := time.NewTimer(stopWait)
		defer timer.Stop()
		select {
		case <-p.done:
		case <-timer.C:
			p.kill()
		}
	}
	<-p.done
}

// host is where all servers listen.
const host = "127.0.0.1"

// Addr is host and port, such as "127.0.0.1:23121". It stays the same over Restart.
func (s *Server) Addr() string { return net.JoinHostPort(host, strconv.Itoa(s.port)) }

// URL is the address with Options.Password, as clients take it:
// "redis://:secret@127.0.0.1:23121", or rediss:// with TLS.
func (s *Server) URL() string {
	u := url.URL{Scheme: "redis", Host: s.Addr()}
	if s.tls != nil {
		u.Scheme = "rediss"
	}
	if s.options.Password != "" {
		u.User = url.UserPassword("", s.options.Password)
	}
	return u.String()
}

// TLSConfig is what a client needs to connect: the authority and a client
// certificate. It is a copy, and nil without Options.TLS.
func (s *Server) TLSConfig() *tls.Config { return s.tls.Clone() }

// Password is Options.Password.
func (s *Server) Password() string { return s.options.Password }

// Version is the program's version, such as "7.0.15".
func (s *Server) Version() string { return s.binary.Version }

// Flavour is "redis" or "valkey".
func (s *Server) Flavour() string { return s.binary.Flavour }

// Dir is the server's directory: configuration, log, data and certificates.
// Stop removes it.
func (s *Server) Dir() string { return s.dir }

// PID is the process id of the latest run, which may have ended.
func (s *Server) PID() int { return s.process.Load().pid() }

// Running reports whether the process lives; a paused one does.
func (s *Server) Running() bool { return s.process.Load().running() }

// Done is closed when the current run of the process has ended, by Stop, Kill
// or by itself. Restart begins a new run: call Done again after it.
func (s *Server) Done() <-chan struct{} { return s.process.Load().done }

// Log is the tail of the server's log, for error messages; empty after Stop.
func (s *Server) Log() string { return tail(s.log()) }

// log is the whole log: a few hundred lines at most in the life of a test.
func (s *Server) log() string {
	text, err := os.ReadFile(filepath.Join(s.dir, logFile))
	if err != nil {
		return "" // not yet, or no longer
	}
	return string(text)
}

// dirName is unique: the reaper's mkdir would fail on one that exists.
func dirName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
	return fmt.Sprintf("redisproc-%.40s-%s", safe, strings.ToLower(rand.Text()[:12]))
}
