package tap_test

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

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
		send(t, client, "PING\r\n*2\r\n$3\r\nGE")
		client.CloseWrite()
		if got, err := rest(server); got != "PING\r\n*2\r\n$3\r\nGE" || err != nil {
			t.Errorf("server: got %q and %v, want all bytes and the end", got, err)
		}
		send(t, server, "+PONG\r\n")
		server.Close()
		if got, err := rest(client); got != "+PONG\r\n" || err != nil {
			t.Errorf("client: got %q and %v, want the late reply and the end", got, err)
		}
		closed(t, tp)
	})
	t.Run("end of the server", func(t *testing.T) {
		tp, rec, client, server := pair(t)
		send(t, client, "PING\r\nECHO x\r\n")
		if _, err := io.ReadFull(server, make([]byte, 14)); err != nil {
			t.Fatal(err)
		}
		send(t, server, "+PONG\r\n$1\r")
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
		send(t, client, "PING\r\n*1\r\n$x\r\n\x00\xff")
		client.CloseWrite()
		if got, err := rest(server); got != "PING\r\n*1\r\n$x\r\n\x00\xff" || err != nil {
			t.Errorf("server: got %q and %v, want the bytes unchanged", got, err)
		}
		send(t, server, "+PONG\r\nnonsense")
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
	t.Run("more waiting than is kept", func(t *testing.T) {
		tp, rec, client, server := pair(t)
		const n, kept = 40_000, 1 << 15
		go io.WriteString(client, strings.Repeat("PING\r\n", n)) //nolint:errcheck // what arrives is read below
		if _, err := io.ReadFull(server, make([]byte, n*len("PING\r\n"))); err != nil {
			t.Fatal(err)
		}
		go io.WriteString(server, strings.Repeat("+PONG\r\n", n)) //nolint:errcheck // likewise
		if _, err := io.ReadFull(client, make([]byte, n*len("+PONG\r\n"))); err != nil {
			t.Fatal(err)
		}
		send(t, client, "ECHO x\r\n")
		if _, err := io.ReadFull(server, make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		send(t, server, "$1\r\nx\r\n")
		if _, err := io.ReadFull(client, make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
		s := tp.Stats()
		if s.Commands != n+1 || s.Unrecorded != n-kept || s.Unpaired != 0 {
			t.Errorf("stats: got %+v, want %d commands, %d of them unrecorded, none unpaired", s, n+1, n-kept)
		}
		if e := rec.Commands(); e[len(e)-1].Reply.Text != `"x"` || len(e)+rec.Dropped() < kept {
			t.Errorf("events: got %d and %s last, want %d and ECHO", len(e)+rec.Dropped(), show(e[len(e)-1]), kept+1)
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
	c.Do(t.Context(), "ACL", "SETUSER", "bob", "<not "+password)
	c.ConfigGet(t.Context(), "requirepass")
	c.Close()
	redistest.Eventually(t, "the end is told", func() bool { return slices.ContainsFunc(rec.Events(), isClose) })
	for _, e := range rec.Events() {
		if strings.Contains(e.Line()+e.Reply.Text, password) {
			t.Errorf("a password is in the event %s → %s", e.Line(), e.Reply.Text)
		}
	}
	if e := rec.Commands(); len(e) != 4 || e[0].Client != "api" {
		t.Errorf("events: got %v, want four of the client api", lines(e))
	}
}
