package codec

import (
	"encoding/json"
	"errors"
	"io"
)

// JSON is encoding/json: readable in redis-cli and by any program, and the
// slowest of the formats. Text keeps <, > and & as they are. A string that is
// not valid UTF-8 does not come back as it was, and a number inside an any comes
// back as float64.
func JSON[T any]() Codec[T] {
	return jsonCodec[T]{newEncoders(func(w io.Writer) func(any) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false) // nobody embeds a value of Redis in a page as it is
		return e.Encode
	})}
}

type jsonCodec[T any] struct{ encoders *encoders }

func (c jsonCodec[T]) Encode(name string, v T) ([]byte, error) { return c.Append(nil, name, v) }

func (c jsonCodec[T]) Append(dst []byte, _ string, v T) ([]byte, error) {
	out, err := c.encoders.append(dst, &v)
	if err != nil {
		return nil, unencoded("json", err)
	}
	return out[:len(out)-1], nil // without the line feed that ends each value of a stream
}

func (c jsonCodec[T]) Decode(_ string, data []byte) (T, error) {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		// There is no sentinel for the end of the input; its offset tells.
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && syntax.Offset >= int64(len(data)) && !json.Valid(data) {
			err = errors.Join(io.ErrUnexpectedEOF, err)
		}
		return *new(T), undecoded("json", err)
	}
	return v, nil
}
