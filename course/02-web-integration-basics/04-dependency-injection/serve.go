package cloakroom

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// widths counts methods.
func widths(_ context.Context, r *unit.Run) error {
	r.Step("How much must a fake be able to do?")
	chart := unit.Chart{Kind: unit.Bars, Title: "Methods that a fake must have", Series: []unit.Series{{Name: "methods"}}}
	for _, i := range []struct {
		name, label string
		of          reflect.Type
		tone        unit.Tone
	}{
		{"ours", "Coats", reflect.TypeFor[Coats](), unit.Good},
		{"scripter", "redis.Scripter", reflect.TypeFor[redis.Scripter](), unit.Plain},
		{"cmdable", "redis.Cmdable", reflect.TypeFor[redis.Cmdable](), unit.Bad},
		{"universal", "redis.UniversalClient", reflect.TypeFor[redis.UniversalClient](), unit.Bad},
	} {
		r.Metric(unit.Metric{Name: "width_" + i.name, Label: "methods of " + i.label, Value: float64(i.of.NumMethod()), Tone: i.tone, Minor: i.name == "scripter" || i.name == "universal"})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: i.label, Y: float64(i.of.NumMethod())})
	}
	r.Chart(chart)
	return nil
}

// script is what guests do: status codes tell the answers apart.
var script = []struct{ method, path, body string }{
	{"POST", "/coats", `{"coat":"red"}`},
	{"POST", "/coats", `{"coat":"grey"}`},
	{"POST", "/coats", `{}`},
	{"DELETE", "/coats/2", ""},
	{"DELETE", "/coats/2", ""},
	{"DELETE", "/coats/seven", ""},
	{"DELETE", "/coats/1", ""},
}

// ask sends one request to a handler, without a network.
func ask(ctx context.Context, h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body)))
	return w
}

// serving runs the same handler over three stores.
func serving(ctx context.Context, r *unit.Run) error {
	r.Step("The same handler on Redis, on a fake, and on a store that fails every second time.")
	stores := []Coats{
		&inRedis{r.Redis(), r.Key("coats")},
		&inMemory{coats: map[int]string{}},
		&faulty{Coats: &inMemory{coats: map[int]string{}}},
	}
	table := unit.Table{Title: "The same requests", Columns: []string{"request", "Redis", "fake", "faulty"}}
	differences, wrong := 0, 0
	for _, q := range script {
		row := []string{strings.TrimSpace(q.method + " " + q.path + " " + q.body)}
		var answers []string
		for _, store := range stores {
			w := ask(ctx, New(store), q.method, q.path, q.body)
			answers = append(answers, fmt.Sprintf("%d %s", w.Code, brief(w.Body.String())))
		}
		if answers[0] != answers[1] {
			differences++
		}
		if strings.HasPrefix(answers[2], "500") {
			wrong++
		}
		table.Rows = append(table.Rows, append(row, answers...))
	}
	r.Table(table)
	r.Metric(unit.Metric{Name: "differences", Label: "answers in which fake and Redis differ", Value: float64(differences), Tone: unit.Good})
	r.Metric(unit.Metric{Name: "wrong_faulty", Label: "failures told as something else than 503", Value: float64(wrong + failing(ctx)), Tone: unit.Good})
	return costs(ctx, r)
}

// brief is a body on one line.
func brief(body string) string { return strings.TrimSpace(body) }

// failing asks a store that is down for everything that could go wrong.
func failing(ctx context.Context) (wrong int) {
	for _, q := range script {
		down := &faulty{Coats: &inMemory{coats: map[int]string{}}, calls: 1}
		w := ask(ctx, New(down), q.method, q.path, q.body)
		if down.calls > 1 && w.Code != http.StatusServiceUnavailable {
			wrong++
		}
	}
	return wrong
}

// costs measures a request on Redis and on the fake, and shows its commands.
func costs(ctx context.Context, r *unit.Run) error {
	n := r.Int("requests")
	for _, s := range []struct {
		name, label string
		store       Coats
	}{
		{"redis", "a request on Redis", &inRedis{r.Redis(), r.Key("costs")}},
		{"fake", "a request on the fake", &inMemory{coats: map[int]string{}}},
	} {
		h := New(s.store)
		begun := time.Now()
		for range n {
			if w := ask(ctx, h, "POST", "/coats", `{"coat":"red"}`); w.Code != http.StatusCreated {
				return fmt.Errorf("%s: %d %s", s.label, w.Code, w.Body)
			}
		}
		r.Metric(unit.Metric{Name: "us_" + s.name, Label: s.label, Value: float64(time.Since(begun).Nanoseconds()) / 1000 / float64(n), Unit: "µs", Timing: true})
	}
	fake := &inMemory{coats: map[int]string{}}
	seen, err := r.Trace(ctx, unit.Sample{
		Title: "three requests on Redis, three on the fake",
		Note:  "A request's id is a value of the request, so it travels in the context, and names each command. The store is no value of the request, so it does not. The fake's requests sent nothing.",
	}, func(ctx context.Context, c *redis.Client) error {
		for i, q := range []int{0, 1, 3} {
			for on, store := range map[string]Coats{"Redis": &inRedis{c, r.Key("traced")}, onFake: fake} {
				ctx := trace.WithRequest(ctx, fmt.Sprintf("%d, on %s: %s %s", i+1, on, script[q].method, script[q].path))
				if w := ask(ctx, New(store), script[q].method, script[q].path, script[q].body); w.Code >= 400 {
					return fmt.Errorf("%d %s", w.Code, w.Body)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "trips_redis", Label: "of three requests on Redis", Value: float64(seen.RoundTrips), Unit: "round trips", Minor: true})
	r.Metric(unit.Metric{Name: "commands_fake", Label: "commands of three requests on the fake", Value: float64(commandsOf(seen, onFake)), Tone: unit.Good, Minor: true})
	return nil
}

const onFake = "the fake"

// commandsOf counts the commands of the requests on a store.
func commandsOf(t unit.Trace, store string) (n int) {
	for _, e := range t.Events {
		if strings.Contains(e.Label.Request, "on "+store) {
			n++
		}
	}
	return n
}

// numberOf reads the number out of an answer.
func numberOf(w *httptest.ResponseRecorder) (int, error) {
	var out struct{ Number int }
	err := json.NewDecoder(w.Body).Decode(&out)
	return out.Number, err
}
