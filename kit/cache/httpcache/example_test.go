package httpcache_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/redis-grind/grind/kit/cache/httpcache"
	"github.com/redis-grind/grind/kit/redistest"
)

// library answers with the new books, which are for all, and with the loans of
// whoever asks.
func library() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /new", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("  looking for", r.URL)
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Surrogate-Key", "books")
		fmt.Fprint(w, "Dracula, Emma")
	})
	mux.HandleFunc("GET /loans", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("  looking for", r.URL)
		w.Header().Set("Cache-Control", "private, max-age=60")
		fmt.Fprint(w, "of ", reader(r))
	})
	return mux
}

// reader stands for a session that was verified.
func reader(r *http.Request) string {
	cookie, err := r.Cookie("card")
	if err != nil {
		return ""
	}
	return cookie.Value
}

// get asks for a page and prints what came, and how.
func get(h http.Handler, path string, header ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body, "·", w.Header().Get("Cache-Status"))
	return w.Result()
}

func ExampleNew() {
	client := redistest.ExampleClient() // in a program: a client of kit/connect
	defer client.Close()
	pages, err := httpcache.New(client, httpcache.Options{Name: "library", DropQuery: []string{"utm_*"}})
	if err != nil {
		log.Fatal(err)
	}
	site := pages.Handler(library())

	first := get(site, "/new?utm_source=poster")
	get(site, "/new")
	get(site, "/new", "If-None-Match", first.Header.Get("Etag"))
	get(site, "/loans", "Cookie", "card=ann") // it is nobody else's, so it is not kept
	get(site, "/loans", "Cookie", "card=bob")
	// Output:
	//   looking for /new
	// 200 Dracula, Emma · library;fwd=uri-miss;stored;ttl=60
	// 200 Dracula, Emma · library;hit;ttl=60
	// 304  · library;hit;ttl=60
	//   looking for /loans
	// 200 of ann · library;fwd=uri-miss;detail=private
	//   looking for /loans
	// 200 of bob · library;fwd=miss;detail=private
}

func ExampleCache_InvalidateTag() {
	client := redistest.ExampleClient()
	defer client.Close()
	pages, err := httpcache.New(client, httpcache.Options{Name: "library2"})
	if err != nil {
		log.Fatal(err)
	}
	site := pages.Handler(library())

	get(site, "/new")
	if err := pages.InvalidateTag(context.Background(), "books"); err != nil {
		log.Fatal(err)
	}
	get(site, "/new")
	// Output:
	//   looking for /new
	// 200 Dracula, Emma · library2;fwd=uri-miss;stored;ttl=60
	//   looking for /new
	// 200 Dracula, Emma · library2;fwd=uri-miss;stored;ttl=60
}

// Private pages are kept where Options.User says whose they are.
func ExampleOptions_user() {
	client := redistest.ExampleClient()
	defer client.Close()
	pages, err := httpcache.New(client, httpcache.Options{Name: "library3", User: reader})
	if err != nil {
		log.Fatal(err)
	}
	site := pages.Handler(library())

	get(site, "/loans", "Cookie", "card=ann")
	get(site, "/loans", "Cookie", "card=ann")
	get(site, "/loans", "Cookie", "card=bob")
	// Output:
	//   looking for /loans
	// 200 of ann · library3;fwd=uri-miss;stored;ttl=60
	// 200 of ann · library3;hit;ttl=60
	//   looking for /loans
	// 200 of bob · library3;fwd=uri-miss;stored;ttl=60
}
