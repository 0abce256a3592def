package codec

import (
	"errors"
	"fmt"
	"io"
)

// The decisions a caller can make. All are matched with errors.Is, and those of
// Decode come inside a *DecodeError. For a cache each of them is a miss.
var (
	// ErrTruncated: the bytes end before the value does.
	ErrTruncated = errors.New("truncated")

	// ErrFormat: the bytes are not what this codec writes: another codec wrote
	// them, or a release of this package that has a newer format.
	ErrFormat = errors.New("unknown format")

	// ErrTooLarge: the value is larger than Compression.Max. From Encode, nothing
	// was encoded; from Decode, no more than Max bytes were made.
	ErrTooLarge = errors.New("too large")

	// ErrNewer: the value has a version that this program does not know yet, as
	// happens while instances are replaced one by one. Do not write over it: the
	// newer program would lose what it stored.
	ErrNewer = errors.New("newer version")

	// ErrOlder: the value has a version from which no upgrade was given.
	ErrOlder = errors.New("older version without an upgrade")

	// ErrUnknownKey: the value is sealed with a key that Keys does not hold, or
	// no longer: it was retired too early, or has not reached this instance yet.
	ErrUnknownKey = errors.New("unknown key")

	// ErrTampered: the value is not what was sealed under this name: it was
	// changed, moved to another name, or the key of that id is a different one.
	ErrTampered = errors.New("tampered")

	// ErrNoKey: there is no key to seal with.
	ErrNoKey = errors.New("no key")

	// ErrKeys: keys that cannot be used; the error says which rule they break,
	// and shows no part of a key.
	ErrKeys = errors.New("codec: bad keys")
)

// DecodeError says which codec could not read the bytes, and why. Of codecs
// around codecs it names the one that failed. It does not name the Redis key:
// who calls Decode knows it and adds it.
type DecodeError struct {
	Codec string // "json", "cbor", "messagepack", "compressed", "sealed" or "versioned"
	Err   error  // one of the errors above, or what the format's library said
}

// Error is one line. What the library of a format said may quote a number or
// the name of a field of the value.
func (e *DecodeError) Error() string { return fmt.Sprintf("codec: decode %s: %v", e.Codec, e.Err) }

// Unwrap gives Err to errors.Is and errors.As.
func (e *DecodeError) Unwrap() error { return e.Err }

// undecoded returns the DecodeError of a codec. The libraries tell in many ways
// that bytes are missing; here it is ErrTruncated.
func undecoded(codec string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrTruncated, err)
	}
	return &DecodeError{Codec: codec, Err: err}
}

// unencoded is the error of an Encode.
func unencoded(codec string, err error) error { return fmt.Errorf("codec: encode %s: %w", codec, err) }
