//go:build !solution

// A window's cache. This is the file to mend. main.go and page.go call these
// functions: keep their names and parameters; change what is inside, add fields and
// functions as you like.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
)

const (
	// rateLife and quoteLife: rates and quotes are kept for an hour.
	rateLife  = 60 * minute
	quoteLife = 60 * minute
	// sheetLife: a sheet hangs for a minute.
	sheetLife = 1 * minute
)

// window is one of the two windows, each of which is a process of its own.
type window struct {
	office *office

	mu      sync.Mutex
	notices map[string]string // by desk
}

// newWindow makes a window. Each request comes with a client of its own, so that the
// wire can tell it from others; shared is for what serves many requests, such as
// a cache of kit/cache.
func newWindow(office *office, _ *redis.Client) (*window, error) {
	return &window{office: office, notices: map[string]string{}}, nil
}

// run works beside the requests until ctx ends.
func (w *window) run(context.Context) {}

// rate returns the rate of a pair, such as EUR-USD.
func (w *window) rate(ctx context.Context, rdb *redis.Client, pair string) (int64, error) {
	rate, err := rdb.Get(ctx, "rate:"+pair).Int64()
	if !errors.Is(err, redis.Nil) {
		return rate, err
	}
	if rate, err = w.office.rate(ctx, pair); err != nil {
		return 0, err
	}
	return rate, rdb.Set(ctx, "rate:"+pair, rate, rateLife).Err()
}

// setRate changes the rate of a pair, for both windows.
func (w *window) setRate(ctx context.Context, rdb *redis.Client, pair string, rate int64) error {
	if err := w.office.setRate(ctx, pair, rate); err != nil {
		return err
	}
	return rdb.Del(ctx, "rate:"+pair).Err()
}

// quote is what a customer is offered. It binds us for an hour.
type quote struct {
	terms
	Pays int64 `json:"pays"` // ten thousandths
}

// quote makes an offer to a customer for an amount.
func (w *window) quote(ctx context.Context, rdb *redis.Client, account, pair string, amount int64) (quote, error) {
	var q quote
	key := fmt.Sprintf("quote:%s:%d", pair, amount)
	text, err := rdb.Get(ctx, key).Bytes()
	if err == nil {
		return q, json.Unmarshal(text, &q)
	}
	if !errors.Is(err, redis.Nil) {
		return q, err
	}
	rate, err := w.rate(ctx, rdb, pair)
	if err != nil {
		return q, err
	}
	if q.terms, err = w.office.terms(ctx, account); err != nil {
		return q, err
	}
	q.Pays = rate * amount * (10_000 - q.Discount) / 10_000
	if text, err = json.Marshal(q); err != nil {
		return q, err
	}
	return q, rdb.Set(ctx, key, text, quoteLife).Err()
}

// sheet returns the sheet of all rates. One that is two minutes old is still right.
func (w *window) sheet(ctx context.Context, rdb *redis.Client) (sheet, error) {
	var s sheet
	text, err := rdb.Get(ctx, "sheet").Bytes()
	if err == nil {
		return s, json.Unmarshal(text, &s)
	}
	if !errors.Is(err, redis.Nil) {
		return s, err
	}
	if s, err = w.office.sheet(ctx); err != nil {
		return s, err
	}
	if text, err = json.Marshal(s); err != nil {
		return s, err
	}
	return s, rdb.Set(ctx, "sheet", text, sheetLife).Err()
}

// notice returns what is to be read at a desk, such as "no coins today". It is asked
// for with each page, so it may be a minute late.
func (w *window) notice(ctx context.Context, _ *redis.Client, desk string) (string, error) {
	w.mu.Lock()
	text, ok := w.notices[desk]
	w.mu.Unlock()
	if ok {
		return text, nil
	}
	text, err := w.office.notice(ctx, desk)
	if err == nil {
		w.keep(desk, text)
	}
	return text, err
}

// setNotice changes what is to be read at a desk, at both windows.
func (w *window) setNotice(ctx context.Context, _ *redis.Client, desk, text string) error {
	if err := w.office.setNotice(ctx, desk, text); err != nil {
		return err
	}
	w.keep(desk, text)
	return nil
}

func (w *window) keep(desk, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notices[desk] = text
}
