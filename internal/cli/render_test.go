package cli

import (
	"testing"

	"github.com/redis-grind/grind/internal/picture"
)

func TestGroupLine(t *testing.T) {
	t.Parallel()
	for want, g := range map[string]picture.Group{
		"group mail: 2 pending, last delivered 3-0, 1 not delivered yet": {Name: "mail", Pending: 2, Last: "3-0", Lag: 1},
		"group till: 0 pending, last delivered 0-0":                      {Name: "till", Last: "0-0", Lag: -1},
	} {
		if got := groupLine(g); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
