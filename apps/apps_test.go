package apps_test

import (
	"testing"

	"github.com/redis-grind/grind/apps"
	"github.com/redis-grind/grind/internal/app"
)

func TestAll(t *testing.T) {
	if err := app.Check(apps.All()); err != nil {
		t.Error(err)
	}
}
