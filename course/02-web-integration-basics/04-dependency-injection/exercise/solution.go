//go:build solution

// Package exercise is a cloakroom's API that can be tested without Redis.
package exercise

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// errNoCoat says that nothing hangs there.
var errNoCoat = errors.New("no coat has this number")

// Coats is what the handlers need of a store: the methods are yours to choose, at most
// five, and nothing of go-redis is in them.
type Coats interface {
	Hang(ctx context.Context, coat string) (number int, err error)
	Take(ctx context.Context, number int) (coat string, err error)
}

// NewRedis returns a store in Redis, below a prefix. Two stores with different prefixes
// have nothing in common.
func NewRedis(rdb redis.Cmdable, prefix string) (Coats, error) {
	return &inRedis{rdb, prefix + "coats", prefix + "last"}, nil
}

// NewFake returns a store without Redis, for tests.
func NewFake() (Coats, error) {
	return &fake{coats: map[int]string{}}, nil
}

// NewHandler returns the API over a store:
//
//	POST /coats {"coat":"red"}   201 {"number":1}: 1, 2, 3 and so on, never one twice;
//	                             422 without a coat
//	DELETE /coats/1              200 {"coat":"red"}, once; then, and for any other
//	                             number, 404; 422 for what is no number
//
// When the store cannot answer, the status is 503.
func NewHandler(coats Coats) (http.Handler, error) {
	d := &desk{coats}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /coats", d.hang)
	mux.HandleFunc("DELETE /coats/{number}", d.take)
	return mux, nil
}

type desk struct{ coats Coats }

func (d *desk) hang(w http.ResponseWriter, r *http.Request) {
	var in struct{ Coat string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Coat == "" {
		http.Error(w, "a coat is asked for", http.StatusUnprocessableEntity)
		return
	}
	number, err := d.coats.Hang(r.Context(), in.Coat)
	if err != nil {
		http.Error(w, "closed for a moment", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]int{"number": number})
}

func (d *desk) take(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		http.Error(w, "a number is asked for", http.StatusUnprocessableEntity)
		return
	}
	coat, err := d.coats.Take(r.Context(), number)
	if errors.Is(err, errNoCoat) {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	if err != nil {
		http.Error(w, "closed for a moment", http.StatusServiceUnavailable)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"coat": coat})
}

type inRedis struct {
	rdb         redis.Cmdable
	coats, last string
}

// Hang draws a number first: whoever comes in between gets another one.
func (s *inRedis) Hang(ctx context.Context, coat string) (int, error) {
	number, err := s.rdb.Incr(ctx, s.last).Result()
	if err != nil {
		return 0, err
	}
	return int(number), s.rdb.HSet(ctx, s.coats, strconv.FormatInt(number, 10), coat).Err()
}

// takeOne reads and deletes in one step: a coat leaves once.
var takeOne = redis.NewScript(`local coat = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
return coat`)

func (s *inRedis) Take(ctx context.Context, number int) (string, error) {
	coat, err := takeOne.Eval(ctx, s.rdb, []string{s.coats}, number).Text()
	if errors.Is(err, redis.Nil) {
		return "", errNoCoat
	}
	return coat, err
}

type fake struct {
	mu    sync.Mutex
	coats map[int]string
	last  int
}

func (s *fake) Hang(_ context.Context, coat string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.coats[s.last] = coat
	return s.last, nil
}

func (s *fake) Take(_ context.Context, number int) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	coat, ok := s.coats[number]
	if !ok {
		return "", errNoCoat
	}
	delete(s.coats, number)
	return coat, nil
}
