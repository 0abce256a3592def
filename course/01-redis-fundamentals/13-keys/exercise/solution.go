//go:build solution

// Package exercise is a repository of notes with two indexes.
package exercise

import (
	"context"
	"errors"
	"net/url"
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
func NoteKey(prefix, owner, id string) string {
	return OwnerKey(prefix, owner) + ":note:" + url.QueryEscape(id)
}

// OwnerKey: see NoteKey.
func OwnerKey(prefix, owner string) string {
	return prefix + ":{" + url.QueryEscape(owner) + "}"
}

// TagKey: see NoteKey.
func TagKey(prefix, owner, tag string) string {
	return OwnerKey(prefix, owner) + ":tag:" + url.QueryEscape(tag)
}

// Save keeps a note, for as long as ttl says, or for ever if that is 0. A note with
// the same owner and ID is replaced altogether: its text, its tag, its end. The note
// and both indexes change together or not at all, also when the program crashes,
// and when others save or delete the same note. A tag's index does not keep a note
// that has another tag now.
func Save(ctx context.Context, rdb Client, prefix string, n Note, ttl time.Duration) error {
	key := NoteKey(prefix, n.Owner, n.ID)
	return change(ctx, rdb, prefix, n.Owner, n.ID, func(p redis.Pipeliner) {
		p.HSet(ctx, key, "tag", n.Tag, "text", n.Text)
		if ttl > 0 {
			p.PExpire(ctx, key, ttl)
		}
		p.SAdd(ctx, OwnerKey(prefix, n.Owner), n.ID)
		p.SAdd(ctx, TagKey(prefix, n.Owner, n.Tag), n.ID)
	})
}

// Delete removes a note from wherever it stands. A note that does not exist is no
// error.
func Delete(ctx context.Context, rdb Client, prefix, owner, id string) error {
	return change(ctx, rdb, prefix, owner, id, func(redis.Pipeliner) {})
}

// change takes a note away and, in the same transaction, does what write says. It
// begins anew when somebody has changed the note since its old tag was read.
func change(ctx context.Context, rdb Client, prefix, owner, id string, write func(redis.Pipeliner)) error {
	key := NoteKey(prefix, owner, id)
	var err error
	for range 10 {
		err = rdb.Watch(ctx, func(tx *redis.Tx) error {
			old, err := tx.HGet(ctx, key, "tag").Result()
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Del(ctx, key) // the old fields, and the old end
				p.SRem(ctx, OwnerKey(prefix, owner), id)
				p.SRem(ctx, TagKey(prefix, owner, old), id)
				write(p)
				return nil
			})
			return err
		}, key)
		if !errors.Is(err, redis.TxFailedErr) {
			break
		}
	}
	return err
}

// ByOwner returns an owner's notes, in any order, in two round trips at most. A note
// that has ended is not among them; if the index still names one, that entry is
// removed, for which there may be further round trips. What is saved at the same
// time is never removed.
func ByOwner(ctx context.Context, rdb Client, prefix, owner string) ([]Note, error) {
	return find(ctx, rdb, prefix, owner, "", OwnerKey(prefix, owner))
}

// ByTag returns an owner's notes that have this tag, and is otherwise as ByOwner.
func ByTag(ctx context.Context, rdb Client, prefix, owner, tag string) ([]Note, error) {
	return find(ctx, rdb, prefix, owner, tag, TagKey(prefix, owner, tag))
}

// find fetches the notes that an index names, and tidies the index. An empty tag
// is any.
func find(ctx context.Context, rdb Client, prefix, owner, tag, index string) ([]Note, error) {
	ids, err := rdb.SMembers(ctx, index).Result()
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	found, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, id := range ids {
			p.HGetAll(ctx, NoteKey(prefix, owner, id))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var notes []Note
	keys, stale := []string{index}, []any{tag}
	for i, cmd := range found {
		fields := cmd.(*redis.MapStringStringCmd).Val()
		if len(fields) == 0 || tag != "" && fields["tag"] != tag {
			keys, stale = append(keys, NoteKey(prefix, owner, ids[i])), append(stale, ids[i])
			continue
		}
		notes = append(notes, Note{Owner: owner, ID: ids[i], Tag: fields["tag"], Text: fields["text"]})
	}
	if len(stale) > 1 {
		err = tidy.Eval(ctx, rdb, keys, stale...).Err()
		if errors.Is(err, redis.Nil) { // the script returns nothing
			err = nil
		}
	}
	return notes, err
}

// tidy takes out of the index KEYS[1] those of ARGV[2…] whose notes, KEYS[2…], are
// not there or do not have the tag ARGV[1]. It looks again: one may have been saved
// since we looked.
var tidy = redis.NewScript(`
for i = 2, #KEYS do
  local tag = redis.call('HGET', KEYS[i], 'tag')
  if not tag or (ARGV[1] ~= '' and tag ~= ARGV[1]) then
    redis.call('SREM', KEYS[1], ARGV[i])
  end
end
`)
