package lostfound

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// mistake is a request that no client should send, and that clients do send.
type mistake struct{ what, method, path, body string }

var mistakes = []mistake{
	{"a body that ends in the middle", "POST", "/items", `{"what":"umbr`},
	{"a text where a number belongs", "POST", "/items", `{"what":"umbrella","place":"hall","value":"twelve"}`},
	{"no description", "POST", "/items", `{"place":"hall","value":12}`},
	{"a place that there is not", "POST", "/items", `{"what":"umbrella","place":"moon","value":12}`},
	{"a value below zero", "POST", "/items", `{"what":"umbrella","place":"hall","value":-12}`},
	{"a field that is misspelt", "POST", "/items", `{"what":"umbrella","place":"hall","value":12,"colour":"red"}`},
	{"an empty body", "POST", "/items", ``},
	{"a word as number", "GET", "/items/violin", ""},
	{"a number that was never given", "GET", "/items/999", ""},
	{"an update of what was never there", "PUT", "/items/998", `{"what":"umbrella","place":"hall","value":12}`},
	{"an update of a word", "PUT", "/items/violin", `{"what":"umbrella","place":"hall","value":12}`},
	{"a page of a million", "GET", "/items?limit=1000000", ""},
	{"a limit that is none", "GET", "/items?limit=many", ""},
	{"a cursor that somebody made up", "GET", "/items?cursor=41", ""},
}

// outcome counts how a server took the mistakes.
type outcome struct {
	taken, broken, refused int // 200 or 201, 5xx, 4xx
	problems               int // 4xx as problem+json
	commands               int
	status                 []int
}

// mistaking sends every mistake to both servers.
func mistaking(ctx context.Context, r *unit.Run) error {
	r.Step("%d bad requests to the careless server, and to the typed one.", len(mistakes))
	naive, err := provoke(ctx, r, "careless", func(_ context.Context, c *redis.Client, key func(string) string) (string, func() error, error) {
		url, stop := openCareless(c, key)
		return url, func() error { stop(); return nil }, nil
	})
	if err != nil {
		return err
	}
	typed, err := provoke(ctx, r, "typed", func(ctx context.Context, c *redis.Client, key func(string) string) (string, func() error, error) {
		s, err := open(ctx, c, key)
		if err != nil {
			return "", nil, err
		}
		return s.url, s.stop, nil
	})
	if err != nil {
		return err
	}
	table := unit.Table{Title: "What each server says", Columns: []string{"request", "careless", "typed"}}
	for i, m := range mistakes {
		table.Rows = append(table.Rows, []string{m.what, fmt.Sprint(naive.status[i]), fmt.Sprint(typed.status[i])})
	}
	r.Table(table)
	chart := unit.Chart{Kind: unit.Bars, Title: fmt.Sprintf("%d bad requests", len(mistakes)), Series: []unit.Series{{Name: "careless", Tone: unit.Bad}, {Name: "typed", Tone: unit.Good}}}
	for i, o := range []outcome{naive, typed} {
		chart.Series[i].Points = []unit.Point{
			{Label: "taken", Y: float64(o.taken)}, {Label: "5xx", Y: float64(o.broken)},
			{Label: "4xx", Y: float64(o.refused)}, {Label: "commands in Redis", Y: float64(o.commands)},
		}
	}
	r.Chart(chart)
	for _, m := range []unit.Metric{
		{Name: "mistakes", Label: "bad requests", Value: float64(len(mistakes)), Minor: true},
		{Name: "taken_careless", Label: "careless: answered 200 or 201", Value: float64(naive.taken), Tone: unit.Bad},
		{Name: "broken_careless", Label: "careless: answered 500", Value: float64(naive.broken), Tone: unit.Bad},
		{Name: "commands_careless", Label: "careless: commands in Redis", Value: float64(naive.commands), Minor: true},
		{Name: "refused_typed", Label: "typed: refused as problem+json", Value: float64(typed.problems), Tone: unit.Good},
		{Name: "commands_typed", Label: "typed: commands in Redis", Value: float64(typed.commands), Tone: unit.Good},
	} {
		r.Metric(m)
	}
	return nil
}

// provoke serves an empty office and sends it the mistakes.
func provoke(ctx context.Context, r *unit.Run, name string, serve func(context.Context, *redis.Client, func(string) string) (string, func() error, error)) (o outcome, err error) {
	seen := trace.NewRecorder(1000)
	var wire *lab.Wire
	var wireErr error
	client := r.Client(name, func(o *redis.Options) {
		if wire, wireErr = lab.Front(tap.Options{Upstream: o.Addr, UpstreamTLS: o.TLSConfig, Sink: seen.Sink()}); wireErr == nil {
			o.Addr, o.TLSConfig = wire.TapAddr(), nil
		}
	})
	if wireErr != nil {
		return o, wireErr
	}
	defer func() { err = errors.Join(err, wire.Close()) }()
	url, stop, err := serve(ctx, client, func(key string) string { return r.Key(name + ":" + key) })
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := warm(ctx, client); err != nil { // scripts are loaded by what uses them first
		return o, err
	}
	seen.Reset()
	for _, m := range mistakes {
		got, err := ask(ctx, m.method, url+m.path, m.body)
		if err != nil {
			return o, err
		}
		o.status = append(o.status, got.status)
		switch {
		case got.status < 300:
			o.taken++
		case got.status >= 500:
			o.broken++
		default:
			o.refused++
			if strings.HasPrefix(got.kind, "application/problem+json") {
				o.problems++
			}
		}
	}
	o.commands = len(seen.Commands())
	return o, nil
}

// warm has Redis keep the script, so that each update is one command.
func warm(ctx context.Context, c *redis.Client) error { return updateScript.Load(ctx, c).Err() }
