//go:build !race

package codec_test

import (
	"bytes"
	"testing"

	"github.com/redis-grind/grind/kit/codec"
)

// One allocation for the result and none for what is around it: the rest is
// the format's own. Under the race detector a sync.Pool forgets on purpose.
func TestAppend_allocations(t *testing.T) {
	keys := new(codec.Keys)
	if err := keys.Add("test", secret(1)); err != nil {
		t.Fatal(err)
	}
	raw := codec.Raw[[]byte]()
	value := bytes.Repeat([]byte("value "), 100)
	for name, c := range map[string]codec.Codec[[]byte]{
		"raw": raw, "versioned": codec.Versioned(raw, 1), "sealed": codec.Sealed(raw, keys),
		"compressed": codec.Compressed(raw, codec.Compression{Above: 1}),
		"all":        codec.Sealed(codec.Compressed(codec.Versioned(raw, 1), codec.Compression{Above: 1}), keys),
	} {
		got := testing.AllocsPerRun(200, func() {
			if _, err := c.Encode("key", value); err != nil {
				t.Fatal(err)
			}
		})
		room := make([]byte, 0, 1000)
		behind := testing.AllocsPerRun(200, func() {
			if _, err := codec.Append(room, c, "key", value); err != nil {
				t.Fatal(err)
			}
		})
		if got > 1 || behind > 0 {
			t.Errorf("%s: Encode allocates %v times, want 1; Append with room %v, want 0", name, got, behind)
		}
	}
}
