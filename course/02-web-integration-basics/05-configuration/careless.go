package settings

import (
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// environment is what a program finds, by name.
type environment map[string]string

// region: careless

// careless reads settings as it is often done: what cannot be read is what it would
// have been without.
func careless(env environment) *redis.Options {
	o, err := redis.ParseURL(env["REDIS_URL"])
	if err != nil {
		o = &redis.Options{Addr: "localhost:6379"}
	}
	if db, err := strconv.Atoi(env["REDIS_DB"]); err == nil {
		o.DB = db
	}
	if n, err := strconv.Atoi(env["READ_TIMEOUT"]); err == nil {
		o.ReadTimeout = time.Duration(n) // of what?
	} else if d, err := time.ParseDuration(env["READ_TIMEOUT"]); err == nil {
		o.ReadTimeout = d
	}
	if n, err := strconv.Atoi(env["POOL_SIZE"]); err == nil {
		o.PoolSize = n
	}
	if env["PROFILE"] == "production" && o.TLSConfig == nil {
		o.PoolSize = max(o.PoolSize, 50) // there was a rule here once
	}
	return o
}

// endregion
