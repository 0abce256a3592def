package codec

import (
	"fmt"
	"io"
	"math"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// maxDepth is how deep a value may be nested, in CBOR and MessagePack: as deep
// as encoding/json allows, so that a format can be changed for another.
const maxDepth = 10_000

// CBOR is RFC 8949: the fastest of the formats and the shortest, and the one to
// choose without a reason for another. In redis-cli names and texts can be read,
// numbers cannot. It uses the tags of encoding/json where a field has no cbor
// tag. Times keep their nanoseconds and offset; strings that are not valid UTF-8
// come back as they were. An any comes back as int64, float64, string, []byte,
// []any or map[string]any: one that holds a map with other keys is stored, and
// cannot be read.
func CBOR[T any]() Codec[T] {
	enc, err := cbor.EncOptions{
		Time:          cbor.TimeRFC3339Nano, // the default drops what is below a second
		TimeTag:       cbor.EncTagRequired,
		TextMarshaler: cbor.TextMarshalerTextString, // the default stores such a type as an empty map
	}.EncMode()
	if err != nil {
		panic(fmt.Sprintf("codec: cbor: %v", err)) // of options that are constant
	}
	dec, err := cbor.DecOptions{
		// The default limits are below what can be encoded: a value would be stored
		// that nobody can read. Counts are held against the length of the input
		// before anything is allocated, so they need no other bound.
		MaxArrayElements: math.MaxInt32,
		MaxMapPairs:      math.MaxInt32,
		MaxNestedLevels:  maxDepth,
		UTF8:             cbor.UTF8DecodeInvalid,
		TextUnmarshaler:  cbor.TextUnmarshalerTextString,
		// What an any becomes, as with JSON and MessagePack.
		DefaultMapType: reflect.TypeFor[map[string]any](),
		IntDec:         cbor.IntDecConvertSignedOrBigInt,
	}.DecMode()
	if err != nil {
		panic(fmt.Sprintf("codec: cbor: %v", err))
	}
	return cborCodec[T]{newEncoders(func(w io.Writer) func(any) error { return enc.NewEncoder(w).Encode }), dec}
}

type cborCodec[T any] struct {
	encoders *encoders
	dec      cbor.DecMode
}

func (c cborCodec[T]) Encode(name string, v T) ([]byte, error) { return c.Append(nil, name, v) }

func (c cborCodec[T]) Append(dst []byte, _ string, v T) ([]byte, error) {
	out, err := c.encoders.append(dst, &v)
	if err != nil {
		return nil, unencoded("cbor", err)
	}
	return out, nil
}

func (c cborCodec[T]) Decode(_ string, data []byte) (T, error) {
	var v T
	if err := c.dec.Unmarshal(data, &v); err != nil {
		return *new(T), undecoded("cbor", err)
	}
	return v, nil
}
