package lostfound

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/web"
)

// api is the edge: it turns requests into calls of the office, and back.
type api struct {
	office  office
	cursors web.Cursors[int64]
}

// region: register

func (a *api) register(s *web.Server) {
	web.Register(s, huma.Operation{Method: http.MethodPost, Path: "/items", DefaultStatus: http.StatusCreated}, a.create)
	web.Register(s, huma.Operation{Method: http.MethodGet, Path: "/items"}, a.list)
	web.Register(s, huma.Operation{Method: http.MethodGet, Path: "/items/{id}"}, a.read)
	web.Register(s, huma.Operation{Method: http.MethodPut, Path: "/items/{id}"}, a.update)
	web.Register(s, huma.Operation{Method: http.MethodDelete, Path: "/items/{id}", DefaultStatus: http.StatusNoContent}, a.remove)
}

// endregion

// Ticket is the number of an item, in the path.
type Ticket struct {
	ID int64 `path:"id" minimum:"1" doc:"The number on the ticket"`
}

// one answers an item.
type one struct{ Body Item }

// created answers a new item, and says where it is.
type created struct {
	Location string `header:"Location"`
	Body     Item
}

// region: create

func (a *api) create(ctx context.Context, in *struct{ Body Draft }) (*created, error) {
	it, err := a.office.create(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	return &created{Location: fmt.Sprintf("/items/%d", it.ID), Body: it}, nil
}

// endregion

func (a *api) read(ctx context.Context, in *Ticket) (*one, error) {
	it, err := a.office.read(ctx, in.ID)
	return &one{Body: it}, err
}

func (a *api) update(ctx context.Context, in *struct {
	Ticket
	Body Draft
}) (*one, error) {
	it, err := a.office.update(ctx, in.ID, in.Body)
	return &one{Body: it}, err
}

func (a *api) remove(ctx context.Context, in *Ticket) (*struct{}, error) {
	return nil, a.office.remove(ctx, in.ID)
}

// many answers a page of items.
type many struct {
	Body struct {
		Items []Item `json:"items"`
		Next  string `json:"next,omitempty" doc:"Pass it on as cursor; it is missing at the end"`
	}
}

// region: list

func (a *api) list(ctx context.Context, in *struct {
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}) (*many, error) {
	before, err := a.cursors.Decode(in.Cursor)
	if err != nil {
		return nil, err
	}
	items, next, err := a.office.page(ctx, before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := new(many)
	out.Body.Items = items
	if next > 0 {
		out.Body.Next, err = a.cursors.Encode(next)
	}
	return out, err
}

// endregion

// region: problems

// problems is the one place where errors of the office become answers. What does
// not stand here is logged, and answered with 500 and the request's id.
var problems = []web.Kind{{
	Name: "no-such-item", Status: http.StatusNotFound, Title: "There is no such item",
	Help: "It was handed out, or the number was never given.", Of: errNoItem,
}}

// endregion

// region: wiring

// newServer puts the API together. It counts the commands of each request.
func newServer(client *redis.Client, key func(string) string) (*web.Server, error) {
	s, err := web.New(web.Options{
		Title: "Lost property", Version: "1", Problems: problems,
		Reveal: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	client.AddHook(s.RedisHook())
	a := &api{office: office{client, key}, cursors: web.NewCursors[int64]("items", nil)}
	a.register(s)
	return s, nil
}

// endregion
