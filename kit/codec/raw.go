package codec

// Raw stores bytes and strings as they are. It copies both ways: what Encode
// returns does not follow a later change of v, and what Decode returns is not a
// part of data. Nil comes back as empty.
func Raw[T ~[]byte | ~string]() Codec[T] { return raw[T]{} }

type raw[T ~[]byte | ~string] struct{}

func (c raw[T]) Encode(name string, v T) ([]byte, error) { return c.Append([]byte{}, name, v) }

func (raw[T]) Append(dst []byte, _ string, v T) ([]byte, error) { return append(dst, v...), nil }

func (raw[T]) Decode(_ string, data []byte) (T, error) { return T(append([]byte{}, data...)), nil }
