//go:build exercise && !never

package exercise_test

import (
	"testing"

	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise/testdata/course/01-fixture/02-broken/exercise"
)

func TestOne(t *testing.T) {
	check.Task(t, "one", func(c *check.C) {
		if n := exercise.Value(); n != 1 {
			c.Fail("The value is %d, want 1.", n)
		}
	})
}

func TestThree(t *testing.T) {
	check.Task(t, "three", func(c *check.C) { c.Fail("Nothing can pass.") })
}
