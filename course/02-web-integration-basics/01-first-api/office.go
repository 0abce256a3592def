package lostfound

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// region: draft

// Draft is what a clerk writes down. The tags are the rules: they are checked
// before the handler is called, and they stand in the OpenAPI document.
type Draft struct {
	What  string `json:"what" minLength:"1" maxLength:"100" doc:"What it is" example:"violin, in a black case"`
	Place string `json:"place" enum:"train,platform,hall" doc:"Where it was found"`
	Value int    `json:"value" minimum:"0" maximum:"100000" doc:"What it is worth, in euros"`
}

// Item is what the office has.
type Item struct {
	ID int64 `json:"id"`
	Draft
}

// endregion

// errNoItem is the one thing that a caller of the office can be told.
var errNoItem = errors.New("lostfound: no such item")

// office keeps items. It knows no HTTP.
type office struct {
	redis redis.Cmdable
	key   func(name string) string
}

func (o office) item(id int64) string { return o.key("item:" + strconv.FormatInt(id, 10)) }
func (o office) list() string         { return o.key("items") }
func (o office) last() string         { return o.key("last-id") }

// region: create

// create keeps a new item, under a number that no other item ever had.
func (o office) create(ctx context.Context, d Draft) (Item, error) {
	id, err := o.redis.Incr(ctx, o.last()).Result()
	if err != nil {
		return Item{}, fmt.Errorf("lostfound: take a number: %w", err)
	}
	it := Item{ID: id, Draft: d}
	_, err = o.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, o.item(id), "id", id, "what", d.What, "place", d.Place, "value", d.Value)
		p.ZAdd(ctx, o.list(), redis.Z{Score: float64(id), Member: id})
		return nil
	})
	if err != nil {
		return Item{}, fmt.Errorf("lostfound: keep item %d: %w", id, err)
	}
	return it, nil
}

// endregion

func (o office) read(ctx context.Context, id int64) (Item, error) {
	it, err := scan(o.redis.HGetAll(ctx, o.item(id)))
	if err != nil {
		return Item{}, fmt.Errorf("lostfound: read item %d: %w", id, err)
	}
	return it, nil
}

// scan makes an item of a hash. A hash that is empty is one that is not there.
func scan(answer *redis.MapStringStringCmd) (it Item, err error) {
	fields, err := answer.Result()
	if err != nil {
		return Item{}, err
	}
	if len(fields) == 0 {
		return Item{}, errNoItem
	}
	if it.ID, err = strconv.ParseInt(fields["id"], 10, 64); err != nil {
		return Item{}, err
	}
	it.What, it.Place = fields["what"], fields["place"]
	it.Value, err = strconv.Atoi(fields["value"])
	return it, err
}

//go:embed update.lua
var updateLua string

var updateScript = redis.NewScript(updateLua)

// region: update

// update corrects an item that is there: looking and writing are one step.
func (o office) update(ctx context.Context, id int64, d Draft) (Item, error) {
	there, err := updateScript.Run(ctx, o.redis, []string{o.item(id)}, "what", d.What, "place", d.Place, "value", d.Value).Int()
	if err != nil {
		return Item{}, fmt.Errorf("lostfound: update item %d: %w", id, err)
	}
	if there == 0 {
		return Item{}, errNoItem
	}
	return Item{ID: id, Draft: d}, nil
}

// endregion

// region: remove

// remove hands an item out. Of two who try, one is told that it is gone.
func (o office) remove(ctx context.Context, id int64) error {
	var gone *redis.IntCmd
	_, err := o.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		gone = p.Del(ctx, o.item(id))
		p.ZRem(ctx, o.list(), id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("lostfound: remove item %d: %w", id, err)
	}
	if gone.Val() == 0 {
		return errNoItem
	}
	return nil
}

// endregion

// region: page

// page returns up to n items with numbers below before, the newest first, and the
// number at which the next page goes on; 0 is the end, and as before the start.
func (o office) page(ctx context.Context, before int64, n int) (items []Item, next int64, err error) {
	from := "+inf"
	if before > 0 {
		from = "(" + strconv.FormatInt(before, 10) // below it, not from it on
	}
	ids, err := o.redis.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: o.list(), ByScore: true, Rev: true, Start: from, Stop: "-inf", Count: int64(n) + 1,
	}).Result()
	if err != nil {
		return nil, 0, fmt.Errorf("lostfound: list items: %w", err)
	}
	more := len(ids) > n // one more than asked tells whether there is another page
	ids = ids[:min(n, len(ids))]
	if more {
		next, _ = strconv.ParseInt(ids[n-1], 10, 64) // we wrote it
	}
	items, err = o.fetch(ctx, ids)
	return items, next, err
}

// endregion

// fetch reads items in one round trip. One that was handed out since is left out.
func (o office) fetch(ctx context.Context, ids []string) ([]Item, error) {
	items := make([]Item, 0, len(ids)) // in JSON an empty list, not null
	if len(ids) == 0 {
		return items, nil
	}
	answers := make([]*redis.MapStringStringCmd, len(ids))
	if _, err := o.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			answers[i] = p.HGetAll(ctx, o.key("item:"+id))
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("lostfound: read items: %w", err)
	}
	for _, answer := range answers {
		it, err := scan(answer)
		if errors.Is(err, errNoItem) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("lostfound: read items: %w", err)
		}
		items = append(items, it)
	}
	return items, nil
}
