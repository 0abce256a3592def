package cache

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis-grind/grind/kit/codec"
)

// The defaults of Options.
const (
	DefaultName         = "cache"
	DefaultTTL          = 5 * time.Minute
	DefaultJitter       = 0.1
	DefaultEarlyRefresh = 1.0
	DefaultNegativeTTL  = 30 * time.Second
	DefaultLoadTimeout  = 10 * time.Second
	DefaultLeaseTTL     = 2 * time.Second
	DefaultRedisTimeout = 250 * time.Millisecond
	DefaultOriginLimit  = 64
	DefaultMaxBytes     = 1 << 20
	DefaultLocalTTL     = 5 * time.Second
)

// Options of a Cache. Zero Options work. Durations are sent to Redis in whole
// milliseconds.
type Options[K comparable, V any] struct {
	// Name begins every key: <name>:{<key>}:v. Two caches on one Redis need two
	// names, and all processes that share a cache use the same. Empty is
	// DefaultName. Braces, spaces and the signs * ? [ ] \ are an error.
	Name string

	// TTL is how long a value is fresh, counted from the moment its load began.
	// Zero is DefaultTTL; negative is an error. A loader changes it for one entry
	// by Entry.TTL.
	TTL time.Duration

	// Jitter spreads the TTL of each entry by up to this part in both directions,
	// so that what was loaded together does not expire together: 0.1 is ±10 %.
	// Zero is DefaultJitter; negative is none; 1 and more are an error.
	Jitter float64

	// StaleWhileRevalidate is for how long after its TTL a value is still answered
	// with, while one process loads a newer one in the background. Zero is not at
	// all; negative is an error.
	StaleWhileRevalidate time.Duration

	// StaleIfError is for how long after its TTL a value is kept to be answered
	// with when loading a newer one fails. Zero is not at all; negative is an error.
	StaleIfError time.Duration

	// StaleFunc gives a value its own StaleWhileRevalidate and StaleIfError, in place
	// of those above; zero and negative mean not at all. It must say the same of a
	// value that was stored and read again. Nil is those above for all.
	StaleFunc func(value V) (whileRevalidate, ifError time.Duration)

	// EarlyRefresh is how eagerly a value is loaded anew before its TTL ends, in
	// the background and by one process: the β of XFetch. At 1, a value that is
	// read n times while it loads once is refreshed about ln n load times before
	// its end; at 2 twice as early. Zero is DefaultEarlyRefresh; negative is never.
	EarlyRefresh float64

	// NegativeTTL is how long it is remembered that there is no value
	// (ErrNotFound). Zero is DefaultNegativeTTL; negative is not remembered.
	NegativeTTL time.Duration

	// LoadTimeout ends the context of a load. One that does not return then is
	// left alone, and its callers get context.DeadlineExceeded. Zero is
	// DefaultLoadTimeout; negative is an error.
	LoadTimeout time.Duration

	// LeaseTTL is how long the right to load outlives the process that holds it;
	// while the loader runs it is renewed. It bounds how long a dead process can
	// hold up others. Zero is DefaultLeaseTTL; below 100 ms is an error.
	LeaseTTL time.Duration

	// Wait is how long a reader waits for a load of another process before it
	// loads by itself, for its own callers only. Zero is LoadTimeout; negative is
	// not to wait.
	Wait time.Duration

	// ReplicaLag is for how long after an invalidation nobody may load the entry,
	// because loaders read from a replica of the database that may lag behind.
	// Readers wait meanwhile. Zero is not at all; negative is an error.
	ReplicaLag time.Duration

	// RedisTimeout bounds each step of a read that asks Redis, and so does half of
	// what the caller's deadline leaves. After it, and at once when Redis has failed
	// several times in a row, the reader goes to the origin. Zero is DefaultRedisTimeout; negative is an error.
	RedisTimeout time.Duration

	// OriginLimit is how many loads run at once in this process while Redis does
	// not answer; further readers get ErrOverloaded. Zero is DefaultOriginLimit;
	// negative is unlimited.
	OriginLimit int

	// MaxBytes is the size up to which an encoded value is stored. A larger one is
	// returned to its callers and counted in Stats.Oversized. Zero is
	// DefaultMaxBytes; negative is unlimited.
	MaxBytes int

	// KeyFunc turns a key into the text that stands between the braces. Different
	// keys must give different texts; any bytes are allowed. Nil works for strings,
	// integers and what has a String method; for other types New answers an error.
	KeyFunc func(K) string

	// TagFunc names the tags of a value, beside those that a loader gives by
	// Entry.Tag. It is asked for loaded and for written values. Nil is none.
	TagFunc func(key K, value V) []string

	// Codec encodes values. Nil is codec.CBOR. Wrap it in codec.Versioned when the
	// type may change while old and new processes run side by side.
	Codec codec.Codec[V]

	// Local is a first layer in this process's memory. Zero is none.
	Local Local

	// Logger is told what nobody else is: that Redis fails and works again, and
	// why a background refresh failed. Nil is silence.
	Logger *slog.Logger

	numbers bool // KeyFunc is that of numbers; see Cache.nameOf
}

