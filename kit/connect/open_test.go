package connect

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// open is Open for tests: it fails the test, and closes the client at its end.
func open(t *testing.T, o Options) redis.UniversalClient {
	t.Helper()
	c, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Open sends nothing: it succeeds where nobody listens, and no connection is
// made until the first command.
func TestOpen_lazy(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, url := range []string{"redis://", "redis+cluster://", "redis+sentinel://"} {
		u := url + l.Addr().String()
		if strings.Contains(url, "sentinel") {
			u += "/m"
		}
		open(t, Options{URL: u})
	}
	// Connections are accepted in their order: the first is this test's own.
	mine, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if got, want := first.RemoteAddr().String(), mine.LocalAddr().String(); got != want {
		t.Errorf("Open connected, from %s", got)
	}
}

// Every form of URL leads to a working client, and connections have a name.
func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte("pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	withPassword := redistest.Start(t, redisproc.Options{Password: "p@ss", ACL: []string{"user app on >pw ~* +@all"}})
	mutual := redistest.Start(t, redisproc.Options{TLS: true, ClientCerts: true})
	ca, cert, key := certFiles(t, mutual)
	node := redistest.Start(t, redisproc.Options{Config: map[string]string{"cluster-enabled": "yes"}})
	if err := redistest.ClientOf(t, node).ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	master := redistest.Addr(t)
	for name, o := range map[string]Options{
		"plain":         {URL: "redis://" + master + "/3"},
		"socket":        {URL: "unix://" + forward(t, master)},
		"password":      {URL: "redis://:p%40ss@" + withPassword.Addr()},
		"user":          {URL: "redis://app:pw@" + withPassword.Addr()},
		"password file": {Addrs: []string{withPassword.Addr()}, Username: "app", PasswordFile: secret},
		"mutual TLS":    {URL: "rediss://" + mutual.Addr(), CAFile: ca, CertFile: cert, KeyFile: key},
		"TLS by config": {Addrs: []string{mutual.Addr()}, TLS: mutual.TLSConfig()},
		"cluster":       {URL: "redis+cluster://" + node.Addr()},
		"sentinel":      {URL: "redis+sentinel://" + fakeSentinel(t, "m", master) + "/m/2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Name = "tester"
			c := open(t, o)
			status, err := Check(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			want := Status{Version: redistest.Server(t).Version(), Mode: "standalone", Role: "master", Masters: 1}
			if name == "cluster" {
				want.Mode = "cluster"
			}
			if status != want {
				t.Errorf("Check = %+v, want %+v", status, want)
			}
			if got, err := c.Do(t.Context(), "client", "getname").Text(); got != "tester" || err != nil {
				t.Errorf("the connection's name is %q, %v; want tester", got, err)
			}
		})
	}
}

// A password file is read again, so that a rotated password needs no restart.
func TestOpen_passwordRotates(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{Password: "one"})
	file := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	c := open(t, Options{Addrs: []string{s.Addr()}, PasswordFile: file, PoolSize: 1})
	admin := redistest.ClientOf(t, s)
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := admin.ConfigSet(t.Context(), "requirepass", "two").Err(); err != nil {
		t.Fatal(err)
	}
	write("two")
	if err := admin.Do(t.Context(), "client", "kill", "skipme", "yes", "type", "normal").Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("after the rotation PING = %v", err)
	}
}

// A command ends with its context, also while it waits for a reply.
func TestOpen_contextTimeout(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{})
	c := open(t, Options{Addrs: []string{s.Addr()}, ReadTimeout: time.Minute})
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := c.Ping(ctx).Err(); err == nil {
		t.Error("PING of a paused server succeeded")
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("PING took %v with a context of 50 ms", took)
	}
}

func TestOpen_eager(t *testing.T) {
	t.Parallel()
	c, err := Open(t.Context(), Options{Addrs: []string{"127.0.0.1:1"}, Eager: true})
	if !errors.Is(err, ErrUnreachable) || c != nil {
		t.Errorf("Open = %v, %v; want ErrUnreachable", c, err)
	}
	if c := open(t, Options{Addrs: []string{redistest.Addr(t)}, Eager: true}); c.Ping(t.Context()).Err() != nil {
		t.Error("the client of an eager Open does not work")
	}
}

// NoName is for users without CLIENT SETNAME.
func TestOpen_noName(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{ACL: []string{"user app on >pw ~* +ping"}})
	named := open(t, Options{URL: "redis://app:pw@" + s.Addr()})
	if _, err := Check(t.Context(), named); !errors.Is(err, ErrPermission) || !strings.Contains(err.Error(), "client_name=-") {
		t.Errorf("with a name Check = %v, want ErrPermission that advises client_name=-", err)
	}
	unnamed := open(t, Options{URL: "redis://app:pw@" + s.Addr() + "?client_name=-"})
	if _, err := Check(t.Context(), unnamed); err != nil {
		t.Errorf("without a name Check = %v", err)
	}
}

// The settings that the promise of recovery rests on.
func TestOpen_settings(t *testing.T) {
	t.Parallel()
	c := open(t, Options{Mode: Cluster}).(*redis.ClusterClient).Options()
	if c.ClusterStateReloadInterval != time.Second || c.DialerRetries != 1 || !c.ContextTimeoutEnabled {
		t.Errorf("cluster: reload %v, dialer retries %d, context timeout %v; want 1s, 1, true",
			c.ClusterStateReloadInterval, c.DialerRetries, c.ContextTimeoutEnabled)
	}
	s := open(t, Options{}).(*redis.Client).Options()
	if s.ReadTimeout != DefaultReadTimeout || s.DialerRetries != 1 || !s.ContextTimeoutEnabled {
		t.Errorf("single: read timeout %v, dialer retries %d, context timeout %v; want %v, 1, true",
			s.ReadTimeout, s.DialerRetries, s.ContextTimeoutEnabled, DefaultReadTimeout)
	}
}

// certFiles finds the certificates that the server made for itself and us.
func certFiles(t *testing.T, s *redisproc.Server) (ca, cert, key string) {
	t.Helper()
	for file, p := range map[string]*string{"ca.crt": &ca, "client.crt": &cert, "client.key": &key} {
		*p = filepath.Join(s.Dir(), file)
		if _, err := os.Stat(*p); err != nil {
			t.Fatal(err)
		}
	}
	return ca, cert, key
}

// forward listens on a socket and passes everything on to a server.
func forward(t *testing.T, addr string) (path string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sock") // t.TempDir can be longer than a socket's name may be
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "redis.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); os.RemoveAll(dir) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", addr)
			if err != nil {
				conn.Close()
				return
			}
			go func() { defer to.Close(); _, _ = io.Copy(to, conn) }()
			go func() { defer conn.Close(); _, _ = io.Copy(conn, to) }()
		}
	}()
	return path
}

// fakeSentinel answers what a Sentinel that watches one master answers.
func fakeSentinel(t *testing.T, name, master string) (addr string) {
	t.Helper()
	s := miniredis.RunT(t)
	err := s.Server().Register("SENTINEL", func(c *server.Peer, _ string, args []string) {
		host, port, _ := net.SplitHostPort(master)
		switch {
		case strings.EqualFold(args[0], "get-master-addr-by-name") && args[1] == name:
			c.WriteStrings([]string{host, port})
		case strings.EqualFold(args[0], "get-master-addr-by-name"):
			c.WriteNull()
		default: // sentinels, replicas
			c.WriteLen(0)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.Addr()
}
