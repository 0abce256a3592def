package library

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

// naiveLife is how long the naive middleware keeps a page, whatever it is.
const naiveLife = time.Minute

// region: naive

// naive keeps what a handler answers to a GET under its URL, unless that says no-store.
func naive(rdb redis.Cmdable, key func(url string) string, life time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		at := key(r.URL.RequestURI())
		if text, err := rdb.Get(r.Context(), at).Bytes(); err == nil {
			replay(w, text)
			return
		}
		copied := &copier{ResponseWriter: w, kept: page{Status: http.StatusOK}}
		next.ServeHTTP(copied, r)
		if w.Header().Get("Cache-Control") != "no-store" {
			_ = rdb.Set(r.Context(), at, copied.text(), life).Err() // next time, then
		}
	})
}

// endregion

// page is an answer as it is kept.
type page struct {
	Status int
	Header http.Header
	Body   []byte
}

// copier writes to the visitor and keeps a copy.
type copier struct {
	http.ResponseWriter
	kept page
}

func (c *copier) WriteHeader(status int) {
	c.kept.Status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *copier) Write(b []byte) (int, error) {
	c.kept.Body = append(c.kept.Body, b...)
	return c.ResponseWriter.Write(b)
}

// text is the copy for Redis.
func (c *copier) text() []byte {
	c.kept.Header = c.Header().Clone()
	text, _ := json.Marshal(c.kept) // has no error: strings and bytes
	return text
}

// replay answers with what was kept.
func replay(w http.ResponseWriter, text []byte) {
	var p page
	if err := json.Unmarshal(text, &p); err != nil {
		http.Error(w, "the cache holds no page", http.StatusInternalServerError)
		return
	}
	maps.Copy(w.Header(), p.Header)
	w.Header().Set("Cache-Status", "naive;hit")
	w.WriteHeader(p.Status)
	_, _ = w.Write(p.Body)
}
