//go:build unix

package redisproc_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// awkward is a password that needs quoting in every file and in a URL.
const awkward = `p "q' \x41 @:/#ü%20 `

func TestOptions_Password(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{Password: awkward})
	if err := ping(t, s); err != nil {
		t.Errorf("with the password: %v", err)
	}
	for _, wrong := range []string{"", "wrong"} {
		if err := ping(t, s, func(o *redis.Options) { o.Password = wrong }); err == nil {
			t.Errorf("with the password %q: got no error", wrong)
		}
	}
	o, err := redis.ParseURL(s.URL())
	if err != nil {
		t.Fatalf("URL %s: %v", s.URL(), err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("with URL: %v", err)
	}
	out, err := exec.Command("ps", "-A", "-o", "args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), awkward) {
		t.Error("the password stands on a command line")
	}
}

// ping makes one client and one PING.
func ping(t *testing.T, s *redisproc.Server, change ...func(*redis.Options)) error {
	t.Helper()
	change = append(change, func(o *redis.Options) { o.MaxRetries = -1 })
	return redistest.ClientOf(t, s, change...).Ping(t.Context()).Err()
}

func TestOptions_ACL(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{
		Password: awkward,
		ACL:      []string{"user alice on >secret ~app:* +@read +@connection", "user bob off"},
	})
	admin := redistest.ClientOf(t, s)
	for _, key := range []string{"app:1", "other"} {
		if err := admin.Set(t.Context(), key, "v", 0).Err(); err != nil {
			t.Fatalf("as default: %v", err)
		}
	}
	alice := redistest.ClientOf(t, s, func(o *redis.Options) { o.Username, o.Password = "alice", "secret" })
	if got, err := alice.Get(t.Context(), "app:1").Result(); got != "v" || err != nil {
		t.Errorf("alice reads app:1: got %q, %v", got, err)
	}
	for what, err := range map[string]error{
		"reads other":  alice.Get(t.Context(), "other").Err(),
		"writes app:1": alice.Set(t.Context(), "app:1", "w", 0).Err(),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "NOPERM ") {
			t.Errorf("alice %s: got %v, want NOPERM", what, err)
		}
	}
	if err := ping(t, s, func(o *redis.Options) { o.Username, o.Password = "bob", "x" }); err == nil {
		t.Error("bob, who is off: got no error")
	}
	if err := ping(t, s, func(o *redis.Options) { o.Password = "" }); err == nil {
		t.Error("default without its password: got no error")
	}
}

// A server that answers nobody but alice still counts as ready.
func TestOptions_ACL_defaultOff(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{ACL: []string{"user default off", "user alice on >secret ~* &* +@all"}})
	if err := ping(t, s, func(o *redis.Options) { o.Username, o.Password = "alice", "secret" }); err != nil {
		t.Error(err)
	}
	if err := ping(t, s); err == nil {
		t.Error("as default: got no error")
	}
}

func TestOptions_TLS(t *testing.T) {
	t.Parallel()
	noCert := func(o *redis.Options) { o.TLSConfig.Certificates = nil }
	noTLS := func(o *redis.Options) { o.TLSConfig = nil }
	stranger := func(o *redis.Options) { o.TLSConfig.RootCAs = nil }
	for _, test := range []struct {
		name        string
		clientCerts bool
		change      func(*redis.Options)
		ok          bool
	}{
		{"as given", false, func(*redis.Options) {}, true},
		{"without a client certificate", false, noCert, true},
		{"plain", false, noTLS, false},
		{"unknown authority", false, stranger, false},
		{"mutual, as given", true, func(*redis.Options) {}, true},
		{"mutual, without a client certificate", true, noCert, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, redisproc.Options{TLS: true, ClientCerts: test.clientCerts, Password: "secret"})
			if !strings.HasPrefix(s.URL(), "rediss://:secret@127.0.0.1:") {
				t.Errorf("got URL %s, want rediss", s.URL())
			}
			if err := ping(t, s, test.change); (err == nil) != test.ok {
				t.Errorf("PING: got %v, want success %v", err, test.ok)
			}
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := ping(t, s); err != nil {
				t.Errorf("PING after Restart: %v", err)
			}
		})
	}
}
