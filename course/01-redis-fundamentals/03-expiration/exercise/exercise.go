//go:build !solution

// Package exercise keeps remember-me tokens.
package exercise

import (
	"context"
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

// Issue makes a token at key, which is new. It ends when it is not used for idle,
// and in any case life after it was issued, used or not. A process may die at any
// moment: there must never be a token without an end.
func Issue(ctx context.Context, rdb redis.Cmdable, key, user string, idle, life time.Duration) error {
	return ErrNotImplemented
}

// Use returns the token at key and moves its end to idle from now, but never
// behind the last moment that Issue set. Two commands at most.
//
// It returns ErrNoToken for a token that is not there, and also for one that
// somebody revokes (DEL) before the last command of Use: nobody is let in with it,
// and it does not come back.
func Use(ctx context.Context, rdb redis.Cmdable, key string, idle time.Duration) (Token, error) {
	return Token{}, ErrNotImplemented
}

// Rename changes what the device is called. The end of the token stays as it is. A
// token that is not there, or is revoked meanwhile, is ErrNoToken and does not
// come back. Two commands at most.
func Rename(ctx context.Context, rdb redis.Cmdable, key, device string) error {
	return ErrNotImplemented
}
