package formats

import (
	"bytes"
	"encoding/gob"

	"github.com/redis-grind/grind/kit/codec"
)

// format is one way to write bikes down.
type format struct {
	name, label string
	one         codec.Codec[Bike]
	many        codec.Codec[[]Bike]
}

var formats = []format{
	{"json", "JSON", codec.JSON[Bike](), codec.JSON[[]Bike]()},
	{"msgpack", "MessagePack", codec.MessagePack[Bike](), codec.MessagePack[[]Bike]()},
	{"cbor", "CBOR", codec.CBOR[Bike](), codec.CBOR[[]Bike]()},
	{"proto", "Protocol Buffers", protoBike{}, protoPage{}},
	{"gob", "gob", gobCodec[Bike]{}, gobCodec[[]Bike]{}},
}

// compressed is a format with zstd behind it, whatever the size.
func compressed(f format) format {
	always := codec.Compression{Above: 1}
	return format{f.name + "_zstd", f.label + " + zstd", codec.Compressed(f.one, always), codec.Compressed(f.many, always)}
}

// gobCodec is encoding/gob: each value carries the description of its type.
type gobCodec[T any] struct{}

func (gobCodec[T]) Encode(_ string, v T) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

func (gobCodec[T]) Decode(_ string, data []byte) (v T, err error) {
	err = gob.NewDecoder(bytes.NewReader(data)).Decode(&v)
	return v, err
}
