package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	application "github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/pgproc"
)

// startApp serves an application until it is told to end.
func (a *app) startApp(ctx context.Context, one *application.App, f appFlags) error {
	env, redisLine, err := a.appEnv(ctx, one, f)
	if err != nil {
		return err
	}
	instance, err := one.Open(ctx, env)
	if err != nil {
		return err
	}
	a.say("%s", redisLine)
	a.say("%s is at %s", one.Title, instance.URL())
	a.say("Ctrl-C ends it.")
	if err := a.jsonLine(map[string]any{"type": "start", "name": one.Name, "url": instance.URL(), "redis": redisLine}); err != nil {
		return errors.Join(err, closeInstance(instance))
	}
	if err := instance.Run(ctx); err != nil {
		return err
	}
	return a.jsonLine(map[string]any{"type": "result", "ok": true})
}

// closeInstance closes one that was opened and is not to be run.
func closeInstance(i application.Instance) error {
	ended, end := context.WithCancel(context.Background())
	end()
	return i.Run(ended)
}

// tryApp runs a script, on an instance that is started for it if need be.
func (a *app) tryApp(ctx context.Context, one *application.App, script application.Script, f appFlags) (err error) {
	t := application.Target{URLs: f.urls, For: f.limit, Progress: a.appProgress}
	if script.Whole || len(f.urls) == 0 {
		if t.Env, _, err = a.appEnv(ctx, one, appFlags{fixed: true, postgres: f.postgres}); err != nil {
			return err
		}
		t.Env.Reveal = false // it would be a part of what is measured
	}
	if !script.Whole && len(f.urls) == 0 {
		b, err := runBeside(ctx, one, t.Env)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.stop()) }()
		if err := b.ready(ctx); err != nil {
			return err
		}
		t.URLs = []string{b.url}
	}
	report, err := script.Run(ctx, t)
	if err != nil {
		return err
	}
	return a.printTrial(report)
}

// beside is an application that runs beside the caller.
type beside struct {
	url   string
	end   context.CancelFunc
	ended chan error
}

func runBeside(ctx context.Context, one *application.App, env application.Env) (*beside, error) {
	instance, err := one.Open(ctx, env)
	if err != nil {
		return nil, err
	}
	running, end := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the script
	b := &beside{url: instance.URL(), end: end, ended: make(chan error, 1)}
	go func() { b.ended <- instance.Run(running) }()
	return b, nil
}

// stop ends it and waits for that.
func (b *beside) stop() error {
	b.end()
	return <-b.ended
}

