package codec_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/redis-grind/grind/kit/codec"
)

const magic = "\x28\xb5\x2f\xfd"

func TestCompressed(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	long := strings.Repeat("value ", 1000)
	for _, tt := range []struct {
		name    string
		o       codec.Compression
		value   string
		shorter bool
	}{
		{"short", codec.Compression{}, long[:1023], false},
		{"long", codec.Compression{}, long[:1024], true},
		{"what does not compress", codec.Compression{}, "n" + string(noise), false},
		{"never", codec.Compression{Above: -1}, long, false},
		{"always", codec.Compression{Above: 1}, long[:100], true},
		{"empty", codec.Compression{Above: 1}, "", false},
	} {
		c := codec.Compressed(codec.Raw[string](), tt.o)
		data, err := c.Encode("k", tt.value)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.HasPrefix(string(data), magic); got != tt.shorter || got != (len(data) < len(tt.value)) {
			t.Errorf("%s: %d bytes became %d, compressed %v, want %v", tt.name, len(tt.value), len(data), got, tt.shorter)
		}
		if !tt.shorter && string(data) != tt.value {
			t.Errorf("%s: the value is not stored as it is", tt.name)
		}
		if got, err := c.Decode("k", data); got != tt.value || err != nil {
			t.Errorf("%s: came back with %d bytes, %v, want %d", tt.name, len(got), err, len(tt.value))
		}
	}
}

// Values from before compression are read, and those from before it was
// switched off; any program can read a frame.
func TestCompressed_change(t *testing.T) {
	t.Parallel()
	bare := codec.JSON[[]product]()
	on, off := codec.Compressed(bare, codec.Compression{}), codec.Compressed(bare, codec.Compression{Above: -1})
	for name, pair := range map[string][2]codec.Codec[[]product]{"switched on": {bare, on}, "switched off": {on, off}} {
		data, err := pair[0].Encode("k", articles())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := pair[1].Decode("k", data); len(got) != len(articles()) || err != nil {
			t.Errorf("%s: got %d articles, %v", name, len(got), err)
		}
	}
	data, err := on.Encode("k", articles())
	if err != nil {
		t.Fatal(err)
	}
	r, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	plain, err := r.DecodeAll(data, nil)
	if err != nil || !bytes.HasPrefix(plain, []byte(`[{"id":`)) {
		t.Errorf("read as a plain frame: %.20q, %v", plain, err)
	}
}

// A value that looks like a frame comes back as it was, compressed or not.
func TestCompressed_looksCompressed(t *testing.T) {
	t.Parallel()
	for _, above := range []int{-1, 0, 1} {
		c := codec.Compressed(codec.Raw[string](), codec.Compression{Above: above})
		for _, want := range []string{magic, magic + "and then something else", magic[:3]} {
			data, err := c.Encode("k", want)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := c.Decode("k", data); got != want || err != nil {
				t.Errorf("above %d: %q came back as %q, %v", above, want, got, err)
			}
		}
	}
}

func TestCompressed_tooLarge(t *testing.T) {
	t.Parallel()
	c := codec.Compressed(codec.Raw[string](), codec.Compression{Max: 2000})
	if data, err := c.Encode("k", strings.Repeat("x", 2001)); !errors.Is(err, codec.ErrTooLarge) || data != nil {
		t.Errorf("Encode of 2001 bytes: got %q, %v, want ErrTooLarge", data, err)
	}
	data, err := c.Encode("k", strings.Repeat("x", 2000))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Decode("k", data); len(got) != 2000 || err != nil {
		t.Errorf("2000 bytes came back as %d, %v", len(got), err)
	}
	big, err := codec.Compressed(codec.Raw[string](), codec.Compression{}).Encode("k", strings.Repeat("x", 2001))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Decode("k", big); !errors.Is(err, codec.ErrTooLarge) || got != "" {
		t.Errorf("Decode of 2001 bytes: got %d bytes, %v, want ErrTooLarge", len(got), err)
	}
}

// Bytes that claim, or would become, far more than they are: an error, and no
// more memory than stated. Not parallel, for it counts what is allocated.
func TestDecode_bombs(t *testing.T) {
	var stream bytes.Buffer // without the size in its header, so that it has to be run
	w, err := zstd.NewWriter(&stream)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 256 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// A frame that says it has 1 TiB, and begins with nothing of it.
	liar := magic + "\xe0" + "\x00\x00\x00\x00\x00\x01\x00\x00"
	deep := func(begin string, n int) string { return strings.Repeat(begin, n) }
	maps := deep("\xdf\x00\x0f\x42\x40\xa1k", 200) // each in the one before, each of a million entries
	shrink := codec.Compressed(codec.Raw[string](), codec.Compression{Max: 1 << 20})
	decode := func(c codec.Codec[any]) func(string) error {
		return func(data string) error { _, err := c.Decode("k", []byte(data)); return err }
	}
	const small = 8 << 20
	for _, tt := range []struct {
		name   string
		data   string
		decode func(string) error
		most   uint64
		want   error
	}{
		{"zstd of 256 MiB", stream.String(), func(data string) error { _, err := shrink.Decode("k", []byte(data)); return err }, small, codec.ErrTooLarge},
		{"zstd that lies", liar, func(data string) error { _, err := shrink.Decode("k", []byte(data)); return err }, small, codec.ErrTooLarge},
		{"messagepack maps", maps, decode(codec.MessagePack[any]()), 1 << 20, codec.ErrTruncated},
		{"messagepack array", "\xdd\xff\xff\xff\xff", decode(codec.MessagePack[any]()), 1 << 20, codec.ErrTruncated},
		{"messagepack text", "\xdb\xff\xff\xff\xff", decode(codec.MessagePack[any]()), 1 << 20, codec.ErrTruncated},
		{"messagepack nested", deep("\x91", 8<<20) + "\xc0", decode(codec.MessagePack[any]()), 32 << 20, nil},
		{"cbor array", "\x9b\x00\x00\x00\x00\x7f\xff\xff\xff", decode(codec.CBOR[any]()), 1 << 20, nil},
		{"cbor text", "\x7b\x00\x00\x00\x7f\xff\xff\xff\xff", decode(codec.CBOR[any]()), 1 << 20, nil},
		{"cbor nested", deep("\x81", 8<<20) + "\xf6", decode(codec.CBOR[any]()), 32 << 20, nil},
		{"json nested", deep("[", 8<<20), decode(codec.JSON[any]()), 32 << 20, nil},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := tt.decode(tt.data)
		runtime.ReadMemStats(&after)
		if _, ok := errors.AsType[*codec.DecodeError](err); !ok || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want a DecodeError of %v", tt.name, err, tt.want)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > tt.most {
			t.Errorf("%s: %d bytes allocated for %d, want at most %d", tt.name, got, len(tt.data), tt.most)
		}
	}
}
