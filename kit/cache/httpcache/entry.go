package httpcache

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// entry is what is stored under a key: a response, or what is known of a URL
// whose responses vary and stand under keys of their own. It is not changed once
// it is made, since all readers share it.
type entry struct {
	// For whom it is. Each reader compares, whatever the key was made of.
	Target   string   `json:"t"` // target.key without what was selected
	Vary     []string `json:"v,omitempty"`
	Selected string   `json:"s,omitempty"`
	Shared   bool     `json:"p,omitempty"`

	Status int           `json:"c,omitempty"` // 0: responses vary, by Vary
	Header http.Header   `json:"h,omitempty"`
	Body   []byte        `json:"b,omitempty"`
	Aged   time.Duration `json:"a,omitempty"`

	WhileRevalidate time.Duration `json:"w,omitempty"`
	IfError         time.Duration `json:"e,omitempty"`

	pass reason // never stored: each must ask for itself, and why
}

// hopHeaders concern one connection, or one way of sending a body (RFC 9111,
// 3.1). The length is set anew.
func hopHeaders() [10]string {
	return [10]string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length"}
}

// newEntry makes an entry of a whole response. It gives it the two headers that
// revalidation lives on, if the handler did not: when it was made, and a strong
// validator.
func (x *exchange) newEntry(v verdict, status int, h http.Header, body []byte, now time.Time) *entry {
	kept := make(http.Header, len(h)+2)
	for name, values := range h {
		kept[name] = slices.Clip(slices.Clone(values))
	}
	for _, name := range listOf(h["Connection"]) {
		kept.Del(name)
	}
	for _, name := range hopHeaders() {
		delete(kept, name)
	}
	for _, name := range tagHeaders() {
		delete(kept, name)
	}
	delete(kept, "Age")
	delete(kept, "Cache-Status") // of how it came here, once
	if _, said := kept["Content-Type"]; !said && kept["Content-Encoding"] == nil && len(body) > 0 {
		kept.Set("Content-Type", http.DetectContentType(body)) // as net/http does, of the first write
	}
	if kept["Date"] == nil {
		kept.Set("Date", now.UTC().Format(http.TimeFormat))
	}
	if status == http.StatusOK && kept["Etag"] == nil {
		kept.Set("Etag", etagOf(kept, body))
	}
	return &entry{
		Target: x.target.key(""), Vary: v.vary, Selected: selecting(v.vary, x.request.Header), Shared: v.shared,
		Status: status, Header: kept, Body: body, Aged: v.aged,
		WhileRevalidate: v.whileRevalidate, IfError: v.ifError,
	}
}

// etagOf is a validator that changes with any byte of the body, and with what
// the bytes mean (RFC 9110, 8.8.1).
func etagOf(h http.Header, body []byte) string {
	sum := sha256.New()
	sum.Write([]byte(h.Get("Content-Type") + "\n" + h.Get("Content-Encoding") + "\n"))
	sum.Write(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:18]) + `"`
}

// fits reports whether an entry may answer a request.
func (x *exchange) fits(e *entry) bool {
	return e.Target == x.target.key("") && e.Selected == selecting(e.Vary, x.request.Header)
}

// write answers with an entry: 304 if the client has it (RFC 9111, 4.3.2), and
// without the body for HEAD.
func (x *exchange) write(e *entry, age time.Duration, aged bool) {
	h := x.w.Header()
	status := e.Status
	if status == http.StatusOK && notModified(x.request, e.Header) {
		status = http.StatusNotModified
		x.cache.stats.notModified.Add(1)
		// What a client updates its copy by; the rest it has (RFC 9110, 15.4.5).
		for _, name := range [...]string{"Cache-Control", "Content-Location", "Date", "Etag", "Expires", "Vary", "Last-Modified"} {
			put(h, name, e.Header[name])
		}
	} else {
		for name, values := range e.Header {
			put(h, name, values)
		}
		if status != http.StatusNoContent {
			h["Content-Length"] = []string{strconv.Itoa(len(e.Body))}
		}
	}
	if aged || e.Aged > 0 {
		h["Age"] = []string{strconv.FormatInt(int64((e.Aged+age)/time.Second), 10)}
	}
	x.w.WriteHeader(status)
	if status != http.StatusNotModified && status != http.StatusNoContent && x.request.Method != http.MethodHead {
		_, _ = x.w.Write(e.Body) // a client that has gone
	}
}

// put sets a header of a response. What is around this handler may have varied on
// something too.
func put(h http.Header, name string, values []string) {
	switch {
	case values == nil:
	case name == "Vary" && h["Vary"] != nil:
		h[name] = slices.Concat(h[name], values)
	default:
		h[name] = values
	}
}

// copyHeader puts a response's head on the wire's, without the tags.
func copyHeader(to, from http.Header) {
	for name, values := range from {
		put(to, name, values)
	}
	for _, name := range tagHeaders() {
		delete(to, name)
	}
}
