package queue

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// Newest is how many events a feed keeps.
const Newest = 100

// region: add

// add puts an event in front of a feed, and drops what is older than the newest
// hundred. Both commands travel together.
func add(ctx context.Context, rdb redis.Cmdable, feed, event string) error {
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.LPush(ctx, feed, event)
		p.LTrim(ctx, feed, 0, Newest-1)
		return nil
	})
	return err
}

// endregion

// feeds lets one feed grow, and trims the other.
func feeds(ctx context.Context, r *unit.Run) error {
	events := r.Int("events")
	r.Step("Another use of a list: what happened lately. %s events go into a feed that is trimmed, and into one that is not.", figure(events))
	seen, err := r.Trace(ctx, unit.Sample{Title: "one event into a feed"}, func(ctx context.Context, c *redis.Client) error {
		return add(trace.WithRequest(ctx, "one event"), c, r.Key("feed:trimmed"), "anna liked photo 42")
	})
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "trips_feed", Label: "one event into a trimmed feed", Value: float64(seen.RoundTrips), Unit: "round trips", Minor: true})
	all, trimmed, err := grow(ctx, r, events)
	if err != nil {
		return err
	}
	for _, feed := range []struct {
		name, label string
		growth      []unit.Point
		tone        unit.Tone
	}{{"all", "without LTRIM", all, unit.Bad}, {"trimmed", "with LTRIM", trimmed, unit.Good}} {
		kept, err := r.Redis().LLen(ctx, r.Key("feed:"+feed.name)).Result()
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "kept_" + feed.name, Label: "events kept " + feed.label, Value: float64(kept), Minor: true})
		r.Metric(unit.Metric{Name: "bytes_" + feed.name, Label: "one feed " + feed.label, Value: feed.growth[len(feed.growth)-1].Y, Unit: "B", Tone: feed.tone})
	}
	r.Chart(unit.Chart{
		Kind: unit.Lines, Title: "Memory of one person's feed", XLabel: "events", YLabel: "memory", Unit: "B",
		Series: []unit.Series{{Name: "without LTRIM", Tone: unit.Bad, Points: all}, {Name: "with LTRIM", Tone: unit.Good, Points: trimmed}},
	})
	return nil
}

// grow adds the events in batches, and looks at the memory after each.
func grow(ctx context.Context, r *unit.Run, events int) (all, trimmed []unit.Point, err error) {
	const looks = 20
	names := []string{r.Key("feed:all"), r.Key("feed:trimmed")}
	for look := range looks {
		_, err := r.Redis().Pipelined(ctx, func(p redis.Pipeliner) error {
			for n := look * events / looks; n < (look+1)*events/looks; n++ {
				event := fmt.Sprintf("user %d liked photo %d", n%977, n)
				p.LPush(ctx, names[0], event)
				p.LPush(ctx, names[1], event)
				p.LTrim(ctx, names[1], 0, Newest-1)
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		for i, points := range []*[]unit.Point{&all, &trimmed} {
			bytes, err := r.Redis().MemoryUsage(ctx, names[i]).Result()
			if err != nil {
				return nil, nil, err
			}
			*points = append(*points, unit.Point{X: float64((look + 1) * events / looks), Y: float64(bytes)})
		}
		r.Progress("events", (look+1)*events/looks, events)
	}
	return all, trimmed, nil
}
