package check

import (
	"fmt"
	"os"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
)

// private starts the server of a process that was given none. It is never
// stopped by us: it ends with the process.
var private = sync.OnceValues(func() (*redisproc.Server, error) {
	ctx, cancel := background()
	defer cancel()
	return redisproc.Start(ctx, redisproc.Options{Name: "check"})
})

// server returns how to reach the Redis of this run: fresh options at each call.
func server() (func() *redis.Options, error) {
	address := os.Getenv(EnvRedis)
	if address == "" {
		s, err := private()
		if err != nil {
			return nil, fmt.Errorf("check: no %s is set, so a private server was tried: %w", EnvRedis, err)
		}
		address = "redis://" + s.Addr()
	}
	if _, err := redis.ParseURL(address); err != nil {
		return nil, fmt.Errorf("check: %s is no Redis URL: %w", EnvRedis, err)
	}
	return func() *redis.Options {
		o, _ := redis.ParseURL(address) // parsed above
		o.MaxRetries = -1               // a retry would hide what a command did
		o.DisableIdentity = true
		return o
	}, nil
}
