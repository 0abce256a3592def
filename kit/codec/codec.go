package codec

import "fmt"

// Codec turns a value into the bytes that stand in Redis, and back. All codecs
// of this package are safe for concurrent use, and one is to be shared: some of
// them keep buffers for the next call.
//
// name is the Redis key, or another name of the place, under which the bytes
// are stored. Only Sealed uses it, to refuse a value that was moved to another
// key; it must be the same for Encode and Decode.
//
// Who implements Codec keeps one law: Decode holds on to no part of data, since
// the caller may use that memory again.
type Codec[T any] interface {
	// Encode returns the bytes of v, in memory that is the caller's.
	Encode(name string, v T) ([]byte, error)
	// Decode returns the value in data, which it neither keeps nor changes. What
	// cannot be decoded is a *DecodeError.
	Decode(name string, data []byte) (T, error)
}

// Appender is a Codec that can put its bytes behind others, as all codecs of
// this package can. Callers use the function Append.
type Appender[T any] interface {
	Codec[T]
	// Append is Encode behind dst, as the function append does it: the result may
	// or may not share dst's memory. After an error it is nil.
	Append(dst []byte, name string, v T) ([]byte, error)
}

// Append puts the bytes of v behind dst and returns the longer slice, for those
// who store a header of their own before the value. It costs one allocation when
// dst has no room, and none when it has.
func Append[T any](dst []byte, c Codec[T], name string, v T) ([]byte, error) {
	if a, ok := c.(Appender[T]); ok {
		return a.Append(dst, name, v)
	}
	data, err := c.Encode(name, v)
	if err != nil {
		return nil, err
	}
	return append(dst, data...), nil
}

// needed panics without a codec to put something around.
func needed[T any](around string, c Codec[T]) {
	if c == nil {
		panic(fmt.Sprintf("codec: %s needs a codec, got nil", around))
	}
}

// Taker is a Codec whose values may be a part of the bytes that they come from,
// as Raw's can. Callers use the function Take.
type Taker[T any] interface {
	Codec[T]
	// Take is Decode for a caller who leaves data to the value.
	Take(name string, data []byte) (T, error)
}

// Take is Decode for those who have no further use for data, such as the answer of
// a server: where the codec can, the value is a part of it and nothing is copied.
func Take[T any](c Codec[T], name string, data []byte) (T, error) {
	if t, ok := c.(Taker[T]); ok {
		return t.Take(name, data)
	}
	return c.Decode(name, data)
}
