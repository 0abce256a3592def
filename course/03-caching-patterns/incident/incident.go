// Package incident3 is the incident that ends phase 3: a bureau de change with two
// windows and one cache, which quotes what is no longer true and asks its head
// office to death. The folder bureau holds the program, this package the head
// office, the customers and the judge.
//
// # Redis footprint
//
// On a server of its own, which ends with the incident: whatever the learner's file
// writes.
package incident3

import (
	"context"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// window is how far back the facts look.
const window = 5 * time.Second

// Incident is the incident; course.go lists it.
var Incident = unit.Incident{
	ID:      "incident-3",
	Title:   "Two windows, two truths",
	Lead:    "A rate that was changed comes back, Ada is greeted as Ben, one window keeps an old notice, and the head office cannot keep up.",
	Minutes: 70,
	Subject: "the bureau",
	Pace:    "about 140 requests a second",
	Program: "bureau",
	File:    "window.go",
	Copies:  len(windows),
	Names:   windows[:],
	Facts: []unit.Fact{
		{ID: "rates", Bad: "Old rates come back", Good: "A changed rate stays changed"},
		{ID: "quotes", Bad: "Customers get others' terms", Good: "Customers get their own terms"},
		{ID: "sheets", Bad: "All ask the head office at once", Good: "The head office is asked once"},
		{ID: "notices", Bad: "One window keeps old notices", Good: "Both windows show what is on"},
	},
	Window: window,
	Seed:   func(context.Context, *redis.Client) error { return nil }, // a cache begins empty
	Origin: func() http.Handler { return newHeadOffice() },
	Open: func(s unit.Scene) unit.Play {
		office, ok := s.Origin.(*headOffice)
		if !ok {
			panic("incident3: the scene has another origin than Incident.Origin makes")
		}
		p := newPublic(s.Programs, office)
		j := &judge{scene: s, public: p}
		return unit.Play{Load: p.run, Judge: j.judge}
	},
}

// windows are the copies of the program, in their order.
var windows = [2]string{"Harbour", "Station"}
