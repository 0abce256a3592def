package counter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// setting shows what SET can do beside setting.
func setting(ctx context.Context, r *unit.Run) error {
	r.Step("SET has switches: only if new, only if there, tell me the old value, with an end, keep the end.")
	key := r.Key("greeting")
	// region: set
	steps := [][]any{
		{"SET", key, "hello", "EX", 60},      // for 60 seconds
		{"SET", key, "hi", "NX"},             // only if the key is new: it is not
		{"SET", key, "hey", "XX", "KEEPTTL"}, // only if it is there; its end stays
		{"SET", key, "hoi", "GET"},           // and give me the old value
	}
	// endregion
	table := unit.Table{Title: "What SET answers, and what it does to the time to live", Columns: []string{"command", "reply", "value after", "seconds left"}}
	_, err := r.Trace(ctx, unit.Sample{Title: "four ways to SET", Note: "The last SET named no end, so the key lost the one it had: it now lives for ever."},
		func(ctx context.Context, c *redis.Client) error {
			for _, step := range steps {
				reply, err := c.Do(trace.WithRequest(ctx, fmt.Sprint(step[3:]...)), step...).Result()
				if errors.Is(err, redis.Nil) {
					reply = "(nil)"
				} else if err != nil {
					return err
				}
				// What the table shows beside the reply is read straight, not through the tap.
				value, err := r.Redis().Get(ctx, key).Result()
				if err != nil {
					return err
				}
				left, err := r.Redis().TTL(ctx, key).Result()
				if err != nil {
					return err
				}
				table.Rows = append(table.Rows, []string{r.Short(words(step)), fmt.Sprint(reply), value, secondsLeft(left)})
			}
			return nil
		})
	r.Table(table)
	return err
}

func words(step []any) string {
	line := fmt.Sprintln(step...)
	return line[:len(line)-1]
}

func secondsLeft(d time.Duration) string {
	if d < 0 {
		return "no end"
	}
	return fmt.Sprint(int(d.Seconds()))
}

// racing plays the lost update, and then every order of both ways.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("Two people like one photo, and their commands take turns: alice, bob, alice, bob.")
	for _, name := range []string{getSet.Name, incr.Name} {
		schedule := "A B A B"
		if name == incr.Name {
			schedule = "A B"
		}
		if _, err := r.Race(ctx, name, schedule); err != nil {
			return err
		}
	}
	r.Step("Now every order in which the commands of the two can reach Redis.")
	for _, way := range []struct{ scenario, metric string }{{getSet.Name, "get_set"}, {incr.Name, "incr"}} {
		report, err := r.Explore(ctx, way.scenario, race.Options{Faults: true})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "failing_" + way.metric, Label: "schedules that lose a like, " + way.scenario, Value: float64(report.Failing), Tone: toneOf(report.Failing), Minor: true})
		r.Metric(unit.Metric{Name: "schedules_" + way.metric, Label: "schedules played, " + way.scenario, Value: float64(report.Played), Minor: true})
	}
	return nil
}

// loading gives the same load to both ways.
func loading(ctx context.Context, r *unit.Run) error {
	clients, each := r.Int("clients"), r.Int("likes")
	expected := clients * each
	rdb := r.Client("load", func(o *redis.Options) { o.PoolSize = clients })
	chart := unit.Chart{
		Kind: unit.Bars, Title: "Likes counted",
		Mark: &unit.Mark{Label: "given", Value: float64(expected)},
	}
	speed := unit.Chart{Kind: unit.Bars, Title: "Likes a second", Unit: "likes/s", Timing: true, Series: []unit.Series{{Name: "likes a second"}}}
	for _, way := range []struct {
		label, metric string
		like          func(context.Context, redis.Cmdable, string) error
	}{{"GET, SET", "get_set", likeByGetSet}, {"INCR", "incr", likeByIncr}} {
		r.Step("%d clients give %s likes each with %s.", clients, unit.Figure(float64(each), ""), way.label)
		key := r.Key("likes:" + way.metric)
		took, err := r.Load(ctx, way.label, clients, each, func(ctx context.Context, _, _ int) error {
			return way.like(ctx, rdb, key)
		})
		if err != nil {
			return err
		}
		counted, err := rdb.Get(ctx, key).Int()
		if err != nil {
			return err
		}
		rate := float64(expected) / took.Seconds()
		r.Metric(unit.Metric{Name: "lost_" + way.metric, Label: "lost with " + way.label, Value: float64(expected - counted), Tone: toneOf(expected - counted)})
		r.Metric(unit.Metric{Name: "counted_" + way.metric, Label: "counted with " + way.label, Value: float64(counted), Minor: true})
		r.Metric(unit.Metric{Name: "rate_" + way.metric, Label: "with " + way.label, Value: rate, Unit: "likes/s", Timing: true, Minor: true})
		chart.Series = append(chart.Series, unit.Series{Name: way.label, Tone: toneOf(expected - counted), Points: []unit.Point{{Y: float64(counted)}}})
		speed.Series[0].Points = append(speed.Series[0].Points, unit.Point{Label: way.label, Y: rate})
	}
	r.Chart(chart)
	r.Chart(speed)
	return onTheWire(ctx, r)
}

