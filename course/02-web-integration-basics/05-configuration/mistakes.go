package settings

import (
	"context"
	"fmt"
	"maps"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/redisproc"
)

// secret is the password of the run's server. It is nobody's.
const secret = "correct-horse"

// mistake is one that people make, as a change of settings that work.
type mistake struct {
	name   string
	change environment
}

// mistakes at a server with this address.
func mistakes(addr string) []mistake {
	right := "redis://:" + secret + "@" + addr
	return []mistake{
		{"READ_TIMEOUT=5", environment{"READ_TIMEOUT": "5"}},
		{"READ_TIMEOUT=5sec", environment{"READ_TIMEOUT": "5sec"}},
		{"POOL_SIZE=2O, with the letter O", environment{"POOL_SIZE": "2O"}},
		{"READTIMEOUT=500ms", environment{"READTIMEOUT": "500ms"}},
		{"PROFILE=prod", environment{"PROFILE": "prod"}},
		{"REDIS_URL without its password", environment{"PROFILE": "staging", "REDIS_URL": "redis://" + addr}},
		{"REDIS_DB=99", environment{"REDIS_DB": "99"}},
		{"no TLS in production", environment{"PROFILE": "production", "REDIS_URL": right}},
	}
}

// When a mistake comes out.
const (
	atStart   = "at the start"
	atRequest = "at the first request"
	never     = "never"
)

// starting makes each mistake, once with each program.
func starting(ctx context.Context, r *unit.Run) error {
	server, err := r.Server(ctx, redisproc.Options{Password: secret})
	if err != nil {
		return err
	}
	base := environment{"PROFILE": "development", "REDIS_URL": "redis://:" + secret + "@" + server.Addr()}
	if err := strict(base); err != nil {
		return fmt.Errorf("the settings without a mistake: %w", err)
	}
	all := mistakes(server.Addr())
	found := map[string]map[string]int{"careless": {}, "strict": {}}
	table := unit.Table{Title: "When a mistake comes out", Columns: []string{"mistake", "careless", "what it says", "strict"}}
	for i, m := range all {
		r.Step("The mistake: %s.", m.name)
		r.Progress("mistakes", i, len(all))
		env := maps.Clone(base)
		maps.Copy(env, m.change)
		when, says := use(ctx, careless(env))
		found["careless"][when]++
		told := never
		if strict(env) != nil {
			told = atStart
		}
		found["strict"][told]++
		table.Rows = append(table.Rows, []string{m.name, when, says, told})
	}
	r.Table(table)
	r.Metric(unit.Metric{Name: "mistakes", Label: "mistakes", Value: float64(len(all)), Minor: true})
	r.Metric(unit.Metric{Name: "careless_start", Label: "careless: come out at the start", Value: float64(found["careless"][atStart]), Minor: true})
	r.Metric(unit.Metric{Name: "careless_request", Label: "careless: come out with the first request", Value: float64(found["careless"][atRequest])})
	r.Metric(unit.Metric{Name: "careless_never", Label: "careless: never come out", Value: float64(found["careless"][never]), Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "strict_start", Label: "strict: come out at the start", Value: float64(found["strict"][atStart]), Tone: unit.Good})
	chart := unit.Chart{Kind: unit.Bars, Title: "When the mistakes come out", Series: []unit.Series{{Name: "careless", Tone: unit.Bad}, {Name: "strict", Tone: unit.Good}}}
	for _, when := range []string{atStart, atRequest, never} {
		for i, who := range []string{"careless", "strict"} {
			chart.Series[i].Points = append(chart.Series[i].Points, unit.Point{Label: when, Y: float64(found[who][when])})
		}
	}
	r.Chart(chart)
	_, err = r.Trace(ctx, unit.Sample{
		Title: "no TLS in production: what anybody on the way reads", Server: server,
		Note: "A tap between program and Redis, as a switch or a neighbour's machine may be. It read this without any key. The password passed before it, in clear; only this page masks it.",
	}, func(ctx context.Context, c *redis.Client) error {
		ctx = trace.WithRequest(ctx, "a login")
		return c.HSet(ctx, "session:7", "user", "nora", "card", "ending 4417").Err()
	})
	return err
}

// use starts a program with these options and sends it the first request.
func use(ctx context.Context, o *redis.Options) (when, says string) {
	c := redis.NewClient(o) // connects to nothing yet: every program starts
	defer c.Close()
	if err := c.Set(ctx, "page", "hello", 0).Err(); err != nil {
		return atRequest, shortened(err, o.Addr)
	}
	return never, "nothing"
}
