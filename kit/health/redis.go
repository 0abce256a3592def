package health

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/fault"
	"github.com/redis-grind/grind/kit/internal/keys"
	"github.com/redis-grind/grind/kit/internal/pipe"
)

// probeTTL is how long what a check wrote outlives the program.
const probeTTL = time.Minute

// RedisOptions of the check of a Redis. The zero ones work.
type RedisOptions struct {
	// Name of the check. Empty is "redis".
	Name string
	// Prefix of its keys and its channel, without braces. Empty is "health".
	Prefix string
	// Stream appends to a stream and reads it back, besides.
	Stream bool
	// PubSub subscribes, publishes and receives, besides. It takes a connection of
	// its own each time.
	PubSub bool
	// Optional is that of the Check.
	Optional bool
}

// Redis is the check of a Redis that the program writes to, through the client
// that the program uses, so that the client's pool, login and topology are
// checked with it. It writes a value and takes it back: a PING is answered by a
// replica, by a server without memory, and by one that cannot save, and none of
// them takes an order. The detail tells them apart, as "read-only", "out of
// memory", "loading", "no free connection" and so on.
//
// Of a cluster it reaches the one node that has its slot, which is another for
// each instance of the program.
//
// Redis: 2 round trips, SET and GETDEL; O(1); key <prefix>:{random}:value, gone
// at the end, or within a minute. With Stream 1 more, MULTI, XADD, PEXPIRE,
// XREVRANGE, EXEC; key <prefix>:{random}:stream, for a minute. With PubSub 2 more,
// SUBSCRIBE and PUBLISH; channel <prefix>:{random}:channel. The client repeats
// none of the writes, and they concern its own keys only.
func Redis(client redis.UniversalClient, o RedisOptions) Check {
	if o.Name == "" {
		o.Name = "redis"
	}
	space, err := keys.New(o.Prefix, "health")
	if err != nil {
		return Check{err: fmt.Errorf("RedisOptions.Prefix: %w", err)}
	}
	id := rand.Text()
	r := &redisCheck{
		client: client, o: o,
		value: space.Key(id, "value"), stream: space.Key(id, "stream"), channel: space.Key(id, "channel"),
	}
	return Check{Name: o.Name, Func: r.check, Optional: o.Optional}
}

type redisCheck struct {
	client                 redis.UniversalClient
	o                      RedisOptions
	value, stream, channel string
}

var errOther = errors.New("something else came back than was written")

func (r *redisCheck) check(ctx context.Context) error {
	token := rand.Text()
	err := r.readBack(ctx, token)
	if err == nil && r.o.Stream {
		err = r.append(ctx, token)
	}
	if err == nil && r.o.PubSub {
		err = r.publish(ctx, token)
	}
	if err != nil {
		return Fail(r.detail(err), err)
	}
	return nil
}

// readBack writes and reads by single commands, because a go-redis client has
// another pool for pipelines, which may have room when the program's has none.
// GETDEL is for the master, where a GET may go to a replica that is behind. The
// client must repeat neither: how Redis is now is what is asked.
func (r *redisCheck) readBack(ctx context.Context, token string) error {
	set := pipe.NewOnce(ctx, "set", r.value, token, "px", probeTTL.Milliseconds())
	if err := r.client.Process(ctx, set); err != nil {
		return err
	}
	take := pipe.NewOnce(ctx, "getdel", r.value)
	if err := r.client.Process(ctx, take); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	if take.Val() != token {
		return errOther
	}
	return nil
}

// append reads back what it appended, in a transaction, which is the master's.
func (r *redisCheck) append(ctx context.Context, token string) error {
	var entries *redis.XMessageSliceCmd
	cmds, err := r.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		// A Once keeps all of it from being repeated. To queue it cannot fail.
		_ = p.Process(ctx, pipe.NewOnce(ctx, "xadd", r.stream, "maxlen", 1, "*", "token", token))
		p.PExpire(ctx, r.stream, probeTTL)
		entries = p.XRevRangeN(ctx, r.stream, "+", "-", 1)
		return nil
	})
	if err != nil {
		return fault.Cause(cmds, err)
	}
	if len(entries.Val()) != 1 || entries.Val()[0].Values["token"] != token {
		return errOther
	}
	return nil
}

// publish receives what it publishes, once the subscription is confirmed.
func (r *redisCheck) publish(ctx context.Context, token string) error {
	sub := r.client.Subscribe(ctx, r.channel)
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		return err
	}
	if err := r.client.Publish(ctx, r.channel, token).Err(); err != nil {
		return err
	}
	got, err := sub.ReceiveMessage(ctx)
	if err != nil {
		return err
	}
	if got.Payload != token {
		return errOther
	}
	return nil
}

// detail says in a few words what is wrong.
func (r *redisCheck) detail(err error) string {
	switch code := fault.Code(err); code {
	case "LOADING":
		return "loading"
	case "READONLY":
		return "read-only"
	case "OOM":
		return "out of memory"
	case "MISCONF":
		return "cannot save"
	case "NOREPLICAS":
		return "too few replicas"
	case "MASTERDOWN", "CLUSTERDOWN":
		return "master or cluster down"
	case "BUSY":
		return "busy with a script"
	case "NOAUTH", "WRONGPASS":
		return "login refused"
	case "NOPERM":
		return "not permitted"
	}
	if errors.Is(err, errOther) {
		return "wrong value"
	}
	switch fault.Classify(err) {
	case fault.Shed:
		return "no free connection"
	case fault.Unreachable:
		return "unreachable"
	case fault.Ambiguous:
		return "no answer"
	case fault.Caller:
		// The time limit, while it waited for a connection: the pool tells why.
		if s := r.client.PoolStats(); s.TotalConns == 0 {
			return "unreachable"
		} else if s.IdleConns == 0 {
			return "no free connection"
		}
		return "no answer"
	default:
		return "refused"
	}
}
