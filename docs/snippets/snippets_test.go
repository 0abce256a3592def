package snippets

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// The snippets are shorter with keys in the open, as a page wants them; each
// test has the keys it names to itself.

func TestGreeting(t *testing.T) {
	client := redistest.Client(t)
	set(t, client, "greeting", "hello")
	response := httptest.NewRecorder()
	NewAPI(client).Greeting(response, httptest.NewRequestWithContext(t.Context(), "GET", "/greeting", nil))
	if got, want := response.Body.String(), "hello"; got != want {
		t.Errorf("greeting: got %q, want %q", got, want)
	}
}

func TestGreeting_silentRedis(t *testing.T) {
	server, client := silent(t, true, 0)
	response := httptest.NewRecorder()
	began := time.Now()
	NewAPI(client).Greeting(response, httptest.NewRequestWithContext(t.Context(), "GET", "/greeting", nil))
	if got, want := response.Code, http.StatusServiceUnavailable; got != want {
		t.Errorf("status while %s is silent: got %d, want %d", server.Addr(), got, want)
	}
	if took := time.Since(began); took >= readTimeout {
		t.Errorf("answer while Redis is silent: got it after %v, want about 200ms", took)
	}
}

// TestContext holds what the page says of a context and a command under way.
func TestContext(t *testing.T) {
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 100*time.Millisecond)
	}
	cancelled := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(100*time.Millisecond, cancel)
		return ctx, cancel
	}
	tests := map[string]struct {
		enabled   bool
		end       func(context.Context) (context.Context, context.CancelFunc)
		wantHeeds bool
	}{
		"deadline, enabled": {true, deadline, true},
		"deadline, default": {false, deadline, false},
		"cancel, enabled":   {true, cancelled, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, client := silent(t, test.enabled, -1)
			ctx, cancel := test.end(t.Context())
			defer cancel()
			began := time.Now()
			if err := client.Get(ctx, "any").Err(); err == nil {
				t.Fatal("GET from a silent Redis: got no error")
			}
			if took := time.Since(began); took < readTimeout != test.wantHeeds {
				t.Errorf("GET ended after %v; ended by its context: want %v", took, test.wantHeeds)
			}
		})
	}
}

// readTimeout is long enough to tell a context's end from it on a busy machine.
const readTimeout = 2 * time.Second

// silent returns a connected client of a server that no longer answers.
func silent(t *testing.T, contextTimeout bool, retries int) (*redisproc.Server, *redis.Client) {
	t.Helper()
	server := redistest.Start(t, redisproc.Options{})
	client := redistest.ClientOf(t, server, func(o *redis.Options) {
		o.ContextTimeoutEnabled = contextTimeout
		o.ReadTimeout = readTimeout
		o.MaxRetries = retries
	})
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	return server, client
}

func TestEmail(t *testing.T) {
	client := redistest.Client(t)
	if err := client.HSet(t.Context(), "user:1", "email", "ada@example.org").Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := Email(t.Context(), client, "1"); err != nil || got != "ada@example.org" {
		t.Errorf("Email(1): got %q, %v, want ada@example.org", got, err)
	}
	if _, err := Email(t.Context(), client, "2"); !errors.Is(err, ErrNoUser) {
		t.Errorf("Email(2): got %v, want %v", err, ErrNoUser)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Email(ctx, client, "1"); !errors.Is(err, context.Canceled) || errors.Is(err, ErrNoUser) {
		t.Errorf("Email, cancelled: got %v, want %v", err, context.Canceled)
	}
}

func TestPage(t *testing.T) {
	client := redistest.Client(t)
	set(t, client, "title:1", "On Redis")
	if _, _, err := Page(t.Context(), client, "1"); !errors.Is(err, redis.Nil) {
		t.Errorf("Page without a body: got %v, want %v", err, redis.Nil)
	}
	set(t, client, "body:1", "It is fast.")
	title, body, err := Page(t.Context(), client, "1")
	if err != nil || title != "On Redis" || body != "It is fast." {
		t.Errorf("Page: got %q, %q, %v", title, body, err)
	}
}

func TestLikes(t *testing.T) {
	client := redistest.Client(t)
	set(t, client, "likes:a", "3")
	set(t, client, "likes:word", "many")
	// Nobody liked the first one: its redis.Nil must hide no other reply.
	got, err := Likes(t.Context(), client, []string{"none", "a"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{0, 3}, got); diff != "" {
		t.Errorf("Likes (-want +got):\n%s", diff)
	}
	if _, err := Likes(t.Context(), client, []string{"none", "word"}); err == nil {
		t.Error("Likes of a word: got no error")
	}
}

func TestLoadProfile(t *testing.T) {
	client := redistest.Client(t)
	if err := client.HSet(t.Context(), "profile:1", "name", "Ada", "age", 36, "unread", "x").Err(); err != nil {
		t.Fatal(err)
	}
	got, err := LoadProfile(t.Context(), client, "1")
	if err != nil {
		t.Fatal(err)
	}
	age := 36
	if diff := cmp.Diff(Profile{Name: "Ada", Age: &age}, got); diff != "" {
		t.Errorf("LoadProfile(1) (-want +got):\n%s", diff)
	}
	if got, err := LoadProfile(t.Context(), client, "none"); err != nil || got != (Profile{}) {
		t.Errorf("LoadProfile of nobody: got %+v, %v, want the zero Profile", got, err)
	}
}

func TestRun(t *testing.T) {
	client := redistest.Client(t)
	set(t, client, "greeting", "hello")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- Run(ctx, listener, "redis://"+redistest.Addr(t)) }()

	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+listener.Addr().String()+"/greeting", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || string(text) != "hello" {
		t.Errorf("GET /greeting: got %q, %v, want hello", text, err)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Errorf("Run, cancelled: got %v, want nil", err)
	}
}

// set lays out a key for one test: it is gone when the test ends, for with -count
// the test begins again on the same server.
func set(t *testing.T, client *redis.Client, key, value string) {
	t.Helper()
	if err := client.Set(t.Context(), key, value, time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Del(context.WithoutCancel(t.Context()), key).Err(); err != nil {
			t.Error(err)
		}
	})
}
