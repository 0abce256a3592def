package workbench

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/localredis"
)

// request sends one with the site's cookie and the given headers.
func (s *site) request(method, path string, headers map[string]string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.base+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, v := range headers {
		if name == "Host" {
			r.Host = v
			continue
		}
		r.Header.Set(name, v)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer, string(body)
}

func TestGuard(t *testing.T) {
	s := serve(t)
	own := s.base
	for _, tc := range []struct {
		name, method, path string
		headers            map[string]string
		want               int
		says               string
	}{
		{"own page", "GET", "/", nil, 200, "Learn Redis"},
		{"by the other name, which has no cookie yet", "GET", "/", map[string]string{"Host": "localhost:" + s.port}, 401, "printed address"},
		{"a rebound name", "GET", "/", map[string]string{"Host": "evil.example:" + s.port}, 403, "its own address"},
		{"a name without the port", "GET", "/", map[string]string{"Host": "127.0.0.1"}, 403, "its own address"},
		{"own origin", "POST", "/u/1.01/stop", map[string]string{"Origin": own}, 200, ""},
		{"own site", "POST", "/u/1.01/stop", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200, ""},
		{"foreign origin", "POST", "/u/1.01/stop", map[string]string{"Origin": "http://evil.example"}, 403, "another page"},
		{"another port of this machine", "POST", "/u/1.01/stop", map[string]string{"Origin": "http://127.0.0.1:1"}, 403, "another page"},
		{"null origin", "POST", "/u/1.01/stop", map[string]string{"Origin": "null"}, 403, "another page"},
		{"https origin", "POST", "/u/1.01/stop", map[string]string{"Origin": strings.Replace(own, "http", "https", 1)}, 403, "another page"},
		{"foreign site", "POST", "/play", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "another page"},
		{"same site, other port", "POST", "/play", map[string]string{"Sec-Fetch-Site": "same-site"}, 403, "another page"},
		{"foreign reader of the stream", "GET", "/events", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "another page"},
		{"a link from elsewhere", "GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200, "Learn Redis"},
		{"unknown page", "GET", "/none", nil, 404, "no such page"},
		{"unknown unit", "GET", "/u/9.99", nil, 404, "no unit"},
		{"look-alike", "GET", "/u/sorted", nil, 404, "1.09 sorted-sets"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answer, body := s.request(tc.method, tc.path, tc.headers)
			if answer.StatusCode != tc.want {
				t.Errorf("got %d, want %d", answer.StatusCode, tc.want)
			}
			has(t, body, tc.says)
			if got := answer.Header.Get("Content-Security-Policy"); got != policy {
				t.Errorf("got the policy %q", got)
			}
		})
	}
}

func TestGuard_token(t *testing.T) {
	s := serve(t)
	stranger := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit := func(method, path string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, s.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := stranger.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(body)
	}
	for _, path := range []string{"/", "/u/1.01-strings", "/play", "/?token=", "/?token=" + strings.Repeat("A", 26)} {
		answer, body := visit("GET", path)
		if answer.StatusCode != 401 {
			t.Errorf("%s without a cookie: got %d, want 401", path, answer.StatusCode)
		}
		has(t, body, "Open the printed address", "terminal")
		if strings.Contains(body, s.token) {
			t.Errorf("%s shows the token to a stranger", path)
		}
	}
	for _, path := range []string{"/u/1.01/run", "/play", "/u/1.01/check?token=" + s.token} {
		if answer, _ := visit("POST", path); answer.StatusCode != 401 {
			t.Errorf("POST %s without a cookie: got %d, want 401", path, answer.StatusCode)
		}
	}
	if answer, _ := visit("GET", "/events"); answer.StatusCode != 401 {
		t.Errorf("the stream without a cookie: got %d, want 401", answer.StatusCode)
	}

	answer, _ := visit("GET", "//evil.example/..?route=all&token="+s.token)
	if got := answer.Header.Get("Location"); answer.StatusCode != 303 || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.Contains(got, "token") {
		t.Errorf("got %d to %q, want 303 to an address of ours without the token", answer.StatusCode, got)
	}
	cookies := answer.Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Path != "/" {
		t.Errorf("got the cookies %v, want one that is HttpOnly and SameSite=Strict", cookies)
	}
}

// What a page must not have, because its policy would refuse it.
var (
	inlineStyle  = regexp.MustCompile(`(?i)<[a-z][^>]*\sstyle\s*=|<style`)
	inlineScript = regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<[a-z][^>]*\son[a-z]+\s*=|javascript:`)
	elsewhere    = regexp.MustCompile(`(?i)(?:src|href|action)="(?:https?:)?//`)
)

func strict(t *testing.T, where, html string) {
	t.Helper()
	for _, bad := range []*regexp.Regexp{inlineStyle, inlineScript, elsewhere} {
		if found := bad.FindString(html); found != "" {
			t.Errorf("%s contains %q", where, found)
		}
	}
}

func TestPages_strict(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"/", "/?route=weekend", "/u/1.01-strings", "/u/1.02-hashes", "/play", "/none", "/u/9.99"} {
		_, body := s.get(path)
		strict(t, path, body)
		has(t, body, `<html lang="en">`, `class="skip"`, `<main id="main"`)
	}
}

