// Package catalog is the project 9.01: a product API with a cache in several
// layers, built by the learner, and checked from outside against a warehouse that
// counts who asks it.
package catalog

import (
	"net/http"
	"os"

	"github.com/redis-grind/grind/internal/project"
)

// products is how many there are in the warehouse of a check.
const products = 3000

// Project is the catalog as a learner builds it.
var Project = project.Project{
	Unit: "9.01",
	Name: "catalog",
	Dir:  "09-projects/01-catalog",
	Starters: []project.Starter{
		{Language: "go", Prepare: "go build -o catalog .", Run: "./catalog", Test: []string{"go", "build", "-o", os.DevNull, "."}},
		{
			Language: "fastapi", Prepare: "pip install fastapi uvicorn redis httpx", Run: "python3 main.py",
			Test: []string{"python3", "-c", "compile(open('main.py').read(), 'main.py', 'exec')"},
		},
	},
	Open: func() (http.Handler, []project.Milestone) {
		w := NewWarehouse(products)
		return w, Milestones(w)
	},
}

// Milestones are what the catalog must do, judged from outside with this warehouse
// behind it.
func Milestones(w *Warehouse) []project.Milestone {
	m := &milestones{warehouse: w, used: pageLimit * pageCount}
	return []project.Milestone{
		{
			ID: "api", Title: "products can be read, listed and changed, and a mistake is told as one",
			Why:   "Before it is fast it has to be right: the contract's answers, and errors as problem+json.",
			Check: m.api,
		},
		{
			ID: "cached", Title: "a product that was read once costs the warehouse nothing",
			Why:   "That is what a cache is for, and each read may cost Redis a few commands and no more.",
			Check: m.cached,
		},
		{
			ID: "stampede", Title: "200 readers of a cold product cost the warehouse one call",
			Why:   "A slow origin is asked most when it can bear it least; one load per product has to do, over both instances.",
			Check: m.stampede,
		},
		{
			ID: "follow", Title: "a change is seen at once here, and within two seconds by the other instance",
			Why:   "Whoever changed a price reads the new one back; a customer on the other instance does not see the old one for long.",
			Check: m.follow,
		},
		{
			ID: "refill", Title: "a slow reader does not bring an old price back",
			Why:   "A load that began before the change ends after it; what it stores would stay for the whole time to live.",
			Check: m.refill,
		},
		{
			ID: "unknown", Title: "products that do not exist are not asked for again and again",
			Why:   "A crawler with made-up numbers would otherwise pass through the cache every time.",
			Check: m.unknown,
		},
		{
			ID: "origin", Title: "while the warehouse fails or says nothing, what is cached is answered",
			Why:   "A cache is also what you have when the origin is gone; what is not cached is refused quickly, not hung up on.",
			Check: m.origin,
		},
		{
			ID: "outage", Title: "Redis paused, cut off, losing replies or killed: no reader sees an error, and no change is forgotten",
			Why:   "Without its cache the application is slower. It is not down, it does not bury the warehouse, and it comes back by itself.",
			Limit: outageLimit, Check: m.outage,
		},
		{
			ID: "tidy", Title: "everything in Redis ends by itself, and no command walks through everything",
			Why:   "A key without an end is a leak, and one KEYS stops every other client.",
			Check: m.tidy,
		},
	}
}
