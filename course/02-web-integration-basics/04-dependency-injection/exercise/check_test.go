//go:build exercise

package exercise_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/02-web-integration-basics/04-dependency-injection/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

// room is a cloakroom to ask.
type room struct {
	c    *check.C
	name string
	http.Handler
}

// open makes one over a store.
func open(c *check.C, name string, coats exercise.Coats, err error) *room {
	c.NoError(err, "the store of "+name)
	h, err := exercise.NewHandler(coats)
	c.NoError(err, "NewHandler")
	return &room{c, name, h}
}

func onRedis(c *check.C, rdb *redis.Client, name string) *room {
	coats, err := exercise.NewRedis(rdb, c.Key(name)+":")
	return open(c, "the cloakroom on Redis", coats, err)
}

func onFake(c *check.C) *room {
	coats, err := exercise.NewFake()
	return open(c, "the cloakroom on the fake", coats, err)
}

// ask sends a request and returns status and body. A handler that panics is told.
func (r *room) ask(method, path, body string) (status int, answer string) {
	defer func() {
		if p := recover(); p != nil {
			r.c.Fail("%s: %s %s: the handler panicked: %v. What it needs was not handed to it.", r.name, method, path, p)
		}
	}()
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(r.c.Context()))
	return w.Code, strings.TrimSpace(w.Body.String())
}

func (r *room) want(status int, method, path, body string) string {
	got, answer := r.ask(method, path, body)
	if got != status {
		r.c.Fail("%s: %s answered %d, want %d. It said: %s", r.name, strings.TrimSpace(method+" "+path+" "+body), got, status, answer)
	}
	return answer
}

// hang hangs a coat and returns its number.
func (r *room) hang(coat string) int {
	answer := r.want(http.StatusCreated, "POST", "/coats", fmt.Sprintf(`{"coat":%q}`, coat))
	var out struct{ Number int }
	if err := json.Unmarshal([]byte(answer), &out); err != nil || out.Number == 0 {
		r.c.Fail("%s: a coat was hung, and the answer is %s, want a number.", r.name, answer)
	}
	return out.Number
}

// take takes a coat that hangs there.
func (r *room) take(number int, coat string) {
	answer := r.want(http.StatusOK, "DELETE", fmt.Sprintf("/coats/%d", number), "")
	var out struct{ Coat string }
	if err := json.Unmarshal([]byte(answer), &out); err != nil || out.Coat != coat {
		r.c.Fail("%s: the coat with number %d is %q, and the answer is %s.", r.name, number, coat, answer)
	}
}

// evening is a whole one, on any store.
func evening(r *room) {
	coats := map[int]string{}
	for n := 1; n <= 5; n++ {
		coat := fmt.Sprintf("coat %d", r.c.Rand().IntN(1000))
		if number := r.hang(coat); number != n {
			r.c.Fail("%s: the coats before had the numbers 1 to %d, and this one got %d.", r.name, n-1, number)
		}
		coats[n] = coat
	}
	r.take(3, coats[3])
	r.want(http.StatusNotFound, "DELETE", "/coats/3", "")
	r.want(http.StatusNotFound, "DELETE", "/coats/77", "")
	r.want(http.StatusUnprocessableEntity, "DELETE", "/coats/three", "")
	r.want(http.StatusUnprocessableEntity, "POST", "/coats", `{}`)
	r.want(http.StatusUnprocessableEntity, "POST", "/coats", `coat`)
	if number := r.hang("another"); number != 6 {
		r.c.Fail("%s: number 3 is free again, and the next coat got %d, want 6: an old number must not open a new coat.", r.name, number)
	}
	r.take(1, coats[1])
}

func TestServes(t *testing.T) {
	check.Task(t, "serves", func(c *check.C) { evening(onRedis(c, c.Redis(), "main")) })
}

func TestFake(t *testing.T) {
	check.Task(t, "fake", func(c *check.C) {
		if n := len(c.Commands(func() { evening(onFake(c)) })); n > 0 {
			c.Fail("An evening on the fake sent %d commands to Redis.", n)
		}
		// Also without any Redis made before: whatever is global has nothing in it.
		one, two := onFake(c), onFake(c)
		number := one.hang("red")
		two.want(http.StatusNotFound, "DELETE", fmt.Sprintf("/coats/%d", number), "")
	})
}

