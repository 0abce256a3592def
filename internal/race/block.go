package race

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// waits says how a command waits in Redis.
type waits int

const (
	never   waits = iota // it is answered at once
	awhile               // up to a timeout of its own
	forever              // until somebody brings what it waits for
)

// waitsOf says how the commands of a step may wait. Within MULTI nothing does.
func waitsOf(cmds []redis.Cmder) waits {
	longest := never
	if cmds[0].Name() == "multi" {
		return longest
	}
	for _, cmd := range cmds {
		timeout, ok := timeoutOf(cmd)
		if !ok {
			continue
		}
		longest = max(longest, awhile)
		if seconds, err := strconv.ParseFloat(timeout, 64); err == nil && seconds == 0 {
			longest = forever
		}
	}
	return longest
}

// timeoutOf is the timeout of a command that waits, as it stands on the wire.
func timeoutOf(cmd redis.Cmder) (timeout string, ok bool) {
	args := cmd.Args()
	at := -1
	switch cmd.Name() {
	case "blpop", "brpop", "blmove", "brpoplpush", "bzpopmin", "bzpopmax", "wait", "waitaof":
		at = len(args) - 1
	case "blmpop", "bzmpop":
		at = 1
	case "xread", "xreadgroup":
		for i, arg := range args {
			if strings.EqualFold(argText(arg), "block") {
				at = i + 1
				break
			}
			if strings.EqualFold(argText(arg), "streams") {
				break
			}
		}
	}
	if at < 1 || at >= len(args) {
		return "", false
	}
	return argText(args[at]), true
}

// waitingClients asks the server which of these connections wait in a command.
// known is false where it does not tell: an older or an embedded server.
func waitingClients(ctx context.Context, c *redis.Client, ids []int64) (waiting map[int64]bool, known bool) {
	args := []any{"CLIENT", "LIST", "ID"}
	for _, id := range ids {
		args = append(args, id)
	}
	list, err := c.Do(ctx, args...).Text()
	if err != nil {
		return nil, false
	}
	waiting = map[int64]bool{}
	for line := range strings.Lines(list) {
		var id int64
		blocked := false
		for field := range strings.FieldsSeq(line) {
			name, value, _ := strings.Cut(field, "=")
			switch name {
			case "id":
				_, _ = fmt.Sscan(value, &id)
			case "flags":
				blocked = strings.Contains(value, "b")
			}
		}
		waiting[id] = blocked
	}
	return waiting, len(waiting) == len(ids)
}
