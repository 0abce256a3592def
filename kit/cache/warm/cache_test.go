package warm_test

import (
	"context"
	"testing"

	realcache "github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/cache/warm"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// With the real cache: a value that came after the origin was read is not
// overwritten by it, and what is there is not loaded.
func TestRun_realCache(t *testing.T) {
	client := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	values, err := realcache.New(client, realcache.Options[int, string]{Name: "values"})
	if err != nil {
		t.Fatal(err)
	}
	origin := map[int]string{}
	for _, key := range upTo(30) {
		origin[key] = "old"
	}
	write := func(key int, value string) {
		t.Helper()
		if err := values.Write(t.Context(), key, value, func(context.Context) error {
			origin[key] = value
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	write(1, "there")
	asked := map[int]int{}
	w, err := warm.New(values, func(_ context.Context, keys []int) (map[int]string, error) {
		read := map[int]string{}
		for _, key := range keys {
			read[key] = origin[key]
			asked[key]++
		}
		if origin[5] == "old" {
			write(5, "newer") // after the origin was read
		}
		return read, nil
	}, warm.Options[int]{Batch: 10, Concurrency: 1, Rate: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Run(t.Context(), warm.List(upTo(30))); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[int]string{0: "old", 1: "there", 5: "newer", 29: "old"} {
		if got, ok, err := values.Peek(t.Context(), key); got != want || !ok || err != nil {
			t.Errorf("%d is %q, %v, %v; want %q", key, got, ok, err, want)
		}
	}
	if asked[1] != 0 || asked[0] != 1 {
		t.Errorf("the origin was asked %v, want never for 1, once for 0", asked)
	}
}
