// Package incident2 is the incident that ends phase 2: an office that sells places on
// a ferry, and that is right on every quiet day. The folder office holds the program;
// this package is what happens to it: passengers, another team's app, a balancer, an
// orchestrator that deploys and restarts, and a network that drops packets.
//
// # Redis footprint
//
// On a server of its own, which ends with the incident: booking:<number>, JSON that
// the app reads and writes, and whatever the learner's file writes.
package incident2

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// window is how far back the facts look: at least one deploy and one hiccup.
const window = 10 * time.Second

// copyCount is how many copies of the office there should be.
const copyCount = 2

// Incident is the incident; course.go lists it.
var Incident = unit.Incident{
	ID:      "incident-2",
	Title:   "The ferry that waits for nobody",
	Lead:    "On a quiet day all is well. Today packets get lost, Redis hiccups, the office is deployed, and another team's app writes beside it.",
	Minutes: 60,
	Subject: "the office",
	Pace:    "about 90 requests a second",
	Program: "office",
	File:    "office.go",
	Copies:  copyCount,
	Facts: []unit.Fact{
		{ID: "crew", Bad: "The crew waits for passengers who do not exist", Good: "The crew waits for those who have booked"},
		{ID: "wishes", Bad: "Dogs and wheelchairs vanish from bookings", Good: "Bookings keep what was asked for"},
		{ID: "deploys", Bad: "Each deploy turns people away", Good: "Nobody notices a deploy"},
		{ID: "hiccups", Bad: "Redis hiccups, and the office is gone for longer", Good: "The office is back when Redis is"},
	},
	Window: window,
	Seed:   func(context.Context, *redis.Client) error { return nil },
	Open:   open,
}

// open makes everything that happens to the office. Nothing runs before Load.
func open(s unit.Scene) unit.Play {
	b := newBalancer(s)
	v := newVisitors(b.url(), s.Redis)
	t := &timetable{scene: s, balancer: b}
	j := &judge{visitors: v, timetable: t, balancer: b}
	return unit.Play{
		Addr:   b.url(),
		Strike: v.strike,
		Judge:  j.judge,
		Load: func(ctx context.Context) {
			j.begin(time.Now())
			defer b.close()
			runAll(ctx, b.run, v.run, t.run)
		},
	}
}
