// Package incident1 is the incident that ends phase 1: a shop whose counters, feed and
// carts misbehave under load. The folder shop holds the program, this package its
// visitors and its judge.
//
// # Redis footprint
//
// On a server of its own, which ends with the incident: session:<n>, 200,000
// strings with an end, and whatever the learner's file writes.
package incident1

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// window is how far back the facts look.
const window = 5 * time.Second

// Incident is the incident; course.go lists it.
var Incident = unit.Incident{
	ID:      "incident-1",
	Title:   "The shop that forgets and hoards",
	Lead:    "Carts lose items, memory only grows, and every page is slow now and then. Nothing was changed lately.",
	Minutes: 45,
	Subject: "the shop",
	Pace:    "about 160 requests a second",
	Program: "shop",
	File:    "shop.go",
	Copies:  2,
	Facts: []unit.Fact{
		{ID: "carts", Bad: "Carts lose items", Good: "Carts keep every item"},
		{ID: "memory", Bad: "Memory only grows", Good: "Memory stays within bounds"},
		{ID: "pages", Bad: "Every page is slow while the feed is read", Good: "Pages are quick while the feed is read"},
	},
	Window: window,
	Seed:   seed,
	Open: func(s unit.Scene) unit.Play {
		v := newVisitors(s.Programs)
		j := &judge{scene: s, visitors: v}
		return unit.Play{Load: v.run, Judge: j.judge}
	},
}

// seed puts the sessions of 200,000 visitors into Redis; each ends by itself. A
// part at a time, for a script keeps everybody waiting.
func seed(ctx context.Context, rdb *redis.Client) error {
	const sessions, part = 200_000, 20_000
	const script = `for i = ARGV[1], ARGV[2] do redis.call('SET', KEYS[1] .. i, i, 'EX', 3600) end return 1`
	for from := 1; from < sessions; from += part {
		if err := rdb.Eval(ctx, script, []string{"session:"}, from, from+part-1).Err(); err != nil {
			return fmt.Errorf("seed sessions %d to %d: %w", from, from+part-1, err)
		}
	}
	return nil
}
