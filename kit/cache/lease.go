package cache

import (
	"context"
	_ "embed"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/fault"
	"github.com/redis-grind/grind/kit/internal/keys"
	"github.com/redis-grind/grind/kit/internal/pipe"
	"github.com/redis-grind/grind/kit/script"
)

var (
	//go:embed acquire.lua
	acquireSource string
	//go:embed store.lua
	storeSource string
	//go:embed renew.lua
	renewSource string
	//go:embed release.lua
	releaseSource string
	//go:embed invalidate.lua
	invalidateSource string

	acquireScript    = script.Must(acquireSource, script.Idempotent())
	storeScript      = script.Must(storeSource, script.Idempotent())
	renewScript      = script.Must(renewSource, script.Idempotent())
	releaseScript    = script.Must(releaseSource, script.Idempotent())
	invalidateScript = script.Must(invalidateSource, script.Idempotent())
)

// The lease of an entry is a string that says who is at work on it:
//
//	l:<token>          a load
//	w:<token>          a write, alone
//	c:<token><token>…  writes that overlap, or one that an invalidation met
//	t:                 nobody: an invalidation keeps loads away for a while
//
// It ends with its time to live when whoever holds it has died.
const (
	partValue = "v"
	partLease = "l"
)

// name is a key of the cache.
type name struct {
	text  string // what KeyFunc made
	value string // the key of its value in Redis
}

func nameOf(space keys.Space, text string) name {
	return name{text: text, value: space.Key(text, partValue)}
}

// numberedName is nameOf for the digits of a number.
func numberedName(space keys.Space, digits []byte) name {
	value := space.Number(digits, partValue)
	end := len(value) - len("}:"+partValue)
	return name{text: value[end-len(digits) : end], value: value}
}

// lease is the key of its lease in Redis. A hit needs none.
func (n name) lease() string { return n.value[:len(n.value)-len(partValue)] + partLease }

func (n name) both() []string { return []string{n.value, n.lease()} }

// conn is what the steps need of a client.
type conn interface {
	script.Client
	script.PipelineClient
}

// remote takes the steps of the cache in Redis. It knows entries as bytes.
type remote struct {
	conn    conn
	pipe    *pipe.Pipe
	timeout time.Duration // of a step
	lease   time.Duration
	lag     time.Duration
	clock   clock
	breaker breaker
	window  window
}

// newToken names a load or a write. It must differ from others of the same key
// within minutes, and is no secret.
func newToken() string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
	var token [idSize]byte
	for i, bits := 0, rand.Uint64(); i < idSize; i, bits = i+1, bits>>6 {
		token[i] = letters[bits&63]
	}
	return string(token[:])
}

// step runs one step of a read: bounded in time, left out when Redis is known
// not to answer, and noted by the breaker.
func (r *remote) step(ctx context.Context, do func(context.Context) error) error {
	if !r.breaker.allow() {
		return errOutage
	}
	bounded, cancel := context.WithTimeout(ctx, r.patience(ctx))
	defer cancel()
	err := do(bounded)
	r.breaker.note(fault.In(ctx, err))
	return err
}

// patience is how long a step may take: RedisTimeout, or half of what the
// caller's deadline leaves, so that there is time for the origin. A caller in
// great haste gets no such share: that would make Redis look slow.
func (r *remote) patience(ctx context.Context) time.Duration {
	const haste = 20 * time.Millisecond
	deadline, ok := ctx.Deadline()
	if !ok {
		return r.timeout
	}
	left := time.Until(deadline)
	if left > haste {
		left /= 2
	}
	return min(r.timeout, left)
}

// batch is a step of several scripts in one round trip. After an error that is
// not the server's the results must not be looked at.
func (r *remote) batch(ctx context.Context, fill func(context.Context, *script.Batch)) error {
	return r.step(ctx, func(ctx context.Context) error {
		return within(ctx, func() error {
			return script.Pipelined(ctx, r.conn, func(b *script.Batch) error { fill(ctx, b); return nil })
		})
	})
}

// get reads an entry; nil for none.
func (r *remote) get(ctx context.Context, n name) ([]byte, error) {
	if !r.breaker.allow() {
		return nil, errOutage
	}
	data, err := r.bareGet(ctx, n)
	if err == nil || errors.Is(err, redis.Nil) {
		r.breaker.note(fault.None)
		return data, nil
	}
	r.breaker.note(fault.In(ctx, err))
	return nil, err
}

