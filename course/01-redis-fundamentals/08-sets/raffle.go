package guestlist

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// region: draw

func drawDifferent(ctx context.Context, rdb redis.Cmdable, key string, n int64) ([]string, error) {
	return rdb.SRandMemberN(ctx, key, n).Result()
}

func drawAndPutBack(ctx context.Context, rdb redis.Cmdable, key string, n int64) ([]string, error) {
	return rdb.SRandMemberN(ctx, key, -n).Result()
}

func drawAndTakeOut(ctx context.Context, rdb redis.Cmdable, key string, n int64) ([]string, error) {
	return rdb.SPopN(ctx, key, n).Result()
}

// endregion

// raffle draws as many prizes as there are guests, three ways.
func raffle(ctx context.Context, r *unit.Run) error {
	n := r.Int("guests")
	r.Step("A raffle: %[1]s guests, %[1]s prizes, drawn three ways.", unit.Figure(float64(n), ""))
	guests := r.Key("raffle")
	if err := come(ctx, r, guests, 0, n); err != nil {
		return err
	}
	rdb := r.Redis()
	chart := unit.Chart{Kind: unit.Bars, Title: "Guests who won something", Series: []unit.Series{{Name: "guests"}}, Mark: &unit.Mark{Label: "guests", Value: float64(n)}}
	table := unit.Table{Title: "Who won what", Columns: []string{"command", "names drawn", "guests who won", "most prizes for one guest", "left in the set"}}
	for _, way := range []struct {
		metric, label string
		draw          func(ctx context.Context, rdb redis.Cmdable, key string, n int64) ([]string, error)
	}{
		{"positive", fmt.Sprintf("SRANDMEMBER raffle %d", n), drawDifferent},
		{"negative", fmt.Sprintf("SRANDMEMBER raffle %d", -n), drawAndPutBack},
		{"spop", fmt.Sprintf("SPOP raffle %d", n), drawAndTakeOut},
	} {
		names, err := way.draw(ctx, rdb, guests, int64(n))
		if err != nil {
			return err
		}
		left, err := rdb.SCard(ctx, guests).Result()
		if err != nil {
			return err
		}
		won, most := map[string]int{}, 0
		for _, name := range names {
			won[name]++
			most = max(most, won[name])
		}
		if way.metric == "negative" {
			r.Metric(unit.Metric{Name: "luckiest", Label: "most prizes for one guest, count below zero", Value: float64(most), Minor: true})
		}
		r.Metric(unit.Metric{Name: "win_" + way.metric, Label: "guests who won, " + way.label, Value: float64(len(won)), Minor: way.metric == "spop"})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: way.label, Y: float64(len(won))})
		table.Rows = append(table.Rows, []string{way.label, fmt.Sprint(len(names)), fmt.Sprint(len(won)), fmt.Sprint(most), fmt.Sprint(left)})
	}
	r.Table(table)
	r.Chart(chart)
	return rdb.SAdd(ctx, r.Key("raffle:small"), "ada", "bela", "cleo").Err()
}
