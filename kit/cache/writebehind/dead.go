package writebehind

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/script"
)

// DeadLetter is a write that was laid aside: the newest of its key, which no
// reader sees any more.
type DeadLetter[K comparable, V any] struct {
	// Write as the sink got it, without Since and Attempt. Its Value is zero if it
	// could not be decoded.
	Write Write[K, V]
	// Payload is the encoded value.
	Payload []byte
	// Reason is the text of the last error, cut to 1,000 bytes.
	Reason string
	// Attempts is how many failures counted.
	Attempts int
	// At is when it was laid aside, by Redis's clock.
	At time.Time
}

// DeadLetters returns up to limit dead letters, in no order.
//
// Redis: 1 round trip, HSCAN, for each shard, and further ones for shards with
// many letters; O(letters).
func (w *Writer[K, V]) DeadLetters(ctx context.Context, limit int) ([]DeadLetter[K, V], error) {
	var letters []DeadLetter[K, V]
	for _, s := range w.shards {
		seen := map[string]bool{} // a scan may tell a field twice
		for cursor := uint64(0); len(letters) < limit; {
			pairs, next, err := w.client.HScan(ctx, s.dead, cursor, "", 100).Result()
			if err != nil {
				return nil, fmt.Errorf("writebehind: list dead letters: %w", err)
			}
			for i := 0; i+1 < len(pairs) && len(letters) < limit; i += 2 {
				if seen[pairs[i]] {
					continue
				}
				seen[pairs[i]] = true
				letter, err := w.letter(pairs[i], pairs[i+1])
				if err != nil {
					return nil, fmt.Errorf("writebehind: list dead letters: %w", err)
				}
				letters = append(letters, letter)
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return letters, nil
}

// letter reads "<length of reason> <reason><entry>".
func (w *Writer[K, V]) letter(field, text string) (DeadLetter[K, V], error) {
	length, rest, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > len(rest) {
		return DeadLetter[K, V]{}, fmt.Errorf("not a dead letter: %.40q", text)
	}
	e, err := parseEntry(field, rest[n:])
	if err != nil {
		return DeadLetter[K, V]{}, err
	}
	write, _ := w.write(e) // that it cannot be read may be why it is here
	return DeadLetter[K, V]{
		Write:    write,
		Payload:  []byte(e.payload),
		Reason:   rest[:n],
		Attempts: e.attempts,
		At:       time.UnixMilli(e.failedMS),
	}, nil
}

// Requeue makes dead letters pending again, with all their attempts before them,
// and returns how many of these keys had one. After script.ErrUnknown it is
// unknown which were requeued; repeating it is safe.
//
// Redis: 1 round trip, EVALSHA requeue.lua for each shard that the keys are in (in
// a cluster 1 a node, at the same time); O(log n) for each key.
func (w *Writer[K, V]) Requeue(ctx context.Context, keys ...K) (int, error) {
	var results []*script.Result
	err := script.Pipelined(ctx, w.client, func(b *script.Batch) error {
		for n, fields := range w.byShard(keys) {
			s, args := w.shards[n], make([]any, len(fields))
			for i, field := range fields {
				args[i] = field
			}
			results = append(results, requeueScript.Queue(ctx, b, []string{s.pending, s.due, s.since, s.dead}, args...))
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("writebehind: requeue %d dead letters: %w", len(keys), err)
	}
	total := 0
	for _, r := range results {
		n, _, err := r.Int64()
		if err != nil {
			return 0, fmt.Errorf("writebehind: requeue %d dead letters: %w", len(keys), err)
		}
		total += int(n)
	}
	return total, nil
}

// Drop forgets dead letters for good, and returns how many of these keys had one.
// After an error of the network it is unknown which were dropped; repeating it is
// safe.
//
// Redis: 1 round trip, HDEL for each shard that the keys are in (in a cluster 1 a
// node, at the same time); O(1) for each key.
func (w *Writer[K, V]) Drop(ctx context.Context, keys ...K) (int, error) {
	var replies []*redis.IntCmd
	_, err := w.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for n, fields := range w.byShard(keys) {
			replies = append(replies, p.HDel(ctx, w.shards[n].dead, fields...))
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("writebehind: drop %d dead letters: %w", len(keys), err)
	}
	total := 0
	for _, r := range replies {
		total += int(r.Val())
	}
	return total, nil
}
