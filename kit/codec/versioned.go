package codec

import (
	"encoding/binary"
	"fmt"
)

// versionedV1 begins what Versioned writes: this byte, the version as a varint
// (encoding/binary: one byte up to 127), and what the codec within writes.
//
// No JSON value begins with it, no CBOR value (RFC 8949 reserves it), and of
// MessagePack only the number 28 by itself: so that values from before can be
// told apart.
const versionedV1 = 0x1c

// Upgrade makes the present type of a value out of an older version.
type Upgrade[T any] struct {
	from   int
	decode func(name string, data []byte) (T, error)
}

// From returns the upgrade of values that were stored with a version, by the
// codec that was within Versioned then. Keep the old type for it, unexported and
// under another name; delete both when no value of that version is left. An
// upgrade from version 0 reads what was stored before Versioned was there.
func From[Old, T any](version int, old Codec[Old], upgrade func(Old) (T, error)) Upgrade[T] {
	return Upgrade[T]{version, func(name string, data []byte) (T, error) {
		v, err := old.Decode(name, data)
		if err != nil {
			return *new(T), err
		}
		now, err := upgrade(v)
		if err != nil {
			return *new(T), undecoded("versioned", fmt.Errorf("upgrade from version %d: %w", version, err))
		}
		return now, nil
	}}
}

// Versioned is c with a version of the value's schema in front of it: 2 bytes
// for versions below 128. It writes the version given, which is at least 1, and
// reads that and those from which an upgrade is given; others are ErrOlder and
// ErrNewer. A version below 1 and an upgrade that can never be used panic.
//
// Most changes need no new version: JSON, CBOR and MessagePack all skip a field
// that the type does not have, and leave a field zero that the bytes do not
// have. Count up when a field gets another name, type, unit or meaning, or when
// zero would be wrong for those that lack it.
//
// Put Sealed and Compressed outside of it, so that they are done once and the
// upgrades see what the codec wrote:
//
//	codec.Sealed(codec.Compressed(codec.Versioned(codec.CBOR[User](), 2, …), codec.Compression{}), keys)
func Versioned[T any](c Codec[T], version int, upgrades ...Upgrade[T]) Codec[T] {
	needed("Versioned", c)
	if version < 1 {
		panic(fmt.Sprintf("codec: a version must be at least 1, got %d", version))
	}
	readers := map[uint64]func(string, []byte) (T, error){uint64(version): c.Decode}
	for _, u := range upgrades {
		if u.from < 0 || u.from >= version || readers[uint64(u.from)] != nil {
			panic(fmt.Sprintf("codec: an upgrade must be the only one from a version of 0 to %d, got %d", version-1, u.from))
		}
		readers[uint64(u.from)] = u.decode
	}
	return &versioned[T]{codec: c, version: uint64(version), readers: readers}
}

type versioned[T any] struct {
	codec   Codec[T]
	version uint64
	readers map[uint64]func(name string, data []byte) (T, error)
	buffers buffers
}

func (c *versioned[T]) Encode(name string, v T) ([]byte, error) { return c.Append(nil, name, v) }

func (c *versioned[T]) Append(dst []byte, name string, v T) ([]byte, error) {
	// Written straight behind dst it would grow twice: for the envelope, and then
	// for the value.
	scratch := c.buffers.take()
	defer c.buffers.give(scratch)
	out, err := Append(binary.AppendUvarint(append(scratch.b, versionedV1), c.version), c.codec, name, v)
	if err != nil {
		return nil, err
	}
	scratch.b = out
	return append(dst, out...), nil
}

func (c *versioned[T]) Decode(name string, data []byte) (T, error) {
	version, payload, err := split(data)
	if err != nil {
		return *new(T), undecoded("versioned", err)
	}
	read := c.readers[version]
	switch {
	case read != nil:
		return read(name, payload)
	case version > c.version:
		err = fmt.Errorf("%w: %d, this program knows %d", ErrNewer, version, c.version)
	case version == 0:
		err = fmt.Errorf("%w: begins with %#02x, want %#02x", ErrFormat, data[0], versionedV1)
	default:
		err = fmt.Errorf("%w: %d", ErrOlder, version)
	}
	return *new(T), undecoded("versioned", err)
}

// split takes the envelope off. Bytes without one are version 0.
func split(data []byte) (version uint64, payload []byte, err error) {
	if len(data) == 0 {
		return 0, nil, ErrTruncated
	}
	if data[0] != versionedV1 {
		return 0, data, nil
	}
	version, n := binary.Uvarint(data[1:])
	switch {
	case n == 0:
		return 0, nil, ErrTruncated
	case n < 0 || version == 0:
		return 0, nil, fmt.Errorf("%w: no version", ErrFormat)
	}
	return version, data[1+n:], nil
}
