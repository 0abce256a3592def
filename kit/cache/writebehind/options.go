package writebehind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"time"

	"github.com/redis-grind/grind/kit/internal/keys"
)

// Invalidator removes cached values. A *cache.Cache is one.
type Invalidator[K comparable] interface {
	Invalidate(ctx context.Context, keys ...K) error
}

// Codec turns a value into bytes and back; those of package codec do. name is the
// place of the value, the same for both. What an older version of the program
// encoded must stay readable while it is pending.
type Codec[V any] interface {
	Encode(name string, value V) ([]byte, error)
	Decode(name string, data []byte) (V, error)
}

// The defaults of Options.
const (
	DefaultShards      = 16
	DefaultMaxPending  = 100_000
	DefaultDelay       = 200 * time.Millisecond
	DefaultBatch       = 100
	DefaultWorkers     = 4
	DefaultLease       = 10 * time.Second
	DefaultSinkTimeout = 30 * time.Second
	DefaultMaxAttempts = 8
	DefaultBackoff     = 100 * time.Millisecond
	DefaultMaxBackoff  = 30 * time.Second
)

// maxShards bounds what a look at all shards sends at once.
const maxShards = 1024

// Options of a Writer. Only Sink has no default; all processes that share a
// Prefix must have the same Shards, Codec and keys.
type Options[K comparable, V any] struct {
	// Sink writes a batch to the database. The package's text says what it has to
	// do. It may be nil in a process that only accepts writes: there Run and Drain
	// are ErrNoSink.
	Sink func(ctx context.Context, writes []Write[K, V]) error

	// Invalidator is told of each key that was accepted, written or laid aside.
	// Nil is none.
	Invalidator Invalidator[K]

	// Prefix of all keys. Empty is "writebehind". It must not lie below a cache's
	// own prefix, for that cache's Clear would remove what is pending.
	Prefix string

	// Codec of the values. Nil is JSON.
	Codec Codec[V]

	// FormatKey and ParseKey turn a key into text and back. Both nil: strings and
	// integers as they are written; for other types both are needed.
	FormatKey func(K) string
	ParseKey  func(string) (K, error)

	// Shards divide the keys: as many batches can be written at the same time,
	// over all processes. Zero is DefaultShards; at most 1024. Changing it needs
	// an empty buffer: Drain it, stop all, and remove the key <prefix>:{shards}:count.
	Shards int

	// MaxPending bounds the keys that are pending or dead; Put is ErrFull beyond
	// it. It is divided among the shards, so a shard may be full a little earlier.
	// Zero is DefaultMaxPending; negative is an error.
	MaxPending int

	// Delay is how long a write waits for others to the same key, which then reach
	// the database as one. Zero is DefaultDelay; negative is none.
	Delay time.Duration

	// Batch is how many writes the sink gets at most. Zero is DefaultBatch;
	// negative is an error.
	Batch int

	// Workers is how many sinks of this process run at the same time. Zero is
	// DefaultWorkers; negative is an error.
	Workers int

	// Lease is how long a shard stays untouched after its worker died. It is
	// renewed while the sink runs. Zero is DefaultLease; less than a millisecond
	// is an error.
	Lease time.Duration

	// SinkTimeout bounds one call of the sink: its context ends then, and another
	// process may take the shard over. Zero is DefaultSinkTimeout; negative is an
	// error.
	SinkTimeout time.Duration

	// MaxAttempts is after how many failures a write becomes a dead letter. A
	// failure counts only if the sink has written something else since the one
	// before: while the database is down nothing dies. Zero is DefaultMaxAttempts;
	// negative is never.
	MaxAttempts int

	// Backoff is the wait after a first failure; it doubles with each further one
	// up to MaxBackoff, and is jittered by half. Zero is DefaultBackoff and
	// DefaultMaxBackoff; negative is an error.
	Backoff, MaxBackoff time.Duration

	// NotFound is what a function of Loader returns for a key whose deletion is
	// pending; with package cache, cache.ErrNotFound. Nil is ErrDeleted.
	NotFound error

	// Logger is told what failed and what was laid aside. Nil is nobody.
	Logger *slog.Logger
}

