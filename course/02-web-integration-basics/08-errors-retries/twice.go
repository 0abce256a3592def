package retries

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// region: naive

// naive is the loop that is in every program somewhere.
func naive(ctx context.Context, rdb *redis.Client, key string) error {
	var err error
	for range attempts {
		if err = rdb.Incr(ctx, key).Err(); err == nil {
			return nil
		}
	}
	return err
}

// endregion

// attempts is how often an operation is tried at most.
const attempts = 4

// region: once

// once counts a gift by its id. However often it runs, it counts once: whoever finds
// the id there leaves the counter alone.
var once = redis.NewScript(`
if redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[1]) then
  redis.call('INCR', KEYS[1])
end
return redis.call('GET', KEYS[1])`)

// endregion

const remember = 3600 // seconds, for which an id is remembered

// twice loses the reply of one gift, and looks at the counter.
func twice(ctx context.Context, r *unit.Run) error {
	r.Step("One gift. The server counts it, and its reply is lost.")
	for _, way := range []struct {
		name, title, note string
		retries           int
		give              func(ctx context.Context, c *redis.Client, total, id string) error
		tone              unit.Tone
	}{
		{"naive", "a gift, with a naive retry", "The program was told of an error and tried again. It could not know better: nothing in the error says that the first was counted.", -1,
			func(ctx context.Context, c *redis.Client, total, _ string) error { return naive(ctx, c, total) }, unit.Bad},
		{"client", "a gift, with one call of Incr", "There is no loop in the program. go-redis repeats every command after a network error, up to three times, writes too, and says nothing of it.", 3,
			func(ctx context.Context, c *redis.Client, total, _ string) error { return c.Incr(ctx, total).Err() }, unit.Bad},
		{"idempotent", "a gift, with its id", "The second run found the id, and counted nothing.", 3,
			func(ctx context.Context, c *redis.Client, total, id string) error {
				err := once.Run(ctx, c, []string{total, id}, remember).Err()
				if errors.Is(err, redis.Nil) {
					return nil
				}
				return err
			}, unit.Good},
	} {
		total, id := r.Key("total:"+way.name), r.Key("gift:"+way.name)
		if way.name == "idempotent" {
			if err := once.Load(ctx, r.Redis()).Err(); err != nil { // else the trace shows how the script came there
				return err
			}
		}
		_, err := r.Trace(ctx, unit.Sample{
			Title: way.title, Note: way.note,
			Client: func(o *redis.Options) { o.MaxRetries = way.retries },
			Faults: []tap.Fault{{Kind: tap.LoseReply, Command: "INCR", Times: 1}, {Kind: tap.LoseReply, Command: "EVALSHA", Times: 1}},
		}, func(ctx context.Context, c *redis.Client) error {
			return way.give(trace.WithRequest(ctx, "one gift"), c, total, id)
		})
		if err != nil {
			return err
		}
		n, err := r.Redis().Get(ctx, total).Float64()
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: way.name, Label: "counted of one gift: " + way.title[len("a gift, "):], Value: n, Tone: way.tone})
	}
	return nil
}
