package workbench

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// policy lets a page load what this server sends, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxBody bounds what a page may send.
const maxBody = 64 << 10

// cookieName carries the port, because cookies do not know one: two workbenches
// on one machine would sign each other out.
func (s *Server) cookieName() string { return "grind-" + s.port }

// newToken makes what proves that a browser was opened by who reads the
// terminal: 130 bits.
func newToken() string { return rand.Text() }

// guard stands before every page. It answers a foreign Host with 403 (a name
// that was rebound to this machine), sets the headers of a strict page, trades
// the token for a cookie, and refuses what a foreign page sends.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !s.ownHost(r.Host) {
			s.refuse(w, r, http.StatusForbidden, "This page answers on its own address only",
				"The request asked for the host "+clip(r.Host, 80)+". Open the address that grind printed in the terminal.")
			return
		}
		if foreign(r) {
			s.refuse(w, r, http.StatusForbidden, "That came from another page",
				"A page of another site tried to use this one. Nothing was done.")
			return
		}
		if strings.HasPrefix(r.URL.Path, "/static/") {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Cache-Control", "no-store")
		if s.trade(w, r) {
			return
		}
		if !s.known(r) {
			s.refuse(w, r, http.StatusUnauthorized, "Open the printed address",
				"This page runs code, so it opens only by the address that grind printed in the terminal: it ends in ?token=… and is good for as long as grind runs.")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			s.refuse(w, r, http.StatusBadRequest, "That form cannot be read", clip(err.Error(), 120)+".")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownHost says whether the Host header names this server.
func (s *Server) ownHost(host string) bool {
	return host == "127.0.0.1:"+s.port || host == "localhost:"+s.port
}

// foreign says whether a request that changes or runs something, or reads the
// stream, was sent by a page of another origin. Browsers say so in
// Sec-Fetch-Site; older ones at least send Origin. A request without either, as
// a terminal sends it, passes here: it still needs the cookie.
func foreign(r *http.Request) bool {
	if r.Method == http.MethodGet && r.URL.Path != "/events" {
		return false // a link from anywhere may open a page
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Scheme != "http" || u.Host != r.Host
}

// trade turns a token in the address into a cookie and sends the browser to the
// address without it. It reports whether it answered.
func (s *Server) trade(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	token := q.Get("token")
	if token == "" || r.Method != http.MethodGet || !s.matches(token) {
		return false
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // without Secure: the page is plain HTTP on 127.0.0.1
		Name: s.cookieName(), Value: s.token, Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	q.Del("token")
	clean := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, "/"), RawQuery: q.Encode()}
	http.Redirect(w, r, clean.String(), http.StatusSeeOther)
	return true
}

func (s *Server) known(r *http.Request) bool {
	c, err := r.Cookie(s.cookieName())
	return err == nil && s.matches(c.Value)
}

func (s *Server) matches(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) == 1
}

// clip cuts a text that a stranger sent.
func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