// Local is the first layer (L1): decoded values in this process's memory. They
// are shared by all callers, who must not change what a value points to.
//
// While Cache.Run works, what another process invalidates is gone here within
// the time a message takes. Without it, and while its connection is broken,
// within TTL.
type Local struct {
	// Entries is how many values are kept at most. Zero is no bound by number;
	// negative is an error. A layer needs Entries or Bytes, and not both.
	Entries int

	// Bytes bounds the values by the sum of their encoded sizes, which is near
	// what they take in memory for flat types. Zero is no bound by size; negative
	// is an error.
	Bytes int64

	// TTL is how long a value stays here before Redis is asked again; never longer
	// than it is fresh. Zero is DefaultLocalTTL; negative is an error.
	TTL time.Duration
}

// enabled reports whether there is to be a first layer.
func (l Local) enabled() bool { return l.Entries != 0 || l.Bytes != 0 }

// complete fills in the defaults, and refuses what makes no sense by its name.
func (o *Options[K, V]) complete() error {
	if err := o.completeTimes(); err != nil {
		return err
	}
	bad := func(field, rule string, value any) error {
		return fmt.Errorf("cache: Options.%s %s, got %v", field, rule, value)
	}
	switch {
	case o.Jitter >= 1:
		return bad("Jitter", "must be below 1", o.Jitter)
	case o.LeaseTTL < 100*time.Millisecond:
		return bad("LeaseTTL", "must be at least 100ms", o.LeaseTTL)
	case o.Local.Entries < 0:
		return bad("Local.Entries", "must not be negative", o.Local.Entries)
	case o.Local.Bytes < 0:
		return bad("Local.Bytes", "must not be negative", o.Local.Bytes)
	case o.Local.Entries > 0 && o.Local.Bytes > 0:
		return bad("Local", "must be bounded by Entries or by Bytes, not both", o.Local)
	case o.Local.TTL != 0 && !o.Local.enabled():
		return bad("Local.TTL", "needs Local.Entries or Local.Bytes", o.Local.TTL)
	}
	o.Jitter = max(cmp.Or(o.Jitter, DefaultJitter), 0)
	o.EarlyRefresh = max(cmp.Or(o.EarlyRefresh, DefaultEarlyRefresh), 0)
	o.NegativeTTL = max(cmp.Or(o.NegativeTTL, DefaultNegativeTTL), 0)
	o.Wait = max(cmp.Or(o.Wait, o.LoadTimeout), 0)
	o.OriginLimit = cmp.Or(o.OriginLimit, DefaultOriginLimit)
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.Local.TTL = cmp.Or(o.Local.TTL, DefaultLocalTTL)
	if o.Codec == nil {
		o.Codec = codec.CBOR[V]()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if o.KeyFunc == nil {
		o.numbers = true
		o.KeyFunc, err = textOf[K]()
	}
	return err
}

// completeTimes is complete for the durations that may not be negative.
func (o *Options[K, V]) completeTimes() error {
	for _, field := range []struct {
		name     string
		value    *time.Duration
		fallback time.Duration
	}{
		{"TTL", &o.TTL, DefaultTTL},
		{"StaleWhileRevalidate", &o.StaleWhileRevalidate, 0},
		{"StaleIfError", &o.StaleIfError, 0},
		{"LoadTimeout", &o.LoadTimeout, DefaultLoadTimeout},
		{"LeaseTTL", &o.LeaseTTL, DefaultLeaseTTL},
		{"ReplicaLag", &o.ReplicaLag, 0},
		{"RedisTimeout", &o.RedisTimeout, DefaultRedisTimeout},
		{"Local.TTL", &o.Local.TTL, 0},
	} {
		if *field.value < 0 {
			return fmt.Errorf("cache: Options.%s must not be negative, got %v", field.name, *field.value)
		}
		*field.value = cmp.Or(*field.value, field.fallback)
	}
	return nil
}
