package tap_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/kit/redistest"
)

// command runs a program and returns what it printed.
func command(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("this test compares a foreign client: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return string(out)
}

// program is a program for redis-py.
const program = `
import sys, redis
r = redis.Redis(host=sys.argv[1], port=int(sys.argv[2]), client_name="py")
key = sys.argv[3]
r.delete(key, key + ":h")
print(r.set(key, b"\x00\xff binary"), r.get(key), r.hset(key + ":h", mapping={"a": 1, "b": 2}), sorted(r.hgetall(key + ":h").items()))
p = r.pipeline(transaction=True)
for i in range(1000):
    p.append(key, "x")
print(sum(p.execute()))
p = r.pipeline(transaction=False)
p.get(key + ":none"); p.lpush(key, 1); p.ping()
print([type(x).__name__ for x in p.execute(raise_on_error=False)])
s = r.pubsub(); s.subscribe(key + ":c"); print(s.get_message(timeout=5)["data"])
print(r.publish(key + ":c", "hello")); print(s.get_message(timeout=5)["data"])
print(r.eval("return {1, 'two', {3}}", 1, key), r.client_getname())
r.delete(key, key + ":h")
`

// findPython returns a Python that has redis-py; the first on PATH may not.
func findPython(t *testing.T) string {
	t.Helper()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		python := filepath.Join(dir, "python3")
		if exec.CommandContext(t.Context(), python, "-c", "import redis").Run() == nil {
			return python
		}
	}
	t.Fatal("no python3 with redis-py on PATH; apt-get install python3-redis")
	return ""
}

// goRedis is a program for go-redis, its results in order.
func goRedis(ctx context.Context, c redis.UniversalClient, key string) (out []any) {
	see := func(v any, err error) {
		if err != nil {
			v = err.Error()
		}
		out = append(out, v)
	}
	do := func(args ...any) { see(c.Do(ctx, args...).Result()) }
	do("DEL", key, key+":l")
	do("SET", key, "1")
	do("INCRBYFLOAT", key, "0.5")
	do("LPUSH", key, "wrong type")
	do("RPUSH", key+":l", "a", "b", strings.Repeat("c", 100_000))
	do("LRANGE", key+":l", 0, -1)
	do("EVAL", "return redis.error_reply('MINE no')", 0)
	cmds, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for range 500 {
			p.Incr(ctx, key+":n")
		}
		p.Del(ctx, key+":n", key+":l")
		return nil
	})
	see(len(cmds), err)
	for _, cmd := range cmds {
		see(cmd.(*redis.IntCmd).Result())
	}
	do("BLPOP", key+":none", "0.01")
	do("DEL", key)
	return out
}

func TestTap_SameForClients(t *testing.T) {
	tp, rec := start(t, tap.Options{})
	ways := []string{redistest.Addr(t), tp.Addr()}
	prefix := redistest.Prefix(t)
	compare := func(t *testing.T, f func(addr string) any) {
		t.Helper()
		rec.Reset()
		direct, tapped := f(ways[0]), f(ways[1])
		if diff := cmp.Diff(direct, tapped); diff != "" {
			t.Errorf("(-direct +tapped):\n%s", diff)
		}
		if len(rec.Commands()) == 0 {
			t.Error("got no commands on the wire, want some")
		}
		for _, e := range rec.Commands() {
			if e.Reply.Type == "" {
				t.Errorf("got no reply for %s, want one", e.Line())
			}
		}
		if s := tp.Stats(); s.Unparsed+s.Unpaired != 0 {
			t.Errorf("stats: got %+v, want nothing unparsed or unpaired", s)
		}
	}
	t.Run("redis-cli", func(t *testing.T) {
		compare(t, func(addr string) any {
			host, port, _ := net.SplitHostPort(addr)
			in := "SET " + prefix + "k \"a\\nb\"\nGET " + prefix + "k\nMULTI\nINCR " + prefix + "n\nEXEC\nDEL " + prefix + "k " + prefix + "n\nFOO\n"
			return []string{
				command(t, in, "redis-cli", "-h", host, "-p", port),
				command(t, in, "redis-cli", "-3", "-h", host, "-p", port),
				command(t, strings.Repeat("PING\r\n", 5000), "redis-cli", "-h", host, "-p", port, "--pipe"),
			}
		})
	})
	t.Run("redis-py", func(t *testing.T) {
		python := findPython(t)
		compare(t, func(addr string) any {
			host, port, _ := net.SplitHostPort(addr)
			return command(t, program, python, "-", host, port, prefix+"py")
		})
	})
	for _, protocol := range []int{2, 3} {
		t.Run("go-redis in RESP"+strconv.Itoa(protocol), func(t *testing.T) {
			compare(t, func(addr string) any {
				c := redis.NewClient(&redis.Options{Addr: addr, Protocol: protocol, MaxRetries: -1})
				defer c.Close()
				return goRedis(t.Context(), c, prefix+"go")
			})
		})
	}
	t.Run("go-redis auto-pipelined", func(t *testing.T) {
		compare(t, func(addr string) any {
			c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
			defer c.Close()
			return autoPipelined(t, c, prefix+"auto")
		})
		if n := len(rec.Commands()); n != 64*50+1 {
			t.Errorf("commands on the wire: got %d, want %d", n, 64*50+1)
		}
	})
	t.Run("redis-benchmark", func(t *testing.T) {
		compare(t, func(addr string) any {
			host, port, _ := net.SplitHostPort(addr)
			out := command(t, "", "redis-benchmark", "-h", host, "-p", port, "-n", "5000", "-P", "16", "-t", "ping_mbulk,set,get", "--csv")
			return strings.Count(out, "\n")
		})
	})
}

