package codec_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/redis-grind/grind/kit/codec"
)

// FuzzDecode: whatever the bytes are, a decoder answers a value or a
// *DecodeError. It does not panic, does not change the bytes, and what it
// answers can be given to Encode, which may refuse it (the year 15138, in JSON).
func FuzzDecode(f *testing.F) {
	for _, text := range stored {
		data, err := hex.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	for _, text := range []string{"", "null", "\xf6", "\xc0", "\x1c", "\x1c\x02{}", "\x1c\x01\xa0", "\x1d\x04test", magic, "\xc7\x00\xff", "\xd7\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\xc1\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00"} {
		f.Add([]byte(text))
	}
	values, anys, lists := stacks[everything](f), stacks[any](f), stacks[[]map[string][]inner](f)
	raw := codec.Compressed(codec.Raw[[]byte](), codec.Compression{Max: 1 << 16})
	old := users()
	f.Fuzz(func(t *testing.T, data []byte) {
		for name := range values {
			decodes(t, name, values[name], data)
			decodes(t, name, anys[name], data)
			decodes(t, name, lists[name], data)
		}
		decodes(t, "versioned", old, data)
		if got := decodes(t, "raw", raw, data); len(got) > 1<<16 && len(got) > len(data) {
			t.Errorf("%d bytes became %d, more than Max", len(data), len(got))
		}
	})
}

func decodes[T any](t *testing.T, name string, c codec.Codec[T], data []byte) T {
	t.Helper()
	before := bytes.Clone(data)
	v, err := c.Decode("key", data)
	if !bytes.Equal(data, before) {
		t.Fatalf("%s changed its input", name)
	}
	if err != nil {
		if _, ok := errors.AsType[*codec.DecodeError](err); !ok {
			t.Fatalf("%s: got %v, want a DecodeError", name, err)
		}
		return v
	}
	if data, err := c.Encode("key", v); (err == nil) != (data != nil) {
		t.Fatalf("%s: Encode(%#v) = %q, %v", name, v, data, err)
	}
	return v
}

// FuzzSealed: nobody without the key makes a value that opens.
func FuzzSealed(f *testing.F) {
	good, err := hex.DecodeString(stored["sealed"])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:50])
	f.Add([]byte("\x1d\xff"))
	c := goldenCodecs(f)["sealed"]
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := c.Decode("order:300", data); (err == nil) != bytes.Equal(data, good) {
			t.Errorf("%x opens as %v, %v", data, got, err)
		}
	})
}

// FuzzParseKeys: no list of keys panics, and no error shows what was in it.
func FuzzParseKeys(f *testing.F) {
	f.Add("a:" + encoded(1) + ",b:" + encoded(2))
	f.Add(encoded(1) + " " + encoded(2))
	f.Add("a:" + encoded(1)[1:] + "#" + encoded(2))
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := codec.ParseKeys(text)
		if err != nil && (keys != nil || !errors.Is(err, codec.ErrKeys) || strings.Contains(err.Error(), encoded(1)) || strings.Contains(err.Error(), encoded(2))) {
			t.Errorf("%q: got %v, %v", text, keys, err)
		}
		if err == nil && len(keys.IDs()) == 0 {
			t.Errorf("%q: got no keys and no error", text)
		}
	})
}
