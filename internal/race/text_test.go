package race

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redistest"
)

// What people read of commands and replies, from the real thing.
func TestPlay_text(t *testing.T) {
	long := strings.Repeat("é", 100)
	for _, test := range []struct {
		do             func(ctx context.Context, c Client, key string) error
		command, reply string
	}{
		{func(ctx context.Context, c Client, key string) error { return c.Get(ctx, key+":no").Err() }, "GET n:no", "(nil)"},
		{func(ctx context.Context, c Client, key string) error { return c.Set(ctx, key, "a b\n", 0).Err() }, `SET n "a b\n"`, "OK"},
		{func(ctx context.Context, c Client, key string) error {
			return c.SetArgs(ctx, key, []byte("x"), redis.SetArgs{Mode: "NX"}).Err()
		}, "SET n x NX", "(nil)"},
		{func(ctx context.Context, c Client, key string) error { return c.SetNX(ctx, key, "", 0).Err() }, `SET n "" nx`, "(nil)"},
		{func(ctx context.Context, c Client, key string) error { return c.HSet(ctx, key+":h", "f", true).Err() }, "HSET n:h f 1", "1"},
		{func(ctx context.Context, c Client, key string) error { return c.Expire(ctx, key, time.Minute).Err() }, "EXPIRE n 60", "1"},
		{func(ctx context.Context, c Client, key string) error { return c.TTL(ctx, key).Err() }, "TTL n", "-1"},
		{func(ctx context.Context, c Client, key string) error { return c.PTTL(ctx, key+":no").Err() }, "PTTL n:no", "-2"},
		{func(ctx context.Context, c Client, key string) error { return c.LPush(ctx, key, "x").Err() }, "LPUSH n x", "WRONGTYPE Operation against a key holding the wrong kind of value"},
		{func(ctx context.Context, c Client, key string) error { return c.MGet(ctx, key, key+":no").Err() }, "MGET n n:no", `["0", (nil)]`},
		{func(ctx context.Context, c Client, key string) error { return c.Set(ctx, key, long, 0).Err() }, "SET n " + strings.Repeat("é", 40) + "…", "OK"},
		{func(ctx context.Context, c Client, key string) error {
			_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error { p.Incr(ctx, key); p.Get(ctx, key); return nil })
			return err
		}, "INCR n; GET n", `1; "1"`},
		{func(ctx context.Context, c Client, key string) error {
			return c.EvalSha(ctx, strings.Repeat("0", 40), []string{key}).Err()
		}, "EVALSHA " + strings.Repeat("0", 40) + " 1 n", "NOSCRIPT No matching script. Please use EVAL."},
		{func(ctx context.Context, c Client, key string) error {
			_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
				p.XAdd(ctx, &redis.XAddArgs{Stream: key + ":s", ID: "1-0", Values: []string{"b", "2", "a", "1"}})
				p.XRange(ctx, key+":s", "-", "+")
				p.XRead(ctx, &redis.XReadArgs{Streams: []string{key + ":s", "0"}, Block: -1})
				p.Del(ctx, key+":s")
				return nil
			})
			return err
		}, "XADD n:s 1-0 b 2 a 1; XRANGE n:s - +; XREAD streams n:s 0; DEL n:s", `"1-0"; [1-0 a:1 b:2]; [[1-0 a:1 b:2]]; 1`},
		{func(ctx context.Context, c Client, key string) error {
			var keys []string
			for i := range 20 {
				keys = append(keys, fmt.Sprint(key, i))
			}
			return c.Exists(ctx, keys...).Err()
		}, "EXISTS n0 n1 n2 n3 n4 n5 n6 n7 n8 n9 n10 n11 …", "0"},
	} {
		sc := counter(1, test.do)
		sc.Check = func(context.Context, Client, Keys, []End) error { return nil }
		out := play(t, envOf(t, redistest.Addr(t)), sc, "A")
		step := out.Steps[0]
		if step.Command != test.command || step.Reply != test.reply {
			t.Errorf("step reads %q, %q; want %q, %q", step.Command, step.Reply, test.command, test.reply)
		}
		if failed := strings.Contains(test.reply, "No ") || strings.Contains(test.reply, "WRONG"); step.Failed != failed {
			t.Errorf("%s: Failed = %v, want %v", step.Command, step.Failed, failed)
		}
	}
}

func TestWaitsOf(t *testing.T) {
	ctx := context.Background()
	for text, want := range map[string]waits{
		"get k":                     never,
		"blpop a b 0":               forever,
		"brpop a 1.5":               awhile,
		"blmove a b left right 0.0": forever,
		"blmpop 0 1 a left":         forever,
		"bzmpop 2 1 a min":          awhile,
		"xread count 1 streams s $": never,
		"xread block 0 streams s $": forever,
		"xreadgroup group g c block 5 streams block >": awhile,
		"xread streams block 0":                        never,
		"wait 1 100":                                   awhile,
		"blpop":                                        never,
	} {
		var args []any
		for arg := range strings.FieldsSeq(text) {
			args = append(args, arg)
		}
		if got := waitsOf([]redis.Cmder{redis.NewCmd(ctx, args...)}); got != want {
			t.Errorf("waitsOf(%s) = %d, want %d", text, got, want)
		}
	}
	multi := []redis.Cmder{redis.NewCmd(ctx, "multi"), redis.NewCmd(ctx, "blpop", "k", 0), redis.NewCmd(ctx, "exec")}
	if got := waitsOf(multi); got != never {
		t.Errorf("waitsOf(MULTI; BLPOP; EXEC) = %d, want %d", got, never)
	}
}