// autoPipelined lets 64 callers share a pipeline and returns what they got.
func autoPipelined(t *testing.T, c *redis.Client, key string) any {
	pipe, err := c.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	all := make([][]int64, 64)
	var callers sync.WaitGroup
	for i := range all {
		callers.Go(func() {
			for range 50 {
				n, err := pipe.Do(t.Context(), "HINCRBY", key, i, i+1).Int64()
				if err != nil {
					t.Error(err)
				}
				all[i] = append(all[i], n)
			}
		})
	}
	callers.Wait()
	c.Del(t.Context(), key)
	return all
}

// TestTap_SameBytes sends random RESP and garbage in random pieces, with and
// without faults that strike nothing, and wants every byte at the other end.
func TestTap_SameBytes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		up, down := stream(r), stream(r)
		tp := run(t, tap.Options{Upstream: l.Addr().String()})
		if seed%2 == 1 {
			throw(t, tp, tap.Fault{Kind: tap.Cut, Command: "NEVER"})
		}
		if seed%3 == 1 {
			throw(t, tp, tap.Fault{Kind: tap.Latency, Delay: time.Millisecond})
		}
		client := dial(t, tp)
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		var gotUp, gotDown []byte
		var both sync.WaitGroup
		both.Go(func() { gotUp = exchange(seed, server.(*net.TCPConn), down) })
		both.Go(func() { gotDown = exchange(^seed, client, up) })
		both.Wait()
		server.Close()
		if !bytes.Equal(gotUp, up) || !bytes.Equal(gotDown, down) {
			t.Errorf("seed %d: got %d bytes up and %d down, want %d and %d, unchanged", seed, len(gotUp), len(gotDown), len(up), len(down))
		}
	}
}

// stream returns pieces of RESP of all sizes, and sometimes something else.
func stream(r *rand.Rand) []byte {
	var b []byte
	for range r.IntN(50) {
		switch r.IntN(6) {
		case 0:
			b = append(b, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"...)
		case 1:
			b = append(b, "PING\r\n"...)
		case 2:
			b = append(b, "+OK\r\n$-1\r\n"...)
		case 3:
			b = append(b, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$70000\r\n"...)
			b = append(b, bytes.Repeat([]byte{'x'}, 70_000)...)
			b = append(b, "\r\n"...)
		case 4:
			b = append(b, "*1\r\n$4\r\nPI"...)
		case 5:
			for range r.IntN(100) {
				b = append(b, byte(r.Uint32()))
			}
		}
	}
	return b
}

// exchange writes b in pieces, ends its side, and returns what came from the
// other until it ended.
func exchange(seed uint64, c *net.TCPConn, b []byte) (got []byte) {
	c.SetDeadline(time.Now().Add(10 * time.Second))
	r := rand.New(rand.NewPCG(seed, 2))
	var both sync.WaitGroup
	both.Go(func() {
		for len(b) > 0 {
			n := min(len(b), 1+r.IntN(50_000))
			_, _ = c.Write(b[:n]) // what does not arrive, the other side misses
			b = b[n:]
		}
		c.CloseWrite()
	})
	both.Go(func() { got, _ = io.ReadAll(c) })
	both.Wait()
	return got
}

func TestTap_Large(t *testing.T) {
	const size = 100 << 20
	tp, rec := start(t, tap.Options{})
	key := redistest.Prefix(t) + "large"
	c := dial(t, tp)
	c.SetDeadline(time.Now().Add(time.Minute))
	var most uint64
	watch := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapInuse)
	}
	watch()
	before := most
	piece := bytes.Repeat([]byte("0123456789abcdef"), 64<<10/16)
	send(t, c, "*3\r\n$3\r\nSET\r\n$"+strconv.Itoa(len(key))+"\r\n"+key+"\r\n$"+strconv.Itoa(size)+"\r\n")
	for i := range size / len(piece) {
		if _, err := c.Write(piece); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			watch()
		}
	}
	send(t, c, "\r\nGET "+key+"\r\nDEL "+key+"\r\n")
	head := "+OK\r\n$" + strconv.Itoa(size) + "\r\n"
	buf := make([]byte, len(piece))
	if _, err := io.ReadFull(c, buf[:len(head)]); err != nil || string(buf[:len(head)]) != head {
		t.Fatalf("got %q and %v, want %q", buf[:len(head)], err, head)
	}
	for i := range size / len(piece) {
		if _, err := io.ReadFull(c, buf); err != nil || !bytes.Equal(buf, piece) {
			t.Fatalf("piece %d of the value: got other bytes, or %v", i, err)
		}
		if i%100 == 0 {
			watch()
		}
	}
	if _, err := io.ReadFull(c, buf[:6]); err != nil || string(buf[:6]) != "\r\n:1\r\n" {
		t.Errorf("after the value: got %q and %v, want the reply of DEL", buf[:6], err)
	}
	if grown := int64(most - before); grown > 32<<20 {
		t.Errorf("memory: grew by %d MB, want less than 32", grown>>20)
	}
	e := rec.Commands()
	if len(e) != 3 || e[0].Sent < size || len(e[0].Args[1]) > trace.MaxText+3 || e[1].Received < size || len(e[1].Reply.Text) > trace.MaxText+3 {
		t.Errorf("events: got %v, want SET and GET of %d bytes, cut", lines(e), size)
	}
}
