package incident3

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"sync"
	"time"
)

// headOffice knows what is true, and counts what it is asked. It is safe for
// concurrent use.
type headOffice struct {
	mux   *http.ServeMux
	began time.Time

	mu      sync.Mutex
	rates   map[string]int64  // by pair, where they were changed
	notices map[string]string // by desk
	asked   map[string]int    // how often each path was read
	traps   map[string]*trap  // by pair
	sheets  int               // that are worked out at this moment
	begun   recent[sheetBegun]
}

// sheetBegun is a sheet that the office began to work out: when, and how many it then
// had in hand.
type sheetBegun struct {
	at    time.Time
	crowd int
}

// How long the office takes for what it is asked.
const (
	lookUp  = 5 * time.Millisecond
	workOut = 80 * time.Millisecond // a sheet
)

func newHeadOffice() *headOffice {
	o := &headOffice{
		mux: http.NewServeMux(), began: time.Now(),
		rates: map[string]int64{}, notices: map[string]string{}, asked: map[string]int{}, traps: map[string]*trap{},
	}
	o.mux.HandleFunc("GET /rates/{pair}", o.getRate)
	o.mux.HandleFunc("PUT /rates/{pair}", o.putRate)
	o.mux.HandleFunc("GET /sheet", o.getSheet)
	o.mux.HandleFunc("GET /customers/{account}", o.getCustomer)
	o.mux.HandleFunc("GET /notices/{desk}", o.getNotice)
	o.mux.HandleFunc("PUT /notices/{desk}", o.putNotice)
	return o
}

// ServeHTTP answers a window.
func (o *headOffice) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		o.mu.Lock()
		o.asked[r.URL.Path]++
		o.mu.Unlock()
	}
	o.mux.ServeHTTP(w, r)
}

// takeAsked returns how often a path was read since it was last asked for.
func (o *headOffice) takeAsked(path string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.asked[path]
	delete(o.asked, path)
	return n
}

// trap holds the answer to the first who reads a rate until it is opened: the office
// has looked, and what it saw is on its way.
type trap struct {
	sprung, opened chan struct{}
	once           sync.Once
}

// trapLimit is how long a trap holds at most.
const trapLimit = 3 * time.Second

// setTrap waits for the next who reads a pair.
func (o *headOffice) setTrap(pair string) *trap {
	t := &trap{sprung: make(chan struct{}), opened: make(chan struct{})}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.traps[pair] = t
	return t
}

func (t *trap) open() { t.once.Do(func() { close(t.opened) }) }

// rateOf is the rate of a pair at this moment.
func (o *headOffice) rateOf(pair string) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rate(pair)
}

func (o *headOffice) rate(pair string) int64 {
	if rate, ok := o.rates[pair]; ok {
		return rate
	}
	return 8_000 + int64(crc32.ChecksumIEEE([]byte(pair))%5_000)
}

func (o *headOffice) getRate(w http.ResponseWriter, r *http.Request) {
	pair := r.PathValue("pair")
	o.mu.Lock()
	rate, t := o.rate(pair), o.traps[pair]
	delete(o.traps, pair)
	o.mu.Unlock()
	if t == nil {
		pause(r.Context(), lookUp)
	} else {
		close(t.sprung)
		limit := time.NewTimer(trapLimit)
		defer limit.Stop()
		select {
		case <-t.opened:
		case <-limit.C:
		case <-r.Context().Done():
		}
	}
	answer(w, rate)
}

func (o *headOffice) putRate(w http.ResponseWriter, r *http.Request) {
	var rate int64
	if !read(w, r, &rate) {
		return
	}
	o.mu.Lock()
	o.rates[r.PathValue("pair")] = rate
	o.mu.Unlock()
	answer(w, true)
}

// sheet is what the office answers; Number says when it looked, in milliseconds
// since it opened.
type sheet struct {
	Number int64            `json:"number"`
	Rates  map[string]int64 `json:"rates"`
}

// age is how long before a moment a sheet was worked out.
func (o *headOffice) age(number int64, at time.Time) time.Duration {
	return at.Sub(o.began) - time.Duration(number)*time.Millisecond
}

func (o *headOffice) getSheet(w http.ResponseWriter, r *http.Request) {
	s := sheet{Number: time.Since(o.began).Milliseconds(), Rates: map[string]int64{}}
	o.mu.Lock()
	for _, pair := range quoted {
		s.Rates[pair] = o.rate(pair)
	}
	o.sheets++
	crowd := o.sheets
	o.mu.Unlock()
	o.begun.add(sheetBegun{time.Now(), crowd})
	pause(r.Context(), workOut)
	o.mu.Lock()
	o.sheets--
	o.mu.Unlock()
	answer(w, s)
}

// terms are what a customer is granted.
type terms struct {
	Customer string `json:"customer"`
	Account  string `json:"account"`
	Discount int64  `json:"discount"` // hundredths of a per cent
}

// String is the customer as people tell one from another.
func (t terms) String() string { return fmt.Sprintf("%s (%s)", t.Customer, t.Account) }

// termsOf are the terms of customer number n.
func termsOf(n int) terms {
	names := [...]string{"Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gita", "Hugo", "Ida", "Jon", "Kim", "Lea"}
	return terms{names[n%len(names)], fmt.Sprintf("a%d", n), int64(n * 7 % 41)}
}

func (o *headOffice) getCustomer(w http.ResponseWriter, r *http.Request) {
	var n int
	if _, err := fmt.Sscanf(r.PathValue("account"), "a%d", &n); err != nil || n < 0 {
		http.Error(w, "no such customer", http.StatusNotFound)
		return
	}
	pause(r.Context(), lookUp)
	answer(w, termsOf(n))
}

func (o *headOffice) getNotice(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	text, ok := o.notices[r.PathValue("desk")]
	o.mu.Unlock()
	if !ok {
		text = "open"
	}
	pause(r.Context(), lookUp)
	answer(w, text)
}

func (o *headOffice) putNotice(w http.ResponseWriter, r *http.Request) {
	var text string
	if !read(w, r, &text) {
		return
	}
	o.mu.Lock()
	o.notices[r.PathValue("desk")] = text
	o.mu.Unlock()
	answer(w, true)
}

// pause waits, unless who asked has gone.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(into)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	return err == nil
}

func answer(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(what) // the window may be gone
}
