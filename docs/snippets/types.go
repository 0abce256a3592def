package snippets

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// region: tags

// Profile is a hash in Redis. A field that is not there scans as zero, so what
// may be missing is a pointer.
type Profile struct {
	Name string `redis:"name"`
	Age  *int   `redis:"age"`
}

// LoadProfile reads the hash of a user.
func LoadProfile(ctx context.Context, client *redis.Client, id string) (Profile, error) {
	var p Profile
	err := client.HGetAll(ctx, "profile:"+id).Scan(&p)
	return p, err
}

// endregion
