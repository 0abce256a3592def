//go:build solution

// Package exercise keeps remember-me tokens.
package exercise

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// ErrNoToken says that there is no such token, or that it has come to its end.
var ErrNoToken = errors.New("no such token")

// Token is what a cookie gives access to. How it is stored at its key is up to
// you. Users and devices are any text.
type Token struct {
	User   string
	Device string // what the user calls the device; empty at first
}

// stored is the value at a token's key.
type stored struct {
	User   string    `json:"user"`
	Device string    `json:"device"`
	Last   time.Time `json:"last"` // no use moves the end behind it
}

// Issue makes a token at key, which is new. It ends when it is not used for idle,
// and in any case life after it was issued, used or not. A process may die at any
// moment: there must never be a token without an end.
func Issue(ctx context.Context, rdb redis.Cmdable, key, user string, idle, life time.Duration) error {
	value, err := json.Marshal(stored{User: user, Last: time.Now().Add(life)})
	if err != nil {
		return err
	}
	return rdb.Set(ctx, key, value, min(idle, life)).Err() // value and end in one command
}

// Use returns the token at key and moves its end to idle from now, but never
// behind the last moment that Issue set. Two commands at most.
//
// It returns ErrNoToken for a token that is not there, and also for one that
// somebody revokes (DEL) before the last command of Use: nobody is let in with it,
// and it does not come back.
func Use(ctx context.Context, rdb redis.Cmdable, key string, idle time.Duration) (Token, error) {
	s, err := load(ctx, rdb, key)
	if err != nil {
		return Token{}, err
	}
	end := time.Now().Add(idle)
	if end.After(s.Last) {
		end = s.Last
	}
	moved, err := rdb.PExpireAt(ctx, key, end).Result()
	if err != nil {
		return Token{}, err
	}
	if !moved { // revoked, or at its end, since we read it
		return Token{}, ErrNoToken
	}
	return Token{User: s.User, Device: s.Device}, nil
}

// Rename changes what the device is called. The end of the token stays as it is. A
// token that is not there, or is revoked meanwhile, is ErrNoToken and does not
// come back. Two commands at most.
func Rename(ctx context.Context, rdb redis.Cmdable, key, device string) error {
	s, err := load(ctx, rdb, key)
	if err != nil {
		return err
	}
	s.Device = device
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	there, err := rdb.SetXX(ctx, key, value, redis.KeepTTL).Result()
	if err == nil && !there {
		return ErrNoToken
	}
	return err
}

func load(ctx context.Context, rdb redis.Cmdable, key string) (stored, error) {
	var s stored
	value, err := rdb.Get(ctx, key).Bytes()
	if errors.Is(err, redis.Nil) {
		return s, ErrNoToken
	}
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(value, &s)
}
