// Command catalog measures GET /products/{id} of apps/catalog beside the same in
// FastAPI (bench/fastapi, with uvloop, httptools and hiredis on uvicorn, two
// workers), as it is usually written and as fast as it gets: on the same Redis and the same database, answered from Redis, and from
// the memory of the process. Each is a process of its own, and so is the load, which
// speaks HTTP with as little effort as it can, for all share the processors.
//
//	go run ./catalog
//	go run ./catalog -callers 1,16,128 -rounds 9 -slice 2s
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis-grind/grind/bench/measure"
	"github.com/redis-grind/grind/kit/redisproc"
)

// products is how many there are, all of them read.
const products = 1000

func main() {
	if config := os.Getenv(envServer); config != "" {
		serverMain(config)
		return
	}
	callers := flag.String("callers", "128,1", "how many callers, one table for each number")
	rounds := flag.Int("rounds", 5, "how often each is measured; the median counts")
	slice := flag.Duration("slice", time.Second, "how long each time")
	twin := flag.String("fastapi", "fastapi", "the folder of the program in FastAPI")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *callers, *twin, measure.Run{Rounds: *rounds, Slice: *slice, Items: products})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, callers, twin string, how measure.Run) error {
	fmt.Printf("%s. Servers, Redis and callers share the machine.\n%d products; medians of %d turns of %v, taking turns.\n", measure.Machine(), products, how.Rounds, how.Slice)
	for _, layer := range []string{"redis", "memory"} {
		for text := range strings.SplitSeq(callers, ",") {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return fmt.Errorf("-callers must be numbers from 1, got %q", text)
			}
			if err := compare(ctx, layer, n, twin, how); err != nil {
				return fmt.Errorf("%s, %d callers: %w", layer, n, err)
			}
		}
	}
	return nil
}

// compare measures one layer with so many callers.
func compare(ctx context.Context, layer string, callers int, twin string, how measure.Run) error {
	programs, end, err := startAll(ctx, layer, twin)
	if err != nil {
		return err
	}
	defer end()
	var peers []measure.Peer
	for _, s := range programs {
		c := newClient(s.addr, callers)
		defer c.close()
		for id := 1; id <= products; id++ { // into the caches
			if err := c.get(ctx, id-1); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		peers = append(peers, measure.Peer{Name: s.name, Do: c.get, CPU: s.cpuTime})
	}
	figures, err := how.Closed(ctx, peers, callers)
	if err != nil {
		return err
	}
	title := map[string]string{"redis": "GET, answered from Redis", "memory": "GET, answered from memory"}[layer]
	measure.ShowServers(os.Stdout, title, callers, peers, figures)
	return nil
}

// startAll starts the programs over one Redis and one database, ours first.
func startAll(ctx context.Context, layer, twin string) (all []*program, end func(), err error) {
	dir, err := os.MkdirTemp("", "bench-catalog-")
	if err != nil {
		return nil, nil, err
	}
	redis, err := redisproc.Start(ctx, redisproc.Options{})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	end = sync.OnceFunc(func() {
		for _, p := range all {
			p.stop()
		}
		_ = redis.Stop()
		_ = os.RemoveAll(dir)
	})
	for _, start := range []func() (*program, error){
		func() (*program, error) {
			return startCatalog(ctx, serverConfig{Redis: redis.URL(), Dir: dir, Layer: layer})
		},
		func() (*program, error) { return startFastAPI(ctx, twin, redis.URL(), dir, layer, "model") },
		func() (*program, error) { return startFastAPI(ctx, twin, redis.URL(), dir, layer, "stored") },
	} {
		p, err := start()
		if err != nil {
			end()
			return nil, nil, err
		}
		all = append(all, p)
	}
	return all, end, nil
}
