package unit_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/unit"
)

func TestParam_Parse(t *testing.T) {
	t.Parallel()
	number := unit.Param{Name: "clients", Kind: unit.IntParam, Min: "1", Max: "200", Default: "50"}
	latency := unit.Param{Name: "latency", Kind: unit.DurationParam, Min: "0s", Max: "5ms", Default: "1ms"}
	policy := unit.Param{Name: "policy", Kind: unit.EnumParam, Choices: []string{"lru", "lfu"}, Default: "lru"}
	kept := unit.Param{Name: "kept", Kind: unit.BoolParam, Default: "true"}
	for _, tt := range []struct {
		param       unit.Param
		value, want string // want "" is an error
	}{
		{number, "1", "1"}, {number, "200", "200"}, {number, "1_0", "10"},
		{number, "0", ""}, {number, "201", ""}, {number, "many", ""}, {number, "", ""}, {number, "1.5", ""},
		{latency, "0s", "0s"}, {latency, "1500us", "1.5ms"}, {latency, "6ms", ""}, {latency, "-1ms", ""}, {latency, "5", ""},
		{policy, "lfu", "lfu"}, {policy, "random", ""},
		{kept, "1", "true"}, {kept, "false", "false"}, {kept, "perhaps", ""},
	} {
		got, err := tt.param.Parse(tt.value)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s=%q: got %q, %v; want %q", tt.param.Name, tt.value, got, err, tt.want)
		}
		var wrong *unit.ParamError
		if err != nil && (!errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.param.Name)) {
			t.Errorf("%s=%q: the error %q names no parameter", tt.param.Name, tt.value, err)
		}
	}
}

func TestFigure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value      float64
		unit, want string
	}{
		{0, "", "0"}, {1000, "", "1,000"}, {31877, "", "31,877"}, {1234567, "ops/s", "1,234,567 ops/s"},
		{-1500, "", "−1,500"}, {0.5, "ms", "0.50 ms"}, {12.34, "ms", "12.3 ms"}, {123.4, "µs", "123 µs"}, {99.95, "%", "100.0 %"}, {0.0031, "ms", "0.0031 ms"}, {math.NaN(), "", "–"}, {1, "round trips", "1 round trip"}, {2, "round trips", "2 round trips"},
		{1, "entries", "1 entry"}, {1, "likes/s", "1 likes/s"}, {1, "ms", "1 ms"},
	} {
		if got := unit.Figure(tt.value, tt.unit); got != tt.want {
			t.Errorf("Figure(%v, %q): got %q, want %q", tt.value, tt.unit, got, tt.want)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		300 * time.Millisecond: "300 ms", 1500 * time.Millisecond: "1.5 s", 10 * time.Minute: "10 m", time.Hour: "1 h",
		90 * time.Second: "1 m 30 s", 250 * time.Microsecond: "250 µs", 0: "0 s",
	} {
		if got := unit.Span(d); got != want {
			t.Errorf("Span(%d): got %q, want %q", d, got, want)
		}
	}
}

