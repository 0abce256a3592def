// Package apps is the table of the applications. Each is a folder beside this
// file, uses the toolkit as any builder would, and knows no other.
package apps

import (
	"github.com/redis-grind/grind/apps/catalog"
	"github.com/redis-grind/grind/internal/app"
)

// All returns the applications in the order in which a person meets them.
func All() []*app.App {
	return []*app.App{
		catalog.Describe(),
	}
}
