//go:build !solution

// Package exercise is one cook of a kitchen that loses no order.
package exercise

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Order is one entry of the stream.
type Order struct {
	ID   string // of the entry
	Dish string // its field "dish"
}

// Kitchen is one cook of a group. Several cooks, on several machines, share a
// stream and a group, each under a name of its own.
type Kitchen struct {
	Redis    redis.Cmdable
	Stream   string // key of the stream
	Group    string
	Cook     string        // this cook's name in the group
	Patience time.Duration // who has been silent about an order for this long has dropped out
}

// Open makes the group, and the stream with it, unless they are there. A new group
// begins with the first order of the stream: what was ordered before the kitchen
// opened is cooked too. Open again is no error.
func (k Kitchen) Open(ctx context.Context) error {
	return ErrNotImplemented
}

// Work takes at most n orders, cooks them one after the other, in this goroutine,
// and returns how many were cooked. It takes first what was left behind: orders
// that have been pending for Patience or longer, whoever holds them, and however
// many younger ones lie before them. Only then does it take new ones.
//
// An order is acknowledged when cook has returned nil for it, and before the next
// one is cooked. If cook returns an error, the order stays pending and Work goes
// on with the next. Work never waits for an order to come. Its error is Redis's.
func (k Kitchen) Work(ctx context.Context, n int64, cook func(Order) error) (cooked int, err error) {
	return 0, ErrNotImplemented
}

// Trim throws away the orders that all groups of the stream are done with: each of
// them was handed out and acknowledged, and so was every order before it. It may
// leave the newest of these, and nothing else. It returns how many are gone.
func (k Kitchen) Trim(ctx context.Context) (int64, error) {
	return 0, ErrNotImplemented
}

// older says that the entry a came before b. Ids are two numbers, so they do not
// compare as text: 5-9 is older than 5-10.
func older(a, b string) bool {
	var ms, seq [2]uint64
	for i, id := range []string{a, b} {
		_, _ = fmt.Sscanf(id, "%d-%d", &ms[i], &seq[i])
	}
	return ms[0] < ms[1] || ms[0] == ms[1] && seq[0] < seq[1]
}
