package redistest_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

func TestCounter(t *testing.T) {
	t.Parallel()
	private := redistest.Start(t, redisproc.Options{Password: "secret", TLS: true})
	for _, test := range []struct {
		name   string
		client func(change func(*redis.Options)) *redis.Client
	}{
		{"plain", func(change func(*redis.Options)) *redis.Client { return redistest.Client(t, change) }},
		{"password and TLS", func(change func(*redis.Options)) *redis.Client { return redistest.ClientOf(t, private, change) }},
	} {
		for _, protocol := range []int{2, 3} {
			t.Run(fmt.Sprint(test.name, ", RESP", protocol), func(t *testing.T) {
				// A handshake as long as they come.
				c := test.client(func(o *redis.Options) { o.Protocol, o.DB, o.ClientName = protocol, 3, "counted" })
				counter := redistest.Count(c)
				for _, step := range countSteps(t, c) {
					counter.Reset()
					if err := step.do(); err != nil {
						t.Fatalf("%s: %v", step.name, err)
					}
					if got := counter.RoundTrips(); got != step.want {
						t.Errorf("%s: got %d round trips, want %d", step.name, got, step.want)
					}
				}
			})
		}
	}
}

type countStep struct {
	name string
	want int
	do   func() error
}

func countSteps(t *testing.T, c *redis.Client) []countStep {
	ctx := t.Context()
	return []countStep{
		{"nothing", 0, func() error { return nil }},
		{"first command, with its handshake", 1, func() error { return c.Ping(ctx).Err() }},
		{"two commands", 2, func() error { c.Ping(ctx); return c.Ping(ctx).Err() }},
		{"pipeline", 1, func() error {
			_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error { p.Ping(ctx); p.Ping(ctx); return nil })
			return err
		}},
		{"transaction", 1, func() error {
			_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Ping(ctx); p.Ping(ctx); return nil })
			return err
		}},
		{"pipeline of many packets", 1, func() error {
			_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
				for range 50 {
					p.Echo(ctx, strings.Repeat("x", 1<<14))
				}
				return nil
			})
			return err
		}},
		{"a command of the handshake, later", 1, func() error { return c.Do(ctx, "CLIENT", "SETNAME", "x").Err() }},
		// EVALSHA, NOSCRIPT, EVAL: what a script costs when the server forgot it.
		{"unknown script", 2, func() error {
			return redis.NewScript("return '"+redistest.Prefix(t)+"'").Run(ctx, c, nil).Err()
		}},
		{"new connections, with their handshakes", 8, func() error { return onConnections(ctx, c, 8) }},
	}
}

// onConnections sends one command on each of n connections that are in use at
// the same time.
func onConnections(ctx context.Context, c *redis.Client, n int) error {
	var wg sync.WaitGroup
	errs := make(chan error, n)
	held := sync.WaitGroup{}
	held.Add(n)
	for range n {
		wg.Go(func() {
			conn := c.Conn()
			defer conn.Close()
			err := conn.Ping(ctx).Err()
			held.Done()
			held.Wait() // nobody gives a connection back before all have one
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// What OnConnect sends belongs to the program.
func TestCounter_onConnect(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t, func(o *redis.Options) {
		o.OnConnect = func(ctx context.Context, conn *redis.Conn) error { return conn.ClientID(ctx).Err() }
	})
	counter := redistest.Count(c)
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if got := counter.RoundTrips(); got != 2 {
		t.Errorf("got %d round trips, want 2: CLIENT ID and PING", got)
	}
}
