package track

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrUnsupported is what New and Run answer where no pushes can be had: the
// server knows no CLIENT TRACKING, the user may not use it, or the client is
// one that pushes do not help. The error says which. A cache goes on with its
// TTL alone.
var ErrUnsupported = errors.New("no pushed invalidation")

// DefaultCheck is the time within which every master has to prove that its
// pushes arrive.
const DefaultCheck = time.Second

// leastCheck keeps the checks from being most of what a server does.
const leastCheck = 10 * time.Millisecond

// Options of a Tracker. OnKeys and OnReset must be set.
type Options struct {
	// Prefix of the keys to hear of. Empty is every key of the server, in every
	// database.
	Prefix string

	// OnKeys is told the keys that were written, deleted, expired or evicted.
	// It and OnReset are called from one goroutine per master and must not
	// block: while they run, Live cannot be proved, and what takes longer than
	// Check costs the connection.
	OnKeys func(keys []string)

	// OnReset is told that any key may have changed: pushes may have been lost,
	// or everything was flushed. There may be more calls than reasons.
	OnReset func()

	// Check is how long an answer keeps Live true; a master is asked twice as
	// often. Zero is DefaultCheck; less than 10 ms is an error.
	Check time.Duration

	// Logger is told of connections lost and of changes in the topology. Nil is
	// nobody.
	Logger *slog.Logger
}

func (o Options) resolve() (Options, error) {
	switch {
	case o.OnKeys == nil:
		return o, errors.New("track: Options.OnKeys must be set, got nil")
	case o.OnReset == nil:
		return o, errors.New("track: Options.OnReset must be set, got nil")
	case o.Check != 0 && o.Check < leastCheck:
		return o, fmt.Errorf("track: Options.Check must be at least %v, got %v", leastCheck, o.Check)
	}
	o.Check = cmp.Or(o.Check, DefaultCheck)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	return o, nil
}

// Tracker hears of changes to keys. It is safe for concurrent use.
type Tracker struct {
	options  Options
	topology topology
	start    time.Time // of the times below
	running  atomic.Bool
	links    atomic.Pointer[[]*link] // to every master of the last picture; nil before the first
	looked   atomic.Int64            // when that picture was last confirmed; see expired
}

// never is the time of what has not happened.
const never = math.MinInt64

// New returns a Tracker for a client, which it neither dials nor closes: a
// *redis.Client, also one that follows Sentinels, or a *redis.ClusterClient. A
// client that reads from replicas is refused with ErrUnsupported, for a replica
// may still answer with what the master has already reported as changed.
func New(client redis.UniversalClient, o Options) (*Tracker, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	topology, err := topologyOf(client)
	if err != nil {
		return nil, err
	}
	return &Tracker{options: o, topology: topology, start: time.Now()}, nil
}

// Live reports whether pushes arrive: every master of the topology is
// subscribed to, and every write that Redis acknowledged more than Check ago
// has been told to OnKeys or OnReset. Whenever it was false, OnReset is called
// before it is true again.
//
// It takes about as long as reading the clock. Redis: none.
func (t *Tracker) Live() bool {
	links := t.links.Load()
	if links == nil {
		return false
	}
	now, check := t.now(), int64(t.options.Check)
	if expired(&t.looked, now-looksMissed*check) {
		return false
	}
	for _, l := range *links {
		if expired(&l.proven, now-check) {
			return false
		}
	}
	return true
}

// expired reports whether a time lies before least. That is final: a proof that
// comes just afterwards does not count any more, for Live must not become true
// again without a reset.
func expired(proof *atomic.Int64, least int64) bool {
	for {
		at := proof.Load()
		if at >= least {
			return false
		}
		if at == never || proof.CompareAndSwap(at, never) {
			return true
		}
	}
}

// now is the time since New.
func (t *Tracker) now() int64 { return int64(time.Since(t.start)) }

// Run subscribes to every master, follows the topology, and returns when all is
// closed again: nil when ctx has ended, ErrUnsupported as soon as a server
// refuses, redis.ErrClosed when the client was closed. Everything else it
// mends itself, with pauses of up to a second. OnReset is called at last for
// each subscription that ends. It may be run again, not twice at a time.
//
// A connection that is being opened when ctx ends can keep Run for the client's
// DialTimeout; a client without ContextTimeoutEnabled, for its ReadTimeout.
//
// Redis: see the package's footprint.
func (t *Tracker) Run(ctx context.Context) error {
	if !t.running.CompareAndSwap(false, true) {
		return errors.New("track: Run: it is running already")
	}
	defer t.running.Store(false)
	ctx, cancel := context.WithCancelCause(ctx)
	t.looked.Store(never)
	f := &follower{Tracker: t, fail: cancel, seen: never, byID: map[string]*link{}, kick: make(chan struct{}, 1)}
	err := f.follow(ctx)
	cancel(err)
	f.wg.Wait()
	t.links.Store(nil)
	if err != nil {
		return fmt.Errorf("track: Run: %w", err)
	}
	return nil
}

// refusal makes an ErrUnsupported of a server's answer that will be the same
// the next time. Answers of a moment, and those of a password that is being
// changed, stay as they are.
func refusal(command string, err error) error {
	answer, ok := errors.AsType[redis.Error](err)
	if !ok {
		return err
	}
	for _, prefix := range []string{
		"LOADING ", "BUSY ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ",
		"NOAUTH ", "WRONGPASS ", "ERR AUTH ", "ERR max number of clients",
	} {
		if redis.HasErrorPrefix(answer, prefix) {
			return err
		}
	}
	return fmt.Errorf("%w: %s: %w", ErrUnsupported, command, err)
}