// ready waits until its /readyz says so.
func (b *beside) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/readyz", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-b.ended:
			b.ended <- err // for stop
			return fmt.Errorf("the application ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("the application at %s is not ready: %w", b.url, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// readyWait is how long an application may take to start for a script.
const readyWait = 30 * time.Second

func (a *app) appProgress(f application.Figures) {
	if a.json {
		a.jsonLine(struct { //nolint:errcheck // the last line says it
			Type string `json:"type"`
			application.Figures
		}{"progress", f})
		return
	}
	a.say("%s", figuresLine(f))
}

func figuresLine(f application.Figures) string {
	line := fmt.Sprintf("%5.1f s  %d answered, %.0f a second, p50 %v, p99 %v, %d errors",
		f.Elapsed.Seconds(), f.Requests, f.PerSecond(), f.P50.Round(10*time.Microsecond), f.P99.Round(10*time.Microsecond), f.Errors)
	if f.Doing != "" {
		line += "  " + f.Doing
	}
	return line
}

// printTrial prints what a script found; what did not hold is the answer no.
func (a *app) printTrial(r application.Report) error {
	r.Holds = append([]application.Hold{}, r.Holds...)
	if err := a.jsonLine(struct {
		Type string `json:"type"`
		OK   bool   `json:"ok"`
		application.Report
	}{"result", r.OK(), r}); err != nil {
		return err
	}
	r.Doing = ""
	a.say("%s", figuresLine(r.Figures))
	for _, h := range r.Holds {
		a.say("%s  %s: %s", map[bool]string{true: "holds", false: "FAILS"}[h.OK], h.Text, h.Seen)
	}
	if !r.OK() {
		return &answerNo{}
	}
	return nil
}

// jsonLine prints an event with --json, and nothing without.
func (a *app) jsonLine(v any) error {
	if !a.json {
		return nil
	}
	return json.NewEncoder(a.out).Encode(v)
}

// appEnv gives an application what it needs. The line says which Redis that is.
func (a *app) appEnv(ctx context.Context, one *application.App, f appFlags) (env application.Env, redisLine string, err error) {
	env = application.Env{Lookup: os.LookupEnv, Prefix: localredis.Prefix + one.Name + ":", Reveal: true}
	if env.Logger, err = a.appLogger(); err != nil {
		return env, "", err
	}
	if env.Addr, err = appAddr(f); err != nil {
		return env, "", err
	}
	home := ""
	redisLine = "without Redis"
	if slices.Contains(one.Needs, application.Redis) {
		if redisLine, home, err = a.appRedis(ctx, &env); err != nil {
			return env, "", err
		}
	}
	if slices.Contains(one.Needs, application.Database) {
		err = a.appDatabase(ctx, one, &env, home, f)
	}
	return env, redisLine, err
}

// appDatabase finds, starts or makes room for the database of an application, the
// last in home, which goes with the Redis whose it is, even when grind is killed;
// without one it is a folder that stays then.
func (a *app) appDatabase(ctx context.Context, one *application.App, env *application.Env, home string, f appFlags) (err error) {
	if env.Database, err = env.Value(application.Setting{Name: "DATABASE_URL", Secret: true}); err != nil {
		return err
	}
	switch {
	case f.postgres && env.Database != "":
		return usagef("--postgres and DATABASE_URL name two databases; keep one")
	case f.postgres:
		server, err := pgproc.Start(ctx, pgproc.Options{})
		if err != nil {
			return err
		}
		a.atEnd(server.Stop)
		env.Database = server.URL()
	case env.Database == "":
		if env.Dir, err = os.MkdirTemp(home, "grind-"+one.Name+"-"); err != nil {
			return fmt.Errorf("make a folder for the database: %w", err)
		}
		a.atEnd(func() error { return os.RemoveAll(env.Dir) })
	}
	return nil
}

// appRedis finds or starts the Redis of an application, as for every command; but
// an application, unlike a unit, also works on a Cluster or behind Sentinels.
// The line says which it is; home is its folder when it is ours alone.
func (a *app) appRedis(ctx context.Context, env *application.Env) (line, home string, err error) {
	scheme, _, _ := strings.Cut(a.url, "://")
	if strings.Contains(scheme, "+") {
		if !a.anyRedis {
			return "", "", fmt.Errorf("grind does not look at all servers of a %s to see whether others depend on them. Nothing was written.\n"+
				"--%s uses it, and touches only keys under %s", scheme, useThisRedis, localredis.Prefix)
		}
		env.Redis = a.url
		return fmt.Sprintf("yours, by %s (only keys under %s are touched)", scheme, localredis.Prefix), "", nil
	}
	r, err := a.openRedis(ctx)
	if err != nil {
		return "", "", err
	}
	env.Redis = a.url
	if r.Kind() != localredis.External {
		env.Redis = redisURL(r.Options())
	}
	if p := r.Process(); p != nil {
		env.Faults, home = p, p.Dir()
	}
	return r.Line(), home, nil
}

// redisURL is the address of a server of ours, with its password.
func redisURL(o *redis.Options) string {
	u := url.URL{Scheme: "redis", Host: o.Addr}
	if o.Password != "" {
		u.User = url.UserPassword("", o.Password)
	}
	return u.String()
}

// appAddr is where to listen: --port, else ADDR, else 8080 or, if that is taken,
// any free port.
func appAddr(f appFlags) (string, error) {
	if addr := os.Getenv("ADDR"); addr != "" && !f.fixed {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return "", usagef("ADDR must be host:port, such as 0.0.0.0:8080: %v", err)
		}
		return addr, nil
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port))
	if f.fixed {
		return addr, nil
	}
	l, err := net.Listen("tcp", addr) //nolint:noctx // it does not wait
	if err != nil {
		return "127.0.0.1:0", nil //nolint:nilerr // taken, or not ours to have: any other will do
	}
	return addr, l.Close()
}

// appLogger writes to the standard error: text for people, JSON with --json. Every
// request has a line at the level info, which LOG_LEVEL asks for.
func (a *app) appLogger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cmp.Or(os.Getenv("LOG_LEVEL"), "warn"))); err != nil {
		return nil, usagef("LOG_LEVEL must be debug, info, warn or error, got %q", os.Getenv("LOG_LEVEL"))
	}
	o := &slog.HandlerOptions{Level: level}
	if a.json {
		return slog.New(slog.NewJSONHandler(a.err, o)), nil
	}
	return slog.New(slog.NewTextHandler(a.err, o)), nil
}
