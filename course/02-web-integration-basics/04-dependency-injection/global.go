package cloakroom

import (
	"context"
	"fmt"
	"net/http"

	"github.com/redis-grind/grind/internal/unit"
)

// crowding runs one test of the handler many times: over one store that everybody
// reaches, as a global is, and over a store for each.
func crowding(ctx context.Context, r *unit.Run) error {
	n := r.Int("tests")
	live := &inRedis{r.Redis(), r.Key("live")}
	const guests = 312
	r.Step("%d coats hang in the real cloakroom. %d tests run, each with the store that it finds.", guests, n)
	for range guests {
		if _, err := live.Hang(ctx, "a guest's"); err != nil {
			return err
		}
	}
	for _, way := range []struct {
		name, label string
		store       func(i int) Coats
		tone        unit.Tone
	}{
		{"global", "a global", func(int) Coats { return live }, unit.Bad},
		{"injected", "a store for each", func(i int) Coats { return &inRedis{r.Redis(), r.Key(fmt.Sprintf("test:%d", i))} }, unit.Good},
	} {
		failed := 0
		for i := range n {
			ok, err := passes(ctx, New(way.store(i)))
			if err != nil {
				return err
			}
			if !ok {
				failed++
			}
		}
		r.Metric(unit.Metric{Name: "failed_" + way.name, Label: "tests that fail, with " + way.label, Value: float64(failed), Tone: way.tone})
	}
	left, err := r.Redis().HLen(ctx, live.key).Result()
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "left", Label: fmt.Sprintf("guests' coats left of %d", guests), Value: float64(left - 1), Tone: unit.Bad}) // without the counter of numbers
	return nil
}

// passes is the test: the first coat of an empty cloakroom has number 1, and when the
// evening is over, nothing hangs there.
func passes(ctx context.Context, h http.Handler) (bool, error) {
	number, err := numberOf(ask(ctx, h, "POST", "/coats", `{"coat":"red"}`))
	if err != nil {
		return false, err
	}
	for n := 1; n <= number; n++ { // clean up
		ask(ctx, h, "DELETE", fmt.Sprintf("/coats/%d", n), "")
	}
	return number == 1, nil
}

// region: context

type clientKey struct{}

// withClient puts the store where every handler can reach it. Where this line is
// forgotten, nothing is there, and no compiler says so.
func withClient(coats Coats, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, coats)))
	})
}

func hangFromContext(w http.ResponseWriter, r *http.Request) {
	coats, ok := r.Context().Value(clientKey{}).(Coats)
	if !ok {
		http.Error(w, "no store in the context", http.StatusInternalServerError)
		return
	}
	New(coats).ServeHTTP(w, r)
}

// endregion

// forgetting mounts three routes, one of them without the middleware.
func forgetting(ctx context.Context, r *unit.Run) error {
	r.Step("A client in the context: three routes, and one was added in a hurry.")
	coats := &inRedis{r.Redis(), r.Key("context")}
	handler := http.HandlerFunc(hangFromContext)
	missing := 0
	for _, route := range []http.Handler{withClient(coats, handler), withClient(coats, handler), handler} {
		if w := ask(ctx, route, "POST", "/coats", `{"coat":"red"}`); w.Code == http.StatusInternalServerError {
			missing++
		}
	}
	r.Metric(unit.Metric{Name: "missing_context", Label: "routes that compile, start, and answer 500", Value: float64(missing), Tone: unit.Bad})
	return nil
}