// withDefaults returns the options with zeros filled in, or says which is bad.
func (o Options[K, V]) withDefaults() (Options[K, V], error) {
	fill(&o.Shards, DefaultShards)
	fill(&o.MaxPending, DefaultMaxPending)
	fill(&o.Delay, DefaultDelay)
	fill(&o.Batch, DefaultBatch)
	fill(&o.Workers, DefaultWorkers)
	fill(&o.Lease, DefaultLease)
	fill(&o.SinkTimeout, DefaultSinkTimeout)
	fill(&o.MaxAttempts, DefaultMaxAttempts)
	fill(&o.Backoff, DefaultBackoff)
	fill(&o.MaxBackoff, max(DefaultMaxBackoff, o.Backoff))
	o.Delay = max(o.Delay, 0)
	if o.Codec == nil {
		o.Codec = jsonCodec[V]{}
	}
	if o.NotFound == nil {
		o.NotFound = ErrDeleted
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	bad := func(field, rule string, value any) (Options[K, V], error) {
		return o, fmt.Errorf("writebehind: Options.%s must %s, got %v", field, rule, value)
	}
	switch {
	case o.Shards < 1 || o.Shards > maxShards:
		return bad("Shards", fmt.Sprintf("be in 1..%d", maxShards), o.Shards)
	case o.MaxPending < o.Shards:
		return bad("MaxPending", fmt.Sprintf("be at least one for each of the %d shards", o.Shards), o.MaxPending)
	case o.Batch < 1:
		return bad("Batch", "be positive", o.Batch)
	case o.Workers < 1:
		return bad("Workers", "be positive", o.Workers)
	case o.Lease < time.Millisecond:
		return bad("Lease", "be a millisecond at least", o.Lease)
	case o.SinkTimeout < 0:
		return bad("SinkTimeout", "be positive", o.SinkTimeout)
	case o.Backoff < 0:
		return bad("Backoff", "be positive", o.Backoff)
	case o.MaxBackoff < o.Backoff:
		return bad("MaxBackoff", fmt.Sprintf("be at least Backoff, %v", o.Backoff), o.MaxBackoff)
	}
	return o, o.fillKeys()
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// fillKeys finds out how keys are written.
func (o *Options[K, V]) fillKeys() error {
	if (o.FormatKey == nil) != (o.ParseKey == nil) {
		return errors.New("writebehind: Options.FormatKey and Options.ParseKey belong together")
	}
	if o.FormatKey != nil {
		return nil
	}
	switch kind := reflect.TypeFor[K]().Kind(); kind {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		o.FormatKey, o.ParseKey = formatKey[K], parseKey[K]
		return nil
	default:
		return fmt.Errorf("writebehind: Options.FormatKey and Options.ParseKey must be given for keys of type %v", reflect.TypeFor[K]())
	}
}

// formatKey writes a string or an integer, whatever String its type may have:
// parseKey has to read it again.
func formatKey[K comparable](key K) string {
	v := reflect.ValueOf(key)
	switch {
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	}
	return v.String()
}

func parseKey[K comparable](text string) (key K, err error) {
	v := reflect.ValueOf(&key).Elem()
	switch {
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
		return key, err
	case v.CanUint():
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
		return key, err
	}
	v.SetString(text)
	return key, nil
}

type jsonCodec[V any] struct{}

func (jsonCodec[V]) Encode(_ string, value V) ([]byte, error) { return json.Marshal(value) }

func (jsonCodec[V]) Decode(_ string, data []byte) (value V, err error) {
	err = json.Unmarshal(data, &value)
	return value, err
}

// shard holds the keys of one shard, all in one slot.
type shard struct{ pending, due, since, dead, meta, owner string }

// place names a value for the codec.
func (s shard) place(field string) string { return s.pending + "/" + field }

func shardsOf(space keys.Space, n int) []shard {
	all := make([]shard, n)
	for i := range all {
		key := func(part string) string { return space.Key(strconv.Itoa(i), part) }
		all[i] = shard{key("pending"), key("due"), key("since"), key("dead"), key("meta"), key("owner")}
	}
	return all
}
