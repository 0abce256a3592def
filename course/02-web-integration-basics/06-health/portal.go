package exam

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/web"
	"github.com/redis-grind/grind/kit/connect"
	"github.com/redis-grind/grind/kit/health"
)

// The probes of the run are faster than those of a real program, so that nobody has
// to wait.
const (
	interval  = 20 * time.Millisecond
	timeLimit = 100 * time.Millisecond
	poolSize  = 4
)

// portal is the exam portal, with the probes of both kinds.
type portal struct {
	url    string
	redis  *redis.Client
	wire   *lab.Wire
	stop   func() error
	answer string // the key that pupils write to
}

// region: careless

// careless is the probe that most programs begin with.
func careless(rdb *redis.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := rdb.Ping(context.Background()).Err(); err != nil {
			http.Error(w, "redis: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok"))
	}
}

// endregion

// region: probes

// probes are those of the kit: three questions, and Run asks Redis beside them.
func probes(rdb *redis.Client) (*health.Health, error) {
	return health.New(health.Options{
		Checks:   []health.Check{unhurried(health.Redis(rdb, health.RedisOptions{Prefix: "grind:2.06"}))},
		Interval: interval, Timeout: timeLimit, // in production leave both out: 1 s and 500 ms
	})
}

// endregion

// unhurried lets a check that has begun end with the run, so that it takes its key
// with it.
func unhurried(c health.Check) health.Check {
	check := c.Func
	c.Func = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeLimit)
		defer cancel()
		return check(ctx)
	}
	return c
}

// open starts the portal, with a wire in front of its Redis that can fail.
func open(ctx context.Context, r *unit.Run) (_ *portal, err error) {
	o := r.Redis().Options()
	p := &portal{answer: r.Key("answer")}
	if p.wire, err = lab.Front(tap.Options{Upstream: o.Addr, UpstreamTLS: o.TLSConfig}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.wire.Close())
		}
	}()
	client, err := connect.Open(ctx, connect.Options{Addrs: []string{p.wire.TapAddr()}, Username: o.Username, Password: o.Password, DB: o.DB, PoolSize: poolSize})
	if err != nil {
		return nil, err
	}
	p.redis = client.(*redis.Client) // Open makes it for a single server
	h, err := probes(p.redis)
	if err != nil {
		return nil, err
	}
	// region: wiring
	s, err := web.New(web.Options{
		Logger: slog.New(slog.DiscardHandler),
		Health: web.Health{Live: h.Live(), Ready: h.Ready(), Startup: h.Startup(), Drain: h.Drain},
	})
	if err != nil {
		return nil, err
	}
	s.OnClose("redis", p.redis.Close)
	s.Work("health", h.Run)
	// endregion
	s.Handle("GET /health", careless(p.redis))
	s.Handle("POST /answers", http.HandlerFunc(p.write))
	if err := s.Listen(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	p.url, p.stop = s.URL(), func() error { cancel(); return errors.Join(<-ended, p.wire.Close()) }
	return p, nil
}

// write keeps what a pupil has answered.
func (p *portal) write(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), timeLimit)
	defer cancel()
	if err := p.redis.Set(ctx, p.answer, "42", time.Hour).Err(); err != nil {
		http.Error(w, "not written", http.StatusServiceUnavailable)
	}
}
