//go:build exercise

package exercise_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise/testdata/course/01-fixture/01-add/exercise"
)

func TestSum(t *testing.T) {
	check.Task(t, "sum", func(c *check.C) {
		a, b := c.Rand().Int64N(1000), c.Rand().Int64N(1000)
		for _, n := range []int64{a, b} {
			_, err := exercise.Add(c.Context(), c.Redis(), c.Key("sum"), n)
			c.NoError(err, "Add")
		}
		got, err := c.Direct().Get(c.Context(), c.Key("sum")).Int64()
		c.NoError(err, "GET")
		if got != a+b {
			c.Fail("%s is %d after adding %d and %d.", c.Key("sum"), got, a, b)
		}
	})
}

func TestCost(t *testing.T) {
	check.Task(t, "cost", func(c *check.C) {
		trips := c.RoundTrips(func() {
			_, err := exercise.Add(c.Context(), c.Redis(), c.Key("sum"), 1)
			c.NoError(err, "Add")
		})
		if trips != 1 {
			c.Fail("Adding took %d round trips, want 1.", trips)
		}
	})
}

func TestOrders(t *testing.T) {
	check.Task(t, "orders", func(c *check.C) {
		one := func(ctx context.Context, client race.Client, k race.Keys) error {
			_, err := exercise.Add(ctx, client, k("sum"), 1)
			return err
		}
		c.ExploreOrders(race.Scenario{
			Name: "two", Title: "two people add 1",
			Actors: []race.Actor{{Name: "alice", Do: one}, {Name: "bob", Do: one}},
			Check: func(ctx context.Context, client race.Client, k race.Keys, _ []race.End) error {
				got, err := client.Get(ctx, k("sum")).Int64()
				if err == nil && got != 2 {
					return &race.Violation{Message: fmt.Sprintf("Two people added 1, and the sum is %d.", got)}
				}
				return err
			},
		})
	})
}
