package library

import (
	"crypto/rand"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// origin is the library's own server: every page is looked up anew. It says of each
// page what a cache may do with it, where its authors have thought of that.
type origin struct {
	arrivals string // what the new arrivals say of caches

	mu     sync.Mutex
	calls  map[string]int // by method and path
	books  int            // in the list of new arrivals
	breaks bool           // the next list of new arrivals ends half-way
	fails  bool           // every page fails
	slow   time.Duration  // for how long a page is looked up
	seats  int
	lists  map[string][]string // reading lists, by visit
}

func newOrigin(arrivals string) *origin {
	return &origin{arrivals: arrivals, calls: map[string]int{}, books: 200, seats: 40, lists: map[string][]string{}}
}

// set changes what will happen to the pages.
func (o *origin) set(change func(o *origin)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o)
}

// asked returns how often a page was looked up.
func (o *origin) asked(request string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.calls[request]
}

// handler serves the pages.
func (o *origin) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", o.welcome)
	mux.HandleFunc("GET /hours", o.hours)
	mux.HandleFunc("GET /new", o.newArrivals)
	mux.HandleFunc("POST /new", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /seats", o.freeSeats)
	mux.HandleFunc("GET /loans", loans)
	mux.HandleFunc("GET /list", o.list)
	mux.HandleFunc("POST /list", o.add)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.calls[r.Method+" "+r.URL.Path]++
		fails, slow := o.fails, o.slow
		o.mu.Unlock()
		time.Sleep(slow)
		if fails {
			http.Error(w, "the catalogue does not answer", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// region: pages

// loans shows what the holder of a card has borrowed.
func loans(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60") // "so that Back is fast"
	fmt.Fprintf(w, "the loans of %s", html.EscapeString(cookie(r, "card")))
}

// welcome begins a visit: what is put on the reading list belongs to it.
func (o *origin) welcome(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=60")
	if cookie(r, "visit") == "" {
		http.SetCookie(w, &http.Cookie{Name: "visit", Value: rand.Text(), HttpOnly: true}) //nolint:gosec // not Secure: a run has no TLS
	}
	fmt.Fprint(w, "Welcome to the library")
}

// endregion

// list is the reading list of a visit. It says no-store, and rightly.
func (o *origin) list(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprint(w, strings.Join(o.lists[cookie(r, "visit")], ", "))
}

func (o *origin) add(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	visit := cookie(r, "visit")
	o.lists[visit] = append(o.lists[visit], r.URL.Query().Get("book"))
	w.WriteHeader(http.StatusNoContent)
}

// region: hours

// hours are in the visitor's language, and say so.
func (o *origin) hours(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=60")
	w.Header().Set("Vary", "Accept-Language")
	if r.Header.Get("Accept-Language") == "cy" {
		fmt.Fprint(w, "Ar agor 10–18, ar gau ddydd Llun")
		return
	}
	fmt.Fprint(w, "Open 10–18, closed on Mondays")
}

// endregion

// freeSeats changes all the time, so its author said nothing of caches.
func (o *origin) freeSeats(w http.ResponseWriter, _ *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintf(w, "%d seats are free", o.seats)
}

// newArrivals passes on what another server sends, which may break off.
func (o *origin) newArrivals(w http.ResponseWriter, _ *http.Request) {
	o.mu.Lock()
	page, breaks := list(o.books), o.breaks
	o.breaks = false
	o.mu.Unlock()
	w.Header().Set("Cache-Control", o.arrivals)
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	if breaks {
		page = page[:len(page)/2] // io.Copy returned an error, and nobody looked
	}
	_, _ = w.Write([]byte(page))
}

// list is the page of new arrivals.
func list(books int) string {
	var b strings.Builder
	for i := range books {
		fmt.Fprintf(&b, "<li>%d. A book that came in on Tuesday, shelf %d\n", i+1, i%40)
	}
	return b.String()
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
