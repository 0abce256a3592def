//go:build solution

// Package exercise is a lost property office: a typed API on Redis.
package exercise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/web"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Client is what the API needs of Redis: its commands, and WATCH.
type Client interface {
	redis.Cmdable
	Watch(ctx context.Context, fn func(*redis.Tx) error, keys ...string) error
}

// Draft is what a clerk writes down.
type Draft struct {
	What  string `json:"what" minLength:"1" maxLength:"100"`
	Place string `json:"place" enum:"train,platform,hall"`
	Value int    `json:"value" minimum:"0" maximum:"100000"`
}

// Item is what the office has.
type Item struct {
	ID int64 `json:"id"`
	Draft
}

// Ticket is the number of an item, in the path.
type Ticket struct {
	ID int64 `path:"id" minimum:"1"`
}

var errNoItem = errors.New("no such item")

// office is the API over its keys.
type office struct {
	rdb Client
	key func(name string) string
}

func (o office) item(id string) string { return o.key("item:" + id) }

// New returns the API of an office whose keys are all made by key, as in
// key("item:17"). Several handlers over the same keys are one office.
func New(rdb Client, key func(name string) string) (http.Handler, error) {
	s, err := web.New(web.Options{
		Title:    "Lost property",
		Problems: []web.Kind{{Name: "no-such-item", Status: http.StatusNotFound, Title: "There is no such item", Of: errNoItem}},
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	o := office{rdb, key}
	web.Register(s, huma.Operation{Method: "POST", Path: "/items", DefaultStatus: http.StatusCreated}, o.create)
	web.Register(s, huma.Operation{Method: "GET", Path: "/items"}, o.list)
	web.Register(s, huma.Operation{Method: "GET", Path: "/items/{id}"}, o.read)
	web.Register(s, huma.Operation{Method: "PUT", Path: "/items/{id}"}, o.update)
	web.Register(s, huma.Operation{Method: "DELETE", Path: "/items/{id}", DefaultStatus: http.StatusNoContent}, o.remove)
	return s, nil
}

type one struct{ Body Item }

type created struct {
	Location string `header:"Location"`
	Body     Item
}

func (o office) create(ctx context.Context, in *struct{ Body Draft }) (*created, error) {
	id, err := o.rdb.Incr(ctx, o.key("last-id")).Result()
	if err != nil {
		return nil, err
	}
	_, err = o.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		d, name := in.Body, strconv.FormatInt(id, 10)
		p.HSet(ctx, o.item(name), "what", d.What, "place", d.Place, "value", d.Value)
		p.ZAdd(ctx, o.key("items"), redis.Z{Score: float64(id), Member: name})
		return nil
	})
	return &created{fmt.Sprintf("/items/%d", id), Item{id, in.Body}}, err
}

func (o office) read(ctx context.Context, in *Ticket) (*one, error) {
	it, err := itemOf(strconv.FormatInt(in.ID, 10), o.rdb.HGetAll(ctx, o.item(strconv.FormatInt(in.ID, 10))))
	return &one{it}, err
}

// itemOf makes an item of a hash. A hash that is empty is one that is not there.
func itemOf(id string, answer *redis.MapStringStringCmd) (it Item, err error) {
	fields, err := answer.Result()
	if err != nil {
		return it, err
	}
	if len(fields) == 0 {
		return it, errNoItem
	}
	it.What, it.Place = fields["what"], fields["place"]
	it.ID, _ = strconv.ParseInt(id, 10, 64) // we wrote both
	it.Value, _ = strconv.Atoi(fields["value"])
	return it, nil
}

// correct writes the fields of an item that is there.
var correct = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1`)

func (o office) update(ctx context.Context, in *struct {
	Ticket
	Body Draft
}) (*one, error) {
	key, d := o.item(strconv.FormatInt(in.ID, 10)), in.Body
	there, err := correct.Run(ctx, o.rdb, []string{key}, "what", d.What, "place", d.Place, "value", d.Value).Int()
	if err == nil && there == 0 {
		err = errNoItem
	}
	return &one{Item{in.ID, d}}, err
}

func (o office) remove(ctx context.Context, in *Ticket) (*struct{}, error) {
	var gone *redis.IntCmd
	id := strconv.FormatInt(in.ID, 10)
	_, err := o.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		gone = p.Del(ctx, o.item(id))
		p.ZRem(ctx, o.key("items"), id)
		return nil
	})
	if err == nil && gone.Val() == 0 {
		err = errNoItem
	}
	return nil, err
}

type page struct {
	Body struct {
		Items []Item `json:"items"`
		Next  string `json:"next,omitempty"`
	}
}

func (o office) list(ctx context.Context, in *struct {
	Cursor string `query:"cursor" pattern:"^[0-9]{1,18}$"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}) (*page, error) {
	from := "+inf"
	if in.Cursor != "" {
		from = "(" + in.Cursor
	}
	ids, err := o.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: o.key("items"), ByScore: true, Rev: true, Start: from, Stop: "-inf", Count: int64(in.Limit) + 1,
	}).Result()
	if err != nil {
		return nil, err
	}
	out := new(page)
	if len(ids) > in.Limit {
		ids = ids[:in.Limit]
		out.Body.Next = ids[in.Limit-1]
	}
	out.Body.Items, err = o.fetch(ctx, ids)
	return out, err
}

// fetch reads items in one round trip, and leaves out what was handed out since.
func (o office) fetch(ctx context.Context, ids []string) ([]Item, error) {
	items := []Item{}
	if len(ids) == 0 {
		return items, nil
	}
	answers := make([]*redis.MapStringStringCmd, len(ids))
	if _, err := o.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			answers[i] = p.HGetAll(ctx, o.item(id))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for i, answer := range answers {
		if it, err := itemOf(ids[i], answer); err == nil {
			items = append(items, it)
		}
	}
	return items, nil
}
