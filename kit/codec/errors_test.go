package codec_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/redis-grind/grind/kit/codec"
)

// A value that ends early is ErrTruncated, wherever it ends: of a sealed one, a
// part of the ciphertext cannot be told from a forged one.
func TestDecode_truncated(t *testing.T) {
	t.Parallel()
	for name, c := range stacks[inner](t) {
		data, err := c.Encode("key", inner{Name: strings.Repeat("long ", 100)})
		if err != nil {
			t.Fatal(err)
		}
		isSealed := data[0] == 0x1d
		for n := range data {
			got, err := c.Decode("key", data[:n])
			wrapped, ok := errors.AsType[*codec.DecodeError](err)
			if !ok || got != (inner{}) {
				t.Fatalf("%s: %d of %d bytes: got %v, %v, want a DecodeError", name, n, len(data), got, err)
			}
			if strings.HasSuffix(name, " compressed") && n > 0 && n < 4 {
				continue // not yet zstd's mark: whatever the format makes of it
			}
			if isSealed && n >= len("\x1d\x04test")+28 {
				if !errors.Is(err, codec.ErrTampered) || wrapped.Codec != "sealed" {
					t.Fatalf("%s: %d of %d bytes: got %v, want ErrTampered", name, n, len(data), err)
				}
			} else if !errors.Is(err, codec.ErrTruncated) {
				t.Fatalf("%s: %d of %d bytes: got %v, want ErrTruncated", name, n, len(data), err)
			}
		}
	}
}

// What stands behind a value is not passed over. Behind a frame of zstd it is
// the beginning of another frame, which then lacks its end.
func TestDecode_behind(t *testing.T) {
	t.Parallel()
	for name, c := range stacks[inner](t) {
		data, err := c.Encode("key", inner{Name: strings.Repeat("long ", 100)})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Decode("key", append(data, '}')); err == nil || errors.Is(err, codec.ErrTruncated) != strings.HasSuffix(name, " compressed") || got != (inner{}) {
			t.Errorf("%s: got %v, %v, want another error", name, got, err)
		}
	}
}

// Bytes of one format or envelope, read as another.
func TestDecode_foreign(t *testing.T) {
	t.Parallel()
	all := stacks[inner](t)
	for _, tt := range []struct{ write, read, codec string }{
		{"json", "cbor", "cbor"},
		{"cbor", "json", "json"},
		{"cbor", "messagepack", "messagepack"},
		{"cbor", "cbor versioned", "versioned"},
		{"cbor versioned", "cbor", "cbor"},
		{"cbor", "cbor sealed", "sealed"},
		{"cbor sealed", "cbor", "cbor"},
		{"cbor sealed", "cbor compressed", "cbor"},
		{"json", "json all", "sealed"},
	} {
		data, err := all[tt.write].Encode("key", inner{Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = all[tt.read].Decode("key", data)
		if wrapped, ok := errors.AsType[*codec.DecodeError](err); !ok || wrapped.Codec != tt.codec {
			t.Errorf("%s read as %s: got %v, want a DecodeError of %s", tt.write, tt.read, err, tt.codec)
		}
		if foreign := tt.codec == "versioned" || tt.codec == "sealed"; foreign && !errors.Is(err, codec.ErrFormat) {
			t.Errorf("%s read as %s: got %v, want ErrFormat", tt.write, tt.read, err)
		}
	}
}

// A wrong type is the format's own error, below a DecodeError, and leaves no
// half of a value.
func TestDecode_wrongType(t *testing.T) {
	t.Parallel()
	type text struct{ A, B string }
	type number struct {
		A string
		B int
	}
	numbers := stacks[number](t)
	for name, c := range stacks[text](t) {
		data, err := c.Encode("key", text{"a", "b"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := numbers[name].Decode("key", data)
		if _, ok := errors.AsType[*codec.DecodeError](err); !ok || got != (number{}) {
			t.Errorf("%s: got %v, %v, want nothing and a DecodeError", name, got, err)
		}
		if !bytes.HasPrefix([]byte(err.Error()), []byte("codec: decode "+strings.Fields(name)[0]+": ")) {
			t.Errorf("%s: got %q", name, err)
		}
	}
}
