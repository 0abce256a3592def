package writebehind

import (
	"testing"

	"github.com/redis-grind/grind/kit/redistest"
)

// A shard is with one worker at a time, also when two saw at the same moment that
// it is free.
func TestTake_owned(t *testing.T) {
	t.Parallel()
	w, err := New(redistest.Client(t), Options[string, int]{Prefix: redistest.Prefix(t), Shards: 1, Delay: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Put(t.Context(), "a", 1); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		token string
		want  int
	}{{"one", 1}, {"two", 0}, {"one", 1}} {
		b, err := w.take(t.Context(), turn{w.shards[0], tt.token}, 0)
		if len(b.entries) != tt.want || err != nil {
			t.Errorf("take %d, by %s: %d entries, %v; want %d", i, tt.token, len(b.entries), err, tt.want)
		}
	}
}
