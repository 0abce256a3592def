//go:build kit

// A window's cache, as it is with kit/cache: a second right file, which `grind verify`
// tries in the place of window.go.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache"
)

// window is one of the two windows, each of which is a process of its own.
type window struct {
	office  *office
	rates   *cache.Cache[string, int64]
	quotes  *cache.Cache[string, quote]
	sheets  *cache.Cache[string, sheet]
	notices *cache.Cache[string, string]
}

// patience is how long Redis may take on a small busy machine.
const patience = 2 * time.Second

func newWindow(office *office, shared *redis.Client) (w *window, err error) {
	w = &window{office: office}
	w.rates, err = cache.New(shared, cache.Options[string, int64]{Name: "rates", TTL: 60 * minute, RedisTimeout: patience})
	if err != nil {
		return nil, err
	}
	w.quotes, err = cache.New(shared, cache.Options[string, quote]{Name: "quotes", TTL: 60 * minute, RedisTimeout: patience})
	if err != nil {
		return nil, err
	}
	w.sheets, err = cache.New(shared, cache.Options[string, sheet]{
		Name: "sheets", TTL: minute, StaleWhileRevalidate: minute, RedisTimeout: patience,
	})
	if err != nil {
		return nil, err
	}
	w.notices, err = cache.New(shared, cache.Options[string, string]{
		Name: "notices", TTL: 60 * minute, RedisTimeout: patience, Local: cache.Local{Entries: 100, TTL: minute},
	})
	return w, err
}

// run hears of what the other window changes.
func (w *window) run(ctx context.Context) {
	if err := w.notices.Run(ctx); err != nil {
		log.Print(err)
	}
}

func (w *window) rate(ctx context.Context, _ *redis.Client, pair string) (int64, error) {
	return w.rates.Fetch(ctx, pair, w.office.rate)
}

func (w *window) setRate(ctx context.Context, _ *redis.Client, pair string, rate int64) error {
	if err := w.office.setRate(ctx, pair, rate); err != nil {
		return err
	}
	return w.rates.Invalidate(ctx, pair)
}

// quote is what a customer is offered. It binds us for an hour.
type quote struct {
	terms
	Pays int64 `json:"pays"` // ten thousandths
}

func (w *window) quote(ctx context.Context, rdb *redis.Client, account, pair string, amount int64) (quote, error) {
	return w.quotes.Fetch(ctx, fmt.Sprintf("%s:%s:%d", account, pair, amount), func(ctx context.Context, _ string) (quote, error) {
		rate, err := w.rate(ctx, rdb, pair)
		if err != nil {
			return quote{}, err
		}
		granted, err := w.office.terms(ctx, account)
		return quote{granted, rate * amount * (10_000 - granted.Discount) / 10_000}, err
	})
}

func (w *window) sheet(ctx context.Context, _ *redis.Client) (sheet, error) {
	return w.sheets.Fetch(ctx, "all", func(ctx context.Context, _ string) (sheet, error) { return w.office.sheet(ctx) })
}

func (w *window) notice(ctx context.Context, _ *redis.Client, desk string) (string, error) {
	return w.notices.Fetch(ctx, desk, w.office.notice)
}

func (w *window) setNotice(ctx context.Context, _ *redis.Client, desk, text string) error {
	if err := w.office.setNotice(ctx, desk, text); err != nil {
		return err
	}
	return w.notices.Invalidate(ctx, desk)
}