func TestApart(t *testing.T) {
	check.Task(t, "apart", func(c *check.C) {
		north, south := onRedis(c, c.Redis(), "north"), onRedis(c, c.Redis(), "south")
		red := north.hang("red")
		if grey := south.hang("grey"); grey != 1 {
			c.Fail("One coat hangs in the north wing. The first in the south wing got number %d, want 1: the two share something.", grey)
		}
		south.take(1, "grey")
		north.take(red, "red")
		again := onRedis(c, c.Redis(), "north") // the same wing, after a restart
		if n := again.hang("blue"); n != 2 {
			c.Fail("The program was started again, and the next coat in the north wing got number %d, want 2.", n)
		}
	})
}

func TestNarrow(t *testing.T) {
	check.Task(t, "narrow", func(c *check.C) {
		const most = 5
		coats := reflect.TypeFor[exercise.Coats]()
		if coats.NumMethod() == 0 {
			_, err := exercise.NewFake()
			c.Written(err)
			c.Fail("Coats has no methods: whatever the handlers need, they have to guess what they were given.")
		}
		if n := coats.NumMethod(); n > most {
			c.Fail("Coats has %d methods, want at most %d: whoever writes a fake has to write all of them.", n, most)
		}
		for m := range coats.Methods() {
			if strings.Contains(m.Type.String(), "redis.") {
				c.Fail("Coats.%s is %s: a handler that sees go-redis cannot be given anything else.", m.Name, m.Type)
			}
		}
	})
}

func TestFails(t *testing.T) {
	check.Task(t, "fails", func(c *check.C) {
		rdb := redis.NewClient(&redis.Options{Addr: c.Redis().Options().Addr, MaxRetries: -1})
		defer rdb.Close()
		r := onRedis(c, rdb, "main")
		number := r.hang("red")
		clear := c.Throw(tap.Fault{Kind: tap.ErrorReply, Message: "LOADING Redis is loading the dataset in memory"})
		r.want(http.StatusServiceUnavailable, "POST", "/coats", `{"coat":"grey"}`)
		r.want(http.StatusServiceUnavailable, "DELETE", fmt.Sprintf("/coats/%d", number), "")
		clear()
		r.take(number, "red")
	})
}

func TestOnce(t *testing.T) {
	check.Task(t, "once", func(c *check.C) {
		_, err := exercise.NewRedis(c.Redis(), c.Key("room:"))
		c.Written(err)
		var got [2]int
		serve := func(ctx context.Context, rdb race.Client, k race.Keys, method, path, body string) (int, error) {
			coats, err := exercise.NewRedis(rdb, k("room:"))
			if err != nil {
				return 0, err
			}
			h, err := exercise.NewHandler(coats)
			if err != nil {
				return 0, err
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(ctx))
			return w.Code, nil
		}
		guest := func(i int) race.Actor {
			return race.Actor{Name: []string{"anna", "ben"}[i], Do: func(ctx context.Context, rdb race.Client, k race.Keys) (err error) {
				got[i], err = serve(ctx, rdb, k, "DELETE", "/coats/1", "")
				return err
			}}
		}
		c.ExploreOrders(race.Scenario{
			Name: "same-number", Title: "two guests with the same number",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				got = [2]int{}
				status, err := serve(ctx, rdb, k, "POST", "/coats", `{"coat":"red"}`)
				if err == nil && status != http.StatusCreated {
					err = fmt.Errorf("POST /coats answered %d", status)
				}
				return err
			},
			Actors: []race.Actor{guest(0), guest(1)},
			Check: func(context.Context, race.Client, race.Keys, []race.End) error {
				switch {
				case got == [2]int{http.StatusOK, http.StatusOK}:
					return &race.Violation{Message: "Two guests came with number 1, and both were given the coat."}
				case got[0] != http.StatusOK && got[1] != http.StatusOK:
					return &race.Violation{Message: fmt.Sprintf("Two guests came with number 1, and nobody was given the coat: %d and %d.", got[0], got[1])}
				}
				return nil
			},
			Good: "One of them was given the coat.",
		})
	})
}
