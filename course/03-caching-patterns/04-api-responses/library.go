// Package library is unit 3.04: a cache in front of the pages of a library, and what
// it may show to whom.
package library

import (
	"context"

	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "3.04",
	Title:    "Response caching",
	Lead:     "Every page of the library came at once now. One of them was My loans, and for a minute at a time it was Mr Brandt's, at every terminal in town.",
	Minutes:  105,
	After:    []string{"2.01", "2.03", "3.01"},
	Packages: []string{"cache/httpcache"},
	Params: []unit.Param{
		{Name: "rate", Label: "visitors a second, in the outage", Kind: unit.IntParam, Min: "20", Max: "200", Default: "40", Quick: "40"},
		{Name: "slow", Label: "how long a page takes when the origin is slow", Kind: unit.DurationParam, Min: "200ms", Max: "900ms", Default: "400ms", Quick: "300ms"},
		{Name: "outage", Label: "how long the origin fails", Kind: unit.DurationParam, Min: "1500ms", Max: "10s", Default: "2s", Quick: "1500ms"},
		{Name: "visits", Label: "times that a terminal opens the same page", Kind: unit.IntParam, Min: "20", Max: "2000", Default: "200", Quick: "40"},
	},
	Predict: unit.Prediction{
		Question: "The welcome page looks the same to everybody, and gives each new visitor a cookie. It is kept for a minute, with its headers. The reading list of a visit is never kept. What does the second visitor find on theirs?",
		Choices:  []string{"nothing: reading lists are not cached", "nothing, but the cookie is missing", "the first visitor's books"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "a cache by URL shows the second visitor something wrong, six times of six", Metric: "wrong_naive", Op: "==", Bound: 6},
		{Text: "kit/cache/httpcache never does", Metric: "wrong_kit", Op: "==", Bound: 0},
		{Text: "and still answers from the cache what is for all", Metric: "whole_hit_kit", Op: "==", Bound: 1},
		{Text: "with an ETag a page comes again only when it has changed", Metric: "again_tagged", Op: "==", Bound: 2},
		{Text: "that saves most of the bytes", Metric: "bytes_tagged", Op: "<", Bound: 0.25, Other: "bytes_whole"},
		{Text: "the origin makes the page no more often for that", Metric: "looked_up", Op: "==", Bound: 3},
		{Text: "when the origin fails, max-age alone shows errors", Metric: "errors_plain", Op: ">", Bound: 3},
		{Text: "with stale-if-error nobody sees one", Metric: "errors_windows", Op: "==", Bound: 0},
		{Text: "they see an older page", Metric: "stale_windows", Op: ">", Bound: 3},
		{Text: "when it is slow, with max-age alone visitors wait", Metric: "missed_plain", Op: ">", Bound: 1},
		{Text: "with stale-while-revalidate hardly anybody does", Metric: "missed_windows", Op: "<", Bound: 0.5, Other: "missed_plain"},
	},
	Terms: []unit.Term{
		{Word: "shared cache", Means: "A cache of responses that serves many users; a private one is a browser's."},
		{Word: "ETag", Means: "A text that changes whenever a response does, by which a client asks whether what it has is still good.", Also: []string{"ETags"}},
		{Word: "Vary", Means: "The header by which a response names the request headers that it depends on."},
		{Word: "fresh", Means: "Within the time for which a response may be used without asking whether it still holds.", Common: true},
		{Word: "stale-if-error", Means: "For how long after its end a stored response may be shown when a newer one cannot be had."},
	},
	Tasks: []unit.Task{
		{ID: "hit", Title: "answers a second time from Redis, with all that was said the first time"},
		{ID: "says", Title: "keeps what may be kept, and for no longer"},
		{ID: "personal", Title: "shows nobody what was made for somebody else"},
		{ID: "cookie", Title: "gives nobody the cookie of somebody else"},
		{ID: "vary", Title: "keeps a copy for each kind of request, where the response says so"},
		{ID: "failed", Title: "keeps no failure"},
		{ID: "whole", Title: "keeps nothing that is not whole"},
		{ID: "etag", Title: "tells who has it already, in a few bytes"},
		{ID: "stale", Title: "shows an older response at once, while one newer is made"},
		{ID: "error", Title: "shows an older response when there is no newer one"},
		{ID: "down", Title: "works without Redis"},
	},
	Run: run,
}

// answer tells what became of the second visitor's reading list.
func answer(m unit.Metrics) (int, string) {
	if m["became_naive"] == 0 {
		return 0, "Nothing: the second visitor was given a visit of their own."
	}
	return 2, "The first one's. The page was kept with its Set-Cookie, so that the second visitor was given the first one's visit, and from then on was that visitor, on every page."
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{trying, telling, watched, validating, standingStill} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
