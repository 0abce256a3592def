package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/kit/redisproc"
)

// The drill. Each failure lasts an eighth of it, with as much peace between them.
const (
	drillFor     = 24 * time.Second
	drillRecover = 5 * time.Second
	drillFollow  = 5 * time.Second // what could not be told is told when Redis is back
)

// drill has a crowd at two instances, on a Redis of its own that stands still, is
// killed and comes back, and at last ends one of the instances.
func drill(ctx context.Context, t app.Target) (r app.Report, err error) {
	server, err := redisproc.Start(ctx, redisproc.Options{AppendOnly: true})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	env := t.Env
	env.Redis, env.Addr, env.Faults = server.URL(), "127.0.0.1:0", nil
	first, err := beside(ctx, env)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, first.stop()) }()
	second, err := beside(ctx, env)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, second.stop()) }()

	whole := t.For
	if whole == 0 {
		whole = drillFor
	}
	faults := make(chan error, 1)
	var paused, killed app.Hold
	go func() {
		faults <- inTurn(ctx, whole/8,
			nil,
			server.Pause,
			func() error { err := server.Resume(); paused = recovers(ctx, "paused", first.url); return err },
			func() error { return server.Kill(ctx) },
			func() error { err := server.Restart(ctx); killed = recovers(ctx, "killed", first.url); return err },
			second.stop,
		)
	}()
	r, err = Load{URLs: []string{first.url, second.url}, For: whole, Follow: drillFollow, Faults: true}.Run(ctx, t.Progress)
	err = errors.Join(err, <-faults)
	r.Holds = append(r.Holds, paused, killed)
	return r, err
}

// inTurn takes steps, each so long after the one before began; nil is to wait.
func inTurn(ctx context.Context, every time.Duration, steps ...func() error) error {
	next := time.NewTicker(every)
	defer next.Stop()
	for _, step := range steps {
		if step != nil {
			if err := step(); err != nil {
				return err
			}
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// recovers waits until a product that nobody reads is found in a cache again.
func recovers(ctx context.Context, told, url string) app.Hold {
	hold := app.Hold{Text: fmt.Sprintf("after Redis was %s, it is used again within %v", told, drillRecover)}
	begun := time.Now()
	for time.Since(begun) < 2*drillRecover {
		// A list of its own each time: the first read stores it, the second finds it.
		path := fmt.Sprintf("%s/products?limit=1&q=no-%d", url, time.Now().UnixNano())
		if _, err := cacheStatus(ctx, path); err == nil {
			if status, err := cacheStatus(ctx, path); err == nil && strings.Contains(status, "hit") {
				took := time.Since(begun)
				hold.OK, hold.Seen = took <= drillRecover, fmt.Sprintf("after %v", took.Round(10*time.Millisecond))
				return hold
			}
		}
		time.Sleep(20 * time.Millisecond) // it polls
	}
	hold.Seen = fmt.Sprintf("not after %v", 2*drillRecover)
	return hold
}

func cacheStatus(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	return strings.Join(answer.Header.Values("Cache-Status"), ", "), answer.Body.Close()
}

func ready(ctx context.Context, url string) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	return answer.StatusCode == http.StatusOK, answer.Body.Close()
}

// running is an instance of the drill.
type running struct {
	url  string
	stop func() error // a second call returns what the first did
}

// beside opens an instance, runs it, and returns when it is ready.
func beside(ctx context.Context, env app.Env) (*running, error) {
	a, err := Open(ctx, env)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- a.Run(life) }()
	r := &running{url: a.URL(), stop: sync.OnceValue(func() error { end(); return <-ended })}
	for {
		if ok, err := ready(ctx, r.url); err == nil && ok {
			return r, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), r.stop())
		case err := <-ended:
			ended <- err
			return nil, fmt.Errorf("catalog: drill: an instance ended: %w", r.stop())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
