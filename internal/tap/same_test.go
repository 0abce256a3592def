package tap_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/kit/redisproc"
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

const python = `
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
	see(c.BLPop(ctx, 10*time.Millisecond, key+":none").Result())
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
		compare(t, func(addr string) any {
			host, port, _ := net.SplitHostPort(addr)
			return command(t, python, "/usr/bin/python3", "-", host, port, prefix+"py")
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
			c.Write(b[:n])
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
	io.WriteString(c, "*3\r\n$3\r\nSET\r\n$"+strconv.Itoa(len(key))+"\r\n"+key+"\r\n$"+strconv.Itoa(size)+"\r\n")
	for i := range size / len(piece) {
		if _, err := c.Write(piece); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			watch()
		}
	}
	io.WriteString(c, "\r\nGET "+key+"\r\nDEL "+key+"\r\n")
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

func TestTap_Ends(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pair := func(t *testing.T) (tp *tap.Tap, rec *trace.Recorder, client, server *net.TCPConn) {
		tp, rec = start(t, tap.Options{Upstream: l.Addr().String()})
		client = dial(t, tp)
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		for _, c := range []net.Conn{client, s} {
			c.SetDeadline(time.Now().Add(10 * time.Second))
		}
		return tp, rec, client, s.(*net.TCPConn)
	}
	closed := func(t *testing.T, tp *tap.Tap) {
		redistest.Eventually(t, "the connection is closed", func() bool { return tp.Stats().Open == 0 })
	}
	t.Run("half-close of the client", func(t *testing.T) {
		tp, _, client, server := pair(t)
		io.WriteString(client, "PING\r\n*2\r\n$3\r\nGE")
		client.CloseWrite()
		if got, err := rest(server); got != "PING\r\n*2\r\n$3\r\nGE" || err != nil {
			t.Errorf("server: got %q and %v, want all bytes and the end", got, err)
		}
		io.WriteString(server, "+PONG\r\n")
		server.Close()
		if got, err := rest(client); got != "+PONG\r\n" || err != nil {
			t.Errorf("client: got %q and %v, want the late reply and the end", got, err)
		}
		closed(t, tp)
	})
	t.Run("end of the server", func(t *testing.T) {
		tp, rec, client, server := pair(t)
		io.WriteString(client, "PING\r\nECHO x\r\n")
		if _, err := io.ReadFull(server, make([]byte, 14)); err != nil {
			t.Fatal(err)
		}
		io.WriteString(server, "+PONG\r\n$1\r")
		server.Close()
		if got, err := rest(client); got != "+PONG\r\n$1\r" || err != nil {
			t.Errorf("client: got %q and %v, want the half reply and the end", got, err)
		}
		client.Close()
		closed(t, tp)
		redistest.Eventually(t, "the end is told", func() bool { return slices.ContainsFunc(rec.Events(), isClose) })
		if e := rec.Commands(); len(e) != 2 || e[0].Reply.Text != "PONG" || e[1].Reply.Type != "" {
			t.Errorf("events: got %v, want PING with and ECHO without a reply", lines(e))
		}
	})
	t.Run("reset by the server", func(t *testing.T) {
		tp, _, client, server := pair(t)
		server.SetLinger(0)
		server.Close()
		if _, err := rest(client); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("client: got %v, want a reset", err)
		}
		closed(t, tp)
	})
	t.Run("reset by the client", func(t *testing.T) {
		tp, _, client, server := pair(t)
		client.SetLinger(0)
		client.Close()
		if _, err := rest(server); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("server: got %v, want a reset", err)
		}
		closed(t, tp)
	})
	t.Run("garbage", func(t *testing.T) {
		tp, rec, client, server := pair(t)
		io.WriteString(client, "PING\r\n*1\r\n$x\r\n\x00\xff")
		client.CloseWrite()
		if got, err := rest(server); got != "PING\r\n*1\r\n$x\r\n\x00\xff" || err != nil {
			t.Errorf("server: got %q and %v, want the bytes unchanged", got, err)
		}
		io.WriteString(server, "+PONG\r\nnonsense")
		server.Close()
		if got, err := rest(client); got != "+PONG\r\nnonsense" || err != nil {
			t.Errorf("client: got %q and %v, want the bytes unchanged", got, err)
		}
		closed(t, tp)
		if s := tp.Stats(); s.Unparsed != 1 {
			t.Errorf("unparsed: got %d, want 1", s.Unparsed)
		}
		if e := rec.Commands(); len(e) != 1 || e[0].Reply.Text != "PONG" {
			t.Errorf("events: got %v, want PING, which came before the garbage", lines(e))
		}
	})
	t.Run("no server", func(t *testing.T) {
		dead, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := dead.Addr().String()
		dead.Close()
		tp, _ := start(t, tap.Options{Upstream: addr})
		client, err := net.Dial("tcp", tp.Addr())
		if err == nil { // else the reset was there first
			defer client.Close()
			client.SetDeadline(time.Now().Add(10 * time.Second))
			_, err = rest(client)
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("client: got %v, want a reset", err)
		}
		redistest.Eventually(t, "it is counted", func() bool { return tp.Stats().Unreachable == 1 })
	})
}

func isClose(e trace.Event) bool { return e.Kind == trace.Close }

func TestTap_TLS(t *testing.T) {
	const password = "correct horse"
	s := redistest.Start(t, redisproc.Options{TLS: true, Password: password})
	tp, rec := start(t, tap.Options{Upstream: s.Addr(), UpstreamTLS: s.TLSConfig()})
	c := through(t, tp, func(o *redis.Options) { o.Password, o.ClientName = password, "api" })
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	c.Do(t.Context(), "ACL", "SETUSER", "bob", "on", ">"+password, "~*")
	c.ConfigGet(t.Context(), "requirepass")
	c.Close()
	redistest.Eventually(t, "the end is told", func() bool { return slices.ContainsFunc(rec.Events(), isClose) })
	for _, e := range rec.Events() {
		if strings.Contains(e.Line()+e.Reply.Text, password) {
			t.Errorf("a password is in the event %s → %s", e.Line(), e.Reply.Text)
		}
	}
	if e := rec.Commands(); len(e) != 3 || e[0].Client != "api" {
		t.Errorf("events: got %v, want three of the client api", lines(e))
	}
}
