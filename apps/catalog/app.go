package catalog

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/internal/web"
	"github.com/redis-grind/grind/kit/cache/httpcache"
	"github.com/redis-grind/grind/kit/connect"
	"github.com/redis-grind/grind/kit/health"
)

var (
	originSetting   = app.Setting{Name: "ORIGIN_URL", Line: "an HTTP service that holds the products, in place of a database"}
	productsSetting = app.Setting{Name: "CATALOG_PRODUCTS", Default: "100000", Line: "how many products a new database gets"}
)

// Describe is what the catalog is to the command line and the page.
func Describe() *app.App {
	return &app.App{
		Name: "catalog", Title: "Catalog", Line: "A product API behind caches in memory and in Redis",
		Needs:    []app.Need{app.Redis, app.Database},
		Settings: []app.Setting{originSetting, productsSetting},
		Open:     func(ctx context.Context, env app.Env) (app.Instance, error) { return Open(ctx, env) },
		Scripts: []app.Script{
			{
				Name: "load", Line: "A crowd that reads a few products most, and changes some",
				Run: func(ctx context.Context, t app.Target) (app.Report, error) {
					return Load{URLs: t.URLs, For: t.For}.Run(ctx, t.Progress)
				},
			},
			{Name: "drill", Line: "The same crowd at two instances while Redis stands still, is killed, and an instance ends", Whole: true, Run: drill},
			{Name: "outage", Line: "The same crowd while Redis stands still for 10 s: p50 and p99 before, meanwhile and after", Whole: true, Run: outage},
		},
	}
}

// Open makes an instance from its environment and takes its address. It needs
// neither Redis nor the database to be there yet.
func Open(ctx context.Context, env app.Env) (*App, error) {
	store, err := openStore(env)
	if err != nil {
		return nil, err
	}
	o := connect.FromEnv()
	o.URL = env.Redis
	client, err := connect.Open(ctx, o)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	a, err := New(Deps{
		Redis: client, Store: store, Prefix: env.Prefix, Logger: env.Logger, Faults: env.Faults,
		Web: web.Options{Addr: env.Addr, Reveal: env.Reveal},
	})
	if err == nil {
		err = a.Listen()
	}
	if err != nil {
		return nil, errors.Join(err, client.Close(), store.Close())
	}
	return a, nil
}

func openStore(env app.Env) (Store, error) {
	address, err := env.Value(originSetting)
	if err != nil {
		return nil, err
	}
	if address != "" {
		return NewOrigin(address)
	}
	text, err := env.Value(productsSetting)
	if err != nil {
		return nil, err
	}
	products, err := strconv.Atoi(text)
	if err != nil || products < 1 || products > 10_000_000 {
		return nil, fmt.Errorf("catalog: CATALOG_PRODUCTS must be from 1 to 10000000, got %q", text)
	}
	return OpenSQL(SQLOptions{Database: env.Database, Dir: env.Dir, Products: products, Logger: env.Logger})
}

// Deps are what an App is made of. It closes Redis and Store when it ends.
type Deps struct {
	Redis  redis.UniversalClient
	Store  Store
	Prefix string // begins every key; zero is catalog:
	Logger *slog.Logger
	Faults app.Faults  // of Redis, for the page; nil: none
	Web    web.Options // title, problems and health are the app's own
}

// App is an instance: web.Server's Listen, URL and Run serve it.
type App struct {
	*web.Server
	catalog *Catalog
}

// Layers are the switches of this instance.
func (a *App) Layers() *Layers { return a.catalog.Layers() }

// New wires an instance.
func New(d Deps) (*App, error) {
	d.Logger = cmp.Or(d.Logger, slog.Default())
	d.Prefix = cmp.Or(d.Prefix, "catalog:")
	c, err := NewCatalog(d.Redis, d.Store, d.Prefix, d.Logger)
	if err != nil {
		return nil, err
	}
	// Nothing that could be down takes an instance out: without Redis it asks the
	// store, without the store it answers what is cached. All instances share both,
	// so if they left the load balancer for it, they would leave together.
	probes, err := health.New(health.Options{Logger: d.Logger, Checks: []health.Check{
		health.Redis(d.Redis, health.RedisOptions{Prefix: d.Prefix + "health", Optional: true}),
		{Name: "store", Func: d.Store.Ping, Optional: true},
	}})
	if err != nil {
		return nil, err
	}
	o := d.Web
	o.Title, o.Version, o.Problems, o.Logger = "Catalog", "1", problems(), d.Logger
	o.Description = "Products behind a cache in memory, a cache in Redis and a store. `Cache-Status` says where each answer came from."
	o.Health = web.Health{Live: probes.Live(), Ready: probes.Ready(), Startup: probes.Startup(), Drain: probes.Drain}
	s, err := web.New(o)
	if err != nil {
		return nil, err
	}
	d.Redis.AddHook(s.RedisHook())
	s.OnClose("redis", d.Redis.Close)
	s.OnClose("store", d.Store.Close)
	if m, ok := d.Store.(interface{ Migrate(context.Context) error }); ok {
		s.Gate("migrations", patient(m.Migrate, d.Logger))
	}
	s.Work("health", probes.Run)
	s.Work("caches", c.Run)
	ready, err := newResponses(d.Redis, c, httpcache.Options{Name: d.Prefix + responseCache, Logger: d.Logger})
	if err != nil {
		return nil, err
	}
	s.Work("responses", ready.run)
	a := &api{catalog: c, cursors: web.NewCursors[int]("products", nil), before: ready.before}
	a.register(s)
	all := newInstances(d.Redis, c, d.Prefix, newName(), s.URL, d.Logger)
	s.Work("instances", all.run)
	if !o.Reveal {
		s.Handle("GET /{$}", http.RedirectHandler("/docs", http.StatusFound))
		return &App{s, c}, nil
	}
	p := &page{catalog: c, instances: all, faults: d.Faults, server: s}
	s.Work("page", p.run)
	return &App{s, c}, p.register(s)
}

// newName is a name for an instance that nobody else has at the moment.
func newName() string { return strings.ToLower(rand.Text()[:5]) }

// patient repeats what fails until ctx ends: a database may come up after its
// users.
func patient(do func(context.Context) error, logger *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			err := do(ctx)
			if err == nil || ctx.Err() != nil {
				return err
			}
			logger.WarnContext(ctx, "the database is not ready", "error", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
}
