package library

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// ask is one request, with its headers in pairs.
type ask struct {
	label, path string
	pairs       []string
}

const forAll, forEach = "kit", "user" // the middlewares that are asked

// telling asks for pages and shows what each answer says of how it was made.
func telling(ctx context.Context, r *unit.Run) error {
	r.Step("What an answer says of itself: how it was made, and whether a body came with it.")
	table := unit.Table{Title: "How each answer was made", Columns: []string{"request", "status", "", "Cache-Status says", "body"}}
	var tag string
	for _, part := range []struct {
		kind string
		asks []ask
	}{
		{forAll, []ask{
			{"new arrivals", "/new", nil},
			{"new arrivals", "/new", nil},
			{"new arrivals, with the ETag of before", "/new", []string{"If-None-Match", ""}},
			{"opening hours, Welsh", "/hours", []string{"Accept-Language", "cy"}},
			{"opening hours, English", "/hours", []string{"Accept-Language", "en"}},
			{"opening hours, English", "/hours", []string{"Accept-Language", "en"}},
			{"loans of Brandt", "/loans", []string{"Cookie", "card=Brandt"}},
			{"free seats", "/seats", nil},
			{"the welcome page", "/", nil},
		}},
		{forEach, []ask{
			{"with User: loans of Brandt", "/loans", []string{"Cookie", "card=Brandt"}},
			{"with User: loans of Brandt", "/loans", []string{"Cookie", "card=Brandt"}},
			{"with User: loans of Osei", "/loans", []string{"Cookie", "card=Osei"}},
		}},
	} {
		s, err := open(ctx, r, part.kind, "told-"+part.kind, "public, max-age=60", 0)
		if err != nil {
			return err
		}
		v := s.visitor()
		for _, q := range part.asks {
			if len(q.pairs) == 2 && q.pairs[0] == "If-None-Match" {
				q.pairs[1] = tag
			}
			a, err := v.get(ctx, q.path, q.pairs...)
			if err != nil {
				return errors.Join(err, s.stop())
			}
			if q.path == "/new" {
				tag = a.header.Get("Etag")
			}
			_, says, _ := strings.Cut(a.header.Get("Cache-Status"), ";") // before it stands the name
			table.Rows = append(table.Rows, []string{q.label, fmt.Sprint(a.status), a.made(), says, unit.Figure(float64(len(a.body)), "B")})
		}
		v.leave()
		if err := s.stop(); err != nil {
			return err
		}
	}
	r.Table(table)
	return nil
}

// watched shows the commands behind some of these answers.
func watched(ctx context.Context, r *unit.Run) error {
	r.Step("The commands behind a page: when it is not there, when it is, and when it varies.")
	_, err := r.Trace(ctx, unit.Sample{
		Title: "kit/cache/httpcache",
		Note:  "A page is one GET. Of a page that varies, the key of the URL holds the names of the headers, and each variant stands under a key of its own: two. A 304 costs Redis what the page costs.",
	}, func(ctx context.Context, c *redis.Client) error {
		before := []ask{{"", "/hours", []string{"Accept-Language", "cy"}}} // Redis has the scripts from now on
		if err := browse(ctx, r.Redis(), r.Space("wire"), before); err != nil {
			return err
		}
		return browse(ctx, c, r.Space("wire"), []ask{
			{"", "/new", nil},
			{"", "/new", nil},
			{"", "/new", []string{"If-None-Match", "*"}},
			{"", "/hours", []string{"Accept-Language", "en"}},
			{"", "/hours", []string{"Accept-Language", "en"}},
		})
	})
	return err
}

// browse serves the library by a client of its own, and asks for some pages.
func browse(ctx context.Context, rdb *redis.Client, name string, asks []ask) error {
	o := newOrigin("public, max-age=60")
	h, err := byKit(rdb, name, o.handler())
	if err != nil {
		return err
	}
	s, err := serve(ctx, o, labelled(h))
	if err != nil {
		return err
	}
	v := s.visitor()
	defer v.leave()
	for _, q := range asks {
		if _, err = v.get(ctx, q.path, q.pairs...); err != nil {
			break
		}
	}
	return errors.Join(err, s.stop())
}

// labelled names each request on the wire.
func labelled(next http.Handler) http.Handler {
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := fmt.Sprintf("request %d: GET %s", n.Add(1), r.URL.Path)
		if language := r.Header.Get("Accept-Language"); language != "" {
			name += ", Accept-Language: " + language
		}
		if r.Header.Get("If-None-Match") != "" {
			name += ", If-None-Match"
		}
		next.ServeHTTP(w, r.WithContext(trace.WithRequest(r.Context(), name)))
	})
}