// onTheWire counts the round trips of one like each way.
func onTheWire(ctx context.Context, r *unit.Run) error {
	for _, way := range []struct {
		title, metric string
		like          func(context.Context, redis.Cmdable, string) error
	}{{"one like with GET, SET", "get_set", likeByGetSet}, {"one like with INCR", "incr", likeByIncr}} {
		seen, err := r.Trace(ctx, unit.Sample{Title: way.title}, func(ctx context.Context, c *redis.Client) error {
			return way.like(trace.WithRequest(ctx, way.title), c, r.Key(photo))
		})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "trips_" + way.metric, Label: way.title, Value: float64(seen.RoundTrips), Unit: "round trips"})
	}
	return nil
}

// retrying loses one reply on the wire: the client sends the INCR again, for it
// cannot know that the first one was executed.
func retrying(ctx context.Context, r *unit.Run) error {
	r.Step("One like, and its reply is lost on the way back. The client sends it again by itself.")
	key := r.Key("likes:retried")
	var told int64
	_, err := r.Trace(ctx, unit.Sample{
		Title:  "one like, its reply lost",
		Note:   "The program called Incr once and got no error.",
		Faults: []tap.Fault{{Kind: tap.LoseReply, Command: "INCR", Times: 1}},
	}, func(ctx context.Context, c *redis.Client) (err error) {
		told, err = c.Incr(trace.WithRequest(ctx, "one call of Incr"), key).Result()
		return err
	})
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "after_retry", Label: "the counter after one like and one lost reply", Value: float64(told), Tone: unit.Bad})
	return nil
}

// bits shows that a string is bytes, and that bytes are bits and small numbers.
func bits(ctx context.Context, r *unit.Run) error {
	r.Step("A string is bytes. One bit a user answers who was here today.")
	today := r.Key("here:monday")
	users := []int64{1, 5, 7, 42, 99}
	for _, id := range users {
		if err := r.Redis().SetBit(ctx, today, id, 1).Err(); err != nil {
			return err
		}
	}
	here, err := r.Redis().BitCount(ctx, today, nil).Result()
	if err != nil {
		return err
	}
	size, err := r.Redis().StrLen(ctx, today).Result()
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "bitmap_users", Label: "users in the bitmap", Value: float64(here), Minor: true})
	r.Metric(unit.Metric{Name: "bitmap_bytes", Label: "bytes of the bitmap", Value: float64(size), Unit: "B", Minor: true})
	shown := []string{photo, "likes:get_set", "likes:incr", "here:monday"}
	if !r.Embedded() { // the embedded server has no BITFIELD
		if err := stars(ctx, r); err != nil {
			return err
		}
		shown = append(shown, "stars")
	}
	return r.Keys(ctx, "Strings, and what they hold", shown...)
}

// stars keeps five counters of one byte each in one string. The byte is full at
// 255 and stays there: OVERFLOW SAT is a ceiling of the type, not of your choice.
func stars(ctx context.Context, r *unit.Run) error {
	r.Step("Five counters of one byte each in one string: ratings from one star to five.")
	key := r.Key("stars")
	_, err := r.Trace(ctx, unit.Sample{Title: "BITFIELD: five counters in five bytes"}, func(ctx context.Context, c *redis.Client) error {
		for star, n := range []int{3, 0, 9, 120, 400} {
			// region: bitfield
			err := c.BitField(ctx, key, "OVERFLOW", "SAT", "INCRBY", "u8", fmt.Sprintf("#%d", star), n).Err()
			// endregion
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	get := []any{"GET", "u8", "#0", "GET", "u8", "#1", "GET", "u8", "#2", "GET", "u8", "#3", "GET", "u8", "#4"}
	counts, err := r.Redis().BitField(ctx, key, get...).Result()
	if err != nil {
		return err
	}
	chart := unit.Chart{Kind: unit.Bars, Title: "Ratings, out of one string of five bytes", Series: []unit.Series{{Name: "ratings"}}, Mark: &unit.Mark{Label: "a byte is full", Value: 255}}
	for i, n := range counts {
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: fmt.Sprintf("%d ★", i+1), Y: float64(n)})
	}
	r.Chart(chart)
	return nil
}

func toneOf(lost int) unit.Tone {
	if lost > 0 {
		return unit.Bad
	}
	return unit.Good
}
