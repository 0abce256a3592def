//go:build solution

// Package exercise reads many keys for a reader who does not wait for ever.
package exercise

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Report is what was known when the time was over.
type Report struct {
	// Winds has the value of each key that was read.
	Winds map[string]string
	// Silent are the keys that do not exist: the station has reported nothing.
	Silent []string
	// Unknown are the keys whose answer had not arrived, or was an error.
	Unknown []string
}

const (
	batch   = 50 // keys of a pipeline
	workers = 4  // pipelines under way at a time, each on a connection
)

// Fetch reads all keys: each is in exactly one part of the Report. 500 keys cost
// 10 round trips at most, and no more than four connections are used at a time.
//
// When ctx ends, Fetch returns at once with what has arrived by then, and with
// ctx's error; the rest is in Unknown. It does not wait for Redis any more, whatever
// the client's settings. If ctx is over already, nothing is sent. A key that Redis
// refuses (it holds something else than a string) is in Unknown, and is no reason
// to give up another one.
//
// The error is nil when ctx did not end; what Redis said about single keys is not
// an error of Fetch.
func Fetch(ctx context.Context, rdb redis.UniversalClient, keys []string) (Report, error) {
	parts := slices.Collect(slices.Chunk(keys, batch))
	todo := make(chan []string, len(parts))
	for _, part := range parts {
		todo <- part
	}
	close(todo)
	// A worker may still be waiting for Redis when Fetch returns. It hands over what
	// it read through a channel with room for all, and touches nothing of the Report.
	done := make(chan []*redis.StringCmd, len(parts))
	for range min(workers, len(parts)) {
		go func() {
			for part := range todo {
				if ctx.Err() != nil {
					return
				}
				done <- read(ctx, rdb, part)
			}
		}()
	}
	report, missing := Report{Winds: map[string]string{}}, map[string]bool{}
	for _, key := range keys {
		missing[key] = true
	}
	for range parts {
		select {
		case answers := <-done:
			report.add(answers, missing)
		case <-ctx.Done():
			report.drain(done, missing)
			report.rest(missing)
			return report, ctx.Err()
		}
	}
	report.rest(missing)
	return report, nil
}

// read asks for a part of the keys in one round trip.
func read(ctx context.Context, rdb redis.UniversalClient, part []string) []*redis.StringCmd {
	pipe := rdb.Pipeline()
	answers := make([]*redis.StringCmd, len(part))
	for i, key := range part {
		answers[i] = pipe.Get(ctx, key)
	}
	_, _ = pipe.Exec(ctx) // each command knows how it ended
	return answers
}

// add sorts what arrived.
func (r *Report) add(answers []*redis.StringCmd, missing map[string]bool) {
	for _, answer := range answers {
		key := answer.Args()[1].(string)
		switch value, err := answer.Result(); {
		case err == nil:
			r.Winds[key] = value
		case errors.Is(err, redis.Nil):
			r.Silent = append(r.Silent, key)
		default:
			continue // it stays missing
		}
		delete(missing, key)
	}
}

// drain takes what had arrived and was not looked at yet.
func (r *Report) drain(done <-chan []*redis.StringCmd, missing map[string]bool) {
	for {
		select {
		case answers := <-done:
			r.add(answers, missing)
		default:
			return
		}
	}
}

// rest is what nobody knows.
func (r *Report) rest(missing map[string]bool) {
	for key := range missing {
		r.Unknown = append(r.Unknown, key)
	}
}
