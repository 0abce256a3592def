// Package codec turns values into the bytes that stand in Redis, and back: in a
// format (CBOR, JSON, MessagePack, Raw), and around it what the value needs
// (Versioned, Compressed, Sealed).
//
//	accounts := codec.Sealed(codec.Compressed(codec.Versioned(codec.CBOR[Account](), 2, upgrades…), codec.Compression{}), keys)
//	data, err := accounts.Encode("account:7", account)
//	account, err = accounts.Decode("account:7", data)
//
// # When to use
//
// Wherever a Go value becomes one Redis string or one field. CBOR by itself
// until there is a reason for more: Versioned when a field changes its meaning
// while values live on, Compressed for texts and lists above a kilobyte, Sealed
// when those who can read Redis, its backups or its network may not read the
// value. Values that Redis itself computes with (counters, scores, fields that
// are changed one by one) are not encoded at all.
//
// # Design
//
// A codec is a value of two methods, put around another: each layer does one
// thing, and what is stored is that layer's header before the next one's bytes.
//
//	JSON, CBOR, MessagePack, Raw   the format, nothing before it
//	Versioned    0x1c · version as a varint · what is within
//	Compressed   a frame of zstd (28 b5 2f fd …), or what is within
//	Sealed       0x1d · length of the key's id · id · nonce (12) · ciphertext · tag (16)
//
// Versioned goes inside, for each version has a format of its own; Sealed goes
// outside, for a sealed value neither compresses nor shows its version. The
// first byte names the layout: a later one gets a new byte, and this one stays
// readable. A test holds bytes that were stored on the first day.
//
// Compressed needs no header of its own: a frame begins as no value of the
// formats does, but for Raw and a bare string of eight bytes in CBOR, and such a
// value is always put into a frame. So compression can be switched on and off
// over values that are there, and zstd on a command line reads them.
//
// Rejected: encoding/gob, which sends the type's description with each value and
// takes ten times as long as CBOR to decode; a fingerprint of the type as
// version, which changes with a field that is only added, and not with a new
// meaning; XAES-256-GCM, whose longer nonces would end the counting that Sealed
// asks for, until the standard library has it; a key for each value, which would
// have to be kept somewhere too. Why CBOR, zstd and this MessagePack stands in
// docs/decisions/0011-formats-of-values.md.
//
// # Redis footprint
//
// No commands and no keys. What a layer adds to a value: Versioned 2 bytes (3
// from version 128), Sealed 30 bytes and the id, Compressed nothing or less.
//
// # Guarantees
//
//   - What was encoded decodes to the same value, within what the page of its
//     format says of times, text and any.
//   - Any bytes decode to a value or to a *DecodeError that matches one of the
//     errors of this package or the format's: no panic, and no more memory than
//     Compression.Max and a multiple of the input that depends on T alone.
//   - A decoded value shares no memory with the bytes.
//   - What Sealed reads was sealed under that name with one of the keys.
//
// # Caveats
//
// Sealed does not hide that a value exists, its length, its key's name and its
// TTL, and does not keep who can write to Redis from deleting a value or putting
// back an older one of the same name: AES-GCM knows no time. A value that must
// not be older than something carries that itself.
//
// A codec makes no copy of what a pointer leads to, so nobody may change v while
// Encode runs. A type with a MarshalJSON and without text or binary methods is
// stored by CBOR and MessagePack by its exported fields, which may be none: give
// it the methods of encoding.TextMarshaler, or test that it comes back.
package codec
