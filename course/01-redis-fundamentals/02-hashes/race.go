package profile

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
)

const nora = "customer:7" // her record

var (
	asJSON = twoFields(shapes[0])
	asHash = twoFields(shapes[1])
)

// twoFields is the accident: Nora changes her street while the shop changes her
// points. Whoever was told that a change is in must find it there.
func twoFields(s shape) race.Scenario {
	changes := []struct{ who, field, old, new string }{
		{"nora", "street", "Elm 1", "Oak 5"},
		{"shop", "points", "40", "50"},
	}
	sc := race.Scenario{
		Name:  s.name,
		Title: "two fields of " + s.title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			record := map[string]string{}
			for _, change := range changes {
				record[change.field] = change.old
			}
			return s.create(ctx, c, k(nora), record)
		},
		Watch: []string{nora},
		Good:  "Every change that was acknowledged is in the record.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			for i, change := range changes {
				if ends[i].Err != nil || ends[i].Crashed {
					continue // nobody was told anything
				}
				value, err := s.look(ctx, c, k(nora), change.field)
				if err != nil {
					return err
				}
				if value != change.new {
					return &race.Violation{Message: fmt.Sprintf("%s was told that %s is %q now. The record says %q.", change.who, change.field, change.new, value)}
				}
			}
			return nil
		},
	}
	for _, change := range changes {
		sc.Actors = append(sc.Actors, race.Actor{Name: change.who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return s.change(ctx, c, k(nora), change.field, change.new)
		}})
	}
	return sc
}
