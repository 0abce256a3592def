package writebehind_test

import (
	"errors"
	"testing"
	"time"

	"github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/cache/writebehind"
	"github.com/redis-grind/grind/kit/codec"
	"github.com/redis-grind/grind/kit/redistest"
)

// With the real cache: a reader sees each write at once, before and after the
// flush, and what was laid aside no more.
func TestWriter_realCache(t *testing.T) {
	t.Parallel()
	client, prefix := redistest.Client(t), redistest.Prefix(t)
	var db database
	values, err := cache.New(client, cache.Options[string, int]{Name: prefix + "-cache"})
	if err != nil {
		t.Fatal(err)
	}
	w := open(t, client, options{
		Prefix: prefix + "-wb", Sink: db.sink, Delay: time.Hour,
		Invalidator: values, Codec: codec.CBOR[int](), NotFound: cache.ErrNotFound,
	})
	load := w.Loader(db.read)
	want := func(when string, want int) {
		t.Helper()
		if got, err := values.Fetch(t.Context(), "a", load); got != want || err != nil {
			t.Errorf("%s: a reader gets %d, %v; want %d", when, got, err, want)
		}
	}
	for i := range 3 {
		put(t, w, "a", i)
		want("pending", i)
	}
	drain(t, w)
	want("flushed", 2)
	db.set(func([]write) error { return writebehind.ErrReject })
	put(t, w, "a", 3)
	want("pending again", 3)
	drain(t, w)
	want("a dead letter", 2)
	db.set(nil)
	if err := w.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := values.Fetch(t.Context(), "a", load); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("deleted: %v, want cache.ErrNotFound", err)
	}
}
