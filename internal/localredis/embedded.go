package localredis

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// The bounds of the embedded server.
const (
	// maxKeys is where it refuses to grow: its clock visits every key, and one
	// such visit of 100,000 keys takes about 45 ms.
	maxKeys = 100_000

	// Time passes for keys in steps. They lie finestStep apart while they are
	// cheap, and coarsestStep when a twentieth of the time would not suffice.
	finestStep   = time.Millisecond
	coarsestStep = 100 * time.Millisecond
	stepShare    = 20

	// databases is how many there are, as in a Redis that nobody configured.
	databases = 16
)

// embedded is miniredis with a clock. miniredis has none of its own for TTLs:
// they shrink when FastForward is called. TIME and EXPIREAT use the machine's
// clock, and both agree because FastForward is given what really elapsed.
type embedded struct {
	redis *miniredis.Miniredis
	limit int           // the most keys
	begin time.Time     // monotonic times below count from here
	due   atomic.Int64  // when the next step may be taken
	full  atomic.Bool   // whether there are limit keys or more
	stop  chan struct{} // closed by close
	wg    sync.WaitGroup

	mu      sync.Mutex // held while a step is taken; never while a script runs
	stepped time.Duration
	peer    *server.Peer // counts the keys, and is exempt from the hook
	reply   *bytes.Buffer
}

// startEmbedded starts it on a random port on loopback.
func startEmbedded(limit int) (*embedded, error) {
	reply := new(bytes.Buffer)
	e := &embedded{
		redis: miniredis.NewMiniRedis(),
		limit: limit,
		begin: time.Now(),
		stop:  make(chan struct{}),
		reply: reply,
		peer:  server.NewPeer(bufio.NewWriter(reply)),
	}
	if err := e.redis.Start(); err != nil {
		return nil, fmt.Errorf("start the embedded server: %w", err)
	}
	e.redis.Server().SetPreHook(e.before)
	e.wg.Go(e.run)
	return e, nil
}

// run lets time pass when no command comes to do it.
func (e *embedded) run() {
	ticker := time.NewTicker(coarsestStep)
	defer ticker.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-ticker.C:
			e.step()
		}
	}
}

func (e *embedded) close() {
	close(e.stop)
	e.wg.Wait()
	e.redis.Close()
}

// before runs ahead of each command, those of scripts included. It returns true
// when it answered the command itself.
func (e *embedded) before(c *server.Peer, cmd string, args ...string) bool {
	if c == e.peer {
		return false
	}
	// A script holds the server's lock, in this goroutine: a step that waited
	// for it would wait for ever. Time stands still in a script, as in Redis.
	if e.elapsed() >= time.Duration(e.due.Load()) && e.redis.TryLock() {
		e.redis.Unlock()
		e.step()
	}
	switch {
	case e.full.Load() && grows(cmd):
		c.WriteError(fmt.Sprintf("OOM command not allowed: the embedded server holds at most %d keys; `grind setup` installs a real one", e.limit))
		return true
	case cmd == "SELECT" && len(args) == 1:
		if n, err := strconv.Atoi(args[0]); err == nil && (n < 0 || n >= databases) {
			c.WriteError("ERR DB index is out of range")
			return true
		}
	}
	return false
}

func (e *embedded) elapsed() time.Duration { return time.Since(e.begin) }

// step takes the time that really elapsed since the last step off all TTLs, and
// looks whether the server is full.
func (e *embedded) step() {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.elapsed()
	if now < time.Duration(e.due.Load()) {
		return // somebody else took it while we waited
	}
	e.redis.FastForward(now - e.stepped)
	e.stepped = now
	e.full.Store(e.keys() >= e.limit)
	end := e.elapsed()
	e.due.Store(int64(end + min(max((end-now)*stepShare, finestStep), coarsestStep)))
}

// keys counts the keys of all databases, in constant time: the methods of
// miniredis that tell them would sort them first.
func (e *embedded) keys() int {
	total := 0
	for db := range databases {
		e.redis.Server().Dispatch(e.peer, []string{"SELECT", strconv.Itoa(db)})
		e.peer.Flush()
		e.reply.Reset()
		e.redis.Server().Dispatch(e.peer, []string{"DBSIZE"})
		e.peer.Flush()
		n, err := strconv.Atoi(strings.Trim(e.reply.String(), ":\r\n"))
		if err != nil {
			return 0 // the server is closing
		}
		total += n
	}
	return total
}

// grows reports whether a command can add a key: those that Redis itself flags
// denyoom.
func grows(cmd string) bool {
	switch cmd {
	case "APPEND", "BITOP", "BLMOVE", "BRPOPLPUSH", "COPY", "DECR", "DECRBY",
		"GEOADD", "GEORADIUS", "GEORADIUSBYMEMBER", "GETSET", "HINCRBY",
		"HINCRBYFLOAT", "HMSET", "HSET", "HSETEX", "HSETNX", "INCR", "INCRBY",
		"INCRBYFLOAT", "LINSERT", "LMOVE", "LPUSH", "LPUSHX", "LSET", "MSET",
		"MSETNX", "PFADD", "PFMERGE", "PSETEX", "RESTORE", "RPOPLPUSH", "RPUSH",
		"RPUSHX", "SADD", "SDIFFSTORE", "SET", "SETBIT", "SETEX", "SETNX",
		"SETRANGE", "SINTERSTORE", "SUNIONSTORE", "XADD", "XGROUP", "ZADD",
		"ZINCRBY", "ZINTERSTORE", "ZUNIONSTORE":
		return true
	}
	return false
}
