package library

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache/httpcache"
)

// patience is for how long Redis may be silent before the origin is asked instead. In a
// program leave it out: 250 ms.
const patience = 5 * time.Second

// region: kit

// byKit answers from the toolkit's cache, by what each page says of itself.
func byKit(rdb redis.UniversalClient, name string, next http.Handler) (http.Handler, error) {
	pages, err := httpcache.New(rdb, httpcache.Options{
		Name:         name,
		RedisTimeout: patience, // a run may keep a small machine busy
	})
	if err != nil {
		return nil, err
	}
	return pages.Handler(next), nil
}

// endregion

// region: user

// perReader is the same for pages of one reader: it keeps those for them alone.
func perReader(rdb redis.UniversalClient, name string, next http.Handler) (http.Handler, error) {
	pages, err := httpcache.New(rdb, httpcache.Options{
		Name:         name,
		RedisTimeout: patience,
		User:         func(r *http.Request) string { return cookie(r, "card") }, // in earnest: a verified session
	})
	if err != nil {
		return nil, err
	}
	return pages.Handler(next), nil
}

// endregion

// site is a server of the library, with a middleware in front of its pages.
type site struct {
	url    string
	origin *origin
	stop   func() error
}

// serve starts a server on a port of its own.
func serve(ctx context.Context, o *origin, h http.Handler) (*site, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(listener) }()
	return &site{url: "http://" + listener.Addr().String(), origin: o, stop: func() error {
		err := server.Close()
		<-ended
		return err
	}}, nil
}

// open serves the library behind one of the middlewares.
func open(ctx context.Context, r *unit.Run, kind, name, arrivals string, life time.Duration) (*site, error) {
	o := newOrigin(arrivals)
	var h http.Handler
	var err error
	switch kind {
	case "naive":
		h = naive(r.Redis(), func(url string) string { return r.Key(name + ":" + url) }, life, o.handler())
	case "user":
		h, err = perReader(r.Redis(), r.Space(name), o.handler())
	default:
		h, err = byKit(r.Redis(), r.Space(name), o.handler())
	}
	if err != nil {
		return nil, err
	}
	return serve(ctx, o, h)
}

// visitor is somebody's browser: it has connections and cookies of its own.
type visitor struct {
	client   *http.Client
	site     *site
	received atomic.Int64 // bytes, all told
}

func (s *site) visitor() *visitor {
	v := &visitor{site: s}
	jar, _ := cookiejar.New(nil) // has no error
	dial := new(net.Dialer)
	v.client = &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial.DialContext(ctx, network, address)
			return &counted{conn, &v.received}, err
		},
	}}
	return v
}

// leave closes the visitor's connections.
func (v *visitor) leave() { v.client.CloseIdleConnections() }

// counted is a connection that counts what it brings.
type counted struct {
	net.Conn
	received *atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.received.Add(int64(n))
	return n, err
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
	broken bool // it ended too soon
}

// get asks for a page; pairs are headers.
func (v *visitor) get(ctx context.Context, path string, pairs ...string) (reply, error) {
	return v.send(ctx, http.MethodGet, path, pairs...)
}

func (v *visitor) send(ctx context.Context, method, path string, pairs ...string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, v.site.url+path, nil)
	if err != nil {
		return reply{}, err
	}
	req.Host = "library.example" // as it stands in keys
	for i := 0; i+1 < len(pairs); i += 2 {
		req.Header.Set(pairs[i], pairs[i+1])
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a := reply{status: resp.StatusCode, header: resp.Header, body: string(body), broken: errors.Is(err, io.ErrUnexpectedEOF)}
	if a.broken {
		err = nil
	}
	return a, err
}

// How an answer was made, by what it says of itself.
const (
	hit    = "HIT"
	stale  = "STALE"
	miss   = "MISS"
	failed = "error"
)

// made reads Cache-Status (RFC 9211): the name of a cache, whether it had the answer,
// and for how many seconds more that is fresh.
func (a reply) made() string {
	status := a.header.Get("Cache-Status")
	switch {
	case a.status >= http.StatusInternalServerError:
		return failed
	case !strings.Contains(status, ";hit"):
		return miss
	case strings.Contains(status, ";ttl=-"):
		return stale
	}
	return hit
}
