//go:build unix

package redisproc_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestStart_zeroOptions(t *testing.T) {
	t.Parallel()
	s, err := redisproc.Start(t.Context(), redisproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	c := redistest.ClientOf(t, s)
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatalf("PING after Start: %v", err)
	}
	for name, want := range map[string]string{"save": "", "appendonly": "no", "bind": "127.0.0.1", "protected-mode": "yes"} {
		got, err := c.ConfigGet(t.Context(), name).Result()
		if err != nil || got[name] != want {
			t.Errorf("CONFIG GET %s: got %q (%v), want %q", name, got[name], err, want)
		}
	}
	if got := mode(t, s.Dir()); got != 0o700 {
		t.Errorf("the directory's mode: got %o, want 700", got)
	}
	for _, file := range []string{"redis.conf", "redis.log"} {
		if got := mode(t, filepath.Join(s.Dir(), file)); got != 0o600 {
			t.Errorf("the mode of %s: got %o, want 600", file, got)
		}
	}
	if !s.Running() || s.TLSConfig() != nil || s.Password() != "" || s.Version() == "" {
		t.Errorf("got Running %v, TLSConfig %v, Password %q, Version %q", s.Running(), s.TLSConfig(), s.Password(), s.Version())
	}
	if !strings.Contains(s.Log(), "Ready to accept connections") {
		t.Errorf("Log: got %q, want the line of a server that is ready", s.Log())
	}

	done := s.Done()
	for range 2 { // the second call does nothing
		if err := s.Stop(); err != nil {
			t.Fatalf("Stop: %v", err)
		}
	}
	<-done
	if _, err := os.Stat(s.Dir()); !os.IsNotExist(err) {
		t.Errorf("after Stop the directory is there (%v)", err)
	}
	if s.Running() {
		t.Error("after Stop: got Running true")
	}
	if err := s.Restart(t.Context()); !errors.Is(err, redisproc.ErrStopped) {
		t.Errorf("Restart after Stop: got %v, want ErrStopped", err)
	}
	if err := s.Pause(); !errors.Is(err, redisproc.ErrNotRunning) {
		t.Errorf("Pause after Stop: got %v, want ErrNotRunning", err)
	}
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestStart_parallel(t *testing.T) {
	t.Parallel()
	const n = 10
	servers := make([]*redisproc.Server, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			s, err := redisproc.Start(t.Context(), redisproc.Options{Name: fmt.Sprint("parallel", i)})
			if err != nil {
				t.Error(err)
				return
			}
			servers[i] = s
		})
	}
	wg.Wait()
	ports := map[string]bool{}
	for _, s := range servers {
		if s == nil {
			continue
		}
		ports[s.Addr()] = true
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	if len(ports) != n {
		t.Errorf("got %d addresses, want %d", len(ports), n)
	}
}

func TestOptions_MaxMemory(t *testing.T) {
	t.Parallel()
	const limit = 3 << 20
	fill := func(policy string) error {
		s := redistest.Start(t, redisproc.Options{MaxMemory: limit, MaxMemoryPolicy: policy})
		c := redistest.ClientOf(t, s)
		for i := range 100 {
			if err := c.Set(t.Context(), fmt.Sprint("k", i), strings.Repeat("x", 64<<10), 0).Err(); err != nil {
				return err
			}
		}
		return nil
	}
	if err := fill(""); err == nil || !strings.HasPrefix(err.Error(), "OOM ") {
		t.Errorf("without a policy: got %v, want OOM", err)
	}
	if err := fill("allkeys-lru"); err != nil {
		t.Errorf("with allkeys-lru: got %v", err)
	}
}

