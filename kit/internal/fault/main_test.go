package fault

import (
	"testing"

	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) { redistest.Main(redistest.NoLeaks(m)) }
