package workbench

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// flush empties the tests' own server.
func flush(t *testing.T) {
	t.Helper()
	c := redis.NewClient(private.Options())
	defer c.Close()
	if err := c.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func publish(t *testing.T, channel, text string) {
	t.Helper()
	c := redis.NewClient(private.Options())
	defer c.Close()
	if err := c.Publish(t.Context(), channel, text).Err(); err != nil {
		t.Fatal(err)
	}
}