func TestServer_Restart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		options redisproc.Options
		kill    bool
		want    int64 // keys that are there again
	}{
		{"in memory, killed", redisproc.Options{}, true, 0},
		{"in memory, running", redisproc.Options{}, false, 0},
		{"append-only, killed", redisproc.Options{AppendOnly: true, AppendFsync: "always"}, true, 300},
		{"append-only, running", redisproc.Options{AppendOnly: true}, false, 300},
		{"snapshot, running", redisproc.Options{Config: map[string]string{"save": "3600 1"}}, false, 300},
		// The server answers LOADING for 300 ms.
		{"slow to load", redisproc.Options{AppendOnly: true, Config: map[string]string{"key-load-delay": "1000", "loading-process-events-interval-bytes": "1024"}}, true, 300},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, test.options)
			addr, pid := s.Addr(), s.PID()
			c := redistest.ClientOf(t, s, func(o *redis.Options) { o.MaxRetries = -1 })
			if _, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				for i := range 300 {
					p.Set(t.Context(), fmt.Sprint("k", i), i, 0)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if test.kill {
				if err := s.Kill(t.Context()); err != nil {
					t.Fatal(err)
				}
				if s.Running() {
					t.Error("after Kill: got Running true")
				}
			}
			done := s.Done()
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-done
			if s.Addr() != addr || s.PID() == pid || !s.Running() {
				t.Errorf("got %s with pid %d, running %v; want %s, another pid than %d, true", s.Addr(), s.PID(), s.Running(), addr, pid)
			}
			fresh := redistest.ClientOf(t, s, func(o *redis.Options) { o.MaxRetries = -1 })
			if got, err := fresh.DBSize(t.Context()).Result(); err != nil || got != test.want {
				t.Errorf("DBSIZE: got %d (%v), want %d", got, err, test.want)
			}
		})
	}
}

// Another program has the port, and even answers as a Redis would.
func TestServer_Restart_portTaken(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	if err := s.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("+PONG\r\n"))
			conn.Close()
		}
	})
	if err := s.Restart(t.Context()); !errors.Is(err, redisproc.ErrPortTaken) {
		t.Errorf("got %v, want ErrPortTaken", err)
	}
	l.Close()
	wg.Wait()
	if err := s.Restart(t.Context()); err != nil {
		t.Errorf("with the port free again: %v", err)
	}
}

func TestServer_Pause(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, s, func(o *redis.Options) {
		o.ReadTimeout, o.MaxRetries, o.ContextTimeoutEnabled = 100*time.Millisecond, -1, true
	})
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if err := c.Ping(t.Context()).Err(); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("PING while paused: got %v, want a timeout", err)
	}
	if !s.Running() {
		t.Error("while paused: got Running false")
	}
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "PING works after Resume", func() bool { return c.Ping(t.Context()).Err() == nil })

	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := s.Stop(); err != nil {
		t.Errorf("Stop while paused: %v", err)
	}
	if took := time.Since(begin); took > 2500*time.Millisecond {
		t.Errorf("Stop while paused took %v: it was forced", took)
	}
}

// A script without end keeps the server from noticing SIGTERM.
func TestServer_Stop_force(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, s, func(o *redis.Options) { o.MaxRetries, o.ReadTimeout = -1, 200*time.Millisecond })
	if err := c.Eval(t.Context(), "while true do end", nil).Err(); err == nil {
		t.Fatal("the script ended")
	}
	begin := time.Now()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took < 3*time.Second {
		t.Errorf("Stop took %v: the server did not hang, and this test shows nothing", took)
	}
	if s.Running() {
		t.Error("after Stop: got Running true")
	}
	if _, err := os.Stat(s.Dir()); !os.IsNotExist(err) {
		t.Errorf("after Stop the directory is there (%v)", err)
	}
}

func TestServer_endsByItself(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	c := redistest.ClientOf(t, s, func(o *redis.Options) { o.MaxRetries = -1 })
	c.ShutdownNoSave(t.Context()) // answered by a closed connection
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("Done is open ten seconds after SHUTDOWN")
	}
	if err := s.Kill(t.Context()); err != nil {
		t.Errorf("Kill of a dead server: got %v, want nil", err)
	}
	for name, f := range map[string]func() error{"Pause": s.Pause, "Resume": s.Resume} {
		if err := f(); !errors.Is(err, redisproc.ErrNotRunning) {
			t.Errorf("%s: got %v, want ErrNotRunning", name, err)
		}
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Error(err)
	}
}
