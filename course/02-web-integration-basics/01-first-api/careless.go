package lostfound

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// careless is the same API as it is written on the first afternoon. Each line
// works with the requests that its author had in mind.
type careless struct {
	redis *redis.Client
	key   func(string) string
}

func (c careless) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /items", c.create)
	mux.HandleFunc("GET /items", c.list)
	mux.HandleFunc("GET /items/{id}", c.read)
	mux.HandleFunc("PUT /items/{id}", c.update)
	mux.HandleFunc("DELETE /items/{id}", c.remove)
	return mux
}

// entry is an item, with the fields that it has.
type entry struct {
	ID    int64  `json:"id" redis:"id"`
	What  string `json:"what" redis:"what"`
	Place string `json:"place" redis:"place"`
	Value int    `json:"value" redis:"value"`
}

// region: create

func (c careless) create(w http.ResponseWriter, r *http.Request) {
	var it entry
	if err := json.NewDecoder(r.Body).Decode(&it); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	n, err := c.redis.ZCard(r.Context(), c.key("items")).Result()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	it.ID = n + 1 // the next number
	// endregion
	if err := c.put(r, it); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
	c.answer(w, it)
}

func (c careless) put(r *http.Request, it entry) error {
	ctx, id := r.Context(), strconv.FormatInt(it.ID, 10)
	if err := c.redis.HSet(ctx, c.key("item:"+id), "id", it.ID, "what", it.What, "place", it.Place, "value", it.Value).Err(); err != nil {
		return err
	}
	return c.redis.ZAdd(ctx, c.key("items"), redis.Z{Score: float64(it.ID), Member: id}).Err()
}

// region: read

func (c careless) read(w http.ResponseWriter, r *http.Request) {
	var it entry
	if err := c.redis.HGetAll(r.Context(), c.key("item:"+r.PathValue("id"))).Scan(&it); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	c.answer(w, it)
}

// endregion

func (c careless) update(w http.ResponseWriter, r *http.Request) {
	var it entry
	if err := json.NewDecoder(r.Body).Decode(&it); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	it.ID = id
	if err := c.put(r, it); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	c.answer(w, it)
}

func (c careless) remove(w http.ResponseWriter, r *http.Request) {
	ctx, id := r.Context(), r.PathValue("id")
	if err := c.redis.Del(ctx, c.key("item:"+id)).Err(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if err := c.redis.ZRem(ctx, c.key("items"), id).Err(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// list answers the page-th page, the newest first, by counting from the start.
func (c careless) list(w http.ResponseWriter, r *http.Request) {
	page, limit := number(r, "page", 0), number(r, "limit", 20)
	ids, err := c.redis.ZRangeArgs(r.Context(), redis.ZRangeArgs{Key: c.key("items"), Rev: true, Start: page * limit, Stop: page*limit + limit - 1}).Result()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	items := []entry{}
	for _, id := range ids {
		var it entry
		if err := c.redis.HGetAll(r.Context(), c.key("item:"+id)).Scan(&it); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		items = append(items, it)
	}
	c.answer(w, map[string]any{"items": items})
}

// number reads a number of the query, and takes the default for what is none.
func number(r *http.Request, name string, other int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		return other
	}
	return n
}

func (careless) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		fmt.Fprintln(w, err) // the client reads it, if it is still there
	}
}
