package script_test

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
	"github.com/redis-grind/grind/kit/script"
)

// SCRIPT FLUSH between the commands of a pipeline: each script runs exactly
// once, and each result finds its place.
func TestPipelined_flushedInside(t *testing.T) {
	t.Parallel()
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	add := fresh(t, `return redis.call('INCRBY', KEYS[1], ARGV[1])`)
	if err := add.Run(t.Context(), c, []string{"n"}, 0).Err(); err != nil {
		t.Fatal(err)
	}
	var results []*script.Result
	var get *redis.StringCmd
	err := script.Pipelined(t.Context(), c, func(b *script.Batch) error {
		results = append(results, add.Queue(t.Context(), b, []string{"n"}, 1))
		b.ScriptFlush(t.Context())
		results = append(results, add.Queue(t.Context(), b, []string{"n"}, 10), add.Queue(t.Context(), b, []string{"m"}, 100))
		get = b.Get(t.Context(), "n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{1, 11, 100} {
		if got, ok, err := results[i].Int64(); got != want || !ok || err != nil {
			t.Errorf("result %d = %d, %v, %v; want %d", i, got, ok, err, want)
		}
	}
	if get.Val() != "1" { // the flushed ones ran after it, as documented
		t.Errorf("GET in the batch = %q, want 1", get.Val())
	}
}

// In a transaction an unknown script must run in its place.
func TestTxPipelined_unknown(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	key := redistest.Prefix(t)
	double := fresh(t, `return redis.call('SET', KEYS[1], 2 * redis.call('GET', KEYS[1]), 'GET')`)
	var before *script.Result
	var after *redis.StringCmd
	err := script.TxPipelined(t.Context(), c, func(b *script.Batch) error {
		b.Set(t.Context(), key, 21, 0)
		before = double.Queue(t.Context(), b, []string{key})
		after = b.Get(t.Context(), key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := before.Int64(); got != 21 || err != nil {
		t.Errorf("the script answered %d, %v; want 21", got, err)
	}
	if after.Val() != "42" {
		t.Errorf("GET after the script = %q, want 42", after.Val())
	}
}

// A transaction that WATCH refuses has no results, and says so.
func TestTxPipelined_watched(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	key := redistest.Prefix(t)
	incr := fresh(t, `return redis.call('INCR', KEYS[1])`)
	var result *script.Result
	err := c.Watch(t.Context(), func(tx *redis.Tx) error {
		c.Set(t.Context(), key, 7, 0) // somebody else
		return script.TxPipelined(t.Context(), tx, func(b *script.Batch) error {
			result = incr.Queue(t.Context(), b, []string{key})
			return nil
		})
	}, key)
	if !errors.Is(err, redis.TxFailedErr) || !errors.Is(result.Err(), redis.TxFailedErr) || errors.Is(err, script.ErrUnknown) {
		t.Errorf("got %v, and %v in the result; want TxFailedErr", err, result.Err())
	}
	if got := c.Get(t.Context(), key).Val(); got != "7" {
		t.Errorf("the key is %q, want 7", got)
	}
}

// The reply of a whole batch is lost: nothing in it runs twice.
func TestPipelined_replyLost(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string]func(context.Context, script.PipelineClient, func(*script.Batch) error) error{
		"pipeline": script.Pipelined, "transaction": script.TxPipelined,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l lossy
			// Without a pool of its own for pipelines, the one connection is warm.
			c := redistest.Client(t, l.dialer, func(o *redis.Options) { o.PipelinePoolSize = -1 })
			warm(t, c)
			key := "{" + redistest.Prefix(t) + "}"
			t.Cleanup(func() { c.Del(context.Background(), key, key+":plain") })
			incr := fresh(t, `return redis.call('INCR', KEYS[1])`)
			if err := incr.Run(t.Context(), c, []string{key}).Err(); err != nil {
				t.Fatal(err)
			}
			l.lose.Store(1)
			var r *script.Result
			err := batch(t.Context(), c, func(b *script.Batch) error {
				r = incr.Queue(t.Context(), b, []string{key})
				b.Incr(t.Context(), key+":plain")
				return nil
			})
			if !errors.Is(err, script.ErrUnknown) || !errors.Is(r.Err(), script.ErrUnknown) {
				t.Errorf("got %v, and %v in the result; want ErrUnknown", err, r.Err())
			}
			if got := c.Get(t.Context(), key).Val(); got != "2" {
				t.Errorf("two runs of the script made %q, want 2", got)
			}
			if got := c.Get(t.Context(), key+":plain").Val(); got != "1" {
				t.Errorf("the command beside it ran %q times, want 1", got)
			}
		})
	}
}

// A connection that is refused at its beginning fails each script of the batch:
// go-redis tells it by the error of the whole, and leaves the commands as if
// they had succeeded.
func TestPipelined_refusedConnection(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t, func(o *redis.Options) { o.Username, o.Password = "nobody", "wrong" })
	s := fresh(t, `return 1`)
	var r *script.Result
	err := script.Pipelined(t.Context(), c, func(b *script.Batch) error {
		r = s.Queue(t.Context(), b, nil)
		return nil
	})
	if !redis.HasErrorPrefix(err, "WRONGPASS") || !redis.HasErrorPrefix(r.Err(), "WRONGPASS") || errors.Is(err, script.ErrUnknown) {
		t.Errorf("got %v, and %v in the result; want WRONGPASS", err, r.Err())
	}
}

func TestPipelined_errors(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	key := redistest.Prefix(t)
	fail := fresh(t, `return redis.error_reply('STOCK empty')`)
	incr := fresh(t, `return redis.call('INCR', KEYS[1])`)
	mine := errors.New("mine")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		fill func(*script.Batch) error
		want func(error) bool
		runs string // of incr
	}{
		{"script fails", t.Context(), func(b *script.Batch) error {
			fail.Queue(t.Context(), b, nil)
			incr.Queue(t.Context(), b, []string{key})
			return nil
		}, func(err error) bool { return redis.HasErrorPrefix(err, "STOCK") }, "1"},
		{"command fails", t.Context(), func(b *script.Batch) error {
			b.LPush(t.Context(), key, "x")
			incr.Queue(t.Context(), b, []string{key})
			return nil
		}, func(err error) bool { return redis.HasErrorPrefix(err, "WRONGTYPE") }, "2"},
		{"bad argument", t.Context(), func(b *script.Batch) error {
			incr.Queue(t.Context(), b, []string{key})
			incr.Queue(t.Context(), b, []string{key}, nil)
			return nil
		}, func(err error) bool { return errors.Is(err, script.ErrArgument) }, "2"},
		{"fn fails", t.Context(), func(b *script.Batch) error {
			incr.Queue(t.Context(), b, []string{key})
			return mine
		}, func(err error) bool { return errors.Is(err, mine) }, "2"},
		{"context ended before", cancelled, func(b *script.Batch) error {
			incr.Queue(t.Context(), b, []string{key})
			return nil
		}, func(err error) bool { return errors.Is(err, context.Canceled) }, "2"},
		{"empty", t.Context(), func(*script.Batch) error { return nil }, func(err error) bool { return err == nil }, "2"},
	} {
		if err := script.Pipelined(tt.ctx, c, tt.fill); !tt.want(err) {
			t.Errorf("%s: got %v", tt.name, err)
		}
		if got := c.Get(t.Context(), key).Val(); got != tt.runs {
			t.Errorf("%s: %s runs, want %s", tt.name, got, tt.runs)
		}
	}
}

// A result is not to be read before its batch is done.
func TestPipelined_readTooEarly(t *testing.T) {
	t.Parallel()
	s := fresh(t, `return 1`)
	err := script.Pipelined(t.Context(), redistest.Client(t), func(b *script.Batch) error {
		_, _, err := s.Queue(t.Context(), b, nil).Int64()
		return err
	})
	if !errors.Is(err, script.ErrNotExecuted) {
		t.Errorf("got %v, want ErrNotExecuted", err)
	}
}
