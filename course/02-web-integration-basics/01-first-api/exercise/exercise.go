//go:build !solution

// Package exercise is a lost property office: a typed API on Redis.
package exercise

import (
	"context"
	"errors"
	"net/http"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Client is what the API needs of Redis: its commands, and WATCH.
type Client interface {
	redis.Cmdable
	Watch(ctx context.Context, fn func(*redis.Tx) error, keys ...string) error
}

// New returns the API of an office whose keys are all made by key, as in
// key("item:17"). Several handlers over the same keys are one office.
//
//	POST   /items             a draft → 201, Location: /items/{id}, the item
//	GET    /items/{id}        → 200, the item
//	PUT    /items/{id}        a draft → 200, the corrected item
//	DELETE /items/{id}        hands it out → 204
//	GET    /items?limit=&cursor=   → 200, {"items":[…],"next":"…"}
//
// A draft is {"what":"umbrella","place":"hall","value":12}: what has 1 to 100
// characters, place is train, platform or hall, value is a whole number from 0 to
// 100000; nothing may be missing, and there is nothing else. An item has these and
// its "id", a whole number from 1 that no other item ever had or will have. An id in
// the path is such a number.
//
// The list begins with the newest. limit is 1 to 100, and 20 where it is missing.
// next is passed on as cursor to get what follows, and is empty or missing at the
// end: whoever follows it sees each item that is there all the time exactly once,
// whatever is handed in or out meanwhile. A page costs two round trips at most.
//
// Whatever is no success is application/problem+json, with its status in the body:
// 400 or 422 for a mistake of the client, for which no command is sent; 404 for an
// item that is not there; and 5xx when Redis fails, without what Redis said. An item
// that was handed out never comes back, and leaves no key behind; of two who hand
// it out one gets 404. In what order the commands of several requests come, or
// whether one of them dies midway, changes nothing of this.
func New(rdb Client, key func(name string) string) (http.Handler, error) {
	return nil, ErrNotImplemented
}
