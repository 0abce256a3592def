package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/kit/redisproc"
)

// The outage: a third of the time before it, a third with it, a third after it.
const (
	outageFor = 30 * time.Second
	outageP99 = time.Second
)

// outage has a crowd at two instances, on a Redis of its own that stands still, and
// tells how long answers take before, meanwhile and after.
func outage(ctx context.Context, t app.Target) (r app.Report, err error) {
	server, err := redisproc.Start(ctx, redisproc.Options{AppendOnly: true})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	env := t.Env
	env.Redis, env.Addr, env.Faults = server.URL(), "127.0.0.1:0", nil
	var urls []string
	for range 2 {
		instance, err := beside(ctx, env)
		if err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, instance.stop()) }()
		urls = append(urls, instance.url)
	}
	whole := cmp.Or(t.For, outageFor)
	var before, meanwhile, after stretch
	var now atomic.Pointer[stretch]
	now.Store(&before)
	var back app.Hold
	ended := make(chan error, 1)
	go func() {
		ended <- inTurn(ctx, whole/3,
			nil,
			func() error { now.Store(&meanwhile); return server.Pause() },
			func() error {
				now.Store(&after)
				err := server.Resume()
				back = recovers(ctx, "paused", urls[0])
				return err
			},
		)
	}()
	r, err = Load{URLs: urls, For: whole, Follow: drillFollow, Faults: true, stretch: &now}.Run(ctx, t.Progress)
	err = errors.Join(err, <-ended)
	r.Holds = append([]app.Hold{
		before.held("before"),
		meanwhile.held(fmt.Sprintf("while Redis stands still for %v", (whole / 3).Round(time.Millisecond))),
		after.held("after"),
		back,
	}, r.Holds...)
	return r, err
}

// stretch is a part of a load's time.
type stretch struct {
	took   histogram
	errors atomic.Int64
}

// String is how it went.
func (s *stretch) String() string {
	return fmt.Sprintf("%d answered, %d failed, p50 %v, p99 %v, the longest %v", s.took.count(), s.errors.Load(),
		s.took.quantile(0.5).Round(10*time.Microsecond), s.took.quantile(0.99).Round(10*time.Microsecond), s.took.quantile(1).Round(time.Millisecond))
}

// held says whether a stretch went well.
func (s *stretch) held(when string) app.Hold {
	return app.Hold{
		Text: fmt.Sprintf("%s, every request is answered, 99 of 100 within %v", when, outageP99),
		OK:   s.errors.Load() == 0 && s.took.count() > 0 && s.took.quantile(0.99) <= outageP99, Seen: s.String(),
	}
}