// bareGet is the GET of a hit, which is all that a hit costs; the bytes are the
// caller's to keep. A timer for each would double its price, so those that begin at
// about the same time share one, wherever the caller's own deadline is not nearer.
func (r *remote) bareGet(ctx context.Context, n name) ([]byte, error) {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 2*r.timeout {
		bounded, cancel := context.WithTimeout(ctx, r.patience(ctx))
		defer cancel()
		return pipe.Do(bounded, r.pipe, redis.NewStringCmd(bounded, "get", n.value), (*redis.StringCmd).Bytes)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q := &question{windowed: windowed{ctx, r.window.join(r.timeout)}, args: [2]any{"get", n.value}}
	return pipe.Do(q, r.pipe, redis.NewStringCmd(q, q.args[:]...), (*redis.StringCmd).Bytes)
}

// question is what the command of a hit needs beside itself, in one allocation.
type question struct {
	windowed
	args [2]any
}

// now returns the time at Redis, and asks for it where what is known is too old.
func (r *remote) now(ctx context.Context) (int64, error) {
	if ms, known := r.clock.now(); known {
		return ms, nil
	}
	err := r.step(ctx, func(ctx context.Context) error {
		sent := time.Now()
		now, err := pipe.Do(ctx, r.pipe, redis.NewTimeCmd(ctx, "time"), (*redis.TimeCmd).Result)
		if err == nil {
			r.clock.observe(sent, now.UnixMilli())
		}
		return err
	})
	return r.clock.ms(), err
}

// grant is what acquire.lua answers.
type grant struct {
	kind  grantKind
	now   int64         // ms, Redis's clock
	at    time.Time     // ours, before the question was sent
	entry []byte        // present: what is there
	left  time.Duration // busy: of the lease that stands
}

type grantKind int

const (
	present grantKind = iota // there is an entry that the caller has not seen
	granted                  // the caller is to load
	busy                     // somebody else is at work
)

// acquire asks for the right to load an entry. seen is the id of the one that
// the caller wants replaced.
func (r *remote) acquire(ctx context.Context, n name, token, seen string) (g grant, err error) {
	err = r.step(ctx, func(ctx context.Context) error {
		g.at = time.Now()
		res := acquireScript.Run(ctx, r.pipe, n.both(), token, script.Millis(r.lease), seen)
		g, err = r.readGrant(g.at, &res)
		return err
	})
	return g, err
}

// readGrant reads the answer of acquire.lua to a question that was sent at a
// moment of ours.
func (r *remote) readGrant(sent time.Time, res *script.Result) (grant, error) {
	g := grant{at: sent}
	var kind int
	var rest any
	if _, err := res.Scan(&kind, &g.now, &rest); err != nil {
		return g, err
	}
	r.clock.observe(sent, g.now)
	g.kind = grantKind(kind)
	switch rest := rest.(type) {
	case string:
		g.entry = []byte(rest)
	case int64:
		g.left = time.Duration(rest) * time.Millisecond
	}
	return g, nil
}

// store keeps an entry if the lease of its load still stands.
func (r *remote) store(ctx context.Context, n name, token string, ttl time.Duration, entry []byte) (stored bool, err error) {
	err = r.step(ctx, func(ctx context.Context) error {
		stored, _, err = storeScript.Run(ctx, r.pipe, n.both(), token, script.Millis(ttl), entry).Bool()
		return err
	})
	return stored, err
}

// renew prolongs the lease of a load or a write, and reports whether it stands.
func (r *remote) renew(ctx context.Context, n name, token string) (stands bool, err error) {
	err = r.step(ctx, func(ctx context.Context) error {
		stands, _, err = renewScript.Run(ctx, r.pipe, []string{n.lease()}, token, script.Millis(r.lease)).Bool()
		return err
	})
	return stands, err
}

// release gives the lease of a load back, and reports whether it still stood.
func (r *remote) release(ctx context.Context, n name, token string) (stood bool, err error) {
	err = r.step(ctx, func(ctx context.Context) error {
		stood, _, err = releaseScript.Run(ctx, r.pipe, []string{n.lease()}, token).Bool()
		return err
	})
	return stood, err
}

// invalidate removes entries and kills the leases of their loads. It is not a
// step of a read: it takes the time that the caller's context and the client
// allow, and is tried even when reads have given Redis up.
func (r *remote) invalidate(ctx context.Context, names ...name) error {
	if len(names) == 1 {
		return invalidateScript.Run(ctx, r.pipe, names[0].both(), script.Millis(r.lag)).Err()
	}
	return script.Pipelined(ctx, r.conn, func(b *script.Batch) error {
		for _, n := range names {
			invalidateScript.Queue(ctx, b, n.both(), script.Millis(r.lag))
		}
		return nil
	})
}
