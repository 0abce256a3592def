//go:build exercise

package exercise_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/02-web-integration-basics/02-connections/exercise"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

// ample is longer than anything takes that is going to happen.
const ample = 4 * time.Second

// site is a running server of the learner's.
type site struct {
	c       *check.C
	conns   *conns
	addr    string
	client  *http.Client
	stop    context.CancelFunc
	asked   chan struct{} // Noticed was called
	noticed chan struct{} // closed: it may return
	ended   chan error
}

const pool = 5

// open starts the learner's server. At the end of the task it is gone.
func open(c *check.C, change func(*exercise.Life)) *site {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	c.NoError(err, "listening")
	ctx, stop := context.WithCancel(c.Context())
	s := &site{c: c, conns: newConns(), addr: l.Addr().String(), client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: ample},
		stop: stop, asked: make(chan struct{}, 8), noticed: make(chan struct{}), ended: make(chan error, 1)}
	o := c.Redis().Options()
	life := exercise.Life{
		Redis:   &redis.Options{Addr: o.Addr, Username: o.Username, Password: o.Password, DB: o.DB, PoolSize: pool, PoolTimeout: ample, Dialer: s.conns.dial, DisableIdentity: true},
		Key:     func(gate string) string { return c.Key("gate:" + gate) },
		Request: 3 * ample, Header: 3 * ample, Grace: 3 * ample,
		Noticed: func() { s.asked <- struct{}{}; <-s.noticed },
	}
	if change != nil {
		change(&life)
	}
	go func() { s.ended <- exercise.Serve(ctx, l, life) }()
	for range 200 {
		if status, _, err := s.ask("GET", "/readyz"); err == nil && status == 200 {
			return s
		}
		select {
		case err := <-s.ended:
			c.Written(err)
			c.Fail("Serve returned %v before anybody told it to stop.", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	c.Fail("GET /readyz was not answered with 200 after Serve began.")
	return nil
}

func (s *site) ask(method, path string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(s.c.Context(), method, "http://"+s.addr+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// refused waits until nobody listens any more.
func (s *site) refused() bool {
	for begun := time.Now(); time.Since(begun) < ample; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			return true
		}
		conn.Close()
	}
	return false
}

// end tells the server to stop and returns what Serve returned.
func (s *site) end() error {
	s.stop()
	close(s.noticed)
	return s.wait("it was told to stop and had nothing to do")
}

func (s *site) wait(since string) error {
	select {
	case err := <-s.ended:
		return err
	case <-time.After(ample):
		s.c.Fail("Serve had not returned %v after %s.", ample, since)
		return nil
	}
}

func TestServes(t *testing.T) {
	check.Task(t, "serves", func(c *check.C) {
		s := open(c, nil)
		count := map[string]int{}
		for range 30 {
			gate := string(rune('A' + c.Rand().IntN(3)))
			count[gate]++
			status, body, err := s.ask("POST", "/open/"+gate)
			if err != nil || status != 200 || body != fmt.Sprint(count[gate]) {
				c.Fail("Car %d at gate %s was answered with %d %q (%v).", count[gate], gate, status, body, err)
			}
		}
		clear := c.Throw(tap.Fault{Kind: tap.ErrorReply, Command: "INCR*", Message: "ERR the disk is full"})
		if status, body, err := s.ask("POST", "/open/A"); status != 503 {
			c.Fail("Redis failed, and the driver was answered with %d %q (%v), want 503.", status, body, err)
		}
		clear()
		c.NoError(s.end(), "Serve, which ended with nothing to do,")
	})
}

func TestOne(t *testing.T) {
	check.Task(t, "one", func(c *check.C) {
		s := open(c, nil)
		const drivers, each = 10, 10
		var all sync.WaitGroup
		errs := make([]error, drivers)
		for i := range drivers {
			all.Go(func() {
				for range each {
					if status, body, err := s.ask("POST", "/open/A"); status != 200 {
						errs[i] = errors.Join(err, fmt.Errorf("answered with %d %q", status, body))
					}
				}
			})
		}
		all.Wait()
		c.NoError(errors.Join(errs...), "opening gates")
		if s.conns.made > pool {
			c.Fail("%d requests made %d connections to Redis, at most %d at a time, and the pool has %d.", drivers*each, s.conns.made, s.conns.most, pool)
		}
		c.NoError(s.end(), "Serve")
	})
}

func TestDrains(t *testing.T) {
	check.Task(t, "drains", func(c *check.C) {
		s := open(c, nil)
		s.stop()
		select {
		case <-s.asked:
		case err := <-s.ended:
			c.Fail("Serve returned %v and never called Noticed: the balancer goes on sending cars to a server that is gone.", err)
		case <-time.After(ample):
			c.Fail("ctx ended %v ago, and Noticed was not called.", ample)
		}
		status, _, err := s.ask("GET", "/readyz")
		if err != nil {
			c.Fail("The balancer has not noticed yet, and a new connection gets: %v.", err)
		}
		if status != 503 {
			c.Fail("Noticed was called, and /readyz says %d, want 503: how should the balancer notice?", status)
		}
		if status, body, err := s.ask("POST", "/open/A"); status != 200 {
			c.Fail("A car came before the balancer noticed, and was answered with %d %q (%v), want 200.", status, body, err)
		}
		close(s.noticed)
		c.NoError(s.wait("the balancer noticed"), "Serve")
		if !s.refused() {
			c.Fail("Serve has returned, and somebody still listens.")
		}
		if more := len(s.asked); more > 0 {
			c.Fail("Noticed was called %d times, want once.", more+1)
		}
	})
}

// answer is what a driver got.
type answer struct {
	status int
	body   string
	err    error
}

// holds looks whether a request that waits for Redis goes on waiting while the
// server ends.
func (s *site) holds(got <-chan answer) {
	var a *answer
	ended := false
	for range 2 {
		select {
		case one := <-got:
			a = &one
		case <-s.ended: //nolint:errcheck // that it returned says all
			ended = true
		case <-time.After(200 * time.Millisecond): // for what is wrong to happen
		}
	}
	switch {
	case a != nil && a.err != nil:
		s.c.Fail("A driver whose request was under way was cut off: %v.", a.err)
	case a != nil:
		s.c.Fail("A driver whose request was under way was answered with %d, and Redis had not answered yet: the client was closed too early.", a.status)
	case ended:
		s.c.Fail("Serve returned while a request was under way: main returns, and the process is gone.")
	}
}

func TestEnds(t *testing.T) {
	check.Task(t, "ends", func(c *check.C) {
		s := open(c, nil)
		s.conns.hold()
		got := make(chan answer, 1)
		go func() {
			status, body, err := s.ask("POST", "/open/A")
			got <- answer{status, body, err}
		}()
		<-s.conns.sent // it waits for Redis
		close(s.noticed)
		s.stop()
		if !s.refused() {
			c.Fail("The balancer has noticed, a request is under way, and new ones are still taken after %v.", ample)
		}
		s.holds(got)
		s.conns.release()
		if a := <-got; a.status != 200 || a.body != "1" {
			c.Fail("A driver whose request was under way was answered with %d %q (%v), want 200.", a.status, a.body, a.err)
		}
		c.NoError(s.wait("the last request was answered"), "Serve, which lost nothing,")
	})
}

func TestCloses(t *testing.T) {
	check.Task(t, "closes", func(c *check.C) {
		s := open(c, nil)
		for range 5 {
			_, _, err := s.ask("POST", "/open/A")
			c.NoError(err, "opening a gate")
		}
		c.NoError(s.end(), "Serve")
		s.gone("it was told to stop")

		s = open(c, func(life *exercise.Life) { life.Grace = 200 * time.Millisecond })
		s.conns.hold()
		go func() { _, _, _ = s.ask("POST", "/open/B") }() // it is going to be cut off
		<-s.conns.sent
		close(s.noticed)
		s.stop()
		if err := s.wait("it was told to stop, with a Grace of 200 ms, and one request that does not end"); err == nil {
			c.Fail("A request was cut off after the Grace, and Serve returned no error.")
		}
		s.gone("it cut a request off")
	})
}

// gone looks whether connections are left.
func (s *site) gone(after string) {
	for range 100 {
		if s.conns.now() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.c.Fail("Serve returned after %s, and %d connections to Redis are still open.", after, s.conns.now())
}

func TestRedisHangs(t *testing.T) {
	check.Task(t, "redis-hangs", func(c *check.C) {
		s := open(c, func(life *exercise.Life) { life.Request = 200 * time.Millisecond })
		s.conns.hold()
		s.client.Timeout = 2500 * time.Millisecond
		status, body, err := s.ask("POST", "/open/A")
		if err != nil {
			c.Fail("Redis does not answer, a request may wait 200 ms for it, and after %v the driver has no answer.", s.client.Timeout)
		}
		if status != 503 {
			c.Fail("Redis does not answer, and the driver was told %d %q, want 503.", status, body)
		}
		c.NoError(s.end(), "Serve")
	})
}

func TestSlowClients(t *testing.T) {
	check.Task(t, "slow-clients", func(c *check.C) {
		s := open(c, func(life *exercise.Life) { life.Header = 200 * time.Millisecond })
		conn, err := net.Dial("tcp", s.addr)
		c.NoError(err, "connecting")
		defer conn.Close()
		_, err = io.WriteString(conn, "POST /open/A HTTP/1.1\r\nHost: gates\r\n") // and no more
		c.NoError(err, "sending half a header")
		const patience = 2500 * time.Millisecond
		c.NoError(conn.SetReadDeadline(time.Now().Add(patience)), "setting a deadline")
		if _, err := io.Copy(io.Discard, conn); err != nil {
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				c.Fail("A client sent half a header and then nothing. After %v the server still waits for it; a thousand of these hold a thousand connections.", patience)
			}
		}
		c.NoError(s.end(), "Serve")
	})
}
