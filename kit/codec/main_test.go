package codec_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/redis-grind/grind/kit/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret returns a key for tests: the same for the same n.
func secret(n byte) []byte {
	key := make([]byte, codec.KeySize)
	for i := range key {
		key[i] = n + byte(i)
	}
	return key
}
