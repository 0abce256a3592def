//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/03-caching-patterns/09-multi-layer/exercise"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/kit/cache"
)

const (
	// patience is longer than anything takes that is right.
	patience = 6 * time.Second
	// while gives others time to do what they may. Too little of it hides a mistake, and
	// makes none.
	while = 100 * time.Millisecond
)

// clock is the time of memory. It stands still until it is told to pass.
type clock struct{ past atomic.Int64 }

var began = time.Now()

func (c *clock) now() time.Time       { return began.Add(time.Duration(c.past.Load())) }
func (c *clock) pass(d time.Duration) { c.past.Add(int64(d)) }

// chain is a cache in Redis, and lanes of it.
type chain struct {
	c       *check.C
	keys    int
	shared  cache.Options[string, string]
	options exercise.Options
}

func newChain(c *check.C) *chain {
	name := strings.NewReplacer("{", "", "}", "").Replace(c.Key("tolls"))
	return &chain{
		c: c,
		shared: cache.Options[string, string]{
			Name: name, TTL: time.Hour, Jitter: -1, EarlyRefresh: -1,
			RedisTimeout: patience, LeaseTTL: patience, OriginLimit: -1,
		},
		options: exercise.Options{Name: name, Entries: 100, TTL: time.Minute},
	}
}

// key is one that nobody has read.
func (s *chain) key() string {
	s.keys++
	return fmt.Sprintf("A4-%d-%d", s.keys, s.c.Rand().IntN(1000))
}

// entry is where the shared cache keeps a key.
func (s *chain) entry(key string) string { return s.options.Name + ":{" + key + "}:v" }

// client opens a client of its own on the wire of the task.
func (s *chain) client() *redis.Client {
	o := *s.c.Redis().Options()
	o.PushNotificationProcessor = nil // each client makes its own
	rdb := redis.NewClient(&o)
	context.AfterFunc(s.c.Context(), func() { _ = rdb.Close() })
	return rdb
}

// node is one lane under test.
type node struct {
	s     *chain
	cache *exercise.Cache
	clock *clock
	loads int
	ready chan struct{}
}

func (s *chain) open(rdb *redis.Client) *node {
	shared, err := cache.New(rdb, s.shared)
	s.c.NoError(err, "opening the shared cache")
	n := &node{s: s, clock: &clock{}, ready: make(chan struct{}, 100)}
	o := s.options
	o.Now, o.OnReady = n.clock.now, func() { n.ready <- struct{}{} }
	n.cache = exercise.New(rdb, shared, o)
	return n
}

// answer is what a Fetch returned.
type answer struct {
	text   string
	source cache.Source
	err    error
}

// fetch asks for a key of which the office says this.
func (n *node) fetch(key, office string, officeErr error) answer {
	text, source, err := n.cache.Fetch(n.s.c.Context(), key, func(context.Context, string) (string, error) {
		n.loads++
		return office, officeErr
	})
	n.s.c.Written(err)
	return answer{text, source, err}
}

func (n *node) invalidate(key string) {
	n.s.c.NoError(n.cache.Invalidate(n.s.c.Context(), key), "Invalidate")
}

// want fails unless an answer is a text from this source.
func (n *node) want(got answer, text string, source cache.Source, when string) {
	switch {
	case got.err != nil:
		n.s.c.Fail("%s: Fetch returned the error %v.", when, got.err)
	case got.text != text:
		n.s.c.Fail("%s: Fetch returned %q from %s, want %q.", when, got.text, word(got.source), text)
	case got.source != source:
		n.s.c.Fail("%s: the answer came from %s, want %s.", when, word(got.source), word(source))
	}
}

func word(s cache.Source) string {
	return map[cache.Source]string{cache.Memory: "memory", cache.Redis: "Redis", cache.Origin: "the office"}[s]
}