// The first page is on the screen at once.
func TestPages_fast(t *testing.T) {
	s := serve(t)
	s.get("/")
	begun := time.Now()
	if status, _ := s.get("/"); status != 200 {
		t.Fatalf("got %d", status)
	}
	if took := time.Since(begun); took > 100*time.Millisecond {
		t.Errorf("the path took %v, want at most 100 ms", took)
	}
}

// A body over the limit is refused and not read on.
func TestGuard_body(t *testing.T) {
	s := serve(t)
	if status, body := s.post("/u/1.01/race", "scenario", "get-set", "schedule", strings.Repeat("A ", maxBody)); status != 400 {
		t.Errorf("got %d %s, want 400", status, clip(body, 200))
	}
}

func TestNew_ports(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	options := Options{Course: demoCourse(), Redis: private, Port: port}
	s, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	defer s.listener.Close()
	defer s.client.Close()
	u, err := url.Parse(s.URL())
	if err != nil || u.Hostname() != "127.0.0.1" || u.Query().Get("token") == "" {
		t.Errorf("got the address %q (%v)", s.URL(), err)
	}
	if u.Port() == taken.Addr().String() {
		t.Errorf("got the taken port %s", u.Port())
	}
	options.PortFixed = true
	if _, err := New(options); err == nil || !strings.Contains(err.Error(), "choose another") {
		t.Errorf("fixed and taken: got %v, want an error that says what to do", err)
	}
	if _, err := New(Options{Redis: private}); err == nil {
		t.Error("without a course: got no error")
	}
}

// What an embedded and a foreign server change on the pages.
func TestPages_kinds(t *testing.T) {
	embedded, err := localredis.Open(t.Context(), localredis.Options{Embedded: true})
	if err != nil {
		t.Fatal(err)
	}
	defer embedded.Close()
	s := serve(t, func(d *deps, _ *Options) { d.redis, d.exercises = embedded, nil })
	_, body := s.get("/u/1.01-strings")
	has(t, body, `class="pill warn" id="redis"`, "counts, no timings", "source tree", "go run ./cmd/grind")
	_, body = s.post("/play", "tab", "x", "line", "SET a 1")
	has(t, body, "OK")
	if status, _ := s.post("/u/1.01/start"); status != 409 {
		t.Errorf("start without a source tree: got %d, want 409", status)
	}

	foreign, err := localredis.Open(t.Context(), localredis.Options{URL: "redis://" + private.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	s = serve(t, func(d *deps, _ *Options) { d.redis = foreign })
	_, body = s.get("/play")
	has(t, body, "works only on a server that grind started itself")
	if strings.Contains(body, `id="line"`) {
		t.Error("a foreign server has a prompt")
	}
	for _, path := range []string{"/play/keys"} {
		if status, _ := s.get(path); status != 403 {
			t.Errorf("%s on a foreign server: got %d, want 403", path, status)
		}
	}
	if status, _ := s.post("/play", "line", "FLUSHALL"); status != 403 {
		t.Errorf("a line for a foreign server: got %d, want 403", status)
	}
}
