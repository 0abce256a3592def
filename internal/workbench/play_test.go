package workbench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// flush empties the tests' own server.
func flush(t *testing.T) {
	t.Helper()
	c := redis.NewClient(private.Options())
	defer c.Close()
	if err := c.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func publish(t *testing.T, channel, text string) {
	t.Helper()
	c := redis.NewClient(private.Options())
	defer c.Close()
	if err := c.Publish(t.Context(), channel, text).Err(); err != nil {
		t.Fatal(err)
	}
}

// types sends a line for a tab and hands each answered piece to take until that
// returns false; then the page goes away.
func (s *site) types(tab, line string, take func(html string) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	form := url.Values{"tab": {tab}, "line": {line}}
	r, err := http.NewRequestWithContext(ctx, "POST", s.base+"/play", strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		var piece struct {
			Parts []part `json:"parts"`
		}
		if err := json.Unmarshal(lines.Bytes(), &piece); err != nil {
			s.t.Fatal(err)
		}
		for _, p := range piece.Parts {
			if !take(p.HTML) {
				return
			}
		}
	}
	if err := lines.Err(); err != nil {
		s.t.Fatal(err)
	}
}

// says sends a line and returns everything that was answered.
func (s *site) says(tab, line string) string {
	s.t.Helper()
	var all strings.Builder
	s.types(tab, line, func(html string) bool { all.WriteString(html); return true })
	return all.String()
}

func TestPlay(t *testing.T) {
	s := serve(t)
	flush(t)
	for _, step := range []struct{ tab, line, want string }{
		{"a", `SET greeting "hello <b>" EX 60`, "<pre>OK</pre>"},
		{"a", "GET greeting", "<pre>&#34;hello &lt;b&gt;&#34;</pre>"},
		{"a", "GET none", "<pre>(nil)</pre>"},
		{"a", "INCR greeting", `<pre class="error">(error) ERR value is not an integer`},
		{"a", "LPUSH greeting x", "WRONGTYPE"},
		{"a", "MULTI", "OK"},
		{"b", "INCR visits", "(integer) 1"}, // another tab is another connection
		{"a", "INCR visits", "QUEUED"},
		{"a", "EXEC", "1) (integer) 2"},
		{"a", "QUIT", "OK"},
		{"a", "PING", "closed the connection"},
		{"a", "PING", "PONG"},
		{"a", "HELLO 3", "server"},
		{"a", "HGETALL none", "(empty array)"},
		{"a", "SHUTDOWN NOSAVE", "SHUTDOWN is not sent: it would end the server"},
		{"a", `SET "open`, "quotes do not match"},
		{"a", "help set", "SET key value"},
		{"a", "   ", ""},
	} {
		has(t, s.says(step.tab, step.line), step.want)
	}
	_, body := s.get("/play/keys")
	has(t, body, "greeting", "visits", "expires in")
	_, body = s.get("/play/complete?line=GET+gr")
	has(t, body, `"greeting"`, `"from":4`)
	_, body = s.get("/play/complete?line=GET+*")
	if strings.Contains(body, "greeting") {
		t.Errorf("a typed * is taken as a pattern: %s", body)
	}
}

// A subscription shows what is published, and leaves no connection behind when
// the page goes away.
func TestPlay_subscribe(t *testing.T) {
	s := serve(t)
	seen := 0
	s.types("a", "SUBSCRIBE news", func(html string) bool {
		if strings.Contains(html, "subscribe") {
			publish(t, "news", "it rains")
		}
		if strings.Contains(html, "it rains") {
			seen++
			return false
		}
		return true
	})
	if seen != 1 {
		t.Errorf("got the message %d times, want once", seen)
	}
	c := redis.NewClient(private.Options())
	defer c.Close()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n, err := c.PubSubNumSub(t.Context(), "news").Result()
		if err != nil {
			t.Fatal(err)
		}
		if n["news"] == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the subscription outlived its page")
		}
	}
}

// A blocking command that the page gave up takes nothing afterwards.
func TestPlay_blockingIsLetGo(t *testing.T) {
	s := serve(t)
	flush(t)
	c := redis.NewClient(private.Options())
	defer c.Close()
	s.types("a", "BLPOP jobs 0", func(string) bool {
		blocked(t, c, 1)
		return false
	})
	blocked(t, c, 0)
	if err := c.RPush(t.Context(), "jobs", "mail").Err(); err != nil {
		t.Fatal(err)
	}
	has(t, s.says("a", "LLEN jobs"), "(integer) 1")
}

// blocked waits until so many clients of the server wait in a command.
func blocked(t *testing.T, c *redis.Client, want int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		info, err := c.Info(t.Context(), "clients").Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info, fmt.Sprintf("blocked_clients:%d\r", want)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("there are not %d blocked clients:\n%s", want, info)
		}
	}
}

// Many tabs do not hold many connections.
func TestPlay_tabs(t *testing.T) {
	s := serve(t)
	for i := range 3 * maxPrompts {
		has(t, s.says(strings.Repeat("x", i+1), "PING"), "PONG")
	}
	s.prompts.mu.Lock()
	defer s.prompts.mu.Unlock()
	if n := len(s.prompts.byTab); n > maxPrompts {
		t.Errorf("got %d connections, want at most %d", n, maxPrompts)
	}
}
