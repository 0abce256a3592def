package codec

import "fmt"

// sealedV1 begins what Sealed writes:
//
//	1 byte    0x1d
//	1 byte    n, the length of the key's id
//	n bytes   the key's id
//	12 bytes  nonce
//	…         AES-256-GCM of the value; additional data is all before the nonce, then name
//	16 bytes  tag
const sealedV1 = 0x1d

// sealedOverhead is what nonce and tag add.
const sealedOverhead = 12 + 16

// Sealed is c, encrypted and authenticated by AES-256-GCM with the primary of
// keys, under a random nonce. It adds 30 bytes and the length of the key's id.
// Whoever reads Redis learns nothing of a value but its length and its key's
// id; whoever writes to it can put back an older value of the same name, and
// delete, but neither make up one nor move one to another name.
//
// A key may seal 2^32 values over all instances and its whole life (NIST SP
// 800-38D, section 8.3: with random nonces of 96 bits more of them would make
// it likelier than 2^-32 that two are equal, and two equal nonces under one key
// give away both values and the means to forge). 1,000 writes a second reach
// that in 49 days, 100 in 497: rotate before. Nothing counts them for you.
//
// A value that was stored before Sealed is ErrFormat, not read: else who can
// write to Redis would only have to write without a seal.
func Sealed[T any](c Codec[T], keys *Keys) Codec[T] {
	needed("Sealed", c)
	if keys == nil {
		panic("codec: Sealed needs keys, got nil")
	}
	return &sealed[T]{codec: c, keys: keys}
}

type sealed[T any] struct {
	codec   Codec[T]
	keys    *Keys
	buffers buffers
}

func (c *sealed[T]) Encode(name string, v T) ([]byte, error) { return c.Append(nil, name, v) }

func (c *sealed[T]) Append(dst []byte, name string, v T) ([]byte, error) {
	ring := c.keys.state()
	if len(ring) == 0 {
		return nil, unencoded("sealed", ErrNoKey)
	}
	primary := ring[0]
	scratch := c.buffers.take()
	defer c.buffers.give(scratch)
	scratch.b = append(scratch.b, sealedV1, byte(len(primary.id)))
	scratch.b = append(scratch.b, primary.id...)
	header := len(scratch.b)
	scratch.b = append(scratch.b, name...)
	additional := len(scratch.b)
	out, err := Append(scratch.b, c.codec, name, v)
	if err != nil {
		return nil, err
	}
	scratch.b = out
	plain := out[additional:]
	if need := header + sealedOverhead + len(plain); cap(dst)-len(dst) < need {
		dst = append(make([]byte, 0, len(dst)+need), dst...)
	}
	return primary.aead.Seal(append(dst, out[:header]...), nil, plain, out[:additional]), nil //nolint:gosec // the AEAD makes the nonce, and refuses any other
}

func (c *sealed[T]) Decode(name string, data []byte) (v T, err error) {
	header, key, err := c.open(data)
	if err != nil {
		return v, undecoded("sealed", err)
	}
	scratch := c.buffers.take()
	defer c.buffers.give(scratch)
	scratch.b = append(append(scratch.b, data[:header]...), name...)
	additional := len(scratch.b)
	out, err := key.aead.Open(scratch.b, nil, data[header:], scratch.b)
	if err != nil {
		return v, undecoded("sealed", fmt.Errorf("%w, or sealed under another name", ErrTampered))
	}
	scratch.b = out
	return c.codec.Decode(name, out[additional:])
}

// open reads the header of a sealed value: its length and its key.
func (c *sealed[T]) open(data []byte) (header int, k *key, err error) {
	if len(data) > 0 && data[0] != sealedV1 {
		return 0, nil, fmt.Errorf("%w: begins with %#02x, want %#02x", ErrFormat, data[0], sealedV1)
	}
	if len(data) < 2 || len(data) < 2+int(data[1])+sealedOverhead {
		return 0, nil, fmt.Errorf("%w: %d bytes", ErrTruncated, len(data))
	}
	header = 2 + int(data[1])
	id := string(data[2:header])
	if k = c.keys.state().find(id); k == nil {
		return 0, nil, fmt.Errorf("%w: id %q", ErrUnknownKey, id)
	}
	return header, k, nil
}
