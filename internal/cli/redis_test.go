package cli

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
)

// called is what a call of the command line left.
type called struct {
	code     int
	out, err string
}

// call runs the command line to its end, in this process.
func call(t *testing.T, args ...string) called {
	t.Helper()
	var out, errOut bytes.Buffer
	code := Main(args, strings.NewReader(""), &out, &errOut)
	return called{code, out.String(), errOut.String()}
}

// newcomer has progress and exercises of their own, and no REDIS_URL.
func newcomer(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("GRIND_WORKSPACE", t.TempDir())
	t.Setenv("REDIS_URL", "")
}

// TestSuspect: a Redis that looks like production is refused by all that writes,
// until the person says that it may be used; and then their keys stay as they are.
func TestSuspect(t *testing.T) {
	newcomer(t)
	server, err := redisproc.Start(t.Context(), redisproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	c := redis.NewClient(&redis.Options{Addr: server.Addr(), Password: server.Password()})
	t.Cleanup(func() { c.Close() })
	pairs := make([]any, 0, 4000)
	for i := range 2000 {
		pairs = append(pairs, fmt.Sprintf("acme:order:%d", i), i)
	}
	if err := c.MSet(t.Context(), pairs...).Err(); err != nil {
		t.Fatal(err)
	}
	before := contents(t, c)
	url := "redis://" + server.Addr()
	if call(t, "start", "1.01").code != exitDone {
		t.Fatal("the exercise could not be begun")
	}
	for _, args := range [][]string{
		{"run", "1.01", "--quick"},
		{"run", "1.01", "--quick", "--json"},
		{"run", "1.01", "--race", "get-set", "--schedule", "A B"},
		{"check", "1.01"},
		{"check", "--all"},
		{"watch", "1.01"},
		{"verify", "1.01"},
		{"--no-open", "--port", "0"},
	} {
		t.Run("refused/"+strings.Join(args, "_"), func(t *testing.T) {
			got := call(t, append(args, "--redis", url)...)
			if got.code != exitLacks {
				t.Errorf("got exit %d, want %d", got.code, exitLacks)
			}
			for _, say := range []string{"2000 keys", "not ours", "--yes-use-this-redis", "REDIS_URL"} {
				if !strings.Contains(got.out+got.err, say) {
					t.Errorf("got %s%s, want %q in it", got.out, got.err, say)
				}
			}
		})
	}
	if after := contents(t, c); !maps.Equal(before, after) {
		t.Errorf("a refused command wrote: got %d keys, want the %d of before", len(after), len(before))
	}
	t.Run("told", func(t *testing.T) {
		got := call(t, "run", "1.01", "--quick", "--json", "--redis", url, "--yes-use-this-redis")
		if got.code != exitDone || !strings.Contains(got.out, server.Addr()) {
			t.Errorf("got exit %d, want %d on %s\n%s", got.code, exitDone, server.Addr(), got.err)
		}
		if after := contents(t, c); !maps.Equal(before, after) {
			t.Errorf("got %d keys after a run, want the %d of before, as they were", len(after), len(before))
		}
	})
	t.Run("version", func(t *testing.T) {
		got := call(t, "version", "--redis", url)
		if got.code != exitDone || !strings.Contains(got.out, "2000 keys") {
			t.Errorf("got exit %d and %s, want %d and the suspicion", got.code, got.out, exitDone)
		}
	})
}

// contents are all keys of a server with their values, as DUMP has them.
func contents(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	keys, err := c.Keys(t.Context(), "*").Result() // a server of this test's own
	if err != nil {
		t.Fatal(err)
	}
	dumps := make([]*redis.StringCmd, len(keys))
	if _, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i, key := range keys {
			dumps[i] = p.Dump(t.Context(), key)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string, len(keys))
	for i, key := range keys {
		all[key] = dumps[i].Val()
	}
	return all
}
