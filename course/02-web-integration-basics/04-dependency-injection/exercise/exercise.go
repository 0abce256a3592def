//go:build !solution

// Package exercise is a cloakroom's API that can be tested without Redis.
package exercise

import (
	"errors"
	"net/http"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Coats is what the handlers need of a store: the methods are yours to choose, at most
// five, and nothing of go-redis is in them.
type Coats interface{}

// NewRedis returns a store in Redis, below a prefix. Two stores with different prefixes
// have nothing in common.
func NewRedis(rdb redis.Cmdable, prefix string) (Coats, error) {
	return nil, ErrNotImplemented
}

// NewFake returns a store without Redis, for tests.
func NewFake() (Coats, error) {
	return nil, ErrNotImplemented
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
	return nil, ErrNotImplemented
}
