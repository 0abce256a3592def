package keyspace

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// region: keys

// findByKeys asks for all names at once.
func findByKeys(ctx context.Context, rdb redis.Cmdable, pattern string) ([]string, error) {
	return rdb.Keys(ctx, pattern).Result()
}

// endregion

// region: scan

// findByScan asks for a few at a time. The cursor says where to go on; 0 is the end.
func findByScan(ctx context.Context, rdb redis.Cmdable, pattern string, count int64, found func(names []string)) error {
	for cursor := uint64(0); ; {
		names, next, err := rdb.Scan(ctx, cursor, pattern, count).Result()
		if err != nil {
			return err
		}
		found(names)
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// endregion

// wait is one visit to the shop.
type wait struct{ at, took time.Duration }

// visits sends a guest each millisecond while f runs. A guest who could not even
// be sent, because the one before still waits, has been waiting too: his time
// begins when he was due. Otherwise a second of standstill would count as one slow
// visit instead of a thousand.
func (s *shop) visits(ctx context.Context, f func() error) ([]wait, error) {
	const every = time.Millisecond
	var (
		all      []wait
		visitErr error
		wg       sync.WaitGroup
		over     = make(chan time.Duration, 1)
		start    = time.Now()
	)
	wg.Go(func() {
		end := time.Duration(1<<63 - 1)
		for due := time.Duration(0); due < end; due += every {
			time.Sleep(time.Until(start.Add(due)))
			if visitErr = s.guest.Get(ctx, "page:7").Err(); visitErr != nil {
				return
			}
			all = append(all, wait{due, time.Since(start) - due})
			select {
			case end = <-over:
			default:
			}
		}
	})
	err := f()
	over <- time.Since(start)
	wg.Wait()
	if err == nil {
		err = visitErr
	}
	return all, err
}

// p99 is what 99 of 100 visits stay below, in ms.
func p99(all []wait) float64 {
	if len(all) == 0 {
		return 0
	}
	took := make([]time.Duration, len(all))
	for i, w := range all {
		took[i] = w.took
	}
	slices.Sort(took)
	return millis(took[min(len(took)-1, len(took)*99/100)])
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// waiting finds all pages, by KEYS and by SCAN, while guests come in.
func waiting(ctx context.Context, r *unit.Run, s *shop) error {
	lines := unit.Chart{Kind: unit.Lines, Title: "How long a guest waits, by the moment at which he came", XLabel: "ms", YLabel: "ms", Unit: "ms", Timing: true}
	bars := unit.Chart{Kind: unit.Bars, Title: "99 of 100 guests wait less than this", Unit: "ms", Timing: true, Series: []unit.Series{{Name: "p99"}}}
	for _, way := range []struct {
		label, metric string
		tone          unit.Tone
		find          func() error
	}{
		{"KEYS", "keys", unit.Bad, func() error { _, err := findByKeys(ctx, s.rdb, "page:*"); return err }},
		{"SCAN", "scan", unit.Good, func() error {
			return findByScan(ctx, s.rdb, "page:*", int64(r.Int("count")), func([]string) {})
		}},
	} {
		r.Step("%s looks for page:*, while a guest comes in each millisecond. More than once; the calmest time counts.", way.label)
		var calm round
		err := r.Waiting("looking, by "+way.label, func() (err error) {
			calm, err = s.calmest(ctx, way.metric, way.find)
			return err
		})
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "p99_" + way.metric, Label: "p99 of a guest's wait under " + way.label, Value: p99(calm.visits), Unit: "ms", Tone: way.tone, Timing: true})
		r.Metric(unit.Metric{Name: "held_" + way.metric, Label: "one " + way.label + " holds the server", Value: calm.held, Unit: "ms", Tone: way.tone, Timing: true})
		r.Metric(unit.Metric{Name: "all_" + way.metric, Label: "until all names are there, " + way.label, Value: millis(calm.took), Unit: "ms", Timing: true, Minor: true})
		bars.Series[0].Points = append(bars.Series[0].Points, unit.Point{Label: way.label, Y: p99(calm.visits)})
		lines.Series = append(lines.Series, unit.Series{Name: "under " + way.label, Tone: way.tone, Points: points(calm.visits)})
	}
	r.Chart(lines)
	r.Chart(bars)
	return nil
}

// round is one search with guests.
type round struct {
	visits []wait
	held   float64       // by one command, in ms
	took   time.Duration // all in all
}

// calmest searches at least twice and returns the round that other programs of this
// machine disturbed the least. It tries on, though not for ever, while guests wait
// much longer than a command of the search takes: that is not the search's doing.
func (s *shop) calmest(ctx context.Context, command string, find func() error) (round, error) {
	const most = 8
	var best round
	for i := range most {
		var now round
		var err error
		begun := time.Now()
		now.held, err = s.held(ctx, command, func() (err error) {
			now.visits, err = s.visits(ctx, find)
			return err
		})
		if err != nil {
			return round{}, err
		}
		now.took = time.Since(begun)
		if i == 0 || p99(now.visits) < p99(best.visits) {
			best = now
		}
		if i > 0 && p99(best.visits) < 3*best.held+3 {
			break
		}
	}
	return best, nil
}

// points thins the visits out to what a chart can show: the longest wait of each
// stretch.
func points(all []wait) []unit.Point {
	const most = 60
	var out []unit.Point
	for stretch := range slices.Chunk(all, len(all)/most+1) {
		worst := slices.MaxFunc(stretch, func(a, b wait) int { return int(a.took - b.took) })
		out = append(out, unit.Point{X: millis(worst.at), Y: millis(worst.took)})
	}
	return out
}
