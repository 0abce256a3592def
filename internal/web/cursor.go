package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrCursor is the error of a cursor that these Cursors did not make. Register
// answers it with 400.
var ErrCursor = errors.New("web: cursor not recognised")

// Cursors makes places in a list into opaque texts and back. A client cannot
// read a meaning into one by accident, nor alter it unnoticed. T is a small
// struct that JSON can carry.
type Cursors[T any] struct {
	name string
	key  []byte
}

// NewCursors returns the Cursors of one list; a cursor of another name is
// refused. With a key, shared by all instances, a cursor is signed. Without one
// it is only checked: enough against mistakes, but whoever reads this can make
// one, so a cursor must never permit what its request does not.
func NewCursors[T any](name string, key []byte) Cursors[T] {
	return Cursors[T]{name: name, key: key}
}

const (
	sumLen    = 12   // bytes of the signature that are kept
	maxCursor = 1024 // bytes of a cursor
)

var cursorText = base64.RawURLEncoding.Strict()

// Encode makes the cursor of a place.
func (c Cursors[T]) Encode(place T) (string, error) {
	body, err := json.Marshal(place)
	if err != nil {
		return "", fmt.Errorf("web: encode cursor of %q: %w", c.name, err)
	}
	text := cursorText.EncodeToString(append(c.sum(body), body...))
	if len(text) > maxCursor {
		return "", fmt.Errorf("web: a cursor of %q must fit %d bytes, got %d", c.name, maxCursor, len(text))
	}
	return text, nil
}

// Decode returns the place of a cursor, and the zero T for an empty one: the
// beginning. The error is ErrCursor.
func (c Cursors[T]) Decode(text string) (place T, err error) {
	if text == "" {
		return place, nil
	}
	var zero T
	if len(text) > maxCursor {
		return zero, ErrCursor
	}
	raw, err := cursorText.DecodeString(text)
	if err != nil || len(raw) < sumLen || !hmac.Equal(raw[:sumLen], c.sum(raw[sumLen:])) {
		return zero, ErrCursor
	}
	if json.Unmarshal(raw[sumLen:], &place) != nil { // of a former form of T
		return zero, ErrCursor
	}
	return place, nil
}

func (c Cursors[T]) sum(body []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	h.Write([]byte(c.name + "\x00"))
	h.Write(body)
	return h.Sum(nil)[:sumLen]
}
