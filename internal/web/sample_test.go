package web_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/web"
)

// The sample is the smallest application of the house's form: a domain that
// knows no HTTP, operations over it, and the wiring. Its books live in a map, and
// each read is counted in Redis, so that a request has commands behind it.

// The domain.

type book struct {
	ID    string `json:"id" pattern:"^[a-z0-9-]+$" minLength:"1" maxLength:"64" doc:"A short name"`
	Title string `json:"title" minLength:"1" maxLength:"200"`
	Year  int    `json:"year,omitempty" minimum:"1450" maximum:"2100"`
}

var (
	errNoBook = errors.New("books: no such book")
	errTaken  = errors.New("books: id taken")
)

type shelf struct {
	mu    sync.Mutex
	books map[string]book
	redis redis.UniversalClient // counts reads; nil: nobody counts
	key   string
}

func (s *shelf) put(b book) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.books[b.ID]; taken {
		return errTaken
	}
	s.books[b.ID] = b
	return nil
}

func (s *shelf) book(ctx context.Context, id string) (book, error) {
	s.mu.Lock()
	b, ok := s.books[id]
	s.mu.Unlock()
	if !ok {
		return book{}, errNoBook
	}
	if s.redis != nil {
		if err := s.redis.HIncrBy(ctx, s.key, id, 1).Err(); err != nil {
			return book{}, err
		}
	}
	return b, nil
}

func (s *shelf) remove(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.books[id]; !ok {
		return errNoBook
	}
	delete(s.books, id)
	return nil
}

// after returns up to n books whose ids follow id, and whether there are more.
func (s *shelf) after(id string, n int) (page []book, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page = []book{} // in JSON an empty list, not null
	for _, b := range s.books {
		if b.ID > id {
			page = append(page, b)
		}
	}
	slices.SortFunc(page, func(a, b book) int { return strings.Compare(a.ID, b.ID) })
	if len(page) > n {
		return page[:n], true
	}
	return page, false
}

// The operations.

type api struct {
	shelf   *shelf
	cursors web.Cursors[string]
}

type bookOut struct{ Body book }

func (a *api) register(s *web.Server) {
	web.Register(s, huma.Operation{Method: http.MethodPost, Path: "/books", DefaultStatus: http.StatusCreated}, a.create)
	web.Register(s, huma.Operation{Method: http.MethodGet, Path: "/books"}, a.list)
	web.Register(s, huma.Operation{Method: http.MethodGet, Path: "/books/{id}"}, a.read)
	web.Register(s, huma.Operation{Method: http.MethodDelete, Path: "/books/{id}", DefaultStatus: http.StatusNoContent}, a.remove)
}

func (a *api) create(_ context.Context, in *struct{ Body book }) (*bookOut, error) {
	if err := a.shelf.put(in.Body); err != nil {
		return nil, err
	}
	return &bookOut{Body: in.Body}, nil
}

func (a *api) read(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*bookOut, error) {
	b, err := a.shelf.book(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &bookOut{Body: b}, nil
}

func (a *api) remove(_ context.Context, in *struct {
	ID string `path:"id"`
}) (*struct{}, error) {
	return nil, a.shelf.remove(in.ID)
}

type page struct {
	Body struct {
		Books []book `json:"books"`
		Next  string `json:"next,omitempty" doc:"Pass it as cursor; empty at the end"`
	}
}

func (a *api) list(_ context.Context, in *struct {
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}) (*page, error) {
	after, err := a.cursors.Decode(in.Cursor)
	if err != nil {
		return nil, err
	}
	out := new(page)
	books, more := a.shelf.after(after, in.Limit)
	out.Body.Books = books
	if more {
		out.Body.Next, err = a.cursors.Encode(books[len(books)-1].ID)
	}
	return out, err
}

// The wiring.

// problems is what clients of the sample can tell apart.
func problems() []web.Kind {
	return []web.Kind{
		{Name: "no-such-book", Status: 404, Title: "There is no such book", Help: "Look at /books for those that are there.", Of: errNoBook},
		{Name: "id-taken", Status: 409, Title: "A book has this id", Help: "Choose another id, or delete that book first.", Of: errTaken},
	}
}

// newSample wires the application. Without a client nobody counts.
func newSample(o web.Options, client *redis.Client, key string) (*web.Server, error) {
	o.Title, o.Problems = "Books", append(o.Problems, problems()...)
	s, err := web.New(o)
	if err != nil {
		return nil, err
	}
	books := &shelf{books: map[string]book{}, key: key}
	if client != nil {
		books.redis = client
		client.AddHook(s.RedisHook())
		s.Gate("redis", func(ctx context.Context) error { return client.Ping(ctx).Err() })
		s.OnClose("redis", client.Close)
	}
	a := &api{shelf: books, cursors: web.NewCursors[string]("books", nil)}
	a.register(s)
	return s, nil
}
