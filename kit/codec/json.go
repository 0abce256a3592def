package codec

import (
	"bytes"
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
		// Unmarshal has no sentinel for bytes that are missing; a Decoder has.
		end := json.NewDecoder(bytes.NewReader(data)).Decode(new(json.RawMessage))
		if errors.Is(end, io.EOF) || errors.Is(end, io.ErrUnexpectedEOF) {
			err = end
		}
		return *new(T), undecoded("json", err)
	}
	return v, nil
}
