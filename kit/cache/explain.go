package cache

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/fault"
)

// Explanation is all that is known of one key at one moment.
type Explanation struct {
	Key      string // as KeyFunc writes it
	ValueKey string // of Redis
	LeaseKey string // of Redis

	InMemory bool // Options.Local would answer
	Loading  bool // a load of this process is under way
	Outage   bool // reads do not ask Redis at the moment

	InRedis  bool          // there is an entry
	Negative bool          // it says that there is no value
	Problem  string        // why it cannot be read; empty if it can
	Bytes    int           // of the entry, with its header of 26 bytes
	Age      time.Duration // since its load began
	Fresh    time.Duration // from now on; negative when it is stale
	Gone     time.Duration // until Redis removes it
	LoadTook time.Duration

	// Lease says who is at work on the entry: empty for nobody, "load", "write",
	// "writes" for several or one that an invalidation met, and "kept away" for the
	// time that Options.ReplicaLag asks for.
	Lease     string
	LeaseLeft time.Duration // until it ends unless it is renewed
}

// String says it in a line.
func (x Explanation) String() string {
	var parts []string
	add := func(when bool, format string, args ...any) {
		if when {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	add(x.Outage, "Redis does not answer lately and is not asked")
	add(x.InMemory, "in memory")
	switch {
	case !x.InRedis:
		add(true, "not in Redis")
	case x.Problem != "":
		add(true, "in Redis, unreadable: %s", x.Problem)
	default:
		add(x.Negative, "noted as not found")
		add(true, "in Redis with %d bytes, loaded %v ago in %v", x.Bytes, ms(x.Age), x.LoadTook)
		add(x.Fresh > 0, "fresh for %v", ms(x.Fresh))
		add(x.Fresh <= 0, "stale for %v", ms(-x.Fresh))
		add(true, "gone in %v", ms(x.Gone))
	}
	add(x.Loading, "this process is loading it")
	add(x.Lease != "", "lease: %s, for %v", x.Lease, ms(x.LeaseLeft))
	return fmt.Sprintf("%q: %s", x.Key, strings.Join(parts, "; "))
}

// Explain tells what the cache has for a key and why a read would answer as it
// does. It changes nothing and loads nothing.
//
// Redis: 1 round trip, GET and PTTL of value and lease in a pipeline; keys <name>:{<key>}:v and :l.
func (c *Cache[K, V]) Explain(ctx context.Context, key K) (Explanation, error) {
	n := c.nameOf(key)
	x := Explanation{
		Key: n.text, ValueKey: n.value, LeaseKey: n.lease(),
		InMemory: c.local.has(key), Loading: c.flights.busy(n.text), Outage: c.remote.breaker.open(),
	}
	p := c.remote.conn.Pipeline()
	value, gone := p.Get(ctx, n.value), p.PTTL(ctx, n.value)
	lease, left := p.Get(ctx, n.lease()), p.PTTL(ctx, n.lease())
	cmds, err := p.Exec(ctx)
	if err = fault.Cause(cmds, err); fault.Classify(err) != fault.None {
		return x, fmt.Errorf("cache: explain %q: %w", n.text, err)
	}
	if _, err := c.remote.now(ctx); err != nil {
		return x, fmt.Errorf("cache: explain %q: %w", n.text, err)
	}
	x.InRedis = value.Err() == nil
	if x.InRedis {
		c.explainEntry(&x, n, value)
		x.Gone = max(gone.Val(), 0)
	}
	x.Lease, x.LeaseLeft = leaseKind(lease.Val()), max(left.Val(), 0)
	return x, nil
}

// explainEntry reads an entry for Explain.
func (c *Cache[K, V]) explainEntry(x *Explanation, n name, value *redis.StringCmd) {
	data, _ := value.Bytes()
	x.Bytes = len(data)
	head, payload, ok := parseHeader(data)
	if !ok {
		x.Problem = fmt.Sprintf("no entry of format %d", format)
		return
	}
	r := resultAt(*new(V), head, Redis, c.remote.clock.ms())
	x.Negative, x.Age, x.Fresh, x.LoadTook = head.negative, r.Age, r.Fresh, head.took
	if !head.negative {
		if _, err := c.options.Codec.Decode(n.value, payload); err != nil {
			x.Problem = err.Error()
		}
	}
}

// leaseKind puts a lease in words.
func leaseKind(lease string) string {
	kind, _, _ := strings.Cut(lease, ":")
	switch kind {
	case "l":
		return "load"
	case "w":
		return "write"
	case "c":
		return "writes"
	case "t":
		return "kept away"
	}
	return kind
}
