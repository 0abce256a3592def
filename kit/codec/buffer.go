package codec

import (
	"io"
	"sync"
)

// maxKept is the largest buffer that is kept for the next call. A larger one
// came of a rare value, and would stay as large for all that follow.
const maxKept = 64 << 10

// buffer is bytes under construction: what the encoders of the libraries write
// to (a slice by itself is no io.Writer), and room for intermediate results.
type buffer struct{ b []byte }

// Write appends; it never fails.
func (b *buffer) Write(p []byte) (int, error) {
	b.b = append(b.b, p...)
	return len(p), nil
}

// WriteByte appends one byte, which MessagePack's encoder asks for.
func (b *buffer) WriteByte(c byte) error {
	b.b = append(b.b, c)
	return nil
}

// reset empties the buffer, or forgets its memory when that is too much to keep.
func (b *buffer) reset() {
	if b.b = b.b[:0]; cap(b.b) > maxKept {
		b.b = nil
	}
}

// buffers lends buffers. The zero value is ready.
type buffers struct{ pool sync.Pool }

// take returns an empty buffer, to be given back.
func (p *buffers) take() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	return new(buffer)
}

// give takes a buffer back; nothing may point into it any more.
func (p *buffers) give(b *buffer) {
	b.reset()
	p.pool.Put(b)
}

// encoders keeps encoders of a library, each with the buffer it writes to, so
// that an Append allocates nothing but its result.
type encoders struct{ pool sync.Pool }

// encoder is one of them.
type encoder struct {
	buffer
	encode func(v any) error
}

// newEncoders returns a pool of what open returns: functions that write a value
// to w.
func newEncoders(open func(w io.Writer) func(v any) error) *encoders {
	p := new(encoders)
	p.pool.New = func() any {
		e := new(encoder)
		e.encode = open(&e.buffer)
		return e
	}
	return p
}

// append puts the encoding of v behind dst.
func (p *encoders) append(dst []byte, v any) ([]byte, error) {
	e := p.pool.Get().(*encoder)
	defer func() {
		e.reset()
		p.pool.Put(e)
	}()
	if err := e.encode(v); err != nil {
		return nil, err
	}
	return append(dst, e.b...), nil
}
