package stampede

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// parts is how many pieces of the TTL the ends are counted in.
const parts = 10

// ending stores many pages at once, and counts how many of them end in the same tenth of
// their time.
func ending(ctx context.Context, r *unit.Run, rdb []*redis.Client) error {
	const ttl = time.Minute // nothing ends while it is looked at
	schools := r.Int("schools")
	r.Step("The pages of %s schools are stored together, for a minute. When do they end?", unit.Figure(float64(schools), ""))
	chart := unit.Chart{Kind: unit.Lines, Title: "Pages that end in the same tenth of their time", XLabel: "% of their time", YLabel: "pages", Unit: "pages"}
	for _, w := range ways {
		if w.name != "lease" && w.name != "jitter" && w.name != "kit" {
			continue
		}
		c, err := w.open(r, rdb[:1], "ending", schools, newOrigin(0, places), ttl)
		if err != nil {
			return err
		}
		if err := c.all[0].fill(ctx, c.keys); err != nil {
			return err
		}
		counts := make([]int, 2*parts) // half too early to half too late, and some room
		cmds, err := r.Redis().Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for _, key := range c.keys {
				if w.kit {
					key = fmt.Sprintf("%s:{%s}:v", r.Space("ending"), key)
				}
				pipe.PTTL(ctx, key)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, cmd := range cmds {
			left := cmd.(*redis.DurationCmd).Val()
			if w.kit {
				left -= oldest
			}
			at := int(parts * left / ttl)
			counts[min(max(at, 0), len(counts)-1)]++
		}
		line, most := unit.Series{Name: w.label}, 0
		for i, n := range counts {
			line.Points = append(line.Points, unit.Point{X: float64(100 * i / parts), Y: float64(n)})
			most = max(most, n)
		}
		chart.Series = append(chart.Series, line)
		r.Metric(unit.Metric{Name: "together_" + w.name, Label: "pages that end in the same tenth of their time, " + w.label, Value: float64(most), Unit: "pages"})
	}
	r.Chart(chart)
	return nil
}
