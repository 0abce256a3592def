package course

import (
	"maps"
	"slices"
)

// The routes, by the ids of their units. A route names what exists; it grows
// with the course.
var (
	weekend   = []string{"1.01", "1.02", "1.03", "1.04", "1.05", "1.09", "1.12"}
	catalog   = []string{"1.01", "1.02", "1.03", "1.04", "1.12", "1.13", "3.04", "3.05", "3.06", "3.09", "9.01"}
	chat      = []string{"1.01", "1.03", "1.05", "1.07", "1.10", "1.11"}
	shortener = []string{"1.01", "1.02", "1.03", "1.04", "1.05"}
	shop      = []string{"1.01", "1.02", "1.03", "1.05", "1.13"}
	feed      = []string{"1.01", "1.04", "1.06", "1.08", "1.09", "1.13"}
	arena     = []string{"1.01", "1.04", "1.05", "1.09", "1.11"}
	jobs      = []string{"1.01", "1.05", "1.06", "1.07", "1.09", "1.10"}
	limiter   = []string{"1.01", "1.03", "1.04", "1.05", "1.09"}
)

// everyProject is what any of the projects needs.
func everyProject() []string {
	units := map[string]bool{}
	for _, project := range [][]string{catalog, chat, shortener, shop, feed, arena, jobs, limiter} {
		for _, id := range project {
			units[id] = true
		}
	}
	return slices.Sorted(maps.Keys(units))
}
