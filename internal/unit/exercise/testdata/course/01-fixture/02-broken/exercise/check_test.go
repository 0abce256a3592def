//go:build exercise && !never

package exercise

import (
	"testing"

	"github.com/redis-grind/grind/internal/unit/check"
)

func TestOne(t *testing.T) {
	check.Task(t, "one", func(c *check.C) {
		if n := Value(); n != 1 {
			c.Fail("The value is %d, want 1.", n)
		}
	})
}

func TestThree(t *testing.T) {
	check.Task(t, "three", func(c *check.C) { c.Fail("Nothing can pass.") })
}
