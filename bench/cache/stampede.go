package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	peercache "github.com/go-redis/cache/v9"

	"github.com/redis-grind/grind/kit/cache"
)

const (
	readers   = 500
	processes = 4
	slowLoad  = 100 * time.Millisecond
	rushes    = 5

	// envReader makes this program one of the processes of a stampede.
	envReader = "GRIND_BENCH_READER"
)

// readerConfig is what such a process is told at its start. Then each line on its
// standard input is a key, which all of its readers want at once.
type readerConfig struct {
	Peer, Addr string
	Readers    int
}

// rushed is what it answers with, one line to a key.
type rushed struct {
	Loads int
	Took  []time.Duration
	Err   string
}

// stampede is 500 readers in four processes that want one key whose value has just
// expired: it was there, all have read it, and Redis has removed it at its time.
func stampede(ctx context.Context, addr string) error {
	fmt.Printf("\n%d readers of one expired key in %d processes, a loader of %v; medians of %d, the most origin calls\n%-46s %12s %10s %10s\n",
		readers, processes, slowLoad, rushes, "", "origin calls", "p50", "p99")
	for _, peer := range []string{"kit/cache", "go-redis/cache"} {
		if err := stampedeOf(ctx, peer, addr); err != nil {
			return fmt.Errorf("stampede: %s: %w", peer, err)
		}
	}
	return nil
}

func stampedeOf(ctx context.Context, peer, addr string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	children := make([]*child, processes)
	for i := range children {
		if children[i], err = newChild(ctx, program, childConfig(peer, addr)); err != nil {
			return err
		}
		defer children[i].end()
	}
	most, p50, p99 := 0, []time.Duration{}, []time.Duration{}
	for n := range rushes {
		loads, took, err := rush(children, fmt.Sprintf("hot:%d", n))
		if err != nil {
			return err
		}
		most = max(most, loads)
		p50, p99 = append(p50, took[len(took)/2]), append(p99, took[len(took)*99/100])
	}
	slices.Sort(p50)
	slices.Sort(p99)
	fmt.Printf("%-46s %12d %10v %10v\n", peer, most, p50[rushes/2].Round(time.Millisecond), p99[rushes/2].Round(time.Millisecond))
	return nil
}

// rush has all processes read a key twice: when it is not there, and after it has
// expired. The second time counts.
func rush(children []*child, key string) (loads int, took []time.Duration, err error) {
	for range 2 {
		loads, took = 0, nil
		answers := make([]rushed, len(children))
		errs := make([]error, len(children))
		var all sync.WaitGroup
		for i, c := range children {
			all.Go(func() { answers[i], errs[i] = c.ask(key) })
		}
		all.Wait()
		for i, a := range answers {
			if a.Err != "" {
				errs[i] = errors.New(a.Err)
			}
			loads, took = loads+a.Loads, append(took, a.Took...)
		}
		if err := errors.Join(errs...); err != nil {
			return 0, nil, err
		}
		time.Sleep(stampedeTTL + stampedeTTL/4)
	}
	slices.Sort(took)
	return loads, took, nil
}

// child is a process with readers.
type child struct {
	cmd *exec.Cmd
	in  *json.Encoder
	out *json.Decoder
	end func()
}

func childConfig(peer, addr string) string {
	text, err := json.Marshal(readerConfig{peer, addr, readers / processes})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func newChild(ctx context.Context, program, config string) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, program)}
	c.cmd.Env = append(os.Environ(), envReader+"="+config)
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.out = json.NewEncoder(in), json.NewDecoder(bufio.NewReader(out))
	c.end = func() { in.Close(); _ = c.cmd.Wait() }
	return c, c.cmd.Start()
}

func (c *child) ask(key string) (r rushed, err error) {
	if err = c.in.Encode(key); err == nil {
		err = c.out.Decode(&r)
	}
	return r, err
}

// stampedeTTL is longer than a load takes, and short enough to wait for.
const stampedeTTL = time.Second

// readerMain is the whole program of such a process. It ends with its standard input.
func readerMain(text string) {
	var config readerConfig
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		panic(err)
	}
	ctx := context.Background()
	read, err := config.reader(ctx)
	if err != nil {
		panic(err)
	}
	out := json.NewEncoder(os.Stdout)
	for in := json.NewDecoder(os.Stdin); ; {
		var key string
		if err := in.Decode(&key); err != nil {
			return
		}
		if err := out.Encode(config.rush(ctx, key, read)); err != nil {
			return
		}
	}
}

// rush has all readers of this process read a key at once.
func (c readerConfig) rush(ctx context.Context, key string, read func(ctx context.Context, key string, load func() product) error) (r rushed) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for range c.Readers {
		all.Go(func() {
			begun := time.Now()
			err := read(ctx, key, func() product {
				mu.Lock()
				r.Loads++
				mu.Unlock()
				time.Sleep(slowLoad)
				return article
			})
			mu.Lock()
			defer mu.Unlock()
			r.Took = append(r.Took, time.Since(begun))
			if err != nil {
				r.Err = err.Error()
			}
		})
	}
	all.Wait()
	return r
}

// reader is how the peer reads.
func (c readerConfig) reader(ctx context.Context) (func(ctx context.Context, key string, load func() product) error, error) {
	client, err := open(ctx, c.Addr)
	if err != nil {
		return nil, err
	}
	if c.Peer == "go-redis/cache" {
		theirs := peercache.New(&peercache.Options{Redis: client})
		return func(ctx context.Context, key string, load func() product) error {
			var v product
			return theirs.Once(&peercache.Item{Ctx: ctx, Key: key, Value: &v, TTL: stampedeTTL, Do: func(*peercache.Item) (any, error) { return load(), nil }})
		}, nil
	}
	// Without early refresh, which would keep the key from expiring under readers.
	ours, err := cache.New(client, cache.Options[string, product]{Name: "stampede", TTL: stampedeTTL, Jitter: -1, EarlyRefresh: -1})
	return func(ctx context.Context, key string, load func() product) error {
		_, err := ours.Fetch(ctx, key, func(context.Context, string) (product, error) { return load(), nil })
		return err
	}, err
}
