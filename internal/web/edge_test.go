package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/redis-grind/grind/internal/web"
)

// seen asks a server with these trusted proxies who the client is.
func seen(t *testing.T, trusted []netip.Prefix, remote string, forwards ...string) netip.Addr {
	t.Helper()
	s := sample(t, web.Options{TrustedProxies: trusted})
	var got netip.Addr
	s.Handle("GET /me", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = web.ClientIP(r.Context()) }))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = remote
	for _, f := range forwards {
		r.Header.Add("X-Forwarded-For", f)
	}
	s.ServeHTTP(discard{http.Header{}}, r)
	return got
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header       { return d.h }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func TestClientIP(t *testing.T) {
	t.Parallel()
	ours := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tc := range []struct {
		name, remote string
		forwards     []string
		want         string
	}{
		{"direct", "203.0.113.9:4711", nil, "203.0.113.9"},
		{"made up", "203.0.113.9:4711", []string{"1.1.1.1"}, "203.0.113.9"},
		{"one proxy", "10.0.0.1:80", []string{"203.0.113.9"}, "203.0.113.9"},
		{"made up before a proxy", "10.0.0.1:80", []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.0.0.1:80", []string{"1.1.1.1, 203.0.113.9, 10.2.2.2"}, "203.0.113.9"},
		{"two headers", "10.0.0.1:80", []string{"1.1.1.1", "203.0.113.9"}, "203.0.113.9"},
		{"no header", "10.0.0.1:80", nil, "10.0.0.1"},
		{"garbage", "10.0.0.1:80", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		{"all ours", "10.0.0.1:80", []string{"10.3.3.3"}, "10.3.3.3"},
		{"with port", "10.0.0.1:80", []string{"203.0.113.9:555"}, "203.0.113.9"},
		{"IPv6", "[fd00::1]:80", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 with port", "[fd00::1]:80", []string{"[2001:db8::7]:1"}, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:80", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"zone", "[fe80::1%eth0]:80", nil, "fe80::1"},
	} {
		if got := seen(t, ours, tc.remote, tc.forwards...); got.String() != tc.want {
			t.Errorf("%s: got %v, want %s", tc.name, got, tc.want)
		}
	}
	if got := seen(t, nil, "10.0.0.1:80", "203.0.113.9"); got.String() != "10.0.0.1" {
		t.Errorf("nobody trusted: got %v, want who connected", got)
	}
	if got := web.ClientIP(context.Background()); got.IsValid() {
		t.Errorf("outside a request: got %v", got)
	}
}

// FuzzClientIP: whatever a client sends through one trusted proxy, that proxy's
// entry decides.
func FuzzClientIP(f *testing.F) {
	for _, s := range []string{"", "1.1.1.1", "[::1]:", "10.0.0.1,", ",,", "%", "1.1.1.1:99999", "\x00"} {
		f.Add(s)
	}
	ours := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, sent string) {
		if got := seen(t, ours, "10.0.0.1:80", sent+", 203.0.113.9"); got.String() != "203.0.113.9" {
			t.Errorf("got %v, want 203.0.113.9", got)
		}
		if got := seen(t, nil, "203.0.113.9:1", sent); got.String() != "203.0.113.9" {
			t.Errorf("without proxies: got %v, want 203.0.113.9", got)
		}
	})
}

func TestClientNet(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"203.0.113.9":          "203.0.113.9/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
	} {
		if got := web.ClientNet(netip.MustParseAddr(in)); got.String() != want {
			t.Errorf("%s: got %v, want %s", in, got, want)
		}
	}
	if got := web.ClientNet(netip.Addr{}); got.IsValid() {
		t.Errorf("no address: got %v", got)
	}
}

type place struct {
	Score int64  `json:"s"`
	ID    string `json:"i"`
}

func TestCursors(t *testing.T) {
	t.Parallel()
	signed := web.NewCursors[place]("top", []byte("0123456789abcdef"))
	rapid.Check(t, func(t *rapid.T) {
		p := place{rapid.Int64().Draw(t, "score"), rapid.StringN(0, 40, 200).Draw(t, "id")}
		if p.ID != strings.ToValidUTF8(p.ID, "") {
			t.Skip("JSON carries text")
		}
		text, err := signed.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := signed.Decode(text); err != nil || got != p {
			t.Fatalf("got %+v and %v, want %+v", got, err, p)
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		bad := []byte(text)
		if bad[at] = rapid.SampledFrom([]byte("Aaz09-_=")).Draw(t, "put"); string(bad) != text {
			if got, err := signed.Decode(string(bad)); !errors.Is(err, web.ErrCursor) || got != (place{}) {
				t.Fatalf("altered: got %+v and %v, want ErrCursor", got, err)
			}
		}
	})
	text, err := signed.Encode(place{1, "a"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]web.Cursors[place]{
		"another list": web.NewCursors[place]("last", []byte("0123456789abcdef")),
		"another key":  web.NewCursors[place]("top", []byte("fedcba9876543210")),
		"no key":       web.NewCursors[place]("top", nil),
	} {
		if _, err := c.Decode(text); !errors.Is(err, web.ErrCursor) {
			t.Errorf("%s: got %v, want ErrCursor", name, err)
		}
	}
	if _, err := web.NewCursors[int]("top", []byte("0123456789abcdef")).Decode(text); !errors.Is(err, web.ErrCursor) {
		t.Errorf("a former form: got %v, want ErrCursor", err)
	}
	if got, err := signed.Decode(""); err != nil || got != (place{}) {
		t.Errorf("empty: got %+v and %v, want the beginning", got, err)
	}
	if _, err := signed.Encode(place{ID: strings.Repeat("x", 2000)}); err == nil {
		t.Error("too long: got nil, want an error")
	}
}

// FuzzCursors: no text but a cursor is taken for one.
func FuzzCursors(f *testing.F) {
	c := web.NewCursors[place]("top", []byte("k"))
	good, err := c.Encode(place{1, "a"})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{good, "", "A", good[:10], good + "A", "====", strings.Repeat("A", 2000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := c.Decode(s)
		switch {
		case err != nil && !errors.Is(err, web.ErrCursor):
			t.Errorf("got %v, want ErrCursor", err)
		case err == nil && s != "":
			if again, err := c.Encode(p); err != nil || again != s {
				t.Errorf("%q is taken for the cursor %q", s, again)
			}
		}
	})
}
