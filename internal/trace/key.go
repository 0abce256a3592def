package trace

import (
	"strconv"
	"strings"
)

// keyRule says where a command's first key stands among its arguments. The
// zero rule is the common one: it is the first.
type keyRule uint8

const (
	keyFirst    keyRule = iota
	keyNone             // no key at all
	keySecond           // after a subcommand or an operation
	keyCounted          // numkeys stands second, the keys after it: EVAL script 1 key
	keyNumbered         // numkeys stands first: ZUNION 2 a b
	keyTimed            // after a timeout and numkeys: BLMPOP 0 1 key
	keyStreams          // after the word STREAMS
	keyMigrate          // third, or after the word KEYS
)

// keyRules lists the commands that differ from the common rule.
var keyRules = map[string]keyRule{
	"ACL": keyNone, "ASKING": keyNone, "AUTH": keyNone, "BGREWRITEAOF": keyNone, "BGSAVE": keyNone,
	"CLIENT": keyNone, "CLUSTER": keyNone, "COMMAND": keyNone, "CONFIG": keyNone, "DBSIZE": keyNone,
	"DEBUG": keyNone, "DISCARD": keyNone, "ECHO": keyNone, "EXEC": keyNone, "FAILOVER": keyNone,
	"FLUSHALL": keyNone, "FLUSHDB": keyNone, "FUNCTION": keyNone, "HELLO": keyNone, "INFO": keyNone,
	"KEYS": keyNone, "LASTSAVE": keyNone, "LATENCY": keyNone, "LOLWUT": keyNone, "MODULE": keyNone,
	"MONITOR": keyNone, "MULTI": keyNone, "PING": keyNone, "PSUBSCRIBE": keyNone, "PSYNC": keyNone,
	"PUBLISH": keyNone, "PUBSUB": keyNone, "PUNSUBSCRIBE": keyNone, "QUIT": keyNone, "RANDOMKEY": keyNone,
	"READONLY": keyNone, "READWRITE": keyNone, "REPLCONF": keyNone, "REPLICAOF": keyNone, "RESET": keyNone,
	"ROLE": keyNone, "SAVE": keyNone, "SCAN": keyNone, "SCRIPT": keyNone, "SELECT": keyNone,
	"SENTINEL": keyNone, "SHUTDOWN": keyNone, "SLAVEOF": keyNone, "SLOWLOG": keyNone, "SUBSCRIBE": keyNone,
	"SWAPDB": keyNone, "SYNC": keyNone, "TIME": keyNone, "UNSUBSCRIBE": keyNone, "UNWATCH": keyNone,
	"WAIT": keyNone, "WAITAOF": keyNone,

	"BITOP": keySecond, "MEMORY": keySecond, "OBJECT": keySecond, "XGROUP": keySecond, "XINFO": keySecond,

	"EVAL": keyCounted, "EVALSHA": keyCounted, "EVAL_RO": keyCounted, "EVALSHA_RO": keyCounted,
	"FCALL": keyCounted, "FCALL_RO": keyCounted,

	"LMPOP": keyNumbered, "SINTERCARD": keyNumbered, "ZDIFF": keyNumbered, "ZINTER": keyNumbered,
	"ZINTERCARD": keyNumbered, "ZMPOP": keyNumbered, "ZUNION": keyNumbered,

	"BLMPOP": keyTimed, "BZMPOP": keyTimed,
	"XREAD": keyStreams, "XREADGROUP": keyStreams,
	"MIGRATE": keyMigrate,
}

// FirstKey returns the first key that a command names, from its name in
// capitals and its arguments; empty when there is none. A command that is not
// known is taken to name its key first, as most do.
func FirstKey(name string, args []string) string {
	at := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	counted := func(count int) string {
		if n, err := strconv.Atoi(at(count)); err != nil || n < 1 {
			return ""
		}
		return at(count + 1)
	}
	switch keyRules[name] {
	case keyNone:
		return ""
	case keySecond:
		return at(1)
	case keyCounted, keyTimed:
		return counted(1)
	case keyNumbered:
		return counted(0)
	case keyStreams:
		return after(args, "STREAMS")
	case keyMigrate:
		if k := at(2); k != "" {
			return k
		}
		return after(args, "KEYS")
	default:
		return at(0)
	}
}

// after returns the argument that follows word, or nothing.
func after(args []string, word string) string {
	for i, a := range args[:max(0, len(args)-1)] {
		if strings.EqualFold(a, word) {
			return args[i+1]
		}
	}
	return ""
}
