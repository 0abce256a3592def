package codec

import (
	"bytes"
	"reflect"
	"slices"
)

// Raw stores bytes and strings as they are. It copies both ways: what Encode
// returns does not follow a later change of v, and what Decode returns is not a
// part of data; with Take it is. Nil comes back as empty.
func Raw[T ~[]byte | ~string]() Codec[T] {
	return raw[T]{text: reflect.TypeFor[T]().Kind() == reflect.String}
}

// raw knows whether T is a string, for which the conversion is the copy.
type raw[T ~[]byte | ~string] struct{ text bool }

func (c raw[T]) Encode(name string, v T) ([]byte, error) { return c.Append([]byte{}, name, v) }

func (raw[T]) Append(dst []byte, _ string, v T) ([]byte, error) { return append(dst, v...), nil }

func (c raw[T]) Decode(_ string, data []byte) (T, error) {
	if c.text || len(data) == 0 {
		return T(data), nil
	}
	return T(bytes.Clone(data)), nil
}

// Take gives the bytes away as they are; what is appended to them goes elsewhere.
func (raw[T]) Take(_ string, data []byte) (T, error) {
	if len(data) == 0 {
		return T([]byte{}), nil
	}
	return T(slices.Clip(data)), nil
}
