package guard

import (
	"context"
	"fmt"
	"time"
)

// Policy answers in the place of a Redis that is down. Make one with FailClosed,
// FailOpen, Fallback or Stale; the zero Policy is FailClosed. It is a value: keep
// it, or make it in the call.
type Policy[T any] struct {
	// serve answers. It returns the value, and how old it is.
	serve func(ctx context.Context, g *Guard, cause error) (T, time.Duration, error)
	// answered is told what Redis said: a value, or that there is none.
	answered func(v T, miss error)
}

// FailClosed answers ErrUnavailable: for sessions, locks, and all that must not
// be guessed.
func FailClosed[T any]() Policy[T] { return Policy[T]{} }

// FailOpen answers v: for what a user can go without, such as a limiter's yes or
// an empty list of recommendations.
func FailOpen[T any](v T) Policy[T] {
	return Policy[T]{serve: func(context.Context, *Guard, error) (T, time.Duration, error) { return v, 0, nil }}
}

// Fallback asks f instead, such as the database behind a cache; at most
// Options.MaxFallbacks of them at a time, and beyond that the answer is ErrFull.
// f gets the caller's context, without the guard's timeout.
func Fallback[T any](f func(context.Context) (T, error)) Policy[T] {
	return Policy[T]{serve: func(ctx context.Context, g *Guard, _ error) (v T, _ time.Duration, err error) {
		if !g.fallbacks.TryAcquirePermit() {
			g.counts.full.Add(1)
			return v, 0, fmt.Errorf("fallback: %w", ErrFull)
		}
		defer g.fallbacks.ReleasePermit()
		if v, err = f(ctx); err != nil {
			return v, 0, fmt.Errorf("fallback: %w", err)
		}
		return v, 0, nil
	}}
}

// Stale answers the copy of what Redis last said for the key, if there is one
// that is young enough, else what next answers. Result.Age says how old it is.
//
// The key must hold everything that decides who may see the value: a copy under
// "/account" for all users shows one user's account to another.
func Stale[K comparable, T any](copies *Copies[K, T], key K, next Policy[T]) Policy[T] {
	return Policy[T]{
		answered: func(v T, miss error) {
			if miss != nil {
				copies.Forget(key)
			} else {
				copies.keep(key, v)
			}
			if next.answered != nil {
				next.answered(v, miss)
			}
		},
		serve: func(ctx context.Context, g *Guard, cause error) (v T, _ time.Duration, _ error) {
			if v, age, ok := copies.find(key); ok {
				return v, age, nil
			}
			if next.serve == nil {
				return v, 0, fmt.Errorf("no copy younger than %v", copies.o.MaxAge)
			}
			return next.serve(ctx, g, cause)
		},
	}
}
