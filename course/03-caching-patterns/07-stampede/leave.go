package stampede

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis-grind/grind/internal/unit"
	"golang.org/x/sync/singleflight"
)

// joined is how many pupils wait for one load.
const joined = 50

// region: attached

// attached joins the load that is under way, if there is one. The load has the context
// of whoever came first.
func attached(ctx context.Context, flights *singleflight.Group, load func(context.Context) error) error {
	_, err, _ := flights.Do("results", func() (any, error) { return nil, load(ctx) })
	return err
}

// endregion

// region: detached

// detached gives the load a context of its own. Each caller's context ends its own
// waiting.
func detached(ctx context.Context, flights *singleflight.Group, load func(context.Context) error) error {
	done := flights.DoChan("results", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseLife)
		defer cancel()
		return nil, load(ctx)
	})
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// endregion

// leaving has the pupil leave who came first, and counts who is told of an error.
func leaving(ctx context.Context, r *unit.Run) error {
	r.Step("%d pupils wait for one load. The one who came first closes the page.", joined)
	k, err := newKit(r.Redis(), r.Space("leave"), newOrigin(0, places), time.Minute)
	if err != nil {
		return err
	}
	chart := unit.Chart{Kind: unit.Bars, Title: "The first of 50 leaves: pupils who get an error", Unit: "pupils", Series: []unit.Series{{Name: "pupils"}}}
	for _, w := range []struct {
		name, label string
		tone        unit.Tone
		join        func(ctx context.Context, flights *singleflight.Group, load func(context.Context) error) error
	}{
		{"attached", "single flight, the first one's context", unit.Bad, attached},
		{"detached", "single flight, a context of its own", unit.Good, detached},
		{"kit", "kit/cache", unit.Good, func(ctx context.Context, _ *singleflight.Group, load func(context.Context) error) error {
			_, err := k.pages.Fetch(ctx, "results", func(ctx context.Context, _ string) (string, error) { return "", load(ctx) })
			return err
		}},
	} {
		n := leave(ctx, w.join)
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: w.label, Y: float64(n)})
		r.Metric(unit.Metric{Name: "failed_" + w.name, Label: "told of an error, " + w.label, Value: float64(n), Tone: w.tone})
	}
	r.Chart(chart)
	return nil
}

// leave returns how many of those who wait for one load get an error.
func leave(ctx context.Context, join func(ctx context.Context, flights *singleflight.Group, load func(context.Context) error) error) int {
	var (
		flights singleflight.Group
		failed  atomic.Int64
		all     sync.WaitGroup
		once    sync.Once
		begun   = make(chan struct{})
		end     = make(chan struct{})
	)
	load := func(ctx context.Context) error {
		once.Do(func() { close(begun) })
		select {
		case <-end:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	first, closes := context.WithCancel(ctx)
	defer closes()
	for i := range joined {
		mine := ctx
		if i == 0 {
			mine = first
		}
		all.Go(func() {
			if join(mine, &flights, load) != nil {
				failed.Add(1)
			}
		})
		if i == 0 {
			<-begun
		}
	}
	time.Sleep(100 * time.Millisecond) // the others join; who comes later loads anew
	closes()
	time.Sleep(10 * time.Millisecond)
	close(end)
	all.Wait()
	return int(failed.Load())
}
