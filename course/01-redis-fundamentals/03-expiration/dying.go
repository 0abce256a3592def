package expiry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// dying fills three servers, lets a part of their keys come to their end, and
// watches how long Redis takes to notice.
func dying(ctx context.Context, r *unit.Run) error {
	keys, long := r.Int("keys"), r.Duration("watch")
	percents := []int{5, r.Int("middle"), 60}
	r.Step("Three servers of %s keys each. Of these %d %%, %d %% and %d %% come to their end at one moment. Nobody reads them for %v.",
		unit.Figure(float64(keys), ""), percents[0], percents[1], percents[2], long)
	crowds := make([]*crowd, len(percents))
	for i, percent := range percents {
		c, err := newCrowd(ctx, r, keys, percent)
		if err != nil {
			return err
		}
		defer c.rdb.Close()
		crowds[i] = c
	}
	few := crowds[0]
	few.tell = r.Progress
	ears, err := listen(ctx, few.rdb)
	if err != nil {
		return err
	}
	defer ears.close()
	err = each(crowds, func(c *crowd) error {
		if err := c.fill(ctx); err != nil {
			return err
		}
		return c.watch(ctx, long)
	})
	if err != nil {
		return err
	}
	left(r, crowds)
	if err := telling(ctx, r, few, ears); err != nil {
		return err
	}
	return spreading(ctx, r, few.rdb)
}

// left shows what was left in each crowd.
func left(r *unit.Run, crowds []*crowd) {
	chart := unit.Chart{
		Kind: unit.Lines, Title: "Dead keys among those in memory", XLabel: "s", YLabel: "dead", Unit: "%",
		Mark: &unit.Mark{Label: "what redis.conf names", Value: 10},
	}
	table := unit.Table{Title: "What Redis noticed by itself", Columns: []string{"keys", "came to their end", "still in memory", "of these"}}
	for i, name := range []string{"few", "middle", "many"} {
		c := crowds[i]
		holds, still := float64(c.holds), float64(c.left)
		chart.Series = append(chart.Series, unit.Series{Name: c.label, Points: c.share})
		r.Metric(unit.Metric{Name: "dead_" + name, Label: "keys ended, " + c.label, Value: holds, Minor: true})
		r.Metric(unit.Metric{Name: "left_" + name, Label: fmt.Sprintf("of %s still in memory, %s", unit.Figure(holds, ""), c.label), Value: still})
		table.Rows = append(table.Rows, []string{c.label, unit.Figure(holds, ""), unit.Figure(still, ""), fmt.Sprintf("%.1f %%", 100*still/holds)})
	}
	r.Chart(chart)
	r.Table(table)
}

// telling counts the events of the first crowd: until now, while people ask for
// their seats, while nobody listens, and after that.
func telling(ctx context.Context, r *unit.Run, c *crowd, ears *listener) error {
	watching, err := ears.count(ctx)
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "told_watching", Label: fmt.Sprintf("of %s ends were told by an event", unit.Figure(float64(c.holds), "")), Value: float64(watching), Tone: unit.Bad})
	if err := selling(ctx, r, c); err != nil {
		return err
	}
	told, err := ears.count(ctx)
	if err != nil {
		return err
	}
	ears.close()
	r.Step("The listener restarts. Meanwhile somebody asks for most of the dead keys, and then, with the listener back, for the rest.")
	asked, most := 2*c.people(), c.holds*3/4
	if err := c.read(ctx, asked, most); err != nil {
		return err
	}
	again, err := listen(ctx, c.rdb)
	if err != nil {
		return err
	}
	defer again.close()
	if err := c.read(ctx, most, c.holds); err != nil {
		return err
	}
	more, err := again.count(ctx)
	if err != nil {
		return err
	}
	dead, err := c.dead(ctx)
	if err != nil {
		return err
	}
	told += more
	never := float64(c.holds - told)
	r.Metric(unit.Metric{Name: "left_after_reading", Label: "dead keys in memory, once all were asked for", Value: float64(dead), Minor: true})
	r.Metric(unit.Metric{Name: "told_nobody", Label: "ends that nobody will ever be told of", Value: never, Tone: unit.Bad})
	r.Chart(unit.Chart{
		Kind: unit.Bars, Title: fmt.Sprintf("%s holds ended. When was the listener told?", unit.Figure(float64(c.holds), "")),
		Series: []unit.Series{{Name: "holds", Points: []unit.Point{
			{Label: "while nobody asked", Y: float64(watching)},
			{Label: "when somebody asked for the key", Y: float64(told - watching)},
			{Label: "never", Y: never},
		}}},
	})
	return nil
}

// people is how many ask for a seat.
func (c *crowd) people() int { return c.holds / 10 }

// selling gives seats whose holds are dead, nearly all of them still in memory, to
// who asks first. It looks at as many others.
func selling(ctx context.Context, r *unit.Run, c *crowd) error {
	people := c.people()
	r.Step("%d people want a seat whose hold is over. They wait for no event: they ask for the seat.", people)
	taken, readable := 0, 0
	for i := range people {
		// region: take
		mine, err := c.rdb.SetNX(ctx, hold(i), "me", 10*time.Minute).Result()
		// endregion
		if err != nil {
			return err
		}
		if mine {
			taken++
			c.living++
		}
		switch err := c.rdb.Get(ctx, hold(people+i)).Err(); {
		case err == nil:
			readable++
		case !errors.Is(err, redis.Nil):
			return err
		}
	}
	r.Metric(unit.Metric{Name: "tried", Label: "people asked for a seat", Value: float64(people), Minor: true})
	r.Metric(unit.Metric{Name: "taken", Label: fmt.Sprintf("of %d who asked got the seat", people), Value: float64(taken), Tone: unit.Good})
	r.Metric(unit.Metric{Name: "readable", Label: "dead holds could be read", Value: float64(readable), Minor: true})
	return nil
}
