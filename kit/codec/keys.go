package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// KeySize is the length of a key for AES-256, in bytes.
const KeySize = 32

// Keys are what Sealed seals with: one primary key that new values are sealed
// with, and others that old values are still read with. Each has an id, which
// stands in the clear in what it seals. The zero Keys hold none. They are safe
// for concurrent use, and a change is seen by all codecs at their next call.
//
// Printing Keys shows the ids and no key, with any verb, in JSON, or in a log.
//
// To rotate a key, where several instances run:
//
//  1. Add the new key to all instances. They seal with the old one still; those
//     that have the new one already can read what comes next.
//  2. When all have it, MakePrimary the new one on all. Now both are in use.
//  3. When no value of the old key is left, that is after the longest TTL, or
//     after a pass that decodes and encodes all that has none, Retire the old.
//
// With a list in the environment or in a file these are three deployments: the
// new key at the end of the list, then at its beginning, then alone. A key that
// was retired too early is ErrUnknownKey, and nothing is lost: add it again.
type Keys struct {
	mu   sync.Mutex // held by those who change ring
	ring atomic.Pointer[ring]
}

// ring is one state of Keys; it does not change.
type ring []*key // the primary first

// key is a key that has been made ready for use.
type key struct {
	id   string
	aead cipher.AEAD
}

// find returns the key of that id, or nil. There are two or three.
func (r ring) find(id string) *key {
	for _, k := range r {
		if k.id == id {
			return k
		}
	}
	return nil
}

// state returns the present keys.
func (k *Keys) state() ring {
	if r := k.ring.Load(); r != nil {
		return *r
	}
	return nil
}

// change replaces the keys by what f makes of them.
func (k *Keys) change(f func(ring) (ring, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next, err := f(k.state())
	if err != nil {
		return err
	}
	k.ring.Store(&next)
	return nil
}

// Add adds a key of KeySize random bytes, which is copied. Values sealed with it
// can be read from now on; the first key that is added is the primary. The id is
// 1 to 32 letters, digits, '.', '_' or '-', such as a date; each sealed value
// carries it. An id that is there already is an error: under it, values of the
// key that it stood for would be ErrTampered.
func (k *Keys) Add(id string, secret []byte) error {
	made, err := newKey(id, secret)
	if err != nil {
		return err
	}
	return k.change(func(r ring) (ring, error) {
		if r.find(id) != nil {
			return nil, fmt.Errorf("%w: id %q is taken", ErrKeys, id)
		}
		return append(r, made), nil
	})
}

// MakePrimary seals new values with the key of that id, which must be there.
func (k *Keys) MakePrimary(id string) error {
	return k.change(func(r ring) (ring, error) {
		primary := r.find(id)
		if primary == nil {
			return nil, fmt.Errorf("%w: make %q primary: %w", ErrKeys, id, ErrUnknownKey)
		}
		rest := slices.DeleteFunc(slices.Clone(r), func(other *key) bool { return other == primary })
		return append(ring{primary}, rest...), nil
	})
}

// Retire forgets the key of that id: what was sealed with it is ErrUnknownKey
// from now on. The primary cannot be retired; an id that is not there is fine.
func (k *Keys) Retire(id string) error {
	return k.change(func(r ring) (ring, error) {
		if len(r) > 0 && r[0].id == id {
			return nil, fmt.Errorf("%w: retire %q: it is the primary, make another one primary first", ErrKeys, id)
		}
		return slices.DeleteFunc(slices.Clone(r), func(other *key) bool { return other.id == id }), nil
	})
}

// IDs returns the ids of all keys, that of the primary first.
func (k *Keys) IDs() []string {
	ids := []string{}
	for _, key := range k.state() {
		ids = append(ids, key.id)
	}
	return ids
}

// newKey checks a key and prepares it.
func newKey(id string, secret []byte) (*key, error) {
	switch {
	case id == "" || len(id) > 32 || strings.ContainsFunc(id, notInID):
		return nil, fmt.Errorf("%w: an id must be 1 to 32 letters, digits, '.', '_' or '-'", ErrKeys)
	case len(secret) != KeySize:
		return nil, fmt.Errorf("%w: key %q must have %d bytes, got %d", ErrKeys, id, KeySize, len(secret))
	case !slices.ContainsFunc(secret, func(b byte) bool { return b != secret[0] }):
		return nil, fmt.Errorf("%w: key %q must be random, got the same byte %d times", ErrKeys, id, KeySize)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("%w: key %q: %w", ErrKeys, id, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("%w: key %q: %w", ErrKeys, id, err)
	}
	return &key{id, aead}, nil
}

// notInID reports what an id may not contain.
func notInID(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
}

// ParseKeys reads a list of keys, the primary first, as it stands in a file or
// in the environment: "id:key" each, separated by spaces, commas or line ends,
// the key in base64. From "#" to the end of its line is a comment. Make a key
// with: openssl rand -base64 32.
func ParseKeys(text string) (*Keys, error) {
	keys := new(Keys)
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for _, entry := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" ,\t\r\n", r) }) {
			id, encoded, found := strings.Cut(entry, ":")
			if !found { // perhaps the entry is a key that lacks its id: it is not shown
				return nil, fmt.Errorf("%w: entry %d must be id:key", ErrKeys, len(keys.state())+1)
			}
			secret, err := base64.StdEncoding.Strict().DecodeString(encoded)
			if err != nil {
				return nil, fmt.Errorf("%w: entry %d must be id:key with the key in base64", ErrKeys, len(keys.state())+1)
			}
			if err := keys.Add(id, secret); err != nil {
				return nil, err
			}
		}
	}
	if len(keys.state()) == 0 {
		return nil, fmt.Errorf("%w: there are none: %w", ErrKeys, ErrNoKey)
	}
	return keys, nil
}

// KeysFromFile reads a file as ParseKeys does.
func KeysFromFile(path string) (*Keys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	return ParseKeys(string(text))
}

// KeysFromEnv reads the variable of that name as ParseKeys does, or the file
// that <variable>_FILE names; not both.
func KeysFromEnv(variable string) (*Keys, error) {
	text, path := os.Getenv(variable), os.Getenv(variable+"_FILE")
	if text != "" && path != "" {
		return nil, fmt.Errorf("%w: %s and %s_FILE exclude each other", ErrKeys, variable, variable)
	}
	var keys *Keys
	var err error
	if path != "" {
		keys, err = KeysFromFile(path)
	} else {
		keys, err = ParseKeys(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (from %s or %s_FILE)", err, variable, variable)
	}
	return keys, nil
}

// String shows the ids.
func (k *Keys) String() string { return fmt.Sprintf("keys%q", k.IDs()) }

// GoString is String, for %#v.
func (k *Keys) GoString() string { return k.String() }

// LogValue is String, for slog.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String, for encoders.
func (k *Keys) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
