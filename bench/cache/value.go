package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/redis-grind/grind/kit/codec"
)

// product is what is read: some 550 bytes.
type product struct {
	ID          int64
	Name        string
	Description string
	PriceCents  int64
	Tags        []string
	Updated     time.Time
}

var article = product{
	ID: 4711, Name: "Teapot, cast iron, 1.2 l", Description: strings.Repeat("Keeps tea warm for an hour and a half. ", 9),
	PriceCents: 5490, Tags: []string{"kitchen", "tea", "iron", "gift"}, Updated: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC),
}

func (p product) size() int { return len(p.encoded()) }

func (p product) encoded() []byte {
	data, err := codec.CBOR[product]().Encode("", p)
	if err != nil {
		panic(err)
	}
	return data
}

func load(context.Context, int) (product, error) { return article, nil }

// fill calls something for each item, some at a time.
func fill(ctx context.Context, do func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(64)
	for i := range items {
		g.Go(func() error { return do(ctx, i) })
	}
	return g.Wait()
}

// keysOf are the keys of a peer, made before anything is measured.
func keysOf(name string) []string {
	names := make([]string, items)
	for i := range names {
		names[i] = fmt.Sprintf("%s:{%d}:v", name, i)
	}
	return names
}
