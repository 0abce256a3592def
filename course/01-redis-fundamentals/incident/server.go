package incident1

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// server looks at how long Redis, which does one thing at a time, was held by
// single commands. It goes by the server's own account of its time, for how long
// a page took says as much of a busy machine as of Redis.
type server struct {
	looks []account
}

// account is what Redis has spent on each command until then.
type account struct {
	at    time.Time
	spent map[string]spent
}

type spent struct{ calls, micros int64 }

// A command holds the server when its calls take a millisecond on average and two
// hundredths of all time: what a busy machine adds to a quick one is far below.
const (
	heldMean  = time.Millisecond
	heldShare = 0.02
	// fewCalls say nothing about a command: one of them may have met a busy moment.
	fewCalls = 3
)

// look returns how long the dearest command of the last window took the server at
// each call, and whether that held it.
func (s *server) look(ctx context.Context, rdb *redis.Client) (dearest time.Duration, held bool, err error) {
	text, err := rdb.Info(ctx, "commandstats").Result()
	if err != nil {
		return 0, false, err
	}
	now := account{time.Now(), parseAccount(text)}
	s.looks = slices.DeleteFunc(s.looks, func(a account) bool { return now.at.Sub(a.at) > window })
	s.looks = append(s.looks, now)
	from := s.looks[0]
	for name, n := range now.spent {
		calls, took := n.calls-from.spent[name].calls, time.Duration(n.micros-from.spent[name].micros)*time.Microsecond
		if calls < fewCalls || name == "info" { // which we send
			continue
		}
		mean := took / time.Duration(calls)
		dearest = max(dearest, mean)
		held = held || mean >= heldMean && took.Seconds() >= heldShare*window.Seconds()
	}
	return dearest, held, nil
}

// parseAccount reads lines such as cmdstat_keys:calls=3,usec=38448.
func parseAccount(info string) map[string]spent {
	out := map[string]spent{}
	for line := range strings.Lines(info) {
		name, figures, ok := strings.Cut(strings.TrimSpace(line), ":")
		name, isStat := strings.CutPrefix(name, "cmdstat_")
		if !ok || !isStat {
			continue
		}
		var s spent
		for figure := range strings.SplitSeq(figures, ",") {
			key, value, _ := strings.Cut(figure, "=")
			n, err := strconv.ParseInt(value, 10, 64)
			switch {
			case err != nil:
			case key == "calls":
				s.calls = n
			case key == "usec":
				s.micros = n
			}
		}
		out[name] = s
	}
	return out
}

// keyspace reads how many keys db0 holds, and how many of them have no end.
func keyspace(ctx context.Context, rdb *redis.Client) (endless int64, err error) {
	text, err := rdb.Info(ctx, "keyspace").Result()
	if err != nil {
		return 0, err
	}
	var keys, expires int64
	_, line, found := strings.Cut(text, "db0:")
	if !found {
		return 0, nil
	}
	if _, err := fmt.Sscanf(line, "keys=%d,expires=%d", &keys, &expires); err != nil {
		return 0, fmt.Errorf("read %q: %w", strings.TrimSpace(line), err)
	}
	return keys - expires, nil
}
