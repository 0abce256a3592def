package tap

import (
	"bytes"
	"strings"
)

// role is what a command does to the conversation itself.
type role uint8

const (
	ordinary role = iota
	hello
	auth
	selectDB
	client
	command
	multi
	exec // and DISCARD: the end of a transaction
	reset
	subscribe   // and its kin: one confirmation per channel
	unsubscribe // likewise; without arguments one per channel that is left
	monitor
	replicate // SYNC, PSYNC: what follows is no RESP
)

// spec is a command the tap knows by name.
type spec struct {
	name string
	role role
}

// commands holds the roles, and the names of the common commands so that an
// event needs no memory for them.
var commands = func() map[string]spec {
	all := map[string]spec{}
	for name := range strings.FieldsSeq(`APPEND BITCOUNT BITFIELD BITOP BLMOVE BLPOP BRPOP BZPOPMIN CONFIG COPY DBSIZE
		DECR DECRBY DEL ECHO EVAL EVALSHA EXISTS EXPIRE EXPIREAT FCALL GEOADD GEOSEARCH GET GETBIT GETDEL GETEX
		GETRANGE GETSET HDEL HEXISTS HGET HGETALL HINCRBY HKEYS HLEN HMGET HMSET HSCAN HSET HSETNX HVALS INCR INCRBY
		INCRBYFLOAT INFO KEYS LINDEX LINSERT LLEN LMOVE LMPOP LPOP LPUSH LRANGE LREM LSET LTRIM MGET MSET OBJECT
		PERSIST PEXPIRE PFADD PFCOUNT PFMERGE PING PSETEX PTTL PUBLISH RENAME RPOP RPUSH SADD SCAN SCARD SCRIPT
		SDIFF SET SETBIT SETEX SETNX SINTER SISMEMBER SMEMBERS SMISMEMBER SMOVE SPOP SPUBLISH SRANDMEMBER SREM SSCAN
		STRLEN SUNION TIME TOUCH TTL TYPE UNLINK UNWATCH WAIT WATCH XACK XADD XAUTOCLAIM XCLAIM XDEL XGROUP XINFO XLEN
		XPENDING XRANGE XREAD XREADGROUP XREVRANGE XTRIM ZADD ZCARD ZCOUNT ZINCRBY ZPOPMAX ZPOPMIN ZRANGE
		ZRANGEBYSCORE ZRANGESTORE ZRANK ZREM ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANK ZSCAN ZSCORE`) {
		all[name] = spec{name: name}
	}
	for r, names := range map[role]string{
		hello: "HELLO", auth: "AUTH", selectDB: "SELECT", client: "CLIENT", command: "COMMAND", multi: "MULTI",
		exec: "EXEC DISCARD", reset: "RESET", monitor: "MONITOR", replicate: "SYNC PSYNC",
		subscribe: "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE", unsubscribe: "UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE",
	} {
		for name := range strings.FieldsSeq(names) {
			all[name] = spec{name, r}
		}
	}
	return all
}()

// lookup finds a command by its name in capitals.
func lookup(name []byte) spec {
	if s, ok := commands[string(name)]; ok {
		return s
	}
	if len(name) > 64 { // no command; do not keep what may be anything
		name = name[:64]
	}
	return spec{name: string(name)}
}

// is reports whether an argument is the word, in any case.
func is(arg []byte, word string) bool {
	return len(arg) == len(word) && bytes.EqualFold(arg, []byte(word))
}

// handshake reports whether a command belongs to the setting up of a
// connection. Clients ask COMMAND on their own only before anything else.
func handshake(r role, p *request, first bool) bool {
	switch r {
	case hello, auth, selectDB:
		return true
	case command:
		return first
	case client:
		sub := p.arg(1)
		return is(sub, "SETNAME") || is(sub, "SETINFO") || is(sub, "MAINT_NOTIFICATIONS")
	}
	return false
}

// newName returns the connection name that a command asks for.
func newName(r role, p *request) (name string, ok bool) {
	switch {
	case r == client && p.argc == 3 && is(p.arg(1), "SETNAME"):
		return string(p.arg(2)), true
	case r == hello:
		for i := 2; i+1 < p.argc; i++ {
			if is(p.arg(i), "AUTH") {
				i += 2
			} else if is(p.arg(i), "SETNAME") {
				return string(p.arg(i + 1)), true
			}
		}
	}
	return "", false
}
