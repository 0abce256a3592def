package localredis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
)

// TestEmbeddedLacks asks both servers: what a real one lists and the embedded
// one refuses must be exactly the list that people are shown.
func TestEmbeddedLacks(t *testing.T) {
	r := openEmbedded(t)
	s, err := redisproc.Start(t.Context(), redisproc.Options{Name: "lacks"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	real := redis.NewClient(&redis.Options{Addr: s.Addr()})
	defer real.Close()
	var got []string
	commands, err := real.Do(t.Context(), "COMMAND", "LIST").StringSlice()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range commands {
		name, sub, isSub := strings.Cut(strings.ToUpper(command), "|")
		switch {
		case !isSub:
			if unknown(t.Context(), r, name) {
				got = append(got, name)
			}
		case sub != "HELP" && !unknown(t.Context(), r, name) && unknown(t.Context(), r, name, sub):
			got = append(got, name+" "+sub)
		}
	}
	for section := range infoSections(t, real) {
		if err := client(t, r).Info(t.Context(), section).Err(); err != nil {
			got = append(got, "INFO "+section)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(got, EmbeddedLacks()); diff != "" {
		t.Errorf("EmbeddedLacks (-what the servers say, +what the list says):\n%s", diff)
	}
}

// unknown reports whether the server does not know the command at all. One that
// it knows, and that only lacks arguments, is not unknown. Each question has a
// connection of its own: MULTI and others change theirs.
func unknown(ctx context.Context, r *Redis, words ...string) bool {
	c := redis.NewClient(r.Options())
	defer c.Close()
	args := make([]any, len(words))
	for i, word := range words {
		args[i] = word
	}
	reply := fmt.Sprint(c.Do(ctx, args...).Err())
	return strings.Contains(reply, "unknown command") || len(words) > 1 &&
		(strings.Contains(reply, "unknown subcommand '") || strings.HasSuffix(reply, "not supported"))
}

// infoSections yields the names of the sections of INFO.
func infoSections(t *testing.T, c *redis.Client) func(func(string) bool) {
	text, err := c.Info(t.Context(), "everything").Result()
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			if section, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok && !yield(strings.ToUpper(section)) {
				return
			}
		}
	}
}

func TestRedis_Lacks(t *testing.T) {
	embedded := openEmbedded(t)
	for command, want := range map[string]bool{
		"CONFIG":                true,
		"config get maxmemory":  true,
		"OBJECT ENCODING likes": true,
		"OBJECT IDLETIME likes": false,
		"SSUBSCRIBE":            true,
		"SLOWLOG GET":           true,
		"SET likes 1":           false,
		"INFO memory":           true,
		"INFO":                  false,
		"":                      false,
	} {
		if got := embedded.Lacks(command); got != want {
			t.Errorf("Lacks(%q): got %v, want %v", command, got, want)
		}
	}
	private := &Redis{kind: Private}
	if private.Lacks("CONFIG") {
		t.Error(`Lacks("CONFIG") of a real server: got true`)
	}
}
