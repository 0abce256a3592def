package picture

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Take draws one key. A key that is not there is no error: its Type is "none".
//
// Redis: 3 round trips at most, reads only.
func Take(ctx context.Context, c redis.Cmdable, key string) (Key, error) {
	keys, err := Many(ctx, c, []string{key}, nil)
	if err != nil {
		return Key{}, err
	}
	return keys[0], nil
}

// Many draws several keys, in their order. cut makes the name that people read
// from the key, usually by cutting off a prefix; nil leaves it as it is.
//
// Redis: 3 round trips at most for any number of keys, reads only.
func Many(ctx context.Context, c redis.Cmdable, keys []string, cut func(string) string) ([]Key, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	sheets := make([]sheet, len(keys))
	for i, key := range keys {
		sheets[i] = sheet{key: key, picture: Key{Name: key}}
		if cut != nil {
			sheets[i].picture.Name = cut(key)
		}
	}
	for _, send := range []pass{(*sheet).askWhat, (*sheet).askLength, (*sheet).askContent} {
		if err := ask(ctx, c, sheets, send); err != nil {
			return nil, fmt.Errorf("picture: read %d keys: %w", len(keys), err)
		}
	}
	pictures := make([]Key, len(sheets))
	for i := range sheets {
		pictures[i] = sheets[i].picture
	}
	return pictures, nil
}

// sheet is the picture of one key while it is being drawn.
type sheet struct {
	key     string
	picture Key
	kind    kind
	// take draws the replies of the pass that was sent; nil when it asked nothing.
	take func() error
}

// pass asks for a part of a picture.
type pass func(s *sheet, ctx context.Context, p redis.Pipeliner)

// ask sends one pass for all keys and draws what came back.
func ask(ctx context.Context, c redis.Cmdable, sheets []sheet, send pass) error {
	pipe := c.Pipeline()
	for i := range sheets {
		sheets[i].take = nil
		send(&sheets[i], ctx, pipe)
	}
	if pipe.Len() == 0 {
		return nil
	}
	// The error of Exec is that of its first command. Which errors matter is for
	// the commands to say: a server without OBJECT ENCODING still has a picture.
	if _, err := pipe.Exec(ctx); err != nil && !refused(err) {
		return err
	}
	for i := range sheets {
		if sheets[i].take == nil {
			continue
		}
		if err := sheets[i].take(); err != nil {
			return err
		}
	}
	return nil
}

// refused reports whether err is an answer of the server, and so no reason to
// doubt the connection.
func refused(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

// changed reports whether err says that the key is of another type by now.
func changed(err error) bool { return redis.HasErrorPrefix(err, "WRONGTYPE") }

func (s *sheet) askWhat(ctx context.Context, p redis.Pipeliner) {
	what, ttl, encoding := p.Type(ctx, s.key), p.PTTL(ctx, s.key), p.ObjectEncoding(ctx, s.key)
	s.take = func() error {
		if err := what.Err(); err != nil {
			return err
		}
		if err := ttl.Err(); err != nil {
			return err
		}
		s.picture.Type, s.picture.TTL, s.kind = what.Val(), -1, kinds[what.Val()]
		if ttl.Val() > 0 {
			s.picture.TTL = ttl.Val().Milliseconds()
		}
		if encoding.Err() == nil {
			s.picture.Encoding = encoding.Val()
		}
		return nil
	}
}

func (s *sheet) askLength(ctx context.Context, p redis.Pipeliner) {
	if s.kind.length == nil {
		return
	}
	length := s.kind.length(p, ctx, s.key)
	s.take = func() error {
		if err := length.Err(); err != nil {
			if changed(err) {
				s.kind = kind{}
				return nil
			}
			return err
		}
		s.picture.Length = length.Val()
		// Redis keeps no empty hash, list or set: it has expired since it was asked for
		// its type.
		if s.picture.Length == 0 && !s.kind.mayBeEmpty {
			s.picture.Type, s.picture.TTL, s.picture.Encoding, s.kind = "none", -1, "", kind{}
		}
		return nil
	}
}

func (s *sheet) askContent(ctx context.Context, p redis.Pipeliner) {
	if s.kind.content == nil {
		return
	}
	read := s.kind.content(ctx, p, s.key, &s.picture)
	s.take = func() error {
		if err := read(); err != nil && !changed(err) {
			return err
		}
		if s.picture.Type != "string" {
			s.picture.More = max(0, s.picture.Length-int64(len(s.picture.Items)))
		}
		return nil
	}
}