func TestNumeric(t *testing.T) {
	t.Parallel()
	for want, columns := range map[bool][][]string{
		true:  {{"1,000", "12"}, {"24.1 ms", "480 ms"}, {"98.0 %", "–"}, {"−3", ""}},
		false: {{"ada", "bela"}, {"3 of 5"}, {"no end", "gone", "100"}, {"", "–"}, {"1-0 dish:soup"}},
	} {
		for _, cells := range columns {
			rows := make([][]string, len(cells))
			for i, cell := range cells {
				rows[i] = []string{cell}
			}
			if got := unit.Numeric(rows, 0); got != want { // the first column
				t.Errorf("Numeric(%q): got %v, want %v", cells, got, want)
			}
		}
	}
	mixed := [][]string{{"none", "712", "no end"}, {"64 bytes", "840", "100"}, {"65 bytes", "1,935", "100"}, {"taken away", "–", "gone"}}
	for column, want := range []bool{false, true, true} {
		if got := unit.Numeric(mixed, column); got != want {
			t.Errorf("column %d: got %v, want %v", column, got, want)
		}
	}
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	line, err := unit.Marshal(unit.Result{OK: true, Metrics: unit.Metrics{"lost": 3}, Millis: 12})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(line), `{"type":"result","ok":true,"metrics":{"lost":3},"millis":12}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, e := range []unit.Event{unit.Start{}, unit.Step{}, unit.Metric{}, unit.Table{}, unit.Chart{}, unit.Keys{}, unit.Film{}, unit.Progress{}, unit.Predict{}, unit.Trace{}, unit.Race{}, unit.Checked{}, unit.Result{}} {
		line, err := unit.Marshal(e)
		var back struct{ Type string }
		if err != nil || json.Unmarshal(line, &back) != nil || back.Type != e.Type() {
			t.Errorf("%T: got %s, %v", e, line, err)
		}
	}
}

func openRedis(t *testing.T, o localredis.Options) *localredis.Redis {
	t.Helper()
	r, err := localredis.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// execute runs a unit and returns its events and its result.
func execute(t *testing.T, ctx context.Context, r *localredis.Redis, u *unit.Unit) ([]unit.Event, unit.Result) {
	t.Helper()
	var events []unit.Event
	result, err := unit.Execute(ctx, u, unit.ExecOptions{Redis: r, Emit: func(e unit.Event) { events = append(events, e) }})
	if err != nil {
		t.Fatal(err)
	}
	return events, result
}

func TestExecute(t *testing.T) {
	r := openRedis(t, localredis.Options{})
	rdb := redis.NewClient(r.Options())
	defer rdb.Close()

	t.Run("claims_decide", func(t *testing.T) {
		for value, want := range map[float64]bool{2: true, 1: false} {
			u := &unit.Unit{ID: "9.99", Claims: []unit.Claim{
				{Metric: "got", Op: ">=", Bound: 2},
				{Metric: "got", Op: "==", Bound: 0.5, Other: "twice"},
			}, Run: func(_ context.Context, run *unit.Run) error {
				run.Metric(unit.Metric{Name: "got", Value: value, Unit: "ms"})
				run.Metric(unit.Metric{Name: "twice", Value: 2 * value})
				return nil
			}}
			events, result := execute(t, t.Context(), r, u)
			if result.OK != want {
				t.Errorf("got=%v: ok is %v, want %v", value, result.OK, want)
			}
			for _, e := range events {
				if c, ok := e.(unit.Checked); ok && c.Unit != "ms" {
					t.Errorf("%s is told in the unit %q, want that of its metric", c.Metric, c.Unit)
				}
			}
		}
	})
	t.Run("a_metric_that_was_not_measured_does_not_hold", func(t *testing.T) {
		u := &unit.Unit{ID: "9.99", Claims: []unit.Claim{{Metric: "absent", Op: "==", Bound: 0, Timing: true}}, Run: func(context.Context, *unit.Run) error { return nil }}
		if _, result := execute(t, t.Context(), r, u); result.OK {
			t.Error("ok is true, want false")
		}
	})
	t.Run("what_this_machine_lacks_is_skipped", func(t *testing.T) {
		u := &unit.Unit{ID: "9.99", Claims: []unit.Claim{{Metric: "outage", Op: ">", Bound: 1, Need: unit.NeedSentinel}}, Run: func(_ context.Context, run *unit.Run) error {
			if run.Has(unit.NeedSentinel) || !run.Has(unit.NeedRedis) {
				t.Error("got a Sentinel or no Redis, want a Redis and no Sentinel")
			}
			return nil
		}}
		events, result := execute(t, t.Context(), r, u)
		if !result.OK {
			t.Error("ok is false, want true: nobody can answer the claim here")
		}
		if c, ok := events[len(events)-2].(unit.Checked); !ok || !c.Skipped || c.OK {
			t.Errorf("got %+v, want a claim that was skipped", events[len(events)-2])
		}
	})
	t.Run("a_PostgreSQL_ends_with_the_run", func(t *testing.T) {
		var socket string
		u := &unit.Unit{ID: "9.99", Needs: []unit.Need{unit.NeedPostgres}, Run: func(ctx context.Context, run *unit.Run) error {
			if how := run.How(unit.NeedPostgres); how != "" {
				t.Errorf("How says %q, want nothing: it is there", how)
			}
			address, err := run.Postgres(ctx)
			if err != nil {
				return err
			}
			parsed, err := url.Parse(address)
			if err != nil {
				return err
			}
			socket = parsed.Query().Get("host")
			_, err = os.Stat(socket)
			return err
		}}
		if _, result := execute(t, t.Context(), r, u); result.Error != "" {
			t.Fatalf("the run ended early: %s", result.Error)
		}
		if _, err := os.Stat(socket); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the folder of the server: %v, want that it is gone", err)
		}
	})
	t.Run("keys_are_removed", func(t *testing.T) {
		var key string
		u := &unit.Unit{ID: "9.99", Run: func(ctx context.Context, run *unit.Run) error {
			key = run.Key("likes")
			if again := run.Key("likes"); again != key {
				t.Errorf("the same name gave %s and %s", key, again)
			}
			return run.Redis().Set(ctx, key, 1, 0).Err()
		}}
		if _, result := execute(t, t.Context(), r, u); result.Error != "" {
			t.Fatal(result.Error)
		}
		if n := rdb.Exists(t.Context(), key).Val(); n != 0 {
			t.Errorf("%s is still there", key)
		}
	})
	t.Run("an_error_stands_in_the_result", func(t *testing.T) {
		u := &unit.Unit{ID: "9.99", Run: func(context.Context, *unit.Run) error { return errors.New("the shop is closed") }}
		events, result := execute(t, t.Context(), r, u)
		if result.OK || result.Error != "the shop is closed" {
			t.Errorf("got %+v", result)
		}
		if last, ok := events[len(events)-1].(unit.Result); !ok || last.OK {
			t.Errorf("the last event is %+v, want the result", events[len(events)-1])
		}
	})
	t.Run("stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var key string
		u := &unit.Unit{ID: "9.99", Run: func(ctx context.Context, run *unit.Run) error {
			key = run.Key("likes")
			err := run.Redis().Set(ctx, key, 1, 0).Err()
			cancel()
			<-ctx.Done()
			return errors.Join(err, ctx.Err())
		}}
		if _, result := execute(t, ctx, r, u); result.Error != "the run was stopped" {
			t.Errorf("got %q", result.Error)
		}
		if n := rdb.Exists(t.Context(), key).Val(); n != 0 {
			t.Errorf("%s is still there after the run was stopped", key)
		}
	})
	t.Run("parameters", func(t *testing.T) {
		u := &unit.Unit{ID: "9.99", Params: []unit.Param{{Name: "clients", Kind: unit.IntParam, Min: "1", Max: "9", Default: "3"}}, Run: func(_ context.Context, run *unit.Run) error {
			run.Metric(unit.Metric{Name: "clients", Value: float64(run.Int("clients"))})
			return nil
		}}
		for set, want := range map[string]string{"clients=10": "from 1 to 9", "speed=1": "clients"} {
			name, value, _ := strings.Cut(set, "=")
			_, err := unit.Execute(t.Context(), u, unit.ExecOptions{Redis: r, Set: map[string]string{name: value}, Emit: func(unit.Event) {}})
			var wrong *unit.ParamError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want a ParamError with %q", set, err, want)
			}
		}
	})
	t.Run("load_counts_every_call", func(t *testing.T) {
		u := &unit.Unit{ID: "9.99", Run: func(ctx context.Context, run *unit.Run) error {
			key := run.Key("n")
			took, err := run.Load(ctx, "incr", 8, 50, func(ctx context.Context, _, _ int) error { return run.Redis().Incr(ctx, key).Err() })
			if err != nil || took <= 0 {
				t.Errorf("got %v, %v", took, err)
			}
			if n, _ := run.Redis().Get(ctx, key).Int(); n != 400 {
				t.Errorf("got %d calls, want 400", n)
			}
			boom := errors.New("boom")
			if _, err := run.Load(ctx, "fails", 4, 1000, func(_ context.Context, c, i int) error {
				if c == 2 && i == 3 {
					return boom
				}
				return nil
			}); !errors.Is(err, boom) {
				t.Errorf("got %v, want boom", err)
			}
			return nil
		}}
		if _, result := execute(t, t.Context(), r, u); result.Error != "" {
			t.Fatal(result.Error)
		}
	})
}

func TestExecute_embedded(t *testing.T) {
	r := openRedis(t, localredis.Options{Embedded: true})
	u := &unit.Unit{
		ID:     "9.99",
		Claims: []unit.Claim{{Metric: "count", Op: "==", Bound: 1}, {Metric: "rate", Op: ">", Bound: 1, Timing: true}, {Metric: "memory", Op: ">", Bound: 1, Need: unit.NeedRedis}},
		Run: func(_ context.Context, run *unit.Run) error {
			run.Metric(unit.Metric{Name: "count", Value: 1})
			run.Metric(unit.Metric{Name: "rate", Value: 5, Timing: true})
			run.Chart(unit.Chart{Timing: true})
			return nil
		},
	}
	events, result := execute(t, t.Context(), r, u)
	if !result.OK {
		t.Errorf("got %+v, want ok: a claim over time or memory is not this server's to answer", result)
	}
	if _, there := result.Metrics["rate"]; there {
		t.Error("the embedded server reported a rate")
	}
	for _, e := range events {
		if _, isChart := e.(unit.Chart); isChart {
			t.Error("the embedded server drew a chart of timings")
		}
	}
	u.Needs = []unit.Need{unit.NeedRedis}
	_, err := unit.Execute(t.Context(), u, unit.ExecOptions{Redis: r, Emit: func(unit.Event) {}})
	var needs *unit.NeedsError
	if !errors.As(err, &needs) || !strings.Contains(err.Error(), "grind setup") {
		t.Errorf("got %v, want a NeedsError that names grind setup", err)
	}
}

func TestCourse_Find(t *testing.T) {
	t.Parallel()
	c := &unit.Course{Phases: []unit.Phase{{Number: 1, Units: []unit.Entry{
		{Dir: "01-redis-fundamentals/01-strings", Unit: &unit.Unit{ID: "1.01"}},
		{Dir: "01-redis-fundamentals/10-streams", Unit: &unit.Unit{ID: "1.10"}},
	}}}}
	for id, want := range map[string]string{"1.01": "1.01", "1.1": "1.01", "strings": "1.01", "1.01-strings": "1.01", " Streams ": "1.10", "1.10": "1.10"} {
		if e, err := c.Find(id); err != nil || e.Unit.ID != want {
			t.Errorf("Find(%q): got %v, %v; want %s", id, e, err, want)
		}
	}
	for _, id := range []string{"", "9.99", "string"} {
		_, err := c.Find(id)
		if _, ok := errors.AsType[*unit.NotFoundError](err); !ok {
			t.Errorf("Find(%q): got %v, want a NotFoundError", id, err)
		}
		if id == "string" && !strings.Contains(err.Error(), "1.01") {
			t.Errorf("Find(%q): %q does not say what looks alike", id, err)
		}
	}
}

func TestRun_Progress(t *testing.T) {
	r := openRedis(t, localredis.Options{})
	u := &unit.Unit{ID: "9.99", Run: func(ctx context.Context, run *unit.Run) error {
		_, err := run.Load(ctx, "slow", 1, 3, func(ctx context.Context, _, _ int) error {
			select {
			case <-time.After(150 * time.Millisecond): // longer than a tick of the bar, all in all
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		return err
	}}
	events, _ := execute(t, t.Context(), r, u)
	var seen []unit.Progress
	for _, e := range events {
		if p, ok := e.(unit.Progress); ok {
			seen = append(seen, p)
		}
	}
	if len(seen) < 2 || seen[len(seen)-1].Done != 3 || seen[len(seen)-1].Total != 3 {
		t.Errorf("got %+v, want some progress that ends at 3 of 3", seen)
	}
}

// One long command is told of too.
func TestRun_Waiting(t *testing.T) {
	r := openRedis(t, localredis.Options{})
	u := &unit.Unit{ID: "9.99", Run: func(ctx context.Context, run *unit.Run) error {
		return run.Waiting("a long one", func() error {
			return run.Redis().BLPop(ctx, time.Second, run.Key("empty")).Err()
		})
	}}
	events, result := execute(t, t.Context(), r, u)
	if !strings.Contains(result.Error, "nil") {
		t.Errorf("got %q, want what the command answered", result.Error)
	}
	told := 0
	for _, e := range events {
		if p, ok := e.(unit.Progress); ok && p.Label == "a long one, seconds" {
			told++
		}
	}
	if told < 2 {
		t.Errorf("was told %d times of a second's wait, want twice at least", told)
	}
}

// A film shows keys as they were when each frame was taken, by their short names.
func TestRun_Film(t *testing.T) {
	r := openRedis(t, localredis.Options{})
	u := &unit.Unit{ID: "9.99", Run: func(ctx context.Context, run *unit.Run) error {
		run.Film(unit.Film{Title: "nothing was filmed"})
		film := unit.Film{Title: "a hold"}
		for _, ttl := range []time.Duration{time.Minute, time.Hour} {
			if err := run.Redis().Set(ctx, run.Key("hold"), ttl.String(), ttl).Err(); err != nil {
				return err
			}
			frame, err := run.Frame(ctx, "SET", "hold", "gone")
			if err != nil {
				return err
			}
			film.Frames = append(film.Frames, frame)
		}
		run.Film(film)
		return nil
	}}
	events, result := execute(t, t.Context(), r, u)
	if !result.OK {
		t.Fatal(result.Error)
	}
	var films []unit.Film
	for _, e := range events {
		if f, ok := e.(unit.Film); ok {
			films = append(films, f)
		}
	}
	if len(films) != 1 || len(films[0].Frames) != 2 {
		t.Fatalf("got %+v, want one film of two frames", films)
	}
	for i, want := range []string{"1m0s", "1h0m0s"} {
		keys := films[0].Frames[i].Keys
		if keys[0].Name != "hold" || keys[0].Items[0].Value != want || keys[1].Type != "none" {
			t.Errorf("frame %d: got %+v, want hold with %s, and gone not there", i, keys, want)
		}
	}
	longest := films[0].Longest()
	if got := longest["hold"]; got < 3_590_000 || got > 3_600_000 {
		t.Errorf("the longest life of hold is %d ms, want an hour", got)
	}
	if got := longest["gone"]; got > 0 {
		t.Errorf("the longest life of a key that never was is %d ms", got)
	}
}
