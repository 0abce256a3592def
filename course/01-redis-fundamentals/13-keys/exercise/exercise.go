//go:build !solution

// Package exercise is a repository of notes with two indexes.
package exercise

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Client is what the functions need; *redis.Client is one.
type Client interface {
	redis.Cmdable
	Watch(ctx context.Context, fn func(*redis.Tx) error, keys ...string) error
}

// Note is a note. Owner and ID together name it. Owner, ID and Tag are whatever a
// user typed, and never empty.
type Note struct{ Owner, ID, Tag, Text string }

// NoteKey, OwnerKey and TagKey are the keys of a note, of the index of all notes of
// an owner, and of the index of an owner's notes with a tag. Each begins with the
// prefix, which is yours and has no braces. The names are the users', so:
//
//   - no two of all these keys are equal, whatever the names are;
//   - behind the prefix stands nothing that means something in a pattern of SCAN:
//     none of * ? [ ] \
//   - in a cluster all keys of one owner are in one slot, and those of different
//     owners are spread over the slots.
func NoteKey(prefix, owner, id string) string { return "" }

// OwnerKey: see NoteKey.
func OwnerKey(prefix, owner string) string { return "" }

// TagKey: see NoteKey.
func TagKey(prefix, owner, tag string) string { return "" }

// Save keeps a note, for as long as ttl says, or for ever if that is 0. A note with
// the same owner and ID is replaced altogether: its text, its tag, its end. The note
// and both indexes change together or not at all, also when the program crashes,
// and when others save or delete the same note. A tag's index does not keep a note
// that has another tag now.
func Save(ctx context.Context, rdb Client, prefix string, n Note, ttl time.Duration) error {
	return ErrNotImplemented
}

// Delete removes a note from wherever it stands. A note that does not exist is no
// error.
func Delete(ctx context.Context, rdb Client, prefix, owner, id string) error {
	return ErrNotImplemented
}

// ByOwner returns an owner's notes, in any order, in two round trips at most. A note
// that has ended is not among them; if the index still names one, that entry is
// removed, for which there may be further round trips. What is saved at the same
// time is never removed.
func ByOwner(ctx context.Context, rdb Client, prefix, owner string) ([]Note, error) {
	return nil, ErrNotImplemented
}

// ByTag returns an owner's notes that have this tag, and is otherwise as ByOwner.
func ByTag(ctx context.Context, rdb Client, prefix, owner, tag string) ([]Note, error) {
	return nil, ErrNotImplemented
}
