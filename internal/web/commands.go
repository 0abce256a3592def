package web

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
)

// Work is what a request had Redis do, as its client saw it.
type Work struct {
	Commands int           `json:"commands"`
	Calls    int           `json:"calls"` // a pipeline is one; retries within the client are not seen
	Failed   int           `json:"failed"`
	Took     time.Duration `json:"took_ns"` // of the calls, summed; those at the same time count each
}

// header is an item of RFC 9651: the commands, and the calls they went in.
func (w Work) header() string { return fmt.Sprintf("%d;calls=%d", w.Commands, w.Calls) }

// timing is Server-Timing, which browsers show beside the request.
func (w Work) timing(total time.Duration) string {
	return fmt.Sprintf(`redis;dur=%s;desc="%d commands", total;dur=%s`, millis(w.Took), w.Commands, millis(total))
}

// Command is one command behind a request.
type Command struct {
	Text  string        `json:"text"` // as a person types it, cut, passwords masked
	Call  int           `json:"call"` // commands of one pipeline share a number, from 1
	Took  time.Duration `json:"took_ns"`
	Error string        `json:"error,omitempty"`
}

// The bounds of what is kept of one request.
const (
	maxCommands = 100
	maxWords    = 6
	maxWord     = 64
)

// tally counts the commands of one request. It is safe for concurrent use, for
// a handler may ask Redis from several goroutines.
type tally struct {
	keep     bool
	mu       sync.Mutex
	work     Work
	commands []Command
}

func (t *tally) sum() Work {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.work
}

func (t *tally) list() []Command {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.commands
}

func (t *tally) add(cmds []redis.Cmder, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.work.Calls++
	t.work.Commands += len(cmds)
	t.work.Took += took
	for _, cmd := range cmds {
		failed := failure(cmd)
		if failed != "" {
			t.work.Failed++
		}
		if t.keep && len(t.commands) < maxCommands {
			t.commands = append(t.commands, Command{Text: line(cmd), Call: t.work.Calls, Took: took, Error: failed})
		}
	}
}

// failure is what went wrong with a command; a reply of nil is an answer.
func failure(cmd redis.Cmder) string {
	if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
		return trace.Cut(err.Error())
	}
	return ""
}

// line is a command as a person types it.
func line(cmd redis.Cmder) string {
	all := cmd.Args()
	more := len(all) > maxWords
	if more {
		all = all[:maxWords]
	}
	words := make([]string, 0, maxWords+1)
	for _, a := range all {
		if b, ok := a.([]byte); ok {
			a = string(b)
		}
		words = append(words, fmt.Sprint(a))
	}
	if len(words) == 0 {
		return ""
	}
	words[0] = strings.ToUpper(words[0])
	trace.Mask(words[0], words[1:])
	for i, w := range words {
		if len(w) > maxWord {
			w = strings.ToValidUTF8(w[:maxWord], "") + "…"
		}
		if w == "" || strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r == '"' || r == 0x7f }) {
			w = strconv.Quote(w)
		}
		words[i] = w
	}
	if more {
		words = append(words, "…")
	}
	return strings.Join(words, " ")
}

// RedisHook counts the commands of the client it is added to: in the metrics,
// and with the request under whose context they are sent. It changes nothing.
// What a new connection introduces itself with, such as HELLO, is not counted. The time
// of a command includes the wait for a connection.
//
// Redis: none of its own.
func (s *Server) RedisHook() redis.Hook { return redisHook{s.metrics} }

type redisHook struct{ metrics *metrics }

// DialHook changes nothing.
func (h redisHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook counts a command.
func (h redisHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if introduces(cmd) {
			return next(ctx, cmd)
		}
		start := time.Now()
		err := next(ctx, cmd)
		if err != nil && cmd.Err() == nil {
			cmd.SetErr(err) // as the client does when its hooks have returned
		}
		h.count(ctx, []redis.Cmder{cmd}, time.Since(start))
		return err
	}
}

// ProcessPipelineHook counts the commands of a pipeline.
func (h redisHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) == 0 || introduces(cmds[0]) { // such a pipeline holds nothing else
			return next(ctx, cmds)
		}
		start := time.Now()
		err := next(ctx, cmds)
		h.count(ctx, cmds, time.Since(start))
		return err
	}
}

func (h redisHook) count(ctx context.Context, cmds []redis.Cmder, took time.Duration) {
	for _, cmd := range cmds {
		h.metrics.command(cmd.Name(), failure(cmd) != "")
	}
	if q := requestOf(ctx); q != nil {
		q.tally.add(cmds, took)
	}
}

// introduces knows the commands by which a client introduces itself on a new
// connection: no request asked for them. redistest.Count leaves out the same.
func introduces(cmd redis.Cmder) bool {
	switch cmd.Name() {
	case "hello", "auth", "select", "readonly":
		return true
	case "client":
		if args := cmd.Args(); len(args) > 1 {
			switch strings.ToLower(fmt.Sprint(args[1])) {
			case "setname", "setinfo", "maint_notifications":
				return true
			}
		}
	}
	return false
}