// warm reads a key until it is in memory. Two reads must do while nobody writes; where
// Redis tells of what the reader itself has stored, it takes a few more.
func (n *node) warm(key, text string) {
	var got answer
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got = n.fetch(key, text, nil); got.source == cache.Memory && got.err == nil && got.text == text {
			return
		}
	}
	n.want(got, text, cache.Memory, fmt.Sprintf("A key was read again and again for %v", patience))
}

// run runs Run until the returned function is called, and waits until it hears.
func (n *node) run() (stop func()) {
	ctx, cancel := context.WithCancel(n.s.c.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.cache.Run(ctx) }()
	select {
	case <-n.ready:
	case err := <-ended:
		n.s.c.Written(err)
		n.s.c.Fail("Run returned at once, with the error %v.", err)
	case <-time.After(patience):
		n.s.c.Fail("Run has run for %v, and OnReady was not called.", patience)
	}
	return cancel
}

// hears waits for the next call of OnReady.
func (n *node) hears(when string) {
	select {
	case <-n.ready:
	case <-time.After(patience):
		n.s.c.Fail("%s. %v later OnReady has not been called again.", when, patience)
	}
}

// learns waits until this lane answers with what the office says now.
func (n *node) learns(key, when string) {
	var got answer
	for end := time.Now().Add(patience / 2); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got = n.fetch(key, "new", nil); got.text == "new" && got.err == nil {
			return
		}
	}
	n.s.c.Fail("%s. %v later another lane, whose Run runs, still answered %q from %s.", when, patience/2, got.text, word(got.source))
}

// silence keeps this lane off Redis while f runs.
func (n *node) silence(f func()) {
	for len(n.ready) > 0 {
		<-n.ready
	}
	clear := n.s.c.Throw(tap.Fault{Kind: tap.Refuse})
	f()
	clear()
	n.hears("The connection to Redis broke and came back")
}

// fromMemory is how many of these keys memory answers, while nothing else can.
func (n *node) fromMemory(keys []string) (count int) {
	clear := n.s.c.Throw(tap.Fault{Kind: tap.ErrorReply, Message: "LOADING Redis is loading the dataset in memory"})
	defer clear()
	for _, key := range keys {
		if got := n.fetch(key, "", errOffice); got.err == nil && got.source == cache.Memory {
			count++
		}
	}
	return count
}

// soon gives f some time, in a goroutine of its own, and says whether that was enough.
func (s *chain) soon(f func()) bool {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
		return true
	case <-time.After(patience / 2):
		return false
	}
}

// interruption calls a function when a client has got replies.
type interruption struct {
	inside atomic.Bool
	mu     sync.Mutex
	after  func(cmds []redis.Cmder) (again bool)
}

// interrupt has f called after each command or pipeline of a client that Redis has
// answered, before the answer is seen, until f returns false. The commands that f makes
// itself interrupt nothing.
func interrupt(rdb *redis.Client, f func(cmds []redis.Cmder) (again bool)) (end func()) {
	i := &interruption{after: f}
	rdb.AddHook(i)
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.after = nil
	}
}

func (i *interruption) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (i *interruption) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		i.replied(err, []redis.Cmder{cmd})
		return err
	}
}

func (i *interruption) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		i.replied(err, cmds)
		return err
	}
}

func (i *interruption) replied(err error, cmds []redis.Cmder) {
	if err != nil && !errors.Is(err, redis.Nil) || !i.inside.CompareAndSwap(false, true) {
		return
	}
	defer i.inside.Store(false)
	i.mu.Lock()
	f := i.after
	i.mu.Unlock()
	if f != nil && !f(cmds) {
		i.mu.Lock()
		i.after = nil
		i.mu.Unlock()
	}
}

// mentions says whether one of the commands is about a key.
func mentions(cmds []redis.Cmder, key string) bool {
	for _, cmd := range cmds {
		for _, arg := range cmd.Args() {
			if text, ok := arg.(string); ok && strings.Contains(text, key) {
				return true
			}
		}
	}
	return false
}
