package localredis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/redis-grind/grind/kit/connect"
	"github.com/redis-grind/grind/kit/redisproc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o Options) *Redis {
	t.Helper()
	r, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

func openEmbedded(t *testing.T) *Redis {
	t.Helper()
	return open(t, Options{Embedded: true})
}

// client is closed before the server of r is.
func client(t *testing.T, r *Redis) *redis.Client {
	t.Helper()
	o := r.Options()
	o.MaxRetries, o.DialerRetries = -1, 1 // a refusal is expected here, or a failure
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

// program puts a shell script of that name into dir.
func program(t *testing.T, dir, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_private(t *testing.T) {
	r := open(t, Options{})
	c := client(t, r)
	if err := c.Set(t.Context(), "grind:k", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	binary, ok := r.Binary()
	if !ok {
		t.Fatal("Binary: got none")
	}
	if got, want := r.Line(), fmt.Sprintf("Redis %s, private, %s", binary.Version, r.Addr()); got != want {
		t.Errorf("Line: got %q, want %q", got, want)
	}
	if r.Kind() != Private || !r.Timings() || r.TLS() || r.Suspect() != "" || r.Version() != binary.Version {
		t.Errorf("got kind %s, timings %v, TLS %v, suspect %q, version %q", r.Kind(), r.Timings(), r.TLS(), r.Suspect(), r.Version())
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	if err := c.Ping(context.Background()).Err(); err == nil {
		t.Error("PING after Close: the server still answers")
	}
}

// TestOpen_valkey: what calls itself Valkey is called Valkey.
func TestOpen_valkey(t *testing.T) {
	if got, want := (&Redis{kind: Private, flavour: flavourName("valkey"), version: "8.1.1", options: &redis.Options{Addr: "127.0.0.1:4000"}}).Short(), "Valkey 8.1.1, private, 127.0.0.1:4000"; got != want {
		t.Errorf("Short: got %q, want %q", got, want)
	}
}

func TestOpen_embedded(t *testing.T) {
	for name, test := range map[string]struct {
		script string // of redis-server on PATH; empty for none
		give   Options
		want   string
	}{
		"nothing installed": {
			want: "embedded server (no redis-server found): counts, no timings; `grind setup` installs the real one",
		},
		"as asked for": {
			script: "echo Redis server v=7.2.4 sha=0",
			give:   Options{Embedded: true},
			want:   "embedded server (as asked for): counts, no timings",
		},
		"does not start": {
			script: `[ "$1" = --version ] && echo Redis server v=7.2.4 sha=0 || { echo no luck; exit 1; }`,
			want:   "no luck",
		},
		"is another program": {
			script: "echo hello",
			want:   `--version printed "hello"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, tool := range []string{"mkdir", "rm", "sleep", "cat"} {
				if err := os.Symlink(filepath.Join("/bin", tool), filepath.Join(dir, tool)); err != nil {
					t.Fatal(err)
				}
			}
			if test.script != "" {
				program(t, dir, "redis-server", test.script)
			}
			t.Setenv("PATH", dir)
			r := open(t, test.give)
			if got := r.Line(); !strings.Contains(got, test.want) {
				t.Errorf("Line: got %q, want it to contain %q", got, test.want)
			}
			if strings.Contains(r.Line(), "\n") {
				t.Errorf("Line: got several lines: %q", r.Line())
			}
			if r.Kind() != Embedded || r.Timings() || r.Version() != "" {
				t.Errorf("got kind %s, timings %v, version %q", r.Kind(), r.Timings(), r.Version())
			}
			if err := client(t, r).Set(t.Context(), "k", 1, 0).Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpen_refused(t *testing.T) {
	if _, err := Open(t.Context(), Options{URL: "redis://127.0.0.1:1", Embedded: true}); err == nil {
		t.Error("a URL and Embedded: got no error")
	}
	s, _ := external(t, redisproc.Options{Password: "secret"})
	for url, want := range map[string]error{
		"redis://127.0.0.1:1":                           connect.ErrUnreachable,
		"redis://" + s.Addr():                           connect.ErrPasswordNeeded,
		"redis://:other@" + s.Addr():                    connect.ErrWrongPassword,
		"redis+cluster://:secret@" + s.Addr():           connect.ErrMode,
		"redis+sentinel://:secret@127.0.0.1:1/mymaster": connect.ErrMode,
		"http://127.0.0.1":                              connect.ErrOptions,
	} {
		r, err := Open(t.Context(), Options{URL: url})
		if !errors.Is(err, want) || r != nil {
			t.Errorf("Open(%s): got %v, want %v", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%s): the error shows the password: %v", url, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: got %v, want it to be the reason", err)
	}
}

// TestOptions_copy: a caller that changes its options changes nobody else's.
func TestOptions_copy(t *testing.T) {
	r := openEmbedded(t)
	r.Options().Addr = "elsewhere"
	if got := r.Options().Addr; got != r.Addr() {
		t.Errorf("Options().Addr: got %q, want %q", got, r.Addr())
	}
}

// external starts a server that plays the user's.
func external(t *testing.T, o redisproc.Options) (*redisproc.Server, *redis.Client) {
	t.Helper()
	s, err := redisproc.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), Password: o.Password, TLSConfig: s.TLSConfig()})
	t.Cleanup(func() {
		c.Close()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

func TestOpen_external(t *testing.T) {
	s, c := external(t, redisproc.Options{Name: "users", Password: "secret"})
	if err := c.Set(t.Context(), "theirs", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	r := open(t, Options{URL: s.URL()})
	if got, want := r.Line(), fmt.Sprintf("Redis %s at %s (yours: only keys under grind: are touched)", s.Version(), s.Addr()); got != want {
		t.Errorf("Line: got %q, want %q", got, want)
	}
	if r.Kind() != External || !r.Timings() || r.Suspect() != "" || r.Prefix() != "grind:" {
		t.Errorf("got kind %s, timings %v, suspect %q, prefix %q", r.Kind(), r.Timings(), r.Suspect(), r.Prefix())
	}
	if err := client(t, r).Ping(t.Context()).Err(); err != nil {
		t.Errorf("a client with Options: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := c.Get(t.Context(), "theirs").Val(); got != "1" {
		t.Errorf("their key after Close: got %q, want 1", got)
	}
	if strings.Contains(r.Line()+r.Short(), "secret") {
		t.Error("Line or Short shows the password")
	}
}

// TestOpen_externalReadsOnly looks at what Open sends to a server whose keys it
// has to look at.
func TestOpen_externalReadsOnly(t *testing.T) {
	s, c := external(t, redisproc.Options{Name: "users"})
	if err := c.Eval(t.Context(), `for i = 1, 1500 do redis.call('SET', 'grind:' .. i, i) end`, nil).Err(); !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	if err := c.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	open(t, Options{URL: s.URL()})
	stats, err := c.InfoMap(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	var sent []string
	for name := range stats["Commandstats"] {
		name = strings.TrimPrefix(name, "cmdstat_")
		if !strings.HasPrefix(name, "client|") && !strings.HasPrefix(name, "config|") { // handshakes, and the reset above
			sent = append(sent, name)
		}
	}
	slices.Sort(sent)
	if want := []string{"hello", "info", "ping", "scan"}; !slices.Equal(sent, want) {
		t.Errorf("sent: got %v, want %v", sent, want)
	}
}

// TestOpen_externalTLS: Options lead to a server with TLS, and can be led through
// a plain proxy instead.
func TestOpen_externalTLS(t *testing.T) {
	s, _ := external(t, redisproc.Options{TLS: true})
	t.Setenv("REDIS_CA_FILE", filepath.Join(s.Dir(), "ca.crt"))
	r := open(t, Options{URL: s.URL()})
	if !r.TLS() {
		t.Error("TLS: got false")
	}
	if err := client(t, r).Ping(t.Context()).Err(); err != nil {
		t.Errorf("a client with Options: %v", err)
	}
	plain, _ := external(t, redisproc.Options{})
	o := r.Options()
	o.Addr, o.TLSConfig = plain.Addr(), nil
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("a client with Options without TLS: %v", err)
	}
}

func TestSuspect(t *testing.T) {
	fill := func(t *testing.T, c *redis.Client, prefix string, n int) {
		t.Helper()
		err := c.Eval(t.Context(), `for i = 1, ARGV[2] do redis.call('SET', ARGV[1] .. i, i) end`, nil, prefix, n).Err()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		options redisproc.Options
		prepare func(t *testing.T, s *redisproc.Server, c *redis.Client)
		want    string // empty: nothing suspicious
	}{
		"many keys of ours": {
			prepare: func(t *testing.T, _ *redisproc.Server, c *redis.Client) { fill(t, c, "grind:", 5000) },
		},
		"few of theirs among ours": {
			prepare: func(t *testing.T, _ *redisproc.Server, c *redis.Client) {
				fill(t, c, "grind:", 5000)
				fill(t, c, "shop:", 900)
			},
		},
		"many of theirs": {
			prepare: func(t *testing.T, _ *redisproc.Server, c *redis.Client) {
				fill(t, c, "grind:", 5000)
				fill(t, c, "shop:", 1500)
			},
			want: "more than 1000 of them not ours",
		},
		"in another database": {
			prepare: func(t *testing.T, _ *redisproc.Server, c *redis.Client) {
				pipe := c.Pipeline()
				pipe.Do(t.Context(), "SELECT", 3)
				pipe.Eval(t.Context(), `for i = 1, 1500 do redis.call('SET', 'grind:' .. i, i) end`, nil)
				pipe.Do(t.Context(), "SELECT", 0)
				if _, err := pipe.Exec(t.Context()); err != nil && !errors.Is(err, redis.Nil) {
					t.Fatal(err)
				}
			},
			want: "it holds 1500 keys",
		},
		"many clients": {
			prepare: func(t *testing.T, s *redisproc.Server, _ *redis.Client) {
				c := redis.NewClient(&redis.Options{Addr: s.Addr(), PoolSize: 30, MinIdleConns: 0})
				t.Cleanup(func() { c.Close() })
				for range 25 {
					conn := c.Conn()
					t.Cleanup(func() { conn.Close() })
					if err := conn.Ping(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
				}
			},
			want: "clients are connected",
		},
		"much memory": {
			prepare: func(t *testing.T, _ *redisproc.Server, c *redis.Client) {
				if err := c.SetRange(t.Context(), "grind:big", 120<<20, "x").Err(); err != nil {
					t.Fatal(err)
				}
			},
			want: "MB of memory",
		},
		"a replica": {
			prepare: func(t *testing.T, _ *redisproc.Server, c *redis.Client) {
				if err := c.ReplicaOf(t.Context(), "127.0.0.1", "1").Err(); err != nil {
					t.Fatal(err)
				}
			},
			want: "replica of 127.0.0.1",
		},
		"a cluster": {
			options: redisproc.Options{Config: map[string]string{"cluster-enabled": "yes"}},
			want:    "cluster",
		},
		"a user that may not look": {
			options: redisproc.Options{Password: "secret", ACL: []string{"user tight on >tight ~grind:* +@all -info"}},
			want:    "does not let us see",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := external(t, test.options)
			if test.prepare != nil {
				test.prepare(t, s, c)
			}
			url := s.URL()
			if len(test.options.ACL) > 0 {
				url = "redis://tight:tight@" + s.Addr()
			}
			r := open(t, Options{URL: url})
			got := r.Suspect()
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("Suspect: got %q, want %q in it", got, test.want)
			}
		})
	}
}
