package codec

import (
	"bytes"
	"io"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
)

// MessagePack is for values that programs in other languages share by
// MessagePack already; else CBOR is the better choice. It uses the tags of
// encoding/json where a field has no msgpack tag. Times keep their nanoseconds
// and come back in the zone of the machine. An any comes back as with CBOR, but
// bytes as a string.
func MessagePack[T any]() Codec[T] {
	return &messagePack[T]{encoders: newEncoders(func(w io.Writer) func(any) error {
		e := msgpack.NewEncoder(w)
		e.SetCustomStructTag("json")
		e.UseCompactInts(true) // else an int64 takes nine bytes, whatever its value
		return e.Encode
	})}
}

type messagePack[T any] struct {
	encoders *encoders
	decoders sync.Pool
}

func (c *messagePack[T]) Encode(name string, v T) ([]byte, error) { return c.Append(nil, name, v) }

func (c *messagePack[T]) Append(dst []byte, _ string, v T) ([]byte, error) {
	out, err := c.encoders.append(dst, &v)
	if err != nil {
		return nil, unencoded("messagepack", err)
	}
	return out, nil
}

// decoder is one of the library, with the reader that it is set on.
type decoder struct {
	*msgpack.Decoder
	in bytes.Reader
}

func (c *messagePack[T]) Decode(_ string, data []byte) (T, error) {
	var v T
	if err := wellFormed(data); err != nil {
		return v, undecoded("messagepack", err)
	}
	d, ok := c.decoders.Get().(*decoder)
	if !ok {
		d = &decoder{Decoder: msgpack.NewDecoder(nil)}
	}
	d.in.Reset(data)
	d.Reset(&d.in)
	d.SetCustomStructTag("json")
	d.UseLooseInterfaceDecoding(true) // an any holds int64, not the narrowest type that fits
	err := d.Decode(&v)
	d.in.Reset(nil)
	c.decoders.Put(d)
	if err != nil {
		return *new(T), undecoded("messagepack", err)
	}
	return v, nil
}
