// Command cache measures kit/cache beside its peers, in one run on one Redis: values
// read from Redis, values read from memory, and a stampede on four processes. Ratios
// of one run travel; the figures hold for the machine that they were taken on.
//
//	go run ./cache                     each table with 128 callers, and with one
//	go run ./cache -only raw,memory    some tables: decoded, raw, memory, stampede
//	go run ./cache -callers 1,16,128 -rounds 9 -slice 1s
//	go run ./cache -rate 20000         an open loop: p50 and p99 at a fixed rate
//	go run ./cache -latency 500us      each round trip takes so much longer
//
// The peers share one client of kit/connect, unless they have their own. gocache and
// rueidisaside are not among them: rueidis's own client-side caching stands in.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/bench/measure"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/kit/connect"
	"github.com/redis-grind/grind/kit/redisproc"
)

// items is how many values there are. Two of 128 callers that choose among them are
// at the same one once in a hundred calls.
const items = 10_000

// settings are what the command line says.
type settings struct {
	only    []string
	callers []int
	rounds  int
	slice   time.Duration
	rate    int
	latency time.Duration
	profile string
}

func main() {
	if config := os.Getenv(envReader); config != "" {
		readerMain(config)
		return
	}
	s, err := parse(os.Args[1:])
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		err = s.run(ctx)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("cache", flag.ExitOnError)
	only := flags.String("only", "decoded,raw,memory,stampede", "the tables to measure")
	callers := flags.String("callers", "128,1", "how many callers, one table for each number")
	flags.IntVar(&s.rounds, "rounds", 5, "how often each peer is measured; the median counts")
	flags.DurationVar(&s.slice, "slice", 500*time.Millisecond, "how long each time")
	flags.IntVar(&s.rate, "rate", 0, "calls a second of an open loop, in place of callers")
	flags.DurationVar(&s.latency, "latency", 0, "added to each round trip by a proxy")
	flags.StringVar(&s.profile, "profile", "", "a file for the processor profile of our own rows alone, which are then all that is run")
	_ = flags.Parse(args) // it exits by itself
	s.only = strings.Split(*only, ",")
	for text := range strings.SplitSeq(*callers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return s, fmt.Errorf("-callers must be numbers from 1, got %q", text)
		}
		s.callers = append(s.callers, n)
	}
	return s, nil
}

// table makes the peers of a table, ours first, over a Redis at an address.
type table func(ctx context.Context, addr string) (peers []measure.Peer, end func(), err error)

func (s settings) run(ctx context.Context) error {
	server, err := redisproc.Start(ctx, redisproc.Options{})
	if err != nil {
		return err
	}
	defer server.Stop()
	fmt.Printf("%s; Redis %s. Server and callers share the machine.\n", measure.Machine(), server.Version())
	fmt.Printf("%d values, a product of %d bytes as CBOR. Medians of %d turns of %v, the peers taking turns.\n", items, article.size(), s.rounds, s.slice)
	addr, stop, err := s.path(ctx, server.Addr())
	if err != nil {
		return err
	}
	defer stop()
	direct := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer direct.Close()
	how := measure.Run{Rounds: s.rounds, Slice: s.slice, Items: items, Server: direct}
	for _, t := range []struct {
		name, title string
		make        table
	}{
		{"decoded", "A hit in Redis, as a struct", decodedFromRedis},
		{"raw", "A hit in Redis, as bytes", rawFromRedis},
		{"memory", "A hit in memory", fromMemory},
	} {
		if !slices.Contains(s.only, t.name) {
			continue
		}
		peers, end, err := t.make(ctx, addr)
		if err != nil {
			return err
		}
		err = s.table(ctx, how, t.title, peers)
		end()
		if err != nil {
			return err
		}
	}
	if slices.Contains(s.only, "stampede") {
		return stampede(ctx, addr)
	}
	return nil
}

// table measures the peers of one table and shows them.
func (s settings) table(ctx context.Context, how measure.Run, title string, peers []measure.Peer) error {
	if s.profile != "" {
		return profile(ctx, s.profile, how, peers[0], s.callers[0])
	}
	if s.rate > 0 {
		figures, err := how.Open(ctx, peers, s.rate)
		if err == nil {
			measure.ShowOpen(os.Stdout, title, s.rate, peers, figures)
		}
		return err
	}
	for _, callers := range s.callers {
		figures, err := how.Closed(ctx, peers, callers)
		if err != nil {
			return err
		}
		measure.Show(os.Stdout, title, callers, peers, figures)
	}
	return nil
}

// path is the way to the server: direct, or by a proxy that makes it longer.
func (s settings) path(ctx context.Context, addr string) (string, func(), error) {
	if s.latency <= 0 {
		return addr, func() {}, nil
	}
	fmt.Printf("Each round trip takes %v longer, by a proxy that works on the same processors.\n", s.latency)
	t, err := tap.New(tap.Options{Upstream: addr})
	if err != nil {
		return "", nil, err
	}
	if _, err := t.Throw(tap.Fault{Kind: tap.Latency, Delay: s.latency}); err != nil {
		return "", nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- t.Run(ctx) }()
	return t.Addr(), func() { stop(); <-done }, nil //nolint:errcheck // it was told to stop
}

// open is the client that the peers share.
func open(ctx context.Context, addr string) (*redis.Client, error) {
	c, err := connect.Open(ctx, connect.Options{URL: "redis://" + addr})
	if err != nil {
		return nil, err
	}
	return c.(*redis.Client), nil
}
