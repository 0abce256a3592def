package cache

import (
	"os"
	"testing"

	"github.com/redis-grind/grind/kit/redistest"
)

// long reports whether tests may take minutes: make chaos says so.
func long() bool { return os.Getenv("GRIND_LONG") != "" }

func TestMain(m *testing.M) {
	if config := os.Getenv(envChild); config != "" {
		childMain(config)
		return
	}
	redistest.Main(redistest.NoLeaks(m))
}
