package codec

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// The defaults of Compression.
const (
	// DefaultAbove is where compression begins to pay: below it, what is saved is
	// less than what Redis needs for the key itself.
	DefaultAbove = 1 << 10
	// DefaultMax is more than a value in Redis should have: it holds up all that
	// wait for the server while it is copied.
	DefaultMax = 16 << 20
)

// Compression says what Compressed does. The zero Compression is to be used
// unless measuring says otherwise.
type Compression struct {
	// Above is the length in bytes from which a value is compressed. Zero is
	// DefaultAbove. Negative compresses nothing and still reads what was
	// compressed before, which is how to be rid of it.
	Above int
	// Max is the length in bytes that a value may have before compression, so
	// that a few stored bytes cannot fill the memory of who reads them. Zero is
	// DefaultMax; negative panics.
	Max int
}

// zstdMagic begins each frame of zstd: RFC 8878, section 3.1.1. No JSON and no
// MessagePack value of more than one byte begins with it, of CBOR only a string
// of eight bytes.
const zstdMagic = "\x28\xb5\x2f\xfd"

// Compressed is c, compressed by zstd where that makes the value shorter. What
// is not compressed is stored as c writes it, and values from before compression
// are read. A compressed value is a plain zstd frame, for any program to read,
// with a checksum.
//
// A value that c itself writes with zstd's magic number at its beginning is
// always compressed, so it comes back. One that was stored so without Compressed
// would be mistaken for compressed: this concerns Raw of bytes that are zstd.
//
// Put Sealed outside of it, for sealed bytes do not compress. Mind that the
// length of a compressed and sealed value then tells something of its contents
// to those who can put text of their own into it and see the length (BREACH):
// do not compress a secret together with a stranger's text.
//
// One Compressed keeps, for each CPU, an encoder of up to 2 MiB and the last
// value that was decompressed, of up to Max: make one for a type, not for a call.
func Compressed[T any](c Codec[T], o Compression) Codec[T] {
	needed("Compressed", c)
	if o.Max < 0 {
		panic(fmt.Sprintf("codec: Compression.Max must not be negative, got %d", o.Max))
	}
	if o.Max == 0 {
		o.Max = DefaultMax
	}
	if o.Above == 0 {
		o.Above = DefaultAbove
	}
	// The window is a quarter of the level's own: it costs nothing below 1 MiB, and
	// a fifth of the memory stays behind after a large value.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(fmt.Sprintf("codec: zstd: %v", err)) // of options that are constant
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(uint64(o.Max)))
	if err != nil {
		panic(fmt.Sprintf("codec: zstd: %v", err))
	}
	return &compressed[T]{codec: c, above: o.Above, max: o.Max, enc: enc, dec: dec}
}

type compressed[T any] struct {
	codec      Codec[T]
	above, max int
	enc        *zstd.Encoder
	dec        *zstd.Decoder
	buffers    buffers
}

func (c *compressed[T]) Encode(name string, v T) ([]byte, error) { return c.Append([]byte{}, name, v) }

func (c *compressed[T]) Append(dst []byte, name string, v T) (_ []byte, err error) {
	plain := c.buffers.take()
	defer c.buffers.give(plain)
	if plain.b, err = Append(plain.b, c.codec, name, v); err != nil {
		return nil, err
	}
	if len(plain.b) > c.max {
		return nil, unencoded("compressed", fmt.Errorf("%w: %d bytes, Compression.Max is %d", ErrTooLarge, len(plain.b), c.max))
	}
	alike := bytes.HasPrefix(plain.b, []byte(zstdMagic))
	if !alike && (c.above < 0 || len(plain.b) < c.above) {
		return append(dst, plain.b...), nil
	}
	small := c.buffers.take()
	defer c.buffers.give(small)
	small.b = c.enc.EncodeAll(plain.b, small.b)
	if !alike && len(small.b) >= len(plain.b) {
		small, plain = plain, small
	}
	return append(dst, small.b...), nil
}

func (c *compressed[T]) Decode(name string, data []byte) (T, error) {
	if !bytes.HasPrefix(data, []byte(zstdMagic)) {
		return c.codec.Decode(name, data)
	}
	plain := c.buffers.take()
	defer c.buffers.give(plain)
	out, err := c.dec.DecodeAll(data, plain.b)
	if err != nil {
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
			err = fmt.Errorf("%w: more than Compression.Max, %d bytes: %w", ErrTooLarge, c.max, err)
		}
		return *new(T), undecoded("compressed", err)
	}
	plain.b = out
	return c.codec.Decode(name, plain.b)
}
