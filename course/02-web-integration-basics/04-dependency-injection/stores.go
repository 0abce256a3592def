package cloakroom

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"
)

// region: redis

// inRedis keeps coats in a hash, and counts numbers in it.
type inRedis struct {
	rdb redis.Scripter
	key string
}

// hang and take are one step each: two guests at once get two numbers, and a coat
// leaves once.
var (
	hang = redis.NewScript(`local n = redis.call('HINCRBY', KEYS[1], 'last', 1)
redis.call('HSET', KEYS[1], n, ARGV[1])
return n`)
	take = redis.NewScript(`local coat = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
return coat`)
)

func (s *inRedis) Hang(ctx context.Context, coat string) (int, error) {
	return hang.Run(ctx, s.rdb, []string{s.key}, coat).Int()
}

func (s *inRedis) Take(ctx context.Context, number int) (string, error) {
	coat, err := take.Run(ctx, s.rdb, []string{s.key}, strconv.Itoa(number)).Text()
	if errors.Is(err, redis.Nil) {
		return "", ErrNoCoat
	}
	return coat, err
}

// endregion

// region: fake

// inMemory is the fake: thirteen lines, for there are two methods.
type inMemory struct {
	mu    sync.Mutex
	coats map[int]string
	last  int
}

func (s *inMemory) Hang(_ context.Context, coat string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.coats[s.last] = coat
	return s.last, nil
}

func (s *inMemory) Take(_ context.Context, number int) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	coat, ok := s.coats[number]
	if !ok {
		return "", ErrNoCoat
	}
	delete(s.coats, number)
	return coat, nil
}

// endregion

// region: faulty

// faulty is a store on a bad day: every second call fails. No server has to be broken
// for that.
type faulty struct {
	Coats
	calls int
}

var errBadDay = errors.New("i/o timeout")

func (s *faulty) Hang(ctx context.Context, coat string) (int, error) {
	if s.calls++; s.calls%2 == 0 {
		return 0, errBadDay
	}
	return s.Coats.Hang(ctx, coat)
}

func (s *faulty) Take(ctx context.Context, number int) (string, error) {
	if s.calls++; s.calls%2 == 0 {
		return "", errBadDay
	}
	return s.Coats.Take(ctx, number)
}

// endregion
